"""`interlock attack` on Northwind: nothing that an outsider writes reaches a sink, and ordinary work goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

NORTHWIND = ROOT / "examples" / "northwind"


def test_nothing_reaches_a_sink_and_ordinary_work_goes_on(tmp_path: Path) -> None:
    """Needs the systems' declarations and `policies/steering.cedar` of the example; runs without any of its systems."""
    program = "import sys; from interlock.app.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    environment["PYTHONPATH"] = str(ROOT / "src")
    result = subprocess.run(
        [sys.executable, "-c", program, "attack", "--project", str(NORTHWIND), "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    assert report["reached"] == []
    goals, tasks = report["goals"], report["tasks"]
    assert goals["reached"] == 0
    assert goals["declared"] >= 12
    assert goals["derived"] >= 1000
    assert goals["impossible"] <= goals["total"] // 10
    assert (tasks["total"] >= 30, tasks["consequential"] >= 40) == (True, True)
    assert (tasks["refused"], tasks["failed"], tasks["reads_stopped"]) == (0, 0, 0)
    assert tasks["share"] <= 0.10
    assert result.returncode == 0

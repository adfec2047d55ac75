"""The example project is sound, and its policies decide every case as written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3] / "examples" / "northwind"


def test_the_project_checks_and_every_policy_case_comes_out() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "interlock.app.main", "check", "--json", str(PROJECT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    report = json.loads(done.stdout)
    assert done.returncode == 0, report["findings"] or [case for case in report["cases"] if not case["passed"]]
    assert len(report["cases"]) > 60


def test_every_policy_is_the_rule_of_some_case(tmp_path: Path) -> None:
    """A policy that no case names could be deleted without anybody noticing."""
    policies = "".join(path.read_text("utf-8") for path in sorted((PROJECT / "policies").glob("*.cedar")))
    cases = "".join(path.read_text("utf-8") for path in sorted((PROJECT / "tests").glob("*.yaml")))
    names = [line.partition('"')[2].partition('"')[0] for line in policies.splitlines() if line.startswith("@id(")]
    assert [name for name in names if f"rule: {name}" not in cases and f"rule: {name}}}" not in cases] == []

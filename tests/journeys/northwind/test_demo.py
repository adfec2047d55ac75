"""The demo ends as it should, and the systems it leaves behind hold what it says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "examples" / "northwind" / "demo.py"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The demo, run once, and the folder that it left."""
    state = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, str(DEMO), "--once", "--state", str(state)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, state


def rows(file: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(statement).fetchall()


def test_every_step_ends_as_it_should(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, _ = played
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "NOT SO" not in done.stdout
    assert "the journal is whole" in done.stdout


def test_billing_holds_exactly_these_notes(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    notes = rows(
        played[1] / "billing.sqlite",
        "SELECT order_id, customer_id, amount_cents, account, status FROM credit_notes ORDER BY order_id, number",
    )
    assert notes == [
        (10643, "ALFKI", 3000, "DE89370400440532013000", "issued"),
        (10692, "ALFKI", 9000, None, "issued"),
        (10702, "ALFKI", 2500, None, "issued"),
        (10952, "ALFKI", 2000, None, "cancelled"),
        (10952, "ALFKI", 1500, None, "issued"),
        (11011, "ALFKI", 40000, None, "issued"),
    ]


def test_billing_made_each_change_once(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    made = rows(
        played[1] / "billing.sqlite", "SELECT kind, count(*), count(DISTINCT number) FROM effects GROUP BY kind"
    )
    assert made == [("cancelled", 1, 1), ("created", 6, 6)]


def test_only_three_orders_were_changed(played: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    changed = rows(played[1] / "erp.sqlite", "SELECT order_id, version, hold FROM orders WHERE version > 1")
    assert changed == [(10835, 2, 0), (11061, 2, 1), (11076, 2, 0)]


def test_the_journal_still_verifies_when_everything_is_stopped(
    played: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    environment = {
        **os.environ,
        "INTERLOCK_PROJECT": str(DEMO.parent),
        "INTERLOCK_STATE": str(played[1] / "interlock"),
    }
    verified = subprocess.run(
        [sys.executable, "-m", "interlock.app.main", "journal", "verify"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_demo_that_goes_wrong_says_so(tmp_path: Path) -> None:
    """Without the policy on what was paid, a credit goes out that should not, and billing's file gives it away."""
    project = tmp_path / "examples" / "northwind"
    shutil.copytree(DEMO.parent, project, ignore=shutil.ignore_patterns(".interlock", "__pycache__"))
    policies = project / "policies" / "credits.cedar"
    text = policies.read_text("utf-8")
    weaker = text.replace("context.facts.credited_after.greaterThan(context.facts.order.paid)", "false", 1)
    assert weaker != text
    weaker = weaker.replace('@require("approval:billing-lead")\n', "", 1)
    policies.write_text(weaker, "utf-8")
    done = subprocess.run(
        [sys.executable, str(project / "demo.py"), "--once"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "NOT SO    billing holds no note on order 11016" in done.stdout
    assert "A credit above what was paid is refused: billing holds no note on order 11016" in done.stdout


def test_a_demo_that_is_stopped_stops_everything(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(DEMO), "--state", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            found = re.search(r"console +(http://\S+)/console", line)
            address = found[1] if found else address
            if "journal verify" in line:
                break
        with urlopen(f"{address}/healthz", timeout=5) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with pytest.raises(URLError):
        urlopen(f"{address}/healthz", timeout=5)

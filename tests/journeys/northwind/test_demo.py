"""The demo ends as it should, and the systems it leaves behind hold what it says."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

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

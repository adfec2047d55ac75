"""A place for a journal on each database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.governance.journal.journals import Place


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    """An empty place on SQLite."""
    return Place(f"sqlite:///{tmp_path}/state/interlock.db", tmp_path / "state")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place, on each database in turn."""
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path}/state/interlock.db", tmp_path / "state")
    return Place(request.getfixturevalue("postgres_url"), tmp_path / "state")

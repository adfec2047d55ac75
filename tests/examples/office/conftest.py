"""The office's programs as one real process, started once for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.examples.northwind.service_process import Service, running
from tests.examples.office.declared import ROOT, Declared, declared

TOKEN = "a-token"


@pytest.fixture(scope="module")
def office() -> Iterator[Service]:
    """All five programs on a free port, as they are on the first morning."""
    program = str(ROOT / "services" / "office.py")
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with running(program, secret=("OFFICE_TOKEN", TOKEN), credentials=bearer) as service:
        yield service


@pytest.fixture(scope="session")
def operations() -> dict[str, Declared]:
    """Every operation that the project declares."""
    return declared()

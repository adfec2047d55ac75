"""The business systems of the Northwind example, each started once for a test."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import pytest

from examples.northwind.services import build_erp
from tests.examples.northwind.service_process import Service, running

StartBilling = Callable[..., AbstractContextManager[Service]]
StartHelpdesk = Callable[[], AbstractContextManager[Service]]


@pytest.fixture
def billing_file(tmp_path: Path) -> Path:
    """Where billing keeps its notes."""
    return tmp_path / "billing.sqlite"


def billing_on(file: Path, *arguments: str) -> AbstractContextManager[Service]:
    bearer = {"Authorization": "Bearer a-token"}
    secret = ("BILLING_TOKEN", "a-token")
    return running("billing.py", "--db", str(file), *arguments, secret=secret, credentials=bearer)


def helpdesk_on(file: Path) -> AbstractContextManager[Service]:
    key = {"X-API-Key": "a-key"}
    return running("helpdesk.py", "--db", str(file), secret=("HELPDESK_KEY", "a-key"), credentials=key)


@pytest.fixture
def start_billing(billing_file: Path) -> StartBilling:
    """Starts billing on the test's file, with more arguments if wanted."""
    return partial(billing_on, billing_file)


@pytest.fixture
def billing(start_billing: StartBilling) -> Iterator[Service]:
    with start_billing() as service:
        yield service


@pytest.fixture(scope="module")
def empty_billing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One billing for all tests of a module that only send what is refused."""
    with billing_on(tmp_path_factory.mktemp("billing") / "billing.sqlite") as service:
        yield service


@pytest.fixture
def start_helpdesk(tmp_path: Path) -> StartHelpdesk:
    """Starts the helpdesk on the test's file."""
    return partial(helpdesk_on, tmp_path / "helpdesk.sqlite")


@pytest.fixture
def helpdesk(start_helpdesk: StartHelpdesk) -> Iterator[Service]:
    with start_helpdesk() as service:
        yield service


@pytest.fixture(scope="module")
def untouched_helpdesk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One helpdesk for all tests of a module that change nothing."""
    with helpdesk_on(tmp_path_factory.mktemp("helpdesk") / "helpdesk.sqlite") as service:
        yield service


@pytest.fixture
def erp(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A freshly built order database, opened as an application would."""
    path = tmp_path / "erp.sqlite"
    build_erp.build(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        yield database

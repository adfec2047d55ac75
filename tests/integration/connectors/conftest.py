"""What the tests of connectors share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.connectors.sql.mariadb import MariaDb, running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server of the run's own."""
    with running() as server:
        yield server

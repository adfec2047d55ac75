"""What the tests of the `ldap` connector share: one directory, and the connector on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interlock.integration.systems import Systems
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.ldap.desk import system
from tests.integration.connectors.ldap.slapd import PASSWORD, Directory, running


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with running(certificate(tmp_path_factory.mktemp("certificate"))) as directory:
        yield directory


@pytest.fixture
def directory(slapd: Directory) -> Directory:
    """The directory, with nobody in it."""
    slapd.emptied()
    return slapd


@pytest.fixture
async def desk(bench: Workbench, directory: Directory) -> Systems:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    return await bench.serve(system(directory.port))

"""What the tests of integration share: projects made of a few files, and systems running on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import Catalog, Ports, Systems, build_catalog
from tests.integration.connectors.sql import firebird as firebird_servers
from tests.integration.connectors.sql.firebird import Firebird
from tests.integration.connectors.sql.mariadb import MariaDb, running


class Workbench:
    """A project folder that is written piece by piece, and its running systems."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.secrets: dict[str, str] = {}
        ports = Ports(HttpClient(), SecretStore.standard(environment=self.secrets), root)
        self.systems = Systems(ports)

    def write(self, name: str, content: Any) -> None:
        """Write a file: text as it is, anything else as JSON."""
        data = content.encode() if isinstance(content, str) else orjson.dumps(content)
        (self.root / name).write_bytes(data)

    def catalog(self, *systems: Mapping[str, Any]) -> Catalog:
        """Compile *systems*, each the content of a system file."""
        documents = [
            parse_document(
                yaml.safe_dump(dict(system), sort_keys=False).encode(),
                "system",
                name=f"systems/{system.get('system', 'x')}.yaml",
                environment={},
            )
            for system in systems
        ]
        return build_catalog(documents, self.root)

    async def serve(self, *systems: Mapping[str, Any]) -> Systems:
        """Compile *systems* and let them run."""
        await self.systems.open()
        await self.systems.apply(self.catalog(*systems))
        return self.systems


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Workbench]:
    bench = Workbench(tmp_path)
    try:
        yield bench
    finally:
        await bench.systems.close()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server of the run's own."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def firebird() -> Iterator[Firebird]:
    """A Firebird server of the run's own."""
    with firebird_servers.running() as server:
        yield server

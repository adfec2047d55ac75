"""The Northwind example as a running installation: business systems and server, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.northwind.demonstration.processes import Town
from examples.northwind.demonstration.scene import Scene, set_up


@pytest.fixture(scope="module")
def northwind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everybody with a key, and all systems running, for the tests of one module."""
    town = Town(Path(tmp_path_factory.mktemp("northwind")))
    try:
        yield set_up(town)
    finally:
        town.stop()

"""A running Tryton, a relay in front of it, and the installation that reaches it through the relay."""

from __future__ import annotations

import shutil
import xmlrpc.client
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from interlock.testing.servers import Received, ScriptedServer
from tests.orchestration.desk import running
from tests.systems.relay import Relay
from tests.systems.tryton import machine
from tests.systems.tryton.company import PASSWORD
from tests.systems.tryton.desk import CARLA, Desk
from tests.systems.tryton.machine import Tryton

PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="package")
def tryton() -> Iterator[Tryton]:
    with machine.running() as found:
        yield found


def _method(request: Received) -> str:
    if request.headers["content-type"] == "text/xml":
        return str(xmlrpc.client.loads(request.body)[1])
    return str(request.json()["method"])


@pytest.fixture
async def relay(tryton: Tryton, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    found = Relay(tryton.port, _method)
    async with ScriptedServer(found) as listener:
        monkeypatch.setenv("ERP_URL", f"{listener.url}/{machine.DATABASE}/rpc/")
        monkeypatch.setenv("INTERLOCK_SECRET_ERP", PASSWORD)
        yield found


@pytest.fixture
def root(relay: Relay, tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


@pytest.fixture
async def office(root: Path) -> AsyncIterator[Installation]:
    async with running(root) as composed:
        yield composed.installation


@pytest.fixture
async def desk(office: Installation) -> Desk:
    return await Desk.of(office, CARLA)

"""The `rpc` connector keeps the contract of connectors, in both protocols and in sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from interlock.testing.connectors import Condition, ConnectorContract, Rig, over_http
from interlock.testing.servers import ScriptedServer, free_port, resets
from tests.integration.connectors.relay import Relay
from tests.integration.connectors.rpc.desk import SESSION, Desk, desk, xml_desk, xml_system


class TestJsonRpc(ConnectorContract):
    plugin = "interlock.integration.connectors.rpc:plugin"
    conditions = frozenset(Condition) - {Condition.unending}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        system = Desk()
        async with ScriptedServer(over_http(condition, system)) as listener:
            port = free_port() if condition is Condition.refused else listener.port
            secrets = {"desk": "hidden-password"}
            yield Rig(desk(port), {"id": 1}, {"customer": "C1"}, secrets, lambda: system.effects)


class TestJsonRpcInSessions(ConnectorContract):
    plugin = "interlock.integration.connectors.rpc:plugin"
    conditions = frozenset({Condition.working, Condition.refused})  # without an answer it cannot log in

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        system = Desk(sessions=True)
        async with ScriptedServer(system) as listener:
            port = free_port() if condition is Condition.refused else listener.port
            declared = desk(port, protocol="jsonrpc-1.0", auth={"session": SESSION})
            yield Rig(declared, {"id": 1}, {"customer": "C1"}, {"desk": "hidden-password"}, lambda: system.effects)


class TestXmlRpc(ConnectorContract):
    """A real server answers whole or in pieces; what a broken one says is the same for all that go over HTTP."""

    plugin = "interlock.integration.connectors.rpc:plugin"
    conditions = frozenset(Condition) - {Condition.unending}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        with xml_desk() as (port, ledger):
            fault = "slow" if condition is Condition.slow else ""
            async with (
                Relay(port, b"methodCall", fault) as whole,
                ScriptedServer(over_http(condition, resets())) as broken,
            ):
                there = whole.port if condition in {Condition.working, Condition.slow} else broken.port
                system = xml_system(free_port() if condition is Condition.refused else there)
                yield Rig(system, {"id": 1}, {"customer": "C1"}, {"desk": "hidden-password"}, lambda: ledger.effects)

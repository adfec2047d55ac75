"""The contract that every connector keeps, as a suite of tests: subclass `ConnectorContract` and let pytest run it.

    class TestAcme(ConnectorContract):
        plugin = "acme_interlock:plugin"
        drivers = ("acme_sdk",)

        @asynccontextmanager
        async def rig(self, condition, root):
            async with AcmeServer(condition) as server:
                yield Rig(system={...}, read={"id": 1}, write={"id": 1, "text": "x"})

The system of a rig declares an operation `read` (effect `read`) and, unless its connector only reads, an operation
`write` (effect `write`, and not idempotent). The suite needs no plug-in of pytest.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.contracts import Contract
from interlock.integration.systems import (
    FAILED,
    PROBLEMS,
    SUCCEEDED,
    UNKNOWN,
    Answer,
    Connector,
    Description,
    Plugin,
    Ports,
    SystemDeclaration,
)
from interlock.integration.systems.declarations import declare
from interlock.testing.resources import held, peak, until
from interlock.testing.servers import Behaviour, answers, cuts_off, hangs, resets, slowly, streams

TIME_LIMIT = 1.0
SLACK = 10.0  # a machine may be busy; who does not hold the limit waits for a minute
PATIENCE = 30.0
MOST_MEMORY = 128 << 20
"""Bytes that a process may grow by while an answer without end is refused; the usual `limits.response` is 1 MiB."""


class Condition(StrEnum):
    """How the system of a rig behaves."""

    working = "working"
    refused = "refused"  # nobody is there
    lost = "lost"  # takes the call, then goes away without an answer
    silent = "silent"  # takes the call and never answers
    endless = "endless"  # answers without end, or more than is allowed
    slow = "slow"  # answers well, in pieces that are far apart
    truncated = "truncated"  # does what it is asked; the answer breaks off in the middle
    garbled = "garbled"  # does what it is asked; the answer is in no encoding, or no format, that was agreed
    mistyped = "mistyped"  # does what it is asked; the answer has another shape than was declared
    changed = "changed"  # publishes other definitions than were described, and answers by them
    unending = "unending"  # gives page after page of a list; `read` is such a list
    partial = "partial"  # does a part of what it is asked, and says so
    throttled = "throttled"  # does nothing, since it was asked too often
    expired = "expired"  # does nothing, since it no longer takes the credentials


BASIC = frozenset({Condition.working, Condition.refused, Condition.lost, Condition.silent, Condition.endless})
"""What a suite is run with that does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A system in one condition. *system* is the content of a system file; *read* and *write* are the arguments of
    its two operations, None where the connector only writes, or only reads, so that its system declares one alone;
    *effects* counts the writes that had their effect; *secrets* are by name. With *undone*, the system itself undoes a
    write that it gives no good answer to, so that it may be called failed where *effects* counts none.
    """

    system: Mapping[str, Any]
    read: Mapping[str, Any] | None = field(default_factory=dict)
    write: Mapping[str, Any] | None = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    effects: Callable[[], int] | None = None
    undone: bool = False

    @property
    def calls(self) -> dict[str, Mapping[str, Any]]:
        """The arguments of its operations by name."""
        given = {"read": self.read, "write": self.write}
        return {name: arguments for name, arguments in given.items() if arguments is not None}


class ConnectorContract:
    """The suite. *plugin* is `module:object`; *drivers* are packages that describing must not load; *conditions*
    are those that the connector's systems can be in; `BASIC` is the least for one that is asked over a network.
    """

    plugin: ClassVar[str] = ""
    drivers: ClassVar[tuple[str, ...]] = ()
    conditions: ClassVar[frozenset[Condition]] = BASIC

    def rig(self, condition: Condition, root: Path) -> AbstractAsyncContextManager[Rig]:
        """Return a system in *condition*, its files below *root*."""
        raise NotImplementedError

    # --- describing --------------------------------------------------------------------------------------------------

    def test_describing_loads_no_driver_and_contacts_nothing(self) -> None:
        async def check(rig: Rig, root: Path) -> None:
            program = _DESCRIBE.format(plugin=self.plugin, drivers=self.drivers, root=str(root))
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", program],
                input=json.dumps(dict(rig.system)),
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
            assert done.returncode == 0, done.stderr

        self._with_rig(self._first(), check)

    def test_definitions_are_valid_stable_and_without_secrets(self) -> None:
        async def check(rig: Rig, root: Path) -> None:
            system, description = self._described(rig, root)
            assert not description.troubles
            assert set(description.definitions) == set(system.operations)
            again = self._described(rig, root)[1].definitions
            for name, definition in description.definitions.items():
                assert definition.input_schema.get("type") == "object", "arguments are an object"
                Contract(definition.input_schema)
                if definition.output_schema is not None:
                    Contract(definition.output_schema)
                assert definition.digest == again[name].digest, "describing twice gives the same"
                _hides(rig, json.dumps(definition.to_json()))

        self._with_rig(self._first(), check)

    def test_unknown_keys_of_the_connection_are_refused(self) -> None:
        schema = Contract(self._plugin().connection_schema)

        async def check(rig: Rig, _: Path) -> None:
            connection = dict(rig.system.get("connection", {}))
            assert schema.holds(connection)
            assert not schema.holds({**connection, "no_such_key_at_all": 1})

        self._with_rig(self._first(), check)

    # --- calls -------------------------------------------------------------------------------------------------------

    def test_calls_to_a_working_system_succeed_by_the_contract(self) -> None:
        async def check(rig: Rig, connector: Connector, description: Description) -> None:
            before = rig.effects() if rig.effects else 0
            for name, arguments in rig.calls.items():
                answer = await connector.call(name, arguments, key="key-1", timeout=PATIENCE)
                assert answer.status == SUCCEEDED, answer.problem
                assert answer.problem is None
                schema = description.definitions[name].output_schema
                assert schema is None or Contract(schema).holds(answer.output)
                _hides(rig, repr(answer))
            assert rig.effects is None or rig.effects() == before + 1, "a read has no effect, a write one"

        self._with_connector(Condition.working, check)

    def test_calls_at_once_do_not_mix(self) -> None:
        async def check(rig: Rig, connector: Connector, _: Description) -> None:
            name, arguments = next(iter(rig.calls.items()))
            calls = [connector.call(name, arguments, key="one", timeout=PATIENCE) for _ in range(10)]
            answers = await asyncio.gather(*calls)
            assert [answer.status for answer in answers] == [SUCCEEDED] * 10
            assert all(answer.output == answers[0].output for answer in answers)

        self._with_connector(Condition.working, check)

    def test_nobody_there_is_a_failure_that_was_not_sent(self) -> None:
        async def check(rig: Rig, connector: Connector, _: Description) -> None:
            for answer in await _each(rig, connector):
                assert (answer.status, answer.sent) == (FAILED, False), answer
                _well_formed(rig, answer)
            assert (await connector.probe(timeout=PATIENCE)).status == FAILED

        self._with_connector(Condition.refused, check)

    def test_a_lost_answer_is_unknown_for_a_write(self) -> None:
        self._without_an_answer(Condition.lost)

    def test_silence_ends_with_the_time_limit(self) -> None:
        self._without_an_answer(Condition.silent)

    def test_an_answer_without_end_is_dropped_and_takes_no_memory(self) -> None:
        before = peak()
        self._without_an_answer(Condition.endless)
        assert peak() - before < MOST_MEMORY, "it is kept until it ends"

    def test_a_slow_answer_is_waited_for(self) -> None:
        async def check(rig: Rig, connector: Connector, description: Description) -> None:
            before = rig.effects() if rig.effects else 0
            for name, arguments in rig.calls.items():
                answer = await connector.call(name, arguments, key="", timeout=PATIENCE)
                assert answer.status == SUCCEEDED, answer.problem
                schema = description.definitions[name].output_schema
                assert schema is None or Contract(schema).holds(answer.output)
            assert rig.effects is None or rig.effects() == before + 1

        self._with_connector(Condition.slow, check)

    def test_an_answer_that_breaks_off_is_unknown_for_a_write(self) -> None:
        self._without_an_answer(Condition.truncated)

    def test_an_answer_that_cannot_be_read_is_unknown_for_a_write(self) -> None:
        self._without_an_answer(Condition.garbled)

    def test_an_answer_of_another_shape_is_never_passed_on_as_agreed(self) -> None:
        async def check(rig: Rig, connector: Connector, description: Description) -> None:
            for name, arguments in rig.calls.items():
                answer = await connector.call(name, arguments, key="", timeout=PATIENCE)
                if answer.succeeded:  # then what the operation declares refuses it
                    schema = description.definitions[name].output_schema
                    assert schema is not None
                    assert not Contract(schema).holds(answer.output)
                else:
                    assert answer.status == UNKNOWN or name == "read", "a write may have had its effect"
                    _well_formed(rig, answer)

        self._with_connector(Condition.mistyped, check)

    def test_what_the_live_system_changed_is_told(self) -> None:
        async def check(rig: Rig, connector: Connector, description: Description) -> None:
            live = await connector.definitions()
            if live is not None:
                digests = {name: one.digest for name, one in description.definitions.items()}
                assert set(live) <= set(digests), "what is published beside the declared operations is no operation"
                assert any(name not in live or live[name].digest != digests[name] for name in digests), "nobody is told"
            for answer in await _each(rig, connector):
                if not answer.succeeded:
                    _well_formed(rig, answer)

        self._with_connector(Condition.changed, check)

    def test_a_list_without_end_is_refused_or_a_part_that_says_so(self) -> None:
        async def check(rig: Rig, connector: Connector, description: Description) -> None:
            answer = await connector.call("read", rig.read or {}, key="", timeout=PATIENCE)
            if answer.succeeded:
                schema = description.definitions["read"].output_schema
                assert schema is None or Contract(schema).holds(answer.output)
                assert answer.output["next"], "nothing says that there is more"
            else:
                assert answer.status == FAILED
                _well_formed(rig, answer)

        self._with_connector(Condition.unending, check)

    def test_what_is_done_in_part_never_passes_for_done(self) -> None:
        self._without_an_answer(Condition.partial)

    def test_being_asked_too_often_is_a_failure_that_passes(self) -> None:
        self._turned_away(Condition.throttled, passes=True)

    def test_credentials_that_are_no_longer_taken_are_a_failure_that_stays(self) -> None:
        self._turned_away(Condition.expired, passes=False)

    def test_a_cancelled_call_leaves_the_connector_of_use(self) -> None:
        async def check(rig: Rig, connector: Connector, _: Description) -> None:
            name, arguments = next(iter(rig.calls.items()))
            call = asyncio.create_task(connector.call(name, arguments, key="", timeout=PATIENCE))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert (await connector.call(name, arguments, key="", timeout=PATIENCE)).succeeded

        self._with_connector(Condition.working, check)

    # --- living ------------------------------------------------------------------------------------------------------

    def test_a_working_system_can_be_probed_without_effect(self) -> None:
        async def check(rig: Rig, connector: Connector, _: Description) -> None:
            before = rig.effects() if rig.effects else 0
            assert (await connector.probe(timeout=PATIENCE)).status == SUCCEEDED
            assert rig.effects is None or rig.effects() == before

        self._with_connector(Condition.working, check)

    def test_live_definitions_are_those_described_or_none(self) -> None:
        async def check(_: Rig, connector: Connector, description: Description) -> None:
            live = await connector.definitions()
            assert live is None or {n: d.digest for n, d in live.items()} == {
                name: definition.digest for name, definition in description.definitions.items()
            }

        self._with_connector(Condition.working, check)

    def test_closing_releases_everything_and_may_be_done_twice(self) -> None:
        async def check(rig: Rig, root: Path) -> None:
            before = (0, 0, 0)
            for _ in range(3):  # what the first one loads for good, a driver or certificates, is no leak
                async with self._connector(rig, root) as (connector, _description):
                    await _each(rig, connector)
                    await connector.close()
                before = before if any(before) else held()
            await until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))

        self._with_rig(Condition.working, check)

    # --- how ---------------------------------------------------------------------------------------------------------

    def _without_an_answer(self, condition: Condition) -> None:
        async def check(rig: Rig, connector: Connector, _: Description) -> None:
            before = rig.effects() if rig.effects else 0
            for name, arguments in rig.calls.items():
                started = time.monotonic()
                answer = await connector.call(name, arguments, key="", timeout=TIME_LIMIT)
                assert time.monotonic() - started < TIME_LIMIT + SLACK, "the time limit was not held"
                failed = name == "read" or (answer.status == FAILED and _undone(rig, before))
                assert answer.status == (FAILED if failed else UNKNOWN), answer
                assert answer.sent, answer
                _well_formed(rig, answer)

        self._with_connector(condition, check)

    def _turned_away(self, condition: Condition, *, passes: bool) -> None:
        async def check(rig: Rig, connector: Connector, _: Description) -> None:
            before = rig.effects() if rig.effects else 0
            for answer in await _each(rig, connector):
                assert answer.status == FAILED, answer
                assert answer.transient is passes, answer
                _well_formed(rig, answer)
            assert rig.effects is None or rig.effects() == before

        self._with_connector(condition, check)

    def _plugin(self) -> Plugin:
        module, _, name = self.plugin.partition(":")
        plugin: Plugin = getattr(importlib.import_module(module), name)
        return plugin

    def _first(self) -> Condition:
        return Condition.working if Condition.working in self.conditions else Condition.refused

    def _described(self, rig: Rig, root: Path) -> tuple[SystemDeclaration, Description]:
        content = json.dumps(dict(rig.system)).encode()  # JSON is YAML too
        system = declare(parse_document(content, "system", environment={}))
        return system, self._plugin().describe(system, root)

    @asynccontextmanager
    async def _connector(self, rig: Rig, root: Path) -> AsyncIterator[tuple[Connector, Description]]:
        system, description = self._described(rig, root)
        environment = {f"INTERLOCK_SECRET_{name.upper()}": text for name, text in rig.secrets.items()}
        async with HttpClient() as http:
            ports = Ports(http, SecretStore.standard(environment=environment), root)
            connector = self._plugin().build(system, description.definitions, ports)
            _hides(rig, repr(connector))
            await connector.open()
            try:
                yield connector, description
            finally:
                await connector.close()

    def _with_rig(self, condition: Condition, check: Callable[[Rig, Path], Awaitable[None]]) -> None:
        async def run(root: Path) -> None:
            async with asyncio.timeout(4 * PATIENCE), self.rig(condition, root) as rig:
                await check(rig, root)

        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(Path(folder).resolve()))

    def _with_connector(
        self, condition: Condition, check: Callable[[Rig, Connector, Description], Awaitable[None]]
    ) -> None:
        if condition not in self.conditions:
            raise unittest.SkipTest(f"its systems are never {condition}")

        async def connected(rig: Rig, root: Path) -> None:
            async with self._connector(rig, root) as (connector, description):
                await check(rig, connector, description)

        self._with_rig(condition, connected)


def over_http(condition: Condition, good: Behaviour) -> Behaviour:
    """Return how a system that is asked over HTTP behaves in *condition*; *good* is how it answers when it works."""
    ends = {
        Condition.lost: resets(),
        Condition.silent: hangs(),
        Condition.endless: streams(),
        Condition.slow: slowly(good),
        Condition.truncated: cuts_off(),
        Condition.garbled: answers(200, b'\xff\xfe{"id": \xe9'),
        Condition.mistyped: answers(200, {"id": ["of", "another", "shape"]}),
        Condition.changed: answers(200, {"id": "a text by now"}),
        Condition.partial: answers(207, {"responses": [{"status": 201, "id": 1}, {"status": 500}]}),
        Condition.throttled: answers(429, {"error": "slow down"}, headers={"retry-after": "1"}),
        Condition.expired: answers(401, {"error": "the token has expired"}),
    }
    return ends.get(condition, good)


async def _each(rig: Rig, connector: Connector) -> list[Answer]:
    return [await connector.call(name, given, key="", timeout=PATIENCE) for name, given in rig.calls.items()]


def _undone(rig: Rig, before: int) -> bool:
    return rig.undone and rig.effects is not None and rig.effects() == before


def _well_formed(rig: Rig, answer: Answer) -> None:
    assert answer.output is None
    assert answer.problem is not None
    assert isinstance(answer.problem["code"], str)
    assert isinstance(answer.problem["detail"], str)
    assert answer.problem["code"] in PROBLEMS or answer.problem.get("fix"), "nothing says what to do"
    _hides(rig, repr(answer))
    _hides(rig, json.dumps(answer.problem))


def _hides(rig: Rig, text: str) -> None:
    assert not [name for name, secret in rig.secrets.items() if secret in text], "a secret is shown"


_DESCRIBE = """
import importlib, json, sys
from pathlib import Path
from interlock.foundation.documents import parse_document
from interlock.integration.systems.declarations import declare

FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn", "sqlite3.connect")

def watch(event, arguments):
    if event in FORBIDDEN:
        raise RuntimeError("describing did " + event)

system = declare(parse_document(sys.stdin.buffer.read(), "system", environment={{}}))
sys.addaudithook(watch)
module, _, name = {plugin!r}.partition(":")
description = getattr(importlib.import_module(module), name).describe(system, Path({root!r}))
assert description.definitions, description.troubles
loaded = [driver for driver in {drivers!r} if driver in sys.modules]
assert not loaded, "describing loaded " + ", ".join(loaded)
"""

"""The one door: limits, breakers, repeats, and changing the project while calls are under way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.contracts import Contract, Definition
from interlock.integration.systems import (
    FAILED,
    PROBLEMS,
    SUCCEEDED,
    UNKNOWN,
    Answer,
    Catalog,
    CompiledOperation,
    Description,
    OperationDeclaration,
    OperationExternal,
    Ports,
    SystemDeclaration,
    SystemLimits,
    Systems,
    SystemUnknown,
    failed,
    unanswered,
)
from interlock.values.operations import Effect, Operation

Behaviour = Callable[[str, Mapping[str, Any]], Awaitable[Answer]]
GOOD = Answer(SUCCEEDED, {"ok": True})
AWAY = failed("unreachable", "nobody", sent=False, transient=True)
LOST = unanswered(Effect.write, "connection_lost", "lost", transient=True)
SICK = unanswered(Effect.read, "system_error", "sick", transient=True)
NO = failed("refused", "no")
SLOW_DOWN = Answer(FAILED, problem={"code": "rate_limited", "detail": "later"}, transient=True, retry_after=0.05)


class Scripted:
    """A stranger's connector that gives the answers it is told to, in turn, the last for ever."""

    def __init__(self, *answers: Answer | Behaviour) -> None:
        self.answers = list(answers) or [GOOD]
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.opened = 0
        self.closed = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        self.calls.append(operation)
        self.keys.append(key)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Answer) else await answer(operation, arguments)

    async def probe(self, *, timeout: float) -> Answer:
        return GOOD

    async def definitions(self) -> Mapping[str, Definition] | None:
        return None


class ScriptedPlugin:
    """Builds the connectors it was given, in turn."""

    name = "scripted"
    connection_schema: Mapping[str, Any] = {}

    def __init__(self, *connectors: Scripted) -> None:
        self.left = itertools.chain(connectors)

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        raise NotImplementedError

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Scripted:
        return next(self.left)


OUTPUT = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
DEFINITION = Definition({"type": "object", "properties": {"n": {"type": "integer"}}}, OUTPUT)
EFFECTS = {"read": Effect.read, "write": Effect.write, "keyed": Effect.write, "again": Effect.write}


def catalog(plugin: ScriptedPlugin, *systems: str, definition: Definition = DEFINITION, **limits: Any) -> Catalog:
    """Return systems that each have a read, a write, a write with a key, and a write that may be repeated."""
    operations: dict[str, CompiledOperation] = {}
    declarations: dict[str, SystemDeclaration] = {}
    for system in systems or ("s",):
        for name, effect in EFFECTS.items():
            header = "Idempotency-Key" if name == "keyed" else ""
            operation = Operation(system, name, effect, idempotency_header=header, idempotent=name == "again")
            operations[operation.id] = CompiledOperation(
                operation, definition, definition.digest, Contract(definition.input_schema), Contract(OUTPUT)
            )
        declarations[system] = SystemDeclaration(
            system,
            "scripted",
            limits=SystemLimits(**({"retries": 0, "timeout": 2.0} | limits)),
            operations={name: OperationDeclaration(name, effect) for name, effect in EFFECTS.items()},
        )
    return Catalog(operations, declarations, {"scripted": plugin})


@pytest.fixture
async def systems(tmp_path: Path) -> Systems:
    return Systems(Ports(HttpClient(), SecretStore.standard(environment={}), tmp_path))


async def code(answer: Awaitable[Answer]) -> tuple[str, str]:
    given = await answer
    return given.status, given.problem["code"] if given.problem else ""


# --- repeating --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [AWAY, SICK, SLOW_DOWN])
async def test_a_read_is_repeated(systems: Systems, answer: Answer) -> None:
    connector = Scripted(answer, answer, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), retries=2))
    assert (await systems.call("s.read", {})).succeeded
    assert len(connector.calls) == 3


@pytest.mark.parametrize("answer", [NO, Answer(FAILED, problem={"code": "not_found", "detail": ""})])
async def test_a_refusal_is_not_repeated(systems: Systems, answer: Answer) -> None:
    connector = Scripted(answer, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), retries=2))
    assert (await systems.call("s.read", {})).status == FAILED
    assert len(connector.calls) == 1


async def test_a_write_that_may_have_happened_is_not_repeated(systems: Systems) -> None:
    connector = Scripted(LOST, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), retries=2))
    assert await code(systems.call("s.write", {}, key="k")) == (UNKNOWN, "connection_lost")
    assert connector.calls == ["write"]


@pytest.mark.parametrize(("operation", "key"), [("keyed", "k"), ("again", "")])
async def test_a_write_that_says_so_is_repeated_with_the_same_key(systems: Systems, operation: str, key: str) -> None:
    connector = Scripted(LOST, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), retries=2))
    assert (await systems.call(f"s.{operation}", {}, key=key)).succeeded
    assert connector.keys == [key, key]


async def test_a_keyed_write_without_a_key_is_not_repeated(systems: Systems) -> None:
    connector = Scripted(LOST, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), retries=2))
    assert (await systems.call("s.keyed", {})).status == UNKNOWN
    assert len(connector.calls) == 1


async def test_any_write_that_was_never_sent_is_repeated(systems: Systems) -> None:
    connector = Scripted(AWAY, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), retries=2))
    assert (await systems.call("s.write", {})).succeeded


@pytest.mark.parametrize("later", [NO, AWAY, failed("conflict", "in progress")])
async def test_a_later_refusal_does_not_say_what_the_first_attempt_did(systems: Systems, later: Answer) -> None:
    await systems.apply(catalog(ScriptedPlugin(Scripted(LOST, later)), retries=1))
    answer = await systems.call("s.keyed", {}, key="k")
    assert (answer.status, answer.sent) == (UNKNOWN, True)


async def test_repeating_ends_with_the_time_limit(systems: Systems) -> None:
    connector = Scripted(Answer(FAILED, problem={"code": "x", "detail": ""}, transient=True, retry_after=60.0))
    await systems.apply(catalog(ScriptedPlugin(connector), retries=5))
    answer = await systems.call("s.read", {}, timeout=0.5)
    assert answer.elapsed_ms < 30_000
    assert len(connector.calls) == 1


async def test_the_system_says_when_to_come_back(systems: Systems) -> None:
    await systems.apply(catalog(ScriptedPlugin(Scripted(SLOW_DOWN, GOOD)), retries=1))
    assert (await systems.call("s.read", {})).elapsed_ms >= 50


# --- contracts --------------------------------------------------------------------------------------------------------


async def test_arguments_and_results_are_held_to_the_contract(systems: Systems) -> None:
    connector = Scripted(Answer(SUCCEEDED, {"ok": "hidden"}))
    await systems.apply(catalog(ScriptedPlugin(connector)))
    assert await code(systems.call("s.read", {"n": "x"})) == (FAILED, "input_invalid")
    assert not connector.calls
    assert await code(systems.call("s.read", {"n": 1})) == (FAILED, "result_breaks_contract")
    answer = await systems.call("s.write", {"n": 1})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (UNKNOWN, "result_breaks_contract")
    assert answer.problem["breaches"] == [{"pointer": "/ok", "reason": "must be of type boolean"}]
    assert "hidden" not in repr(answer)


async def test_every_problem_says_of_which_operation_and_what_to_do(systems: Systems) -> None:
    denied = failed("access_denied", "the system does not let us do this")
    known_better = failed("unreachable", "not connected to", sent=False, fix="name the system's own host")
    of_its_own = failed("credit_exceeded", "the program ended with 8")
    lost = unanswered(Effect.write, "timed_out", "the system did not answer in time")
    await systems.apply(catalog(ScriptedPlugin(Scripted(denied, known_better, of_its_own, lost)), retries=0))
    told = [(await systems.call("s.write", {"n": 1})).problem or {} for _ in range(4)]
    assert {problem["operation"] for problem in told} == {"s.write"}
    assert told[0]["fix"] == PROBLEMS["access_denied"].fix
    assert told[1]["fix"] == "name the system's own host"
    assert "description of the system" in told[2]["fix"]
    assert told[3]["fix"].startswith("It may have been done")
    unfit = (await systems.call("s.write", {"n": "x"})).problem or {}
    assert unfit["fix"] == PROBLEMS["input_invalid"].fix


async def test_a_system_is_asked_whether_it_is_there_within_its_own_time_limit(systems: Systems) -> None:
    asked: list[float] = []

    class Hanging(Scripted):
        async def probe(self, *, timeout: float) -> Answer:
            asked.append(timeout)
            await asyncio.sleep(60)
            return GOOD

    await systems.apply(catalog(ScriptedPlugin(Hanging(GOOD)), timeout=0.05))
    answer = await systems.probe("s")
    assert (answer.status, (answer.problem or {})["code"], asked) == (FAILED, "timed_out", [0.05])
    assert (answer.problem or {})["fix"]


async def test_an_operation_that_is_gone_is_a_failure(systems: Systems) -> None:
    assert await code(systems.call("s.read", {})) == (FAILED, "operation_unknown")
    with pytest.raises(SystemUnknown):
        await systems.probe("s")
    with pytest.raises(SystemUnknown):
        await systems.drift("s")


# --- connectors that do what they should not --------------------------------------------------------------------------


async def hang(_: str, __: Mapping[str, Any]) -> Answer:
    await asyncio.Event().wait()
    return GOOD


async def burst(_: str, __: Mapping[str, Any]) -> Answer:
    raise KeyError("hidden")


@pytest.mark.parametrize(("behaviour", "problem"), [(hang, "timed_out"), (burst, "connector_broke")])
async def test_a_connector_that_misbehaves_is_an_answer(systems: Systems, behaviour: Behaviour, problem: str) -> None:
    await systems.apply(catalog(ScriptedPlugin(Scripted(behaviour))))
    assert await code(systems.call("s.read", {}, timeout=0.1)) == (FAILED, problem)
    answer = await systems.call("s.write", {}, timeout=0.1)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (UNKNOWN, problem)
    assert "hidden" not in str(answer)


async def test_an_external_operation_is_never_called(systems: Systems) -> None:
    async def refuse(operation: str, _: Mapping[str, Any]) -> Answer:
        raise OperationExternal(f"{operation} is executed by its caller")

    await systems.apply(catalog(ScriptedPlugin(Scripted(refuse))))
    with pytest.raises(OperationExternal):
        await systems.call("s.write", {})


# --- limits -----------------------------------------------------------------------------------------------------------


class Gate:
    """Lets calls in and counts how many are in at once, until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = 0
        self.most = 0
        self.arrived = asyncio.Semaphore(0)

    async def __call__(self, _: str, __: Mapping[str, Any]) -> Answer:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.arrived.release()
        await self.open.wait()
        self.inside -= 1
        return GOOD


async def test_so_many_at_once_so_many_waiting_and_no_more(systems: Systems) -> None:
    gate = Gate()
    await systems.apply(catalog(ScriptedPlugin(Scripted(gate)), concurrency=2, queue=1))
    calls = [asyncio.create_task(systems.call("s.read", {})) for _ in range(4)]
    for _ in range(2):
        await gate.arrived.acquire()
    done, _waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    assert [await code(task) for task in done] == [(FAILED, "system_busy")]
    gate.open.set()
    answers = await asyncio.gather(*calls)
    assert [answer.succeeded for answer in answers].count(True) == 3
    assert gate.most == 2
    assert answers[3].sent is False


async def test_a_call_waits_for_its_turn_no_longer_than_its_time_limit(systems: Systems) -> None:
    await systems.apply(catalog(ScriptedPlugin(Scripted(GOOD)), rate=2.0))
    first = [await code(systems.call("s.read", {}, timeout=0.1)) for _ in range(3)]
    assert first == [(SUCCEEDED, ""), (SUCCEEDED, ""), (FAILED, "system_busy")]


async def test_a_system_that_keeps_failing_is_left_alone_then_tried_again(systems: Systems) -> None:
    connector = Scripted(SICK, SICK, SICK, GOOD)
    await systems.apply(catalog(ScriptedPlugin(connector), failures=3, pause=0.1))
    for _ in range(3):
        assert await code(systems.call("s.read", {})) == (FAILED, "system_error")
    answer = await systems.call("s.write", {})
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "system_unavailable")
    assert 0 < answer.retry_after <= 0.1
    assert len(connector.calls) == 3
    [health] = systems.health()
    assert (health["state"], health["breaker"], health["last_problem"]) == ("failing", "open", "system_error")
    await asyncio.sleep(answer.retry_after + 0.01)
    assert (await systems.call("s.read", {})).succeeded
    [health] = systems.health()
    assert (health["state"], health["breaker"]) == ("ok", "closed")


async def test_refusals_do_not_open_the_breaker(systems: Systems) -> None:
    await systems.apply(catalog(ScriptedPlugin(Scripted(NO)), failures=2))
    for _ in range(10):
        assert await code(systems.call("s.read", {})) == (FAILED, "refused")
    assert systems.health()[0]["breaker"] == "closed"


# --- changing the project ---------------------------------------------------------------------------------------------


async def test_what_did_not_change_is_kept(systems: Systems) -> None:
    kept, changed, fresh = Scripted(), Scripted(), Scripted()
    await systems.apply(catalog(ScriptedPlugin(kept, changed), "a", "b"))
    first, again = catalog(ScriptedPlugin(), "a", "b"), catalog(ScriptedPlugin(fresh), "b", retries=1)
    after = Catalog(
        {**first.operations, **again.operations},
        {**first.systems, **again.systems},
        {"scripted": ScriptedPlugin(fresh)},
    )
    await systems.apply(after)
    await systems.call("a.read", {})
    await systems.call("b.read", {})
    await asyncio.sleep(0)
    assert (kept.calls, changed.calls, fresh.calls) == (["read"], [], ["read"])
    assert (kept.closed, kept.opened, fresh.opened) == (0, 1, 1)


async def test_a_changed_definition_makes_a_new_connector(systems: Systems) -> None:
    old, new = Scripted(), Scripted()
    await systems.apply(catalog(ScriptedPlugin(old)))
    changed = Definition(DEFINITION.input_schema, OUTPUT, {"path": "/new"})
    await systems.apply(catalog(ScriptedPlugin(new), definition=changed))
    await systems.call("s.read", {})
    assert (old.calls, new.calls) == ([], ["read"])


async def test_a_removed_system_is_closed_after_its_last_call(systems: Systems) -> None:
    gate = Gate()
    connector = Scripted(gate)
    await systems.apply(catalog(ScriptedPlugin(connector)))
    call = asyncio.create_task(systems.call("s.write", {}))
    await gate.arrived.acquire()
    await systems.apply(Catalog())
    assert await code(systems.call("s.write", {})) == (FAILED, "operation_unknown")
    assert connector.closed == 0
    gate.open.set()
    assert (await call).succeeded
    await systems.close()
    assert connector.closed == 1


async def test_a_project_whose_connector_cannot_be_made_changes_nothing(systems: Systems) -> None:
    class Unopenable(Scripted):
        async def open(self) -> None:
            raise OSError("no")

    running, first, second = Scripted(), Scripted(), Unopenable()
    await systems.apply(catalog(ScriptedPlugin(running)))
    with pytest.raises(OSError, match="no"):
        await systems.apply(catalog(ScriptedPlugin(first, second), "x", "y"))
    assert (first.closed, running.closed) == (1, 0)
    assert (await systems.call("s.read", {})).succeeded


async def test_closing_waits_for_calls_under_way(systems: Systems) -> None:
    gate = Gate()
    connector = Scripted(gate)
    await systems.apply(catalog(ScriptedPlugin(connector)))
    call = asyncio.create_task(systems.call("s.write", {}))
    await gate.arrived.acquire()
    closing = asyncio.create_task(systems.close())
    await asyncio.sleep(0)
    gate.open.set()
    assert (await call).succeeded
    await closing
    assert connector.closed == 1


async def test_a_cancelled_call_gives_its_place_back(systems: Systems) -> None:
    gate = Gate()
    await systems.apply(catalog(ScriptedPlugin(Scripted(gate)), concurrency=1, queue=0))
    call = asyncio.create_task(systems.call("s.read", {}))
    await gate.arrived.acquire()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    gate.open.set()
    assert (await systems.call("s.read", {})).succeeded

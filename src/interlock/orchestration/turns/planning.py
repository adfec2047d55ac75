"""Deriving a plan from what a person asked for, before anything is read: no result can have a say in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from interlock.foundation.expressions import ExpressionFailed
from interlock.governance.budgets import BudgetExceeded, BudgetUnpriced
from interlock.intelligence.gateway import (
    PLAN,
    PLAN_SCHEMA,
    ModelReply,
    ModelRequest,
    RouteExhausted,
    ToolNames,
    json_hint,
    json_of,
)
from interlock.orchestration.agents import AgentSpec, Models, permitted_for
from interlock.orchestration.sessions import PlanStep, Session, SessionInvalid
from interlock.orchestration.sessions.plan import check_plan, plan_of
from interlock.orchestration.turns.narrowing import narrowed
from interlock.values.labels import Label
from interlock.values.operations import Operation
from interlock.values.principals import Principal

MOST_STEPS = 50
MOST_NOTES = 20
LONGEST_NOTE = 200
LARGEST_ANSWER = 64 << 10
_FACTS = ("customer", "verification", "channel", "purpose")

INSTRUCTIONS = (
    "You foresee what an agent will have to do for a person. You do nothing yourself. From the person's words alone, "
    'answer with one JSON object and nothing else: {"steps": [{"operation": "system.operation", "times": 1, '
    '"arguments": {}}], "notes": []}. List every use of the listed operations that the request will take, reads as '
    "well. `times` is how often at most; 0 means as often as wanted, and is for reads. `arguments` narrows arguments "
    "to what the person said or the session knows: a value, null for one that must not be given, or {any_of: [...]}, "
    "{at_most: n}, {at_least: n}, {like: glob}. Leave out arguments that nobody has named yet; never make a value up. "
    "What the request leaves open goes into `notes`, in a sentence each."
)


@dataclass(frozen=True, slots=True)
class Derived:
    """A plan that was derived, empty where none could be; *left_out* says what is not in it and why."""

    steps: tuple[PlanStep, ...] = ()
    left_out: tuple[str, ...] = ()
    by: str = ""


async def derive(
    models: Models, agent: AgentSpec, session: Session, operations: Sequence[Operation], asker: Principal
) -> Derived:
    """Return the plan for what the person has asked for in *session*; *operations* are those the agent is permitted.

    The model is shown the person's words, the session's authenticated facts and the operations, and nothing that was
    ever returned. What it answers is held against the operations and narrowed to what the words say.
    """
    if not session.requests:
        return Derived(left_out=("The session holds no words of a person.",))
    offered = permitted_for(agent, operations)
    try:
        async with asyncio.timeout(agent.limits.time):
            reply = await models.complete(agent.route, _request(agent, session, offered, asker))
    except TimeoutError:
        return Derived(left_out=("No model answered in time, so there is no plan.",))
    except RouteExhausted:
        return Derived(left_out=("No model is available, so there is no plan.",))
    except (BudgetExceeded, BudgetUnpriced):
        return Derived(left_out=("A budget does not allow to derive one, so there is no plan.",))
    steps, left_out = read(reply, session, offered)
    if steps:
        steps += _context(agent, session)
    return Derived(tuple(steps), tuple(left_out), f"{reply.provider}:{reply.model}")


def read(reply: ModelReply, session: Session, operations: Sequence[Operation]) -> tuple[list[PlanStep], list[str]]:
    """Return the steps of a model's answer that hold, and a sentence for each that does not."""
    document = _document(reply.text)
    if document is None:
        return [], ["The model's answer is no plan, so there is none."]
    reader = _Reader(operations)
    steps: list[PlanStep] = []
    left_out: list[str] = []
    for number, written in enumerate(document["steps"][:MOST_STEPS], start=1):
        try:
            step = reader.step(written)
        except SessionInvalid as error:
            left_out.append(f"Step {number}: {error.what.removeprefix('step 1 of the plan ')}.")
            continue
        bounded = narrowed(step, reader.operations[step.operation], session.memory)
        if isinstance(bounded, str):
            left_out.append(f"Step {number}, {step.operation}: {bounded}.")
        else:
            steps.append(bounded)
    if len(document["steps"]) > MOST_STEPS:
        left_out.append(f"Every step after the first {MOST_STEPS}.")
    left_out += [note.strip()[:LONGEST_NOTE] for note in document.get("notes", []) if isinstance(note, str)][
        :MOST_NOTES
    ]
    return steps, left_out or ([] if steps else ["The request leads to no operation, so there is no plan."])


def _document(text: str) -> dict[str, Any] | None:
    """Return the object of a model's answer if it has the shape of a plan."""
    document = json_of(text, largest=LARGEST_ANSWER)
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        return None
    return document if isinstance(document.get("notes", []), list) else None


class _Reader:
    """Takes the steps of one answer, each only if it is a use of one of the offered operations."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = {operation.id: operation for operation in operations}
        self._names = ToolNames(self.operations)

    def step(self, written: Any) -> PlanStep:
        """Return one step. Raises `SessionInvalid` for what is none."""
        (step,) = plan_of([written])
        known = self._names.operation(step.operation)
        if known is None:
            raise SessionInvalid(f"names {step.operation[:60]!r}, which the agent may not use")
        step = replace(step, operation=known)
        check_plan((step,), self.operations)
        return step


def _request(agent: AgentSpec, session: Session, operations: Sequence[Operation], asker: Principal) -> ModelRequest:
    known = {
        "kind": "context",
        "session": {name: getattr(session, name) or None for name in _FACTS},
        "operations": [_described(operation) for operation in operations],
    }
    texts = [INSTRUCTIONS, agent.instructions.strip()]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "\n\n".join(text for text in texts if text)},
        {"role": "system", "content": orjson.dumps(known, option=orjson.OPT_NON_STR_KEYS, default=str).decode()},
        *({"role": "user", "content": words} for words in session.requests),
    ]
    metadata: dict[str, Any] = {
        "session": session.id,
        "agent": agent.name,
        "tenant": session.tenant,
        "actor": asker.name,
    }
    metadata |= {"label": Label().to_json()}  # the words of the person alone
    return ModelRequest(messages, (), metadata, json_hint(PLAN, PLAN_SCHEMA))


def _described(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "does": operation.description,
        "effect": operation.effect.value,
        "arguments": dict(operation.input_schema),
    }


def _context(agent: AgentSpec, session: Session) -> Iterator[PlanStep]:
    """Yield the reads that the agent's own file declares, with the arguments that the session alone decides."""
    variables: Mapping[str, Any] = {"session": {name: getattr(session, name) or None for name in _FACTS}}
    for part in agent.context:
        arguments: dict[str, Any] = {}
        for name, expression in part.arguments.items():
            if expression.names != {"session"}:
                continue
            try:
                arguments[name] = expression.evaluate(variables)
            except ExpressionFailed:
                continue
        yield from plan_of([{"operation": part.operation, "arguments": arguments}])

"""What a model is told of the actions that it called for."""

from __future__ import annotations

import orjson

from interlock.experience.words import requirement_words, standing_words
from interlock.orchestration.actions import Action
from interlock.orchestration.agents.prompt import bounded, result_text
from interlock.values.actions import ActionState
from interlock.values.operations import Operation

AGAIN = "This was done before, for the same request, and not again. Call once more only if it is to be done once more."


def told(action: Action, operation: Operation | None, limit: int, *, reported: str = "", again: bool = False) -> str:
    """Return what a model is told of an action as its tool's result: JSON, marked as data, with where it stands.

    *reported* is what the client said of an action that it carried out, where that is not the action's output.
    *again* marks one that was proposed by an earlier attempt at the same request.
    """
    document = orjson.loads(result_text(operation, action.to_json(), limit))
    note = " ".join(part for part in (_note(action), AGAIN if again else "") if part)
    if note:
        document["note"] = note
    if reported:
        document["reported"] = bounded(reported, limit)
    return orjson.dumps(document).decode()


def refused(code: str, detail: str) -> str:
    """Return what a model is told of a call that became no action."""
    problem = {"code": code, "detail": detail}
    return result_text(None, {"id": "", "state": "failed", "problem": problem}, len(detail) + 1000)


def _note(action: Action) -> str:
    if action.state is ActionState.waiting:
        unmet = ", and ".join(requirement_words(str(requirement)) for requirement in action.unmet())
        return f"Not done yet: it waits for {unmet or 'a person'}. Do not call again for the same thing."
    if action.external and action.state is ActionState.executing:
        return "Allowed, and handed to the client, which has not said what came of it. Do not call again for it."
    return standing_words(action.state.value)

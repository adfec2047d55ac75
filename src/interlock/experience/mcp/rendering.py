"""What a tool call answers: an action's output, or where the action stands, in data and in words for the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from interlock.experience.mcp.revisions import SERVER, SERVER_KEY
from interlock.experience.mcp.shapes import RESULT, wrapped
from interlock.experience.mcp.shelf import Telling
from interlock.experience.mcp.toolbox import CANCEL, REPORT, STATUS
from interlock.experience.words import requirement_words, standing_words
from interlock.orchestration.actions import Action, View
from interlock.values.actions import ActionState
from interlock.values.errors import InterlockError

ACTION_KEY = "io.interlock/action"
SESSION_KEY = "io.interlock/session"
LABEL_KEY = "io.interlock/label"

Result = dict[str, Any]

_REFUSED = frozenset({ActionState.denied, ActionState.cancelled, ActionState.failed, ActionState.in_doubt})


def outcome(action: Action, view: View, telling: Telling) -> Result:
    """Return the result of a call that became *action*: its output where it succeeded, else where it stands."""
    if action.state is not ActionState.succeeded:
        refused = action.state in _REFUSED or action.state is ActionState.compensated
        return standing(action, view, telling, refused=refused)
    mask, action = view.mask(action.operation), _shown(action, view, telling)
    output = action.output
    shown: Result = {"content": [_text(_json(output) if output is not None else "Done.")], "isError": False}
    if action.problem is not None:
        shown["content"].append(_text("\n".join(_problem_lines(action.problem))))
    schema = telling.promise(mask.schema) if mask is not None else None
    if schema is not None or output is not None:
        plain = isinstance(output, dict) and not wrapped(schema)
        shown["structuredContent"] = output if plain else {RESULT: output}
    shown["_meta"] = _about(action)
    return shown


def standing(action: Action, view: View, telling: Telling, *, refused: bool = False, note: str = "") -> Result:
    """Return where *action* stands. *refused* makes it an error that the model sees; *note* comes first."""
    action = _shown(action, view, telling)
    return {
        "content": [_text("\n".join(_lines(action, note)))],
        "structuredContent": _standing(action),
        "isError": refused,
        "_meta": _about(action),
    }


def _shown(action: Action, view: View, telling: Telling) -> Action:
    """Return the action as the caller sees it, its output as the tool tells it."""
    action = view.action(action)
    if action.output is None:
        return action
    output = telling.tell(action.output)
    return action if output is action.output else replace(action, output=output)


def problem(error: InterlockError) -> Result:
    """Return an error of ours as a result, so that the model sees it and can do better."""
    return {"content": [_text(str(error))], "structuredContent": error.problem(), "isError": True}


def completed(shown: Result, *, stateless: bool) -> bytes:
    """Return the JSON text of a result as its revision wants it."""
    if stateless:
        shown.setdefault("resultType", "complete")
        shown["_meta"] = {**shown.get("_meta", {}), SERVER_KEY: SERVER}
    return orjson.dumps(shown)


def _lines(action: Action, note: str) -> list[str]:
    lines = [note] if note else []
    if action.state is ActionState.waiting:
        lines += _waiting(action)
    elif action.executable:
        lines.append(f"Allowed: carry it out now with exactly these arguments, then report with {REPORT}.")
    elif action.state is ActionState.succeeded:
        lines.append("Done." if action.output is None else _json(action.output))
    else:
        lines.append(standing_words(action.state.value))
    if action.problem is not None:
        lines += _problem_lines(action.problem)
    if action.state is not ActionState.succeeded:
        lines += [f"- {reason.text} [{reason.rule}]" for reason in action.decision.reasons]
    lines.append(f"Action: {action.id}")
    return lines


def _problem_lines(problem: Mapping[str, Any]) -> list[str]:
    said = f"{problem.get('detail', '')} ({problem.get('code', '')})".strip()
    return [said, f"What to do: {problem['fix']}"] if problem.get("fix") else [said]


def _waiting(action: Action) -> list[str]:
    unmet = [requirement_words(str(requirement)) for requirement in action.unmet()]
    return [
        f"Not done yet: it waits for {', and '.join(unmet)}." if unmet else "Not done yet: it waits.",
        f"Look at it later with {STATUS}; withdraw it with {CANCEL}. Do not call again for the same thing.",
    ]


def _standing(action: Action) -> Result:
    shown: Result = {
        "action": action.id,
        "operation": action.operation,
        "state": action.state.value,
        "reasons": [reason.to_json() for reason in action.decision.reasons],
    }
    if action.state is ActionState.waiting:
        shown["waiting_for"] = [str(requirement) for requirement in action.unmet()]
        shown["consent"] = action.consent
    if action.output is not None:
        shown["output"] = action.output
    if action.problem is not None:
        shown["problem"] = action.problem
    if action.executable:
        shown["execute"] = action.to_json()["execute"]
    return shown


def _about(action: Action) -> dict[str, Any]:
    about: dict[str, Any] = {ACTION_KEY: action.id, SESSION_KEY: action.session}
    if action.label is not None and action.label.unusual:
        about[LABEL_KEY] = action.label.to_json()
    return about


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

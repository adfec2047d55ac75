"""Actions, approvals and sessions as text: what is asked for, why it was decided so, what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.experience.cli.output import fields, indented, table
from interlock.experience.words import (
    declassified_words,
    hidden_words,
    label_words,
    moment,
    origin_mark,
    origin_words,
    plain,
    plan_words,
    principal_words,
    requirement_words,
    short,
    state_words,
    summary,
    visible,
)

Json = Mapping[str, Any]


def action_text(action: Json) -> str:
    """Return one action: its state, its decision with the rules behind it, and what came of it."""
    decision = action["decision"]
    waiting = [requirement_words(text) for text in action.get("waiting_for", ())]
    rows = [
        ("action", action["id"]),
        ("operation", action["operation"]),
        ("state", state_words(action["state"])),
        ("asked by", principal_words(action.get("principal", ""))),
        ("session", action["session"]),
        ("created", moment(action["created"]) if action.get("created") else ""),
        ("input", arguments_text(action["input"])),
        ("decision", f"{decision['outcome']}, because\n{reasons_text(decision['reasons'])}"),
        ("waits for", "\n".join(waiting)),
        ("plan", plan_words(action.get("plan"))),
        ("output", document_text(action.get("output"))),
        ("label", label_words(action.get("label"))),
        ("problem", problem_text(action.get("problem"))),
        ("what to do", (action.get("problem") or {}).get("fix", "")),
        ("undoes", action.get("undo_of", "")),
        ("undone by", action.get("undone_by", "")),
    ]
    text = fields(rows)
    if "execute" in action:
        execute = action["execute"]
        text += "\n\nYours to execute, then report it: interlock actions report " + action["id"] + " succeeded"
        text += f"\nidempotency key  {execute['idempotency_key']}"
    return text + next_step(action)


def next_step(action: Json) -> str:
    """Return the command that takes a waiting action further, where the caller may be the one to type it."""
    waits = action.get("waiting_for", ())
    if "confirm" in waits:
        return f"\n\nhint: interlock actions confirm {action['id']}"
    if any(text.startswith("approval:") for text in waits):
        return "\n\nhint: an approver decides it: interlock approvals list"
    return ""


def reasons_text(reasons: list[Json]) -> str:
    """Return why, one reason on each line, with the rule that says so."""
    return "\n".join(f"{reason['text'].rstrip('.')} ({reason['rule']})" for reason in reasons) or "no reason was given"


def arguments_text(arguments: Json) -> str:
    """Return arguments below each other."""
    return fields((name, plain(value)) for name, value in arguments.items())


def document_text(value: Any) -> str:
    """Return any JSON value as indented names and values."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return "\n".join(_member(str(name), item) for name, item in value.items()) or "{}"
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            head = list(dict.fromkeys(str(name) for item in value for name in item))
            return table(head, [[_cell(item.get(name)) for name in head] for item in value])
        return "\n".join(f"- {plain(item)}" for item in value) or "[]"
    return plain(value)


def problem_text(problem: Json | None) -> str:
    """Return what broke: its code, then the words."""
    if not problem:
        return ""
    return f"{problem.get('code', '')}: {problem.get('detail', '')}".strip(": ")


def approval_text(approval: Json) -> str:
    """Return everything that an approver needs to judge."""
    shown = approval["shown"]
    words = "\n".join(f"“{visible(text)}”" for text in shown.get("requests", ()))
    rows = [
        ("approval", approval["id"]),
        ("state", state_words(approval["state"])),
        ("asked of", f"{approval['needed']} in the role {' or '.join(approval['roles'])}, {approval['agreed']} agreed"),
        ("deadline", moment(approval["deadline"])),
        ("action", approval["action"]),
        ("operation", shown.get("operation", "")),
        ("asked by", principal_words(shown.get("principal", ""))),
        ("customer", shown.get("customer", "")),
        ("words", words or "none were given"),
        ("plan", plan_words(shown.get("plan"))),
        ("why", reasons_text(shown.get("reasons", []))),
        ("record", short(shown.get("record", ""), 80)),
        ("hidden", hidden_words(shown["masked"]) if "masked" in shown else ""),
        ("decisions", "\n".join(map(_decision, approval["decisions"]))),
        ("consent", approval["consent"]),
    ]
    parts = [fields(rows), "arguments\n" + indented(_origins(shown)), "facts\n" + indented(_facts(shown))]
    return "\n\n".join(parts)


def session_text(session: Json) -> str:
    """Return one session."""
    person = session.get("person") or {}
    return fields(
        [
            ("session", session["id"]),
            ("state", session["state"]),
            ("opened by", principal_words(session["opener"])),
            ("agent", session.get("agent", "")),
            ("person", person.get("id", "")),
            ("customer", session.get("customer", "")),
            ("verified", session.get("verification", "")),
            ("channel", session.get("channel", "")),
            ("purpose", session.get("purpose", "")),
            ("consent", ", ".join(session.get("consent") or ())),
            ("plan", plan_words(session.get("plan"))),
            ("words", "\n".join(f"“{text}”" for text in session.get("requests", ()))),
            ("declassified", "\n".join(map(declassified_words, session.get("declassified", ())))),
            ("done", ", ".join(session.get("done", ()))),
            ("opened", moment(session["opened_at"])),
            ("until", moment(session["expires_at"])),
        ]
    )


def action_rows(actions: list[Json]) -> str:
    """Return actions as a table."""
    head = ("ACTION", "STATE", "OPERATION", "ASKED BY", "ARGUMENTS")
    return table(
        head,
        (
            (a["id"], state_words(a["state"]), a["operation"], a.get("principal", ""), summary(a["input"]))
            for a in actions
        ),
        empty="no actions",
    )


def _origins(shown: Json) -> str:
    origins = shown.get("origins", {})
    rows = []
    for name, value in shown.get("input", {}).items():
        origin = origins.get(name, {})
        mark = {"untrusted": "UNTRUSTED", "unknown": "UNKNOWN"}.get(origin_mark(origin), "")
        rows.append((name, plain(value), mark, origin_words(origin) if origin else ""))
    return table(("NAME", "VALUE", "", "COMES FROM"), rows, empty="none")


def _facts(shown: Json) -> str:
    return document_text(shown.get("facts") or None) or "none"


def _decision(decision: Json) -> str:
    comment = f": {decision['comment']}" if decision.get("comment") else ""
    word = {"approve": "approved", "reject": "rejected"}.get(decision["verdict"], decision["verdict"])
    return f"{decision['by']} {word} it at {moment(decision['at'])}{comment}"


def _member(name: str, value: Any) -> str:
    if isinstance(value, (dict, list)) and value:
        return f"{name}\n{indented(document_text(value))}"
    return f"{name}: {plain(value)}"


def _cell(value: Any) -> str:
    return "" if value is None else short(value, 40)

"""`interlock actions`: looking at actions and taking them further, over a server."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import confirmed, fields, indented, note, parse_json, say, show, table
from interlock.experience.cli.rendering import action_rows, action_text, document_text, reasons_text
from interlock.experience.words import plain, requirement_words, state_words

_REFUSED = ("denied", "failed", "in_doubt")


def exit_code(action: dict[str, Any]) -> int:
    """Return the exit code for what became of an action: 1 for a refusal, a failure and a doubt."""
    return REFUSED if action["state"] in _REFUSED else OK


def list_actions(arguments: argparse.Namespace) -> int:
    """List actions."""
    client = connect(arguments)
    page = client.get(
        "/v1/actions",
        state=arguments.state,
        session=arguments.session,
        limit=arguments.limit,
        before=arguments.before,
    )
    show(arguments, page, lambda found: action_rows(found["items"]))
    if "next" in page and not arguments.json:
        note(f"more: --before {page['next']}")
    return OK


def show_action(arguments: argparse.Namespace) -> int:
    """Show one action."""
    show(arguments, connect(arguments).get(_path(arguments)), action_text)
    return OK


def trace(arguments: argparse.Namespace) -> int:
    """Answer the five questions."""
    show(arguments, connect(arguments).get(_path(arguments, "trace")), trace_text)
    return OK


def confirm(arguments: argparse.Namespace) -> int:
    """Show what is to be confirmed, ask, and send the consent that was shown."""
    client = connect(arguments)
    action = client.get(_path(arguments))
    if not arguments.json:
        say(action_text(action))
    if not confirmed("Confirm exactly this?", yes=arguments.yes):
        note("not confirmed")
        return REFUSED
    return _changed(arguments, client.post(_path(arguments, "confirm"), {"consent": action.get("consent", "")}))


def cancel(arguments: argparse.Namespace) -> int:
    """Withdraw a waiting action."""
    show(arguments, connect(arguments).post(_path(arguments, "cancel")), action_text)
    return OK


def undo(arguments: argparse.Namespace) -> int:
    """Undo a succeeded action."""
    body = {"session": arguments.session} if arguments.session else {}
    return _changed(arguments, connect(arguments).post(_path(arguments, "undo"), body))


def settle(arguments: argparse.Namespace) -> int:
    """Find out what an action in doubt did."""
    return _changed(arguments, connect(arguments).post(_path(arguments, "settle")))


def resolve(arguments: argparse.Namespace) -> int:
    """Say what became of an action in doubt."""
    body = {"outcome": arguments.outcome, "comment": arguments.comment}
    show(arguments, connect(arguments).post(_path(arguments, "resolve"), body), action_text)
    return OK


def report(arguments: argparse.Namespace) -> int:
    """Report what became of an action that the caller executed."""
    body: dict[str, Any] = {"status": arguments.status}
    if arguments.output:
        body["output"] = parse_json(arguments.output, "--output")
    if arguments.problem:
        body["problem"] = {"code": "reported", "detail": arguments.problem}
    show(arguments, connect(arguments).post(_path(arguments, "result"), body), action_text)
    return OK


def trace_text(trace: dict[str, Any]) -> str:
    """Return the answers to the five questions."""
    parts = [
        ("What was known, and where did it come from?", _known(trace["context"])),
        ("Which systems were touched?", _systems(trace["systems"])),
        ("What was asked for, and what came back?", document_text(_present(trace["produced"]))),
        ("What was decided, by which rules and by whom?", _decided(trace["action"])),
        ("What broke?", document_text(trace["failed"]) if trace["failed"] else "nothing"),
        ("Records", _records(trace["records"])),
    ]
    return "\n\n".join(f"{title}\n{indented(text)}" for title, text in parts)


def _known(context: dict[str, Any]) -> str:
    return document_text(_present(context)) or "its values were erased"


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {}, [])}


def _systems(systems: list[dict[str, Any]]) -> str:
    head = ("FOR", "OPERATION", "STATUS", "MS")
    rows = [(s["purpose"], s.get("operation", ""), s.get("status", ""), s.get("elapsed_ms", "")) for s in systems]
    return table(head, rows, empty="none")


def _decided(action: dict[str, Any]) -> str:
    lines = [f"state: {state_words(action['state'])}"]
    for decision in action["decisions"]:
        waits = ", ".join(requirement_words(text) for text in decision["requirements"])
        lines.append(f"{decision['at']} {decision['outcome']}" + (f": {waits}" if waits else ""))
        lines.append(indented(reasons_text([_reason(reason) for reason in decision["reasons"]])))
        lines.append(f"  policies: {', '.join(decision['policies']) or 'none'} (version {decision['policy_version']})")
    for consent in action["consents"]:
        rows = [(name, plain(consent[name])) for name in ("verdict", "role", "comment", "to") if consent.get(name)]
        lines.append(f"{consent['at']} {consent['kind']} by {consent['by']}")
        lines += [indented(fields(rows))] if rows else []
    return "\n".join(lines)


def _reason(reason: Any) -> dict[str, str]:
    return reason if isinstance(reason, dict) else {"rule": str(reason), "text": "its words were erased"}


def _records(records: list[dict[str, Any]]) -> str:
    head = ("AT", "KIND", "BY", "CHAIN", "SEQ", "HASH")
    return table(head, [(r["at"], r["kind"], r["actor"], r["chain"], r["seq"], r["hash"][:23]) for r in records])


def _changed(arguments: argparse.Namespace, action: dict[str, Any]) -> int:
    show(arguments, action, action_text)
    return exit_code(action)


def _path(arguments: argparse.Namespace, verb: str = "") -> str:
    path = f"/v1/actions/{segment(arguments.action)}"
    return f"{path}/{verb}" if verb else path

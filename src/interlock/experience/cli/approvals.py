"""`interlock approvals`: what waits for a person; a decision is bound to the consent of what was shown."""

from __future__ import annotations

import argparse
import time
from typing import Any

from interlock.experience.cli.client import Connection, connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import confirmed, fields, note, parse_json, say, show, table
from interlock.experience.cli.rendering import action_text, approval_text
from interlock.experience.client.errors import ServerProblem
from interlock.experience.words import ago, plain, summary, until


def list_approvals(arguments: argparse.Namespace) -> int:
    """List what waits for a person."""
    page = connect(arguments).get(
        "/v1/approvals", state=arguments.state, limit=arguments.limit, before=arguments.before
    )
    show(arguments, page, lambda found: _rows(found["items"]))
    return OK


def show_approval(arguments: argparse.Namespace) -> int:
    """Show one approval with everything needed to judge it."""
    show(arguments, connect(arguments).get(_path(arguments)), approval_text)
    return OK


def approve(arguments: argparse.Namespace) -> int:
    """Show what would be approved, ask, and approve exactly that."""
    edited = parse_json(arguments.edit, "--edit") if arguments.edit else None
    if edited is not None and not isinstance(edited, dict):
        raise UsageInvalid("--edit is no JSON object", fix="give all arguments: --edit '{\"amount\": 20}'")
    return _decide(arguments, "approve", edited)


def reject(arguments: argparse.Namespace) -> int:
    """Show what would be rejected, ask, and reject it."""
    return _decide(arguments, "reject", None)


def delegate(arguments: argparse.Namespace) -> int:
    """Let another person decide as well."""
    approval = connect(arguments).post(_path(arguments, "delegate"), {"to": arguments.to})
    show(arguments, approval, approval_text)
    return OK


def _decide(arguments: argparse.Namespace, verdict: str, edited: dict[str, Any] | None) -> int:
    client = connect(arguments)
    approval = client.get(_path(arguments))
    if not arguments.json:
        say(approval_text(approval))
        if edited is not None:
            say("\narguments you put in\n" + fields((f"  {name}", plain(value)) for name, value in edited.items()))
    question = {"approve": "Approve exactly this?", "reject": "Reject this?"}[verdict]
    if not confirmed(question, yes=arguments.yes):
        note("nothing was decided")
        return REFUSED
    body: dict[str, Any] = {"verdict": verdict, "consent": approval["consent"], "comment": arguments.comment}
    if edited is not None:
        body["input"] = edited
    decided = client.post(_path(arguments, "decide"), body)
    show(arguments, decided, lambda now: _outcome(client, now))
    return OK


def _outcome(client: Connection, approval: dict[str, Any]) -> str:
    """Return what the decision led to; the action itself only where the key may see it."""
    line = f"\n{approval['state']}: {approval['agreed']} of {approval['needed']} agreed"
    try:
        action = client.get(f"/v1/actions/{segment(approval['action'])}")
    except ServerProblem:
        return line
    return f"{line}\n\n{action_text(action)}"


def _rows(approvals: list[dict[str, Any]]) -> str:
    now = time.time()
    head = ("APPROVAL", "ASKED", "DUE", "ROLE", "OPERATION", "ASKED BY", "ARGUMENTS")
    rows = [
        (
            approval["id"],
            ago(approval["created"], now),
            until(approval["deadline"], now),
            " or ".join(approval["roles"]),
            approval["shown"].get("operation", ""),
            approval["shown"].get("principal", ""),
            summary(approval["shown"].get("input", {})),
        )
        for approval in approvals
    ]
    return table(head, rows, empty="nothing waits")


def _path(arguments: argparse.Namespace, verb: str = "") -> str:
    path = f"/v1/approvals/{segment(arguments.approval)}"
    return f"{path}/{verb}" if verb else path

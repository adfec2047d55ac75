"""`interlock sessions`: opening, following and closing sessions and lowering labels in them, over a server."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import note, parse_json, show, table
from interlock.experience.cli.rendering import action_rows, session_text
from interlock.experience.words import declassified_words, moment

_OPENING = ("agent", "request", "customer", "person", "channel", "verification", "purpose")


def open_session(arguments: argparse.Namespace) -> int:
    """Open a session."""
    body = {name: getattr(arguments, name) for name in _OPENING if getattr(arguments, name)}
    if arguments.plan is not None:
        body["plan"] = [step_of(text) for text in arguments.plan]
    show(arguments, connect(arguments).post("/v1/sessions", body), session_text)
    return OK


def list_sessions(arguments: argparse.Namespace) -> int:
    """List sessions."""
    page = connect(arguments).get("/v1/sessions", limit=arguments.limit, before=arguments.before)
    head = ("SESSION", "STATE", "OPENED", "BY", "AGENT", "CUSTOMER")
    names = ("opener", "agent", "customer")
    show(
        arguments,
        page,
        lambda found: table(
            head,
            ((s["id"], s["state"], moment(s["opened_at"]), *(s.get(n) or "" for n in names)) for s in found["items"]),
            empty="no sessions",
        ),
    )
    if "next" in page and not arguments.json:
        note(f"more: --before {page['next']}")
    return OK


def show_session(arguments: argparse.Namespace) -> int:
    """Show one session."""
    show(arguments, connect(arguments).get(_path(arguments)), session_text)
    return OK


def turn(arguments: argparse.Namespace) -> int:
    """Add what the person said next."""
    show(arguments, connect(arguments).post(_path(arguments, "turns"), {"request": arguments.words}), session_text)
    return OK


def plan(arguments: argparse.Namespace) -> int:
    """Give the session its plan, or have one derived; 1 where none could be."""
    if arguments.derive is (arguments.step is not None):
        raise UsageInvalid("a plan is either derived or made of steps", fix="give --derive, or --step once or more")
    body = {"derive": True} if arguments.derive else {"plan": [step_of(text) for text in arguments.step]}
    planned = connect(arguments).post(_path(arguments, "plan"), body)
    show(arguments, planned, plan_text)
    return OK if planned["plan"] is not None else REFUSED


def step_of(text: str) -> Any:
    """Return the step of a plan that *text* writes: an operation, or `{operation, times, arguments}` as JSON."""
    return parse_json(text, "a step of the plan") if text.lstrip().startswith("{") else text


def plan_text(session: dict[str, Any]) -> str:
    """Return the session, and what its plan leaves out."""
    left_out = [f"- {sentence}" for sentence in session["left_out"]]
    return "\n".join([session_text(session), *(["", "left out of the plan", *left_out] if left_out else [])])


def declassify(arguments: argparse.Namespace) -> int:
    """Lower the label of a field that the session has seen."""
    to = {name: getattr(arguments, name) for name in ("confidentiality", "integrity") if getattr(arguments, name)}
    if arguments.categories is not None:
        to["categories"] = [name.strip() for name in arguments.categories.split(",") if name.strip()]
    if not to:
        raise UsageInvalid(
            "nothing says what the label is lowered to",
            fix="give --confidentiality, --categories or --integrity",
        )
    body = {"place": arguments.place, "to": to, "reason": arguments.reason}
    show(arguments, connect(arguments).post(_path(arguments, "declassify"), body), declassified_words)
    return OK


def verify(arguments: argparse.Namespace) -> int:
    """Raise the session's verification level."""
    raised = connect(arguments).post(_path(arguments, "verification"), {"level": arguments.level})
    show(
        arguments,
        raised,
        lambda now: session_text(now) + "\n\nwhat waited for it\n" + action_rows(now.get("resumed", [])),
    )
    return OK


def close(arguments: argparse.Namespace) -> int:
    """Close a session."""
    show(arguments, connect(arguments).post(_path(arguments, "close")), session_text)
    return OK


def _path(arguments: argparse.Namespace, verb: str = "") -> str:
    path = f"/v1/sessions/{segment(arguments.session)}"
    return f"{path}/{verb}" if verb else path

"""`interlock escalations`: what no model could answer, and a person's answer to it, over a server."""

from __future__ import annotations

import argparse
import time
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import fields, indented, note, parse_json, show, table
from interlock.experience.words import ago, plain, until


def list_escalations(arguments: argparse.Namespace) -> int:
    """List what waits for an answer."""
    page = connect(arguments).get(
        "/v1/escalations",
        state=arguments.state,
        role=arguments.role,
        session=arguments.session,
        limit=arguments.limit,
        before=arguments.before,
    )
    head = ("ESCALATION", "STATE", "FROM", "WHY", "ROLES", "TAKEN BY", "UNTIL")
    show(
        arguments,
        page,
        lambda found: table(
            head,
            (
                (
                    one["id"],
                    one["state"],
                    f"{one['source']} {one['name']}",
                    one["reason"],
                    ", ".join(one["roles"]),
                    one["taken_by"] or "",
                    until(one["deadline"], time.time()),
                )
                for one in found["items"]
            ),
            empty="nothing waits for an answer",
        ),
    )
    if "next" in page and not arguments.json:
        note(f"more: --before {page['next']}")
    return OK


def open_escalation(arguments: argparse.Namespace) -> int:
    """Hand a session over to people."""
    body = {"reason": arguments.reason, **({"role": arguments.role} if arguments.role else {})}
    path = f"/v1/sessions/{segment(arguments.session)}/escalate"
    show(arguments, connect(arguments).post(path, body), escalation_text)
    return OK


def show_escalation(arguments: argparse.Namespace) -> int:
    """Show one with everything that was asked, seen, tried and proposed."""
    show(arguments, connect(arguments).get(_path(arguments)), escalation_text)
    return OK


def take(arguments: argparse.Namespace) -> int:
    """Take one, so that nobody else works on it."""
    show(arguments, connect(arguments).post(_path(arguments, "take")), escalation_text)
    return OK


def give_back(arguments: argparse.Namespace) -> int:
    """Give one back to its queue."""
    body = {"comment": arguments.comment} if arguments.comment else {}
    show(arguments, connect(arguments).post(_path(arguments, "return"), body), escalation_text)
    return OK


def answer(arguments: argparse.Namespace) -> int:
    """Answer one, or take over what was suggested."""
    client = connect(arguments)
    if arguments.as_suggested is bool(arguments.answer):
        raise UsageInvalid("an answer is either given or the suggested one", fix="give ANSWER, or --as-suggested")
    if arguments.as_suggested:
        given = client.get(_path(arguments)).get("suggestion")
        if given is None:
            raise UsageInvalid("nothing was suggested", fix="give an answer of your own")
    elif arguments.answer.lstrip().startswith("{"):
        given = parse_json(arguments.answer, "the answer")
    else:
        given = {"text": arguments.answer}
    show(arguments, client.post(_path(arguments, "answer"), {"answer": given}), escalation_text)
    return OK


def close(arguments: argparse.Namespace) -> int:
    """End one without an answer."""
    show(arguments, connect(arguments).post(_path(arguments, "close"), {"comment": arguments.comment}), escalation_text)
    return OK


def escalation_text(one: dict[str, Any]) -> str:
    """Return an escalation with its story."""
    head = fields(
        (name, value)
        for name, value in (
            ("escalation", one["id"]),
            ("state", one["state"]),
            ("from", f"{one['source']} {one['name']}"),
            ("about", one["subject"]),
            ("asked", ago(one["created"], time.time())),
            ("roles", ", ".join(one["roles"])),
            ("taken by", one["taken_by"] or ""),
            ("answered by", one["answered_by"] or ""),
        )
        if value
    )
    if "masked" in one:
        return f"{one['words']}\n\n{head}\n\nwhat it is about is {one['masked']}, which this key is not cleared for"
    parts = [one["words"], head]
    told = {**one["story"], "suggestion": one["suggestion"], "answer": one["answer"]}
    names = ("asked", "seen", "tried", "proposed", "suggestion", "answer")
    parts += [f"{name}\n{_indented(told[name])}" for name in names if told.get(name)]
    return "\n\n".join(parts)


def _indented(value: Any) -> str:
    if isinstance(value, dict):
        return indented(fields((name, plain(item)) for name, item in value.items()))
    if isinstance(value, list):
        return "\n".join(_indented(item) for item in value)
    return indented(plain(value))


def _path(arguments: argparse.Namespace, verb: str = "") -> str:
    path = f"/v1/escalations/{segment(arguments.escalation)}"
    return f"{path}/{verb}" if verb else path

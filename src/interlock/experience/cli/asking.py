"""`interlock ask` and `interlock turns`: a person's own words to an agent, and what it did about them."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import fields, indented, note, show, table
from interlock.experience.cli.rendering import reasons_text
from interlock.experience.words import requirement_words, state_words, summary

_OPTIONS = ("agent", "session", "customer", "person", "channel", "verification")
_UNANSWERED = ("no_model", "time_limit", "step_limit", "budget", "no_answer", "no_progress", "abandoned")


def ask(arguments: argparse.Namespace) -> int:
    """Ask the agent; 1 where it could not come to an answer."""
    body = {name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name)}
    if "session" in body:
        body = {"agent": body["agent"], "session": body["session"]}
    turn = connect(arguments).post("/v1/ask", {**body, "request": arguments.words})
    show(arguments, turn, turn_text)
    return REFUSED if turn["ended"] in _UNANSWERED else OK


def list_turns(arguments: argparse.Namespace) -> int:
    """List the turns of a session."""
    page = connect(arguments).get(
        "/v1/turns", session=arguments.session, limit=arguments.limit, before=arguments.before
    )
    head = ("TURN", "STATE", "ENDED", "WAITS FOR", "AGENT", "WORDS")
    show(
        arguments,
        page,
        lambda found: table(
            head,
            (
                (
                    turn["id"],
                    turn["state"],
                    turn["ended"] or "",
                    turn["waits_for"] or "",
                    turn["agent"],
                    turn["words"][:60],
                )
                for turn in found["items"]
            ),
            empty="no turns",
        ),
    )
    if "next" in page and not arguments.json:
        note(f"more: --before {page['next']}")
    return OK


def show_turn(arguments: argparse.Namespace) -> int:
    """Show a turn as it stands."""
    show(arguments, connect(arguments).get(f"/v1/turns/{segment(arguments.turn)}"), turn_text)
    return OK


def turn_text(turn: dict[str, Any]) -> str:
    """Return each step with its decision, then the answer, who gave it, and the session to go on in."""
    steps = [step_text(step) for step in turn["steps"]]
    model = turn["model"]
    named = f"{model['provider']}: {model['model']}" if model["provider"] else "no model"
    left_out = "\n".join(turn.get("left_out", ()))
    foot = fields(
        [
            ("answered by", named),
            ("session", turn["session"]),
            ("turn", turn.get("id") or turn.get("turn", "")),
            ("waits for", turn.get("waits_for") or ""),
            ("not planned", left_out),
        ]
    )
    return "\n\n".join(part for part in ("\n".join(steps), turn["answer"], foot) if part)


def step_text(step: dict[str, Any]) -> str:
    """Return one proposal and what became of it."""
    action = step["action"]
    state = state_words(str(action.get("state", "refused")))
    lines = [f"{step['operation']}  {state}  {action.get('id', '')}", f"  {summary(step['arguments'])}"]
    decision = action.get("decision") or {}
    if decision.get("outcome") not in ("allow", None):
        lines.append(indented(reasons_text(decision["reasons"])))
        lines += [f"  waits for {requirement_words(text)}" for text in decision["requirements"]]
    if action.get("problem"):
        lines.append(f"  {action['problem'].get('detail', '')}")
    return "\n".join(line.rstrip() for line in lines if line.strip())

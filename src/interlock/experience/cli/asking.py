"""`interlock ask`: a person's own words to an agent, and what it did about them."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import fields, indented, show
from interlock.experience.cli.rendering import reasons_text
from interlock.experience.words import requirement_words, state_words, summary

_OPTIONS = ("agent", "session", "customer", "person", "channel", "verification")
_UNANSWERED = ("no_model", "time_limit", "step_limit", "budget")


def ask(arguments: argparse.Namespace) -> int:
    """Ask the agent; 1 where it could not come to an answer."""
    body = {name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name)}
    if "session" in body:
        body = {"agent": body["agent"], "session": body["session"]}
    turn = connect(arguments).post("/v1/ask", {**body, "request": arguments.words})
    show(arguments, turn, turn_text)
    return REFUSED if turn["ended"] in _UNANSWERED else OK


def turn_text(turn: dict[str, Any]) -> str:
    """Return each step with its decision, then the answer, who gave it, and the session to go on in."""
    steps = [step_text(step) for step in turn["steps"]]
    model = turn["model"]
    named = f"{model['provider']}: {model['model']}" if model["provider"] else "no model"
    left_out = "\n".join(turn.get("left_out", ()))
    foot = fields([("answered by", named), ("session", turn["session"]), ("not planned", left_out)])
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

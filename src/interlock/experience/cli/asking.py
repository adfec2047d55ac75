"""`interlock ask` and `interlock turns`: a person's own words to an agent, and what it did about them."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import fields, indented, note, show, table
from interlock.experience.cli.rendering import reasons_text
from interlock.experience.words import requirement_words, state_words, summary

_OPTIONS = ("agent", "session", "customer", "person", "channel", "verification")
_UNANSWERED = ("no_model", "time_limit", "step_limit", "budget", "no_answer", "no_progress", "abandoned")


def ask(arguments: argparse.Namespace) -> int:
    """Ask the agent; 1 where it could not come to an answer."""
    body = {name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name)}
    if bool(arguments.team) is bool(arguments.agent):
        raise UsageInvalid("either an agent or a team is asked", fix="give --agent NAME, or --team NAME")
    if arguments.team:
        return _ask_team(arguments, body)
    if "session" in body:
        body = {"agent": body["agent"], "session": body["session"]}
    turn = connect(arguments).post("/v1/ask", {**body, "request": arguments.words})
    show(arguments, turn, turn_text)
    return REFUSED if turn["ended"] in _UNANSWERED else OK


def _ask_team(arguments: argparse.Namespace, body: dict[str, Any]) -> int:
    if "session" in body:
        body = {"session": body["session"]}
    run = connect(arguments).post(f"/v1/teams/{segment(arguments.team)}", {**body, "request": arguments.words})
    show(arguments, run, team_text)
    return OK if run["ended"] in ("answered", None) else REFUSED


def list_teams(arguments: argparse.Namespace) -> int:
    """List the teams of the project."""
    head = ("TEAM", "PATTERN", "AGENTS", "WHAT FOR")
    show(
        arguments,
        connect(arguments).get("/v1/teams"),
        lambda found: table(
            head,
            ((one["team"], one["pattern"], ", ".join(one["agents"]), one["description"]) for one in found["items"]),
            empty="no teams",
        ),
    )
    return OK


def show_team(arguments: argparse.Namespace) -> int:
    """Show a team's run as it stands."""
    path = f"/v1/teams/{segment(arguments.team)}/runs/{segment(arguments.run)}"
    show(arguments, connect(arguments).get(path), team_text)
    return OK


def team_text(run: dict[str, Any]) -> str:
    """Return a team's run: what each member said, and the answer."""
    members = [f"{turn['agent']}\n{indented(turn_text(turn))}" for turn in run["turns"]]
    foot = fields(
        [("team", run["team"]), ("run", run["id"]), ("session", run["session"]), ("ended", run["ended"] or "")]
    )
    return "\n\n".join([*members, run["answer"], foot])


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
    greeting = turn.get("greeting", "")
    return "\n\n".join(part for part in (greeting, "\n".join(steps), turn["answer"], foot) if part)


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
        lines += [f"  {action['problem'][name]}" for name in ("detail", "fix") if action["problem"].get(name)]
    return "\n".join(line.rstrip() for line in lines if line.strip())

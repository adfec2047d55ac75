"""REST: asking an agent, and what became of a turn that waits."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.governance.labels import masked
from interlock.orchestration.sessions import Opening
from interlock.orchestration.teams import TeamRun


async def ask(request: Request) -> Any:
    """Give an agent a person's words, in a session of their own or a given one."""
    body = dict(request.body)
    sessions = request.installation.sessions
    words, session_id = body.pop("request"), body.pop("session", "")
    if session_id:
        session = await sessions.extend(request.principal, session_id, request=words)
    else:
        session = await sessions.open(request.principal, Opening(request=words, **body))
    turn = await request.installation.turns.ask(body["agent"], session, words, asker=request.principal)
    return turn.seen_by(request.view.clearance).to_json()


async def list_teams(request: Request) -> Any:
    """List the teams of the project."""
    return {"items": [spec.to_json() for spec in request.installation.teams.specs()]}


async def ask_team(request: Request) -> Any:
    """Give a team a person's words, in a session of their own or a given one; where a member waits, so does the run."""
    body = dict(request.body)
    sessions = request.installation.sessions
    words, session_id = body.pop("request"), body.pop("session", "")
    if session_id:
        session = await sessions.extend(request.principal, session_id, request=words)
    else:
        session = await sessions.open(request.principal, Opening(request=words, **body))
    run = await request.installation.teams.ask(request.principal, request.path["team"], session, words)
    return await _shown(request, run)


async def get_team_run(request: Request) -> Any:
    """Return a team's run as it stands, with its members' turns."""
    return await _shown(request, await request.installation.teams.get(request.path["id"], request.principal))


async def _shown(request: Request, run: TeamRun) -> dict[str, Any]:
    """Return the run with its turns; its answer is as confidential as whatever they were shown."""
    clearance = request.view.clearance
    turns = await request.installation.teams.turns_of(run)
    hidden = next((masked(turn.label) for turn in turns if not clearance.admits(turn.label)), "")
    return {**run.to_json(hidden=hidden), "turns": [turn.to_json(clearance) for turn in turns]}


async def list_turns(request: Request) -> Any:
    """List the turns of a session, newest first."""
    limit, query = request.limit(), request.query
    found = await request.installation.turns.page(
        query.get("session", ""), request.principal, before=query.get("before", ""), limit=limit
    )
    page: dict[str, Any] = {"items": [turn.to_json(request.view.clearance) for turn in found]}
    if len(found) == limit:
        page["next"] = found[-1].id
    return page


async def get_turn(request: Request) -> Any:
    """Return one turn as it stands: what was asked, each step, what it waits for, and the last that was said."""
    turn = await request.installation.turns.get(request.path["id"], request.principal)
    return turn.to_json(request.view.clearance)


ROUTES = (
    Route(
        "POST",
        "/v1/ask",
        "ask",
        "Give an agent a person's words",
        ask,
        scope="act",
        body=schemas.ASK,
        errors=("session_forbidden", "session_invalid", "session_unknown", "session_closed", "agent_unknown"),
    ),
    Route(
        "GET",
        "/v1/turns",
        "list_turns",
        "List the turns of a session, newest first",
        list_turns,
        parameters=(Parameter("session", "The session."), *PAGING),
        response="Page",
        errors=("session_unknown",),
    ),
    Route("GET", "/v1/teams", "list_teams", "List the teams of agents", list_teams, response="Page"),
    Route(
        "POST",
        "/v1/teams/{team}",
        "ask_team",
        "Give a team a person's words",
        ask_team,
        scope="act",
        body=schemas.ASK_TEAM,
        response="TeamRun",
        errors=("session_forbidden", "session_invalid", "session_unknown", "session_closed", "team_unknown"),
    ),
    Route(
        "GET",
        "/v1/teams/{team}/runs/{id}",
        "get_team_run",
        "Look at a team's run",
        get_team_run,
        response="TeamRun",
        errors=("team_run_unknown",),
    ),
    Route("GET", "/v1/turns/{id}", "get_turn", "Look at a turn", get_turn, response="Turn", errors=("turn_unknown",)),
)

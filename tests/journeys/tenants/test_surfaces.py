"""MCP, the console and the command line, tried by another tenant with this tenant's ids."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from interlock.app.main import main
from interlock.experience.cli.table import COMMANDS
from interlock.experience.console.routes import ROUTES as PAGES
from interlock.experience.mcp.toolbox import OWN
from tests.journeys.caller import Reply
from tests.journeys.place import Place
from tests.journeys.tenants.world import World

SESSION_KEY = "io.interlock/session"
ACCEPT = {"accept": "application/json, text/event-stream"}


# --- MCP -------------------------------------------------------------------------------------------------------------


def message(town: Place, outsider: str, method: str, **params: Any) -> Reply:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return town[outsider].send("POST", "/mcp", body, headers=ACCEPT)


def test_every_tool_of_our_own_is_tried() -> None:
    assert set(OWN) == set(tool_arguments("x"))


def tool_arguments(action: str) -> dict[str, Any]:
    return {
        "interlock.action_status": {"action": action},
        "interlock.cancel_action": {"action": action},
        "interlock.report_result": {"action": action, "status": "succeeded", "output": {"id": "1"}},
    }


@pytest.mark.parametrize("tool", sorted(OWN))
def test_a_tool_knows_nothing_of_another_tenants_actions(town: Place, world: World, outsider: str, tool: str) -> None:
    for action in (world.confirming["id"], world.external, world.succeeded):
        arguments = tool_arguments(action)[tool]
        reply = message(town, outsider, "tools/call", name=tool, arguments=arguments)
        result = reply.body["result"]
        assert result["isError"]
        assert result["structuredContent"]["code"] == "action_unknown"
        assert not world.leaked(reply.content.decode(), json.dumps(arguments))


def test_a_call_cannot_name_another_tenants_session(town: Place, world: World, outsider: str) -> None:
    params = {"name": "billing.find", "arguments": {"order_id": 4711}, "_meta": {SESSION_KEY: world.session}}
    reply = message(town, outsider, "tools/call", **params)
    assert reply.body["result"]["structuredContent"]["code"] == "session_unknown"
    assert not world.leaked(reply.content.decode(), json.dumps(params))


@pytest.mark.parametrize("method", ["tools/list", "ping", "initialize"])
def test_the_protocols_own_answers_hold_nothing_of_anybody(
    town: Place, world: World, outsider: str, method: str
) -> None:
    reply = message(town, outsider, method, protocolVersion="2025-11-25")
    assert reply.status == 200
    assert not world.leaked(reply.content.decode())


# --- Console ---------------------------------------------------------------------------------------------------------


class Browser:
    """Just enough of a browser: it keeps the cookie and the form's token."""

    def __init__(self, town: Place, key: str) -> None:
        self._caller = town.server.caller()
        self.cookie = ""
        self.token = ""
        self.open("/console/sign-in")
        assert self.submit("/console/sign-in", key=key).status == 303

    def open(self, path: str) -> Reply:
        return self._kept(self._caller.send("GET", path, headers={"cookie": self.cookie}))

    def submit(self, path: str, **fields: str) -> Reply:
        headers = {"cookie": self.cookie, "content-type": "application/x-www-form-urlencoded"}
        form = urlencode({**fields, "token": self.token}).encode()
        reply = self._caller.send("POST", path, raw=form, headers=headers)
        kept = self._kept(reply)
        if reply.status == 303:
            self.open(reply.headers["location"])
        return kept

    def _kept(self, reply: Reply) -> Reply:
        self.cookie = reply.headers.get("set-cookie", self.cookie).partition(";")[0]
        if found := re.search(rb'name="token" value="([^"]+)"', reply.content):
            self.token = found[1].decode()
        return reply


def page_case(world: World, page: str) -> tuple[str, dict[str, str], set[int]]:
    """Return an id, the fields of a form, and the statuses that refuse, for a page of the console."""
    consent = {"consent": world.confirming["consent"]}
    cases: dict[str, tuple[str, dict[str, str], set[int]]] = {
        "approvals": ("", {}, {200}),
        "approvals/{id}": (world.approval["id"], {}, {404}),
        "approvals/{id}/decide": (
            world.approval["id"],
            {"verdict": "approve", "consent": world.approval["consent"]},
            {404},
        ),
        "approvals/{id}/review": (world.approval["id"], {"input.amount": "1"}, {404}),
        "approvals/{id}/delegate": (world.approval["id"], {"to": "otto"}, {404}),
        "escalations": ("", {}, {200}),
        "escalations/{id}": (world.escalation, {}, {404}),
        "escalations/{id}/take": (world.escalation, {}, {404}),
        "escalations/{id}/return": (world.escalation, {}, {404}),
        "escalations/{id}/answer": (world.escalation, {"answer": '{"class": "credit"}'}, {404}),
        "escalations/{id}/close": (world.escalation, {"comment": "because"}, {404}),
        "actions": ("", {}, {200}),
        "actions/{id}": (world.succeeded, {}, {404}),
        "actions/{id}/explanation": (world.succeeded, {}, {404}),
        "actions/{id}/confirm": (world.confirming["id"], consent, {404}),
        "actions/{id}/cancel": (world.confirming["id"], {}, {404}),
        "actions/{id}/settle": (world.succeeded, {}, {404}),
        "actions/{id}/resolve": (world.succeeded, {"outcome": "failed", "comment": "because"}, {404}),
        "doubts": ("", {}, {200}),
        "switches": ("", {}, {200}),
        "switches/set": ("", {"scope": "installation", "reason": "all"}, {403}),
        "switches/clear": ("", {"scope": "operation", "target": "shady.look", "tenant": "acme"}, {404, 409}),
        "project": ("", {}, {200}),
    }
    return cases[page]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_and_changes_nothing_of_another_tenant(town: Place, world: World, page: str) -> None:
    mark, fields, refused = page_case(world, page)
    path = "/console/" + page.replace("{id}", mark)
    browser = Browser(town, town["administrator"].key)
    browser.open("/console/switches")
    for method in PAGES[page]:
        reply = browser.open(path) if method == "GET" else browser.submit(path, **fields)
        assert reply.status in refused, reply.content
        assert not world.leaked(reply.content.decode(), path + str(fields)), reply.content


@pytest.mark.parametrize("query", ["session={session}", "before={succeeded}0", "state=waiting"])
def test_no_query_of_the_list_of_actions_reaches_across(town: Place, world: World, query: str) -> None:
    asked = query.format(session=world.session, succeeded=world.succeeded)
    reply = Browser(town, town["administrator"].key).open(f"/console/actions?{asked}")
    assert reply.status == 200
    assert not world.leaked(reply.content.decode(), asked)


# --- Command line ----------------------------------------------------------------------------------------------------

CONSENTING = "--yes"


def job_case(world: World) -> dict[str, list[str]]:
    """Return those about turns, jobs and escalations."""
    return {
        "teams list": [],
        "teams show": ["line", world.team],
        "triggers list": [],
        "triggers runs": ["broken-parcel"],
        "turns list": [world.session],
        "turns show": [world.turn],
        "jobs list": [],
        "jobs run": ["sort", "--text", "hello", "--session", world.session],
        "jobs runs": ["sort", "--before", f"{world.run}0"],
        "jobs show": ["sort", world.run],
        "jobs again": ["sort", world.run],
        "jobs judge": ["sort", world.run, "accepted"],
        "jobs reliability": ["sort"],
        "jobs evaluate": ["sort"],
        "escalations list": [],
        "escalations open": [world.session, "--reason", "hello"],
        "escalations show": [world.escalation],
        "escalations take": [world.escalation],
        "escalations return": [world.escalation],
        "escalations answer": [world.escalation, '{"class": "credit"}'],
        "escalations close": [world.escalation, "--comment", "because"],
    }


def command_case(world: World) -> dict[str, list[str]]:
    """Return the arguments of each command that talks to a server; an empty list where there is nothing to name."""
    action, waiting = world.succeeded, world.confirming["id"]
    approval = world.approval["id"]
    return {
        "call": ["billing.find", "order_id:=4711", "--session", world.session],
        "ask": ["hello", "--agent", "helper", "--session", world.session],
        "sessions open": ["--agent", "helper", "--person", "carla"],
        "sessions list": [],
        "sessions show": [world.session],
        "sessions turn": [world.session, "hello"],
        "sessions verify": [world.session, "strong"],
        "sessions plan": [world.session, "--step", "billing.find"],
        "sessions declassify": [
            world.session,
            "billing.find#/order_id",
            "--integrity",
            "trusted",
            "--reason",
            "because",
        ],
        "sessions close": [world.session],
        "operations list": [],
        "operations show": ["billing.find"],
        "actions list": ["--session", world.session],
        "actions show": [action],
        "actions trace": [action],
        "actions explain": [action],
        "actions confirm": [waiting, CONSENTING],
        "actions cancel": [waiting],
        "actions undo": [action],
        "actions settle": [action],
        "actions resolve": [action, "failed", "--comment", "because"],
        "actions report": [world.external, "succeeded", "--output", '{"id": "1"}'],
        "approvals list": [],
        "approvals show": [approval],
        "approvals approve": [approval, CONSENTING],
        "approvals reject": [approval, CONSENTING],
        "approvals delegate": [approval, "otto"],
        **job_case(world),
        "policy explain": [action],
        "systems list": [],
        "systems drift": ["notes"],
        "systems pins": [],
        "systems accept": ["billing.credit", CONSENTING],
        "keys create": ["--kind", "person", "--id", "carla"],
        "keys list": [],
        "keys rotate": [world.key],
        "keys revoke": [world.key],
        "models usage": ["--by", "tenant,caller,agent"],
        "models budgets": [],
        "switches list": [],
        "switches set": ["installation", "--reason", "all of you"],
        "switches clear": ["operation", "shady.look"],
    }


SERVED = [command.name for command in COMMANDS if any("--url" in argument.names for argument in command.arguments)]
BRIDGES = {"mcp"}  # hands messages on to /mcp, which is tried above
OPEN = {
    *("sessions list", "operations list", "operations show", "actions list", "approvals list", "systems list"),
    *("systems drift", "systems pins", "keys list", "switches list"),
    *("models usage", "models budgets", "jobs list", "jobs runs", "jobs reliability", "jobs evaluate"),
    *("escalations list", "teams list", "triggers list", "triggers runs"),
}
"""Commands that answer about the caller's own tenant; every other one is refused."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a command leaves closing to its end
@pytest.mark.parametrize("command", [name for name in SERVED if name not in BRIDGES])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_command_shows_and_changes_nothing_of_another_tenant(
    town: Place,
    world: World,
    command: str,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("INTERLOCK_URL", town.server.url)
    monkeypatch.setenv("INTERLOCK_KEY", town["administrator"].key)
    words = [*command.split(), *command_case(world)[command], *(["--json"] if as_json else [])]
    code = main(words)
    shown = "".join(capsys.readouterr())
    assert not world.leaked(shown, " ".join(words)), shown
    assert code == (0 if command in OPEN else 1), shown

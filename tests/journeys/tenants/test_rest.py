"""Every REST route, tried by another tenant with this tenant's ids and with its own keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from interlock.experience.api.document import ROUTES
from interlock.experience.api.routes import Route
from tests.journeys.place import Place
from tests.journeys.tenants.world import REASON, World

REFUSED, OWN, OPERATOR = "refused", "own", "operator"
"""What an outsider must get: 404 or 403; an answer about its own tenant; 403, as the place is not theirs to run."""


@dataclass(frozen=True)
class Attempt:
    """How a route is tried. *query* and *body* hold the other tenant's ids; *mark* is the id in the path."""

    expected: str = REFUSED
    mark: str = ""
    query: str = ""
    body: Any = None


Make = Callable[[World], Attempt]


def of_session(body: Any = None) -> Make:
    return lambda world: Attempt(mark=world.session, body=body)


def of_action(body: Any = None) -> Make:
    return lambda world: Attempt(mark=world.succeeded, body=body)


def of_run(body: Any = None) -> Make:
    return lambda world: Attempt(mark=world.run, body=body)


def of_escalation(body: Any = None) -> Make:
    return lambda world: Attempt(mark=world.escalation, body=body)


def own(query: str = "") -> Make:
    return lambda world: Attempt(OWN, query=query.format(world=world))


CASES: dict[str, Make] = {
    "open_session": lambda _: Attempt(body={"agent": "helper", "person": "carla"}),
    "list_sessions": lambda world: Attempt(OWN, query=f"before={world.session}0"),
    "get_session": of_session(),
    "add_turn": of_session({"request": "hello"}),
    "plan_session": of_session({"plan": ["billing.find"]}),
    "raise_verification": of_session({"level": "strong"}),
    "add_consent": of_session({"consent": ["marketing"]}),
    "close_session": of_session(),
    "declassify": of_session({"place": "billing.find#/order_id", "to": {"integrity": "trusted"}, "reason": REASON}),
    "list_operations": own(),
    "get_operation": lambda _: Attempt(OWN, mark="billing.find"),
    "list_systems": own(),
    "system_drift": lambda _: Attempt(OWN, mark="notes"),
    "list_pins": own(),
    "accept_pin": lambda _: Attempt(OPERATOR, mark="billing.credit"),
    "propose_action": lambda world: Attempt(
        body={"session": world.session, "operation": "billing.find", "input": {"order_id": 4711}}
    ),
    "list_actions": own("session={world.session}"),
    "get_action": of_action(),
    "confirm_action": lambda world: Attempt(mark=world.confirming["id"], body={"consent": world.confirming["consent"]}),
    "cancel_action": lambda world: Attempt(mark=world.confirming["id"]),
    "undo_action": of_action({}),
    "report_result": lambda world: Attempt(mark=world.external, body={"status": "succeeded", "output": {"id": "1"}}),
    "resolve_action": of_action({"outcome": "failed", "comment": "because"}),
    "settle_action": of_action(),
    "trace_action": of_action(),
    "explain_action": of_action(),
    "list_approvals": own("before={world.approval[id]}0"),
    "get_approval": lambda world: Attempt(mark=world.approval["id"]),
    "decide_approval": lambda world: Attempt(
        mark=world.approval["id"], body={"verdict": "approve", "consent": world.approval["consent"]}
    ),
    "decide_approvals": lambda world: Attempt(
        body={
            "verdicts": [{"approval": world.approval["id"], "verdict": "approve", "consent": world.approval["consent"]}]
        }
    ),
    "delegate_approval": lambda world: Attempt(mark=world.approval["id"], body={"to": "otto"}),
    "list_escalations": own("before={world.escalation}0"),
    "escalate_session": of_session({"reason": "hello", "role": "lead"}),
    "get_escalation": of_escalation(),
    "take_escalation": of_escalation(),
    "return_escalation": of_escalation({}),
    "answer_escalation": of_escalation({"answer": {"class": "credit"}}),
    "close_escalation": of_escalation({"comment": "because"}),
    "list_jobs": own(),
    "run_job": lambda world: Attempt(body={"input": {"text": "hello"}, "session": world.session}),
    "list_job_runs": own("before={world.run}0"),
    "get_job_run": of_run(),
    "run_job_again": of_run(),
    "judge_job_run": of_run({"verdict": "accepted"}),
    "job_reliability": own(),
    "evaluate_job": own(),
    "list_teams": own(),
    "ask_team": lambda world: Attempt(body={"request": "hello", "session": world.session}),
    "get_team_run": lambda world: Attempt(mark=world.team),
    "list_triggers": own(),
    "list_trigger_runs": own(),
    "list_turns": lambda world: Attempt(query=f"session={world.session}"),
    "get_turn": lambda world: Attempt(mark=world.turn),
    "search_journal": own("session={world.session}"),
    "show_journal": lambda world: Attempt(OWN, mark=world.succeeded),
    "verify_journal": lambda _: Attempt(OPERATOR),
    "get_project": own(),
    "reload_project": lambda _: Attempt(OPERATOR),
    "list_switches": own(),
    "set_switch": lambda _: Attempt(OPERATOR, body={"scope": "tenant", "target": "acme", "reason": "stop them"}),
    "clear_switch": lambda _: Attempt(body={"scope": "operation", "target": "shady.look"}),
    "get_usage": own("by=tenant,caller,agent"),
    "list_budgets": own(),
    "create_key": lambda _: Attempt(body={"kind": "person", "id": "carla"}),
    "list_keys": own(),
    "rotate_key": lambda world: Attempt(mark=world.key, body={}),
    "revoke_key": lambda world: Attempt(mark=world.key),
    "ask": lambda world: Attempt(body={"agent": "helper", "request": "hello", "session": world.session}),
}
MISSES = {"open_session": {422}, "create_key": {422}, "clear_switch": {409}}
"""Further refusals: what is asked for does not exist in the caller's own tenant."""


def path_of(route: Route, attempt: Attempt) -> str:
    path = route.path
    for name in ("id", "subject"):
        path = path.replace(f"{{{name}}}", attempt.mark)
    path = path.replace("{job}", "sort").replace("{team}", "line")
    path = path.replace("{trigger}", "broken-parcel")  # these are the project's, and no tenant's
    return f"{path}?{attempt.query}" if attempt.query else path


def test_every_route_is_tried_across_tenants() -> None:
    assert {route.name for route in ROUTES} == CASES.keys()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_shows_and_changes_nothing_of_another_tenant(
    town: Place, world: World, outsider: str, route: Route
) -> None:
    attempt = CASES[route.name](world)
    path = path_of(route, attempt)
    reply = town[outsider].send(route.method, path, attempt.body)
    shown = reply.content.decode() + str(reply.headers)
    assert not world.leaked(shown, path + json.dumps(attempt.body)), shown
    if reply.code == "scope_missing" and attempt.expected != OPERATOR:
        return  # an agent or a service may not do this at all
    if attempt.expected == OWN:
        assert reply.status == 200, shown
    elif attempt.expected == OPERATOR:
        assert reply.status == 403, shown
    else:
        assert reply.status in {403, 404} | MISSES.get(route.name, set()), shown


def test_after_all_that_the_tenants_things_are_as_they_were(town: Place, world: World) -> None:
    ada = town["ada"]
    states = {action["id"]: action["state"] for action in ada.actions(session=world.session)}
    assert states == {
        world.succeeded: "succeeded",
        world.confirming["id"]: "waiting",
        world.approving["id"]: "waiting",
        world.external: "executing",
    }
    approval = ada.get(f"/v1/approvals/{world.approval['id']}")
    assert approval["state"] == "pending"
    assert not approval["delegates"]
    session = ada.get("/v1/sessions?limit=500")["items"]
    found = next(item for item in session if item["id"] == world.session)
    assert (found["state"], found["verification"], len(found["requests"])) == ("open", "none", 3)
    assert any(switch["reason"] == REASON for switch in ada.get("/v1/switches")["items"])
    key = next(key for key in ada.get("/v1/keys")["items"] if key["id"] == world.key)
    assert key["revoked"] is None
    assert not key["successor"]


@pytest.mark.parametrize("kind", ["search", "session", "actor", "subject", "text"])
def test_no_filter_of_the_journal_reaches_across(town: Place, world: World, kind: str) -> None:
    filters = {
        "search": "limit=500",
        "session": f"session={world.session}",
        "actor": "actor=agent:helper",
        "subject": f"subject={world.succeeded}",
        "text": "text=billing.credit",
    }
    reply = town["administrator"].send("GET", f"/v1/journal?{filters[kind]}")
    assert reply.status == 200
    assert not world.leaked(reply.content.decode(), filters[kind])


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/budgets"])
def test_only_the_operator_sees_what_all_tenants_spent(town: Place, world: World, path: str) -> None:
    reply = town["administrator"].send("GET", f"{path}?everywhere=true")
    assert (reply.status, reply.code) == (403, "scope_missing")


def test_a_tenants_own_switch_stops_only_that_tenant(town: Place, world: World) -> None:
    for scope, target in (
        ("agent", "helper"),
        ("system", "billing"),
        ("operation", "billing.find"),
        ("tenant", "other"),
    ):
        what = {"scope": scope, "target": target}
        town["administrator"].post("/v1/switches", {**what, "reason": "not today"})
        try:
            own = town["service"].post("/v1/sessions", {"agent": "helper"})["id"]
            assert town["agent"].propose(own, "billing.find", {"order_id": 1})["state"] == "denied"
            assert town["helper"].propose(town.session(), "billing.find", {"order_id": 1})["state"] == "succeeded"
        finally:
            town["administrator"].post("/v1/switches/clear", what)


@pytest.mark.parametrize(
    "body", [{"scope": "installation"}, {"scope": "agent", "target": "helper", "everywhere": True}]
)
def test_a_tenant_cannot_stop_everybody(town: Place, body: dict[str, Any]) -> None:
    for path, more in (("/v1/switches", {"reason": "all of you"}), ("/v1/switches/clear", {})):
        reply = town["administrator"].send("POST", path, {**body, **more})
        assert (reply.status, reply.code) == (403, "scope_missing")


def test_the_same_idempotency_key_in_two_tenants_is_two_actions(town: Place, world: World) -> None:
    own = town["service"].post("/v1/sessions", {"agent": "helper"})["id"]
    arguments = {"order_id": 4711, "customer_id": "ZEBRA", "amount": 5.0, "reason": "ours"}
    action = town["agent"].propose(own, "billing.credit", arguments, key="credit-5.0")
    assert action["state"] == "succeeded"
    assert action["id"] not in world.ids


def test_an_action_cannot_be_undone_within_another_tenants_session(town: Place, world: World) -> None:
    own = town["service"].post("/v1/sessions", {"agent": "helper"})["id"]
    arguments = {"order_id": 4712, "customer_id": "OTHER", "amount": 5.0, "reason": "ours"}
    action = town["agent"].propose(own, "billing.credit", arguments)
    reply = town["agent"].send("POST", f"/v1/actions/{action['id']}/undo", {"session": world.session})
    assert (reply.status, reply.code) == (404, "session_unknown")
    assert town["agent"].action(action["id"])["state"] == "succeeded"


def test_nobody_can_delegate_to_somebody_of_another_tenant(town: Place, world: World) -> None:
    reply = town["lena"].send("POST", f"/v1/approvals/{world.approval['id']}/delegate", {"to": "otto"})
    assert (reply.status, reply.code) == (403, "approval_forbidden")

"""Callers that are not who they say, or may not do what they ask: each refusal has its code and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.caller import Caller, Reply
from tests.journeys.hostile.conftest import CREDIT
from tests.journeys.place import Place


def refused(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code), reply.content
    assert reply.kind == "application/problem+json"


def with_key(town: Place, text: str) -> Caller:
    return town.server.caller(text)


def waiting(town: Place, amount: float) -> dict[str, Any]:
    action = town["helper"].propose(town.session(), "billing.credit", {**CREDIT, "amount": amount})
    assert action["state"] == "waiting"
    return action


FORGED = {
    "none": "",
    "no key at all": "hello",
    "the form of a key": f"ik_{'a' * 16}_{'b' * 52}",
    "a token that nobody signed": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
    "very long": "ik_" + "a" * 8000,
    "longer than any key": "ik_" + "a" * 20_000,
    "not ASCII": "ik_\xfc\xfc",
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_key(town: Place, case: str) -> None:
    reply = with_key(town, "").send("GET", "/v1/actions", headers={"authorization": f"Bearer {FORGED[case]}"})
    refused(reply, 401, "unauthenticated")
    assert "resource_metadata" in reply.headers["www-authenticate"]


@pytest.mark.parametrize("header", ["Basic YWRhOmFkYQ==", "Bearer", "", "bearer  ", "Digest x"])
def test_another_scheme(town: Place, header: str) -> None:
    reply = with_key(town, "").send("GET", "/v1/actions", headers={"authorization": header})
    refused(reply, 401, "unauthenticated")


def test_a_key_with_one_letter_changed(town: Place) -> None:
    text = town["ada"].key
    for place in (5, len(text) // 2, len(text) - 1):
        changed = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        refused(with_key(town, changed).send("GET", "/v1/keys"), 401, "unauthenticated")


def test_a_key_of_another_installation(town: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = town.server.elsewhere(tmp_path_factory.mktemp("elsewhere"))
    made = elsewhere.first_key("person", "ada")
    refused(with_key(town, made).send("GET", "/v1/keys"), 401, "unauthenticated")


def test_a_revoked_key_is_refused_at_once(town: Place) -> None:
    made = town["ada"].post("/v1/keys", {"kind": "agent", "id": "helper"})
    holder = with_key(town, made["text"])
    assert holder.send("GET", "/v1/operations").status == 200
    assert town["ada"].send("DELETE", f"/v1/keys/{made['id']}").status == 200
    refused(holder.send("GET", "/v1/operations"), 401, "unauthenticated")


def test_an_expired_key_is_told_so(town: Place) -> None:
    made = town["ada"].post("/v1/keys", {"kind": "agent", "id": "helper"})
    rotated = town["ada"].post(f"/v1/keys/{made['id']}/rotate", {"overlap_hours": 0})
    refused(with_key(town, made["text"]).send("GET", "/v1/operations"), 401, "key_expired")
    assert with_key(town, rotated["text"]).send("GET", "/v1/operations").status == 200


@pytest.mark.parametrize(
    ("holder", "method", "path", "body"),
    [
        ("helper", "POST", "/v1/keys", {"kind": "person", "id": "ada", "scopes": ["admin"]}),
        ("helper", "GET", "/v1/journal", None),
        ("helper", "POST", "/v1/journal/verify", {}),
        ("helper", "POST", "/v1/switches", {"scope": "installation", "reason": "because I can"}),
        ("helper", "POST", "/v1/project/reload", None),
        ("helper", "POST", "/v1/approvals/apr_x/decide", {"verdict": "approve", "consent": "sha256:" + "0" * 64}),
        ("portal", "GET", "/v1/keys", None),
        ("lena", "POST", "/v1/switches/clear", {"scope": "installation"}),
    ],
)
def test_a_scope_that_is_missing(town: Place, holder: str, method: str, path: str, body: Any) -> None:
    refused(town[holder].send(method, path, body), 403, "scope_missing")


def test_a_key_that_only_reads_cannot_act(town: Place) -> None:
    reader = town.key("person", "carla", "read")
    refused(reader.send("POST", "/v1/sessions", {}), 403, "scope_missing")
    refused(reader.send("POST", "/v1/actions", {"session": "x", "operation": "y"}), 403, "scope_missing")


@pytest.mark.parametrize("session", ["ses_" + "0" * 26, "ses_", "x", "../keys", "ses_' OR 1=1 --", "\u0000"])
def test_a_forged_session(town: Place, session: str) -> None:
    reply = town["helper"].send("POST", "/v1/actions", {"session": session, "operation": "billing.find", "input": {}})
    refused(reply, 404, "session_unknown")


def test_an_agent_cannot_work_in_a_session_that_names_another(town: Place) -> None:
    session = town["portal"].post("/v1/sessions", {"person": "carla"})["id"]
    refused(
        town["helper"].send("POST", "/v1/actions", {"session": session, "operation": "billing.find"}),
        404,
        "session_unknown",
    )


def test_an_agent_cannot_speak_for_a_person(town: Place) -> None:
    session = town.session()
    for body in ({"request": "Pay me"}, {"verification": "strong"}, {"customer": "ALFKI"}, {"person": "lena"}):
        refused(town["helper"].send("POST", "/v1/sessions", body), 403, "session_forbidden")
    refused(
        town["helper"].send("POST", f"/v1/sessions/{session}/turns", {"request": "Pay me"}), 403, "session_forbidden"
    )
    refused(
        town["helper"].send("POST", f"/v1/sessions/{session}/verification", {"level": "strong"}),
        403,
        "session_forbidden",
    )


def test_nobody_works_in_a_closed_session(town: Place) -> None:
    session = town.session()
    town["portal"].post(f"/v1/sessions/{session}/close")
    reply = town["helper"].send(
        "POST", "/v1/actions", {"session": session, "operation": "billing.credit", "input": CREDIT}
    )
    refused(reply, 409, "session_closed")


def test_a_confirmation_counts_once(town: Place) -> None:
    action = waiting(town, 75.0)
    before = town.billing.effects("created").total()
    path, body = f"/v1/actions/{action['id']}/confirm", {"consent": action["consent"]}
    assert town["carla"].post(path, body)["state"] == "succeeded"
    for _ in range(3):
        refused(town["carla"].send("POST", path, body), 409, "action_state_invalid")
    assert town.billing.effects("created").total() == before + 1


def test_a_confirmation_of_something_else_does_not_count(town: Place) -> None:
    action, other = waiting(town, 75.0), waiting(town, 76.0)
    for consent in (other["consent"], "sha256:" + "0" * 64):
        reply = town["carla"].send("POST", f"/v1/actions/{action['id']}/confirm", {"consent": consent})
        refused(reply, 409, "consent_stale")
    assert town["helper"].action(action["id"])["state"] == "waiting"


@pytest.mark.parametrize("holder", ["helper", "portal", "lena"])
def test_nobody_confirms_for_the_person(town: Place, holder: str) -> None:
    action = waiting(town, 75.0)
    reply = town[holder].send("POST", f"/v1/actions/{action['id']}/confirm", {"consent": action["consent"]})
    assert reply.status in (403, 404), reply.content
    assert reply.code in ("action_forbidden", "action_unknown", "session_unknown")
    assert town["ada"].action(action["id"])["state"] == "waiting"


def test_an_approval_counts_once_and_not_for_its_requester(town: Place) -> None:
    session = town["lena"].post("/v1/sessions", {"agent": "helper"})["id"]
    action = town["helper"].propose(session, "billing.credit", {**CREDIT, "amount": 250.0})
    approval = town["lena"].action(action["id"])["approvals"][0]
    path, verdict = f"/v1/approvals/{approval['id']}/decide", {"verdict": "approve", "consent": approval["consent"]}
    before = town.billing.effects("created").total()
    refused(town["lena"].send("POST", path, verdict), 403, "approval_forbidden")
    refused(town["carla"].send("POST", path, verdict), 403, "approval_forbidden")
    assert town["luis"].post(path, verdict)["state"] == "approved"
    refused(town["luis"].send("POST", path, verdict), 409, "approval_closed")
    assert town.billing.effects("created").total() == before + 1


def test_one_idempotency_key_is_one_action(town: Place) -> None:
    session, before = town.session(), town.billing.effects("created").total()
    first = town["helper"].propose(session, "billing.credit", CREDIT, key="once")
    assert town["helper"].propose(session, "billing.credit", CREDIT, key="once")["id"] == first["id"]
    changed = {"session": session, "operation": "billing.credit", "input": {**CREDIT, "amount": 6.0}}
    reply = town["helper"].send("POST", "/v1/actions", changed, headers={"idempotency-key": "once"})
    refused(reply, 422, "idempotency_key_reused")
    assert town.billing.effects("created").total() == before + 1

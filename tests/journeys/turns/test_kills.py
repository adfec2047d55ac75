"""A turn that waits is gone on with once, and does nothing twice, wherever the server is killed meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.journeys.caller import Lost
from tests.journeys.place import PARCELS, Place, place
from tests.journeys.process import until

ORDERS = count(3001)
WHILE_IT_RUNS = ("turn.kept", "action.after_intent", "action.after_call", "action.after_result", "turn.before_end")
WHILE_IT_GOES_ON = (
    "approval.after_commit",
    "action.after_call",
    "action.after_result",
    "turn.before_resume",
    "turn.resumed",
    "turn.kept",
    "turn.before_end",
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("turns")) as found:
        yield found
        found.server.stop()
        assert found.server.verify()["ok"]


def restarted(town: Place, fault: str = "") -> None:
    town.server.kill()
    town.server.wait_dead()
    town.server.start(fault=fault)


def asked(town: Place, amount: float) -> tuple[int, str]:
    """Ask the helper for a credit on a new order; return the order and the session, whether an answer came or not."""
    order = next(ORDERS)
    session = town.session(request=f"credit {amount} on order {order}", customer="ALFKI")
    try:
        town["portal"].post(
            "/v1/ask", {"agent": "helper", "session": session, "request": f"credit {amount} on order {order}"}
        )
    except Lost:
        town.server.wait_dead()
    return order, session


def asked_by_hand(town: Place, path: str, agent: str = "") -> tuple[int, str]:
    """Ask *path* for a credit on a new order; return the order and the session, whether an answer came or not."""
    order = next(ORDERS)
    words = f"credit 20 on order {order}"
    opening = {"agent": agent} if agent else {}
    session = str(town["portal"].post("/v1/sessions", {"person": "carla", "request": words, **opening})["id"])
    try:
        town["portal"].post(path, {"session": session, "request": words, **opening})
    except Lost:
        town.server.wait_dead()
    return order, session


def the_turn(town: Place, session: str) -> dict[str, Any]:
    (turn,) = town["portal"].get(f"/v1/turns?session={session}")["items"]
    return dict(turn)


def ended(town: Place, session: str) -> dict[str, Any]:
    until(lambda: the_turn(town, session)["state"] == "ended", "the turn to end")
    return the_turn(town, session)


def approve(town: Place, session: str) -> None:
    (approval,) = [one for one in town["lena"].get("/v1/approvals?limit=500")["items"] if one["session"] == session]
    body = {"verdict": "approve", "consent": approval["consent"]}
    try:
        town["lena"].post(f"/v1/approvals/{approval['id']}/decide", body)
    except Lost:
        town.server.wait_dead()


def credited(town: Place, order: int) -> int:
    return town.billing.effects("created")[order]


def test_a_turn_that_waited_goes_on_by_itself(town: Place) -> None:
    order, session = asked(town, 250)
    waiting = the_turn(town, session)
    assert (waiting["state"], waiting["ended"]) == ("waiting", "waiting")
    assert waiting["waits_for"] in waiting["answer"]
    assert credited(town, order) == 0
    approve(town, session)
    turn = ended(town, session)
    assert turn["answer"] == f"I have credited 250.00 on order {order}."
    assert [step["operation"] for step in turn["steps"]] == ["billing.credit", "billing.get"]
    assert turn["steps"][0]["action"]["state"] == "succeeded"
    assert (turn["resumed"], credited(town, order)) == (1, 1)


def test_a_turn_waits_over_a_restart(town: Place) -> None:
    order, session = asked(town, 251)
    restarted(town)
    approve(town, session)
    assert ended(town, session)["answer"] == f"I have credited 251.00 on order {order}."
    assert credited(town, order) == 1


def test_what_was_approved_while_nobody_ran_is_gone_on_with_at_the_start(town: Place) -> None:
    order, session = asked(town, 252)
    restarted(town, "action.after_result")
    approve(town, session)  # the server dies with the result just committed
    town.server.start()
    assert ended(town, session)["answer"] == f"I have credited 252.00 on order {order}."
    assert credited(town, order) == 1


def test_a_rejected_wait_ends_with_the_reason(town: Place) -> None:
    order, session = asked(town, 253)
    (approval,) = [one for one in town["lena"].get("/v1/approvals?limit=500")["items"] if one["session"] == session]
    body = {"verdict": "reject", "consent": approval["consent"], "comment": "no"}
    town["lena"].post(f"/v1/approvals/{approval['id']}/decide", body)
    turn = ended(town, session)
    assert "not possible" in turn["answer"]
    assert credited(town, order) == 0


def test_the_conversation_goes_on_after_a_restart(town: Place) -> None:
    order, session = asked(town, 12)
    restarted(town)
    words = "which credits has order"
    town["portal"].post("/v1/ask", {"agent": "helper", "session": session, "request": f"{words} {order}"})
    turns = town["portal"].get(f"/v1/turns?session={session}")["items"]
    assert [turn["words"] for turn in turns] == [f"{words} {order}", f"credit 12 on order {order}"]


@pytest.mark.parametrize("point", WHILE_IT_RUNS)
def test_a_kill_while_a_turn_runs_repeats_nothing(town: Place, point: str) -> None:
    restarted(town, point)
    order, session = asked(town, 20)
    assert not town.server.running(), f"{point} was not reached"
    town.server.start()
    turn = ended(town, session)
    if point == "action.after_intent":  # nobody had called billing yet, and a call is never made blindly again
        assert "it had no effect" in turn["answer"]
        assert credited(town, order) == 0
    else:
        assert turn["answer"] == f"I have credited 20.00 on order {order}."
        assert credited(town, order) == 1


@pytest.mark.parametrize("point", WHILE_IT_GOES_ON)
def test_a_kill_while_a_turn_goes_on_repeats_nothing(town: Place, point: str) -> None:
    restarted(town)
    order, session = asked(town, 254)
    restarted(town, point)
    approve(town, session)
    until(lambda: not town.server.running(), f"{point} to be reached")
    town.server.start()
    turn = ended(town, session)
    assert turn["answer"] == f"I have credited 254.00 on order {order}."
    assert credited(town, order) == 1


@pytest.mark.parametrize("point", ["turn.kept", "turn.before_end", "turn.handed_over", "action.after_result"])
def test_a_kill_between_hand_offs_loses_and_repeats_nothing(town: Place, point: str) -> None:
    restarted(town, point)
    order, session = asked_by_hand(town, "/v1/ask", "teller")
    until(lambda: not town.server.running(), f"{point} to be reached")
    town.server.start()

    def last() -> dict[str, Any]:
        return dict(town["portal"].get(f"/v1/turns?session={session}")["items"][0])

    until(lambda: last()["agent"] == "helper" and last()["state"] == "ended", "the helper to end")
    assert last()["answer"] == f"I have credited 20.00 on order {order}."
    assert credited(town, order) == 1


@pytest.mark.parametrize("point", ["team.kept", "team.kept:2", "turn.kept", "turn.before_end", "turn.before_end:2"])
def test_a_kill_while_a_team_works_loses_and_repeats_nothing(town: Place, point: str) -> None:
    restarted(town, point)
    order, session = asked_by_hand(town, "/v1/teams/line")
    until(lambda: not town.server.running(), f"{point} to be reached")
    town.server.start()

    def answered() -> list[Any]:
        found = town["ada"].get(f"/v1/journal?session={session}&kind=team.answered")["items"]
        return list(found)

    until(lambda: bool(answered()), "the team to answer")
    assert len(answered()) == 1
    assert credited(town, order) == 1


def sent(town: Place, key: str) -> int:
    """Let the parcels' system send an event until it is answered; return how often it had to."""
    raw = json.dumps({"id": key, "type": "parcel.broken"}).encode()
    signature = "sha256=" + hmac.digest(PARCELS.encode(), raw, hashlib.sha256).hex()
    for tries in count(1):
        request = Request(f"{town.server.url}/hooks/parcels", raw, {"x-hub-signature-256": signature}, method="POST")
        try:
            with urlopen(request, timeout=10) as answer:
                assert answer.status in (200, 202)
                return tries
        except OSError:
            town.server.wait_dead()
            town.server.start()
    raise AssertionError


WHILE_IT_STARTS = ("event.before_commit", "event.after_commit", "trigger.before_turn")


@pytest.mark.parametrize("point", [*WHILE_IT_STARTS, "turn.kept", "action.after_call", "turn.before_end"])
def test_an_event_starts_its_work_once_wherever_the_server_is_killed(town: Place, point: str) -> None:
    restarted(town, point)
    before = credited(town, 9001)
    tries = sent(town, f"parcel-{point}")
    if tries == 1:
        until(lambda: not town.server.running(), f"{point} to be reached")
        town.server.start()

    def latest() -> dict[str, Any]:
        return dict(town["ada"].get("/v1/triggers/broken-parcel/runs?limit=1")["items"][0])

    def turn() -> dict[str, Any]:
        (found,) = town["helper"].get(f"/v1/turns?session={latest()['session']}")["items"]
        return dict(found)

    until(lambda: latest()["state"] == "started", "the work to be started")
    until(lambda: turn()["state"] == "ended", "the turn to end")
    assert turn()["answer"] == "I have credited 20.00 on order 9001."
    assert credited(town, 9001) == before + 1

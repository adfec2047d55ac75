"""A question that no rule could answer, on the console: seen with its story, taken, answered, given back, closed."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from examples.northwind.demonstration.rest import Caller
from examples.northwind.demonstration.scene import Scene
from tests.experience.console.visitor import Visitor


@pytest.fixture(scope="module")
def laura(northwind: Scene) -> Caller:
    wanted = {"kind": "person", "id": "laura.callahan", "scopes": ["act", "approve"]}
    made = northwind.who("anne").post("/v1/keys", **wanted)
    return Caller("laura.callahan", northwind.town.url, made["text"])


@pytest.fixture
def desk(northwind: Scene, laura: Caller) -> Visitor:
    port = urlsplit(northwind.town.url).port
    assert port is not None
    visitor = Visitor(port)
    visitor.sign_in(laura.key, at="/console/escalations")
    return visitor


def asked(laura: Caller, text: str) -> tuple[str, str]:
    """Run the job on something that no rule knows; return the run, and the page of the question."""
    run = laura.post("/v1/jobs/triage", input={"text": text})
    assert run["state"] == "waiting"
    items = laura.get("/v1/escalations")["items"]
    return run["id"], next(f"/console/escalations/{one['id']}" for one in items if one["subject"] == run["id"])


def test_a_question_is_answered_by_choosing(laura: Caller, desk: Visitor) -> None:
    run, page = asked(laura, "Quod erat demonstrandum.")
    listed = desk.get("/console/escalations")
    assert "The input can be meant in several ways" in listed.text
    assert "Questions 1 open" in listed.text
    shown = desk.get(page)
    assert "Quod erat demonstrandum." in shown.text  # what was seen
    assert "house" not in shown.text
    assert "northwind-jobs" in shown.text  # what was tried
    taken = desk.post(shown.form("/take"))
    refused = desk.post(taken.form("/answer"), answer="robbery")
    assert refused.status == 422
    done = desk.post(taken.form("/answer"), answer="other")
    assert "answered" in done.text
    assert "nothing left to answer" in done.text
    assert laura.get(f"/v1/jobs/triage/runs/{run}")["result"] == {"class": "other"}


def test_a_question_is_given_back_and_closed_with_a_reason(laura: Caller, desk: Visitor) -> None:
    run, page = asked(laura, "Ceterum censeo.")
    taken = desk.post(desk.get(page).form("/take"))
    desk.post(taken.form("/return"), comment="one for the orders desk")
    again = desk.get(page)
    assert "one for the orders desk" in again.text
    assert desk.post(again.form("/close"), comment=" ").status == 422
    assert "closed" in desk.post(again.form("/close"), comment="it was a test").text
    assert laura.get(f"/v1/jobs/triage/runs/{run}")["reason"] == "unanswered"


def test_whose_it_is_not_sees_nothing_of_it(northwind: Scene, laura: Caller) -> None:
    _, page = asked(laura, "Lorem ipsum.")
    port = urlsplit(northwind.town.url).port
    assert port is not None
    michael = Visitor(port)
    michael.sign_in(northwind.who("michael").key, at="/console/escalations")
    assert "Nobody is asked anything." in michael.get("/console/escalations").text
    assert michael.get(page).status == 404

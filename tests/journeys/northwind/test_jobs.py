"""The jobs of the Northwind example: each by REST, on the command line and from Python, and with its evaluation set."""

from __future__ import annotations

import json
from typing import Any

import pytest

from examples.northwind.demonstration.rest import Caller
from examples.northwind.demonstration.scene import Scene
from interlock.experience.client import Client, ServerProblem
from tests.journeys.northwind.command_line import answer, interlock

TICKET = "Hello, six bottles in order 10998 were broken when the boxes were opened. Would you credit that, please?"
PASSAGES = [{"id": "returns", "text": "Goods that spoil are not taken back. Others are credited in full."}]
JOBS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "triage": ({"text": TICKET}, {"class": "damaged"}),
    "next-desk": ({"text": "please hold the order"}, {"to": "orders-desk"}),
    "claim": ({"text": "Please credit 63.15 on order 11024."}, {"value": {"order_id": 11024, "amount": 63.15}}),
    "ticket-summary": ({"text": TICKET}, {"summary": TICKET}),
    "delay-notice": ({"name": "Ms Anders", "order_id": 11011, "due": "6 May"}, {}),
    "house-answer": (
        {"question": "Are goods that spoil taken back?", "passages": PASSAGES},
        {"answer": "Goods that spoil are not taken back."},
    ),
    "credit-check": ({"amount": 400}, {"conclusion": "billing-lead"}),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_gives_the_same_by_rest_command_line_and_python(northwind: Scene, job: str) -> None:
    given, expected = JOBS[job]
    laura = northwind.who("laura")
    by_rest = laura.post(f"/v1/jobs/{job}", input=given)
    by_command = answer(northwind, "jobs", "run", job, "--input", json.dumps(given), by="laura")
    by_python = Client(northwind.town.url, laura.key).run(job, given)
    assert by_rest["state"] == by_command["state"] == by_python.state == "answered"
    assert by_rest["result"] == by_command["result"] == by_python.result
    assert expected.items() <= by_rest["result"].items()
    assert by_rest["model"] == {"provider": "rules", "model": "northwind-jobs"}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_reaches_what_its_evaluation_set_asks_for(northwind: Scene, job: str) -> None:
    done = interlock(northwind, "jobs", "evaluate", job, by="anne")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "yes" in next(line for line in done.stdout.splitlines() if line.startswith("reached"))


def test_a_reliability_table_is_printed(northwind: Scene) -> None:
    interlock(northwind, "jobs", "evaluate", "triage", by="anne")
    done = interlock(northwind, "jobs", "reliability", "triage", by="anne")
    assert done.returncode == 0, done.stderr
    assert "expected calibration error" in done.stdout
    assert "0.7-0.8" in done.stdout


def test_a_person_answers_what_the_rules_are_not_sure_of(northwind: Scene) -> None:
    laura = Client(northwind.town.url, northwind.who("laura").key)
    waiting = laura.run("triage", {"text": "Quod erat demonstrandum."})
    assert waiting.state == "waiting"
    assert waiting.result is None
    made = northwind.who("anne").post("/v1/keys", kind="person", id="laura.callahan", scopes=["act", "approve"])
    key = Caller("laura.callahan", northwind.town.url, made["text"])
    (item,) = [one for one in key.get("/v1/escalations")["items"] if one["subject"] == waiting.id]
    key.post(f"/v1/escalations/{item['id']}/answer", answer={"class": "missing"})
    done = laura.look("triage", waiting.id)
    assert (done.state, done.result) == ("answered", {"class": "missing"})
    assert done.whole["by"] == "person"


def test_what_is_refused_carries_the_servers_code(northwind: Scene) -> None:
    client = Client(northwind.town.url, northwind.who("laura").key)
    with pytest.raises(ServerProblem) as error:
        client.run("triage", {"words": "wrong"})
    assert error.value.server_code == "job_input_invalid"
    done = interlock(northwind, "jobs", "run", "triage", "--text", "a", "--file", "b", by="laura")
    assert done.returncode == 2

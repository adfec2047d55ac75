"""Lowering a label over REST, and the surfaces of agents, where there is no way to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.caller import Caller, Reply
from tests.journeys.labels.vault import FINANCIAL, IBAN, Vault

PLACE = "staff.get_person#/iban"
LOWER = {
    "place": PLACE,
    "to": {"confidentiality": "internal", "categories": []},
    "reason": "It stands on every invoice",
}


async def _declassify(vault: Vault, who: str, session: str, body: Any) -> Reply:
    return await vault.by(who, lambda caller: caller.send("POST", f"/v1/sessions/{session}/declassify", body))


async def _read(vault: Vault) -> str:
    session = await vault.session("seer")
    await vault.propose("seer", session, "staff.get_person", id="p1")
    return session


async def test_somebody_who_is_cleared_lowers_a_label_over_rest(vault: Vault) -> None:
    session = await _read(vault)
    pay = {"person": "p1", "iban": IBAN, "amount": 20.0}
    before = await vault.propose("seer", session, "staff.pay", **pay)
    assert before["label"]["confidentiality"] == "restricted"
    answer = await _declassify(vault, "aude", session, LOWER)
    assert answer.status == 200
    assert (answer.body["session"], answer.body["place"], answer.body["by"]) == (session, PLACE, "person:aude")
    assert answer.body["was"] == {"confidentiality": "restricted", "categories": ["financial"], "integrity": "trusted"}
    after = await vault.propose("seer", session, "staff.pay", **pay)
    assert "label" not in after
    shown = await vault.read("lena", f"/v1/actions/{after['id']}")
    assert shown["input"]["iban"] == IBAN, "an argument is shown by the label of what it was taken from"
    (read,) = [a for a in await vault.by("lena", Caller.actions) if a["operation"] == "staff.get_person"]
    assert read["output"]["iban"] == FINANCIAL, "a result is shown by what its operation declares"


async def test_a_session_lists_what_was_lowered_and_why_for_those_who_may_read(vault: Vault) -> None:
    session = await _read(vault)
    await _declassify(vault, "aude", session, LOWER)
    (told,) = (await vault.read("carla", f"/v1/sessions/{session}"))["declassified"]
    assert (told["place"], told["to"], told["reason"]) == (PLACE, LOWER["to"], LOWER["reason"])
    (kept,) = (await vault.read("seer", f"/v1/sessions/{session}"))["declassified"]
    assert (kept["place"], kept["by"]) == (PLACE, "person:aude")
    assert "reason" not in kept
    listed = (await vault.read("lena", "/v1/sessions"))["items"][0]
    assert listed["declassified"][0]["reason"] == LOWER["reason"]
    records = (await vault.read("lena", f"/v1/journal?session={session}&kind=label.declassified"))["items"]
    assert [record["actor"] for record in records] == ["person:aude"]


@pytest.mark.parametrize(
    ("who", "changed", "status", "code"),
    [
        ("lena", {}, 403, "declassification_forbidden"),
        ("carla", {}, 403, "scope_missing"),
        ("seer", {}, 403, "scope_missing"),
        ("aude", {"reason": ""}, 422, "request_invalid"),
        ("aude", {"reason": " "}, 422, "declassification_invalid"),
        ("aude", {"to": {}}, 422, "request_invalid"),
        ("aude", {"to": {"integrity": "untrusted"}}, 422, "request_invalid"),
        ("aude", {"to": {"confidentiality": "restricted"}}, 422, "request_invalid"),
        ("aude", {"to": {"categories": ["financial"]}}, 422, "declassification_invalid"),
        ("aude", {"place": "staff.get_person#/ibam"}, 422, "place_unseen"),
        ("aude", {"place": "iban"}, 422, "declassification_invalid"),
    ],
)
async def test_what_does_not_hold_is_refused_and_lowers_nothing(
    vault: Vault, who: str, changed: dict[str, Any], status: int, code: str
) -> None:
    session = await _read(vault)
    answer = await _declassify(vault, who, session, {**LOWER, **changed})
    assert (answer.status, answer.code) == (status, code)
    assert "declassified" not in await vault.read("carla", f"/v1/sessions/{session}")


async def _mcp(vault: Vault, method: str, params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"mcp-protocol-version": "2025-11-25"}
    reply = await vault.by("seer", lambda caller: caller.send("POST", "/mcp", body, headers=headers))
    return reply.body


async def test_over_mcp_there_is_no_way_to_lower_a_label(vault: Vault) -> None:
    session = await _read(vault)
    for who in ("seer", "helper"):
        tools = (await vault.tool(who, "tools/list"))["tools"]
        assert not [tool["name"] for tool in tools if "declass" in str(tool).lower()]
    arguments = {"session": session, **LOWER}
    for name in ("interlock.declassify", "sessions.declassify", "interlock.sessions_declassify"):
        answer = await _mcp(vault, "tools/call", {"name": name, "arguments": arguments})
        assert "error" in answer or answer["result"]["isError"]
    assert "error" in await _mcp(vault, "sessions/declassify", arguments)
    assert "declassified" not in await vault.read("carla", f"/v1/sessions/{session}")

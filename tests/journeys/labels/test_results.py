"""Results of actions over REST and MCP: what the caller may not see is masked, and fits what it was promised."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from tests.journeys.labels.vault import CANARIES, FINANCIAL, IBAN, NAME, PERSONAL, SALARY, Vault

PERSON = {"id": "p1", "name": NAME, "version": 1}


def holds(value: Any) -> list[str]:
    """The canaries that a JSON value holds."""
    return [canary for canary in CANARIES if canary in json.dumps(value)]


async def test_a_result_over_rest_is_masked_for_who_is_not_cleared(vault: Vault) -> None:
    session = await vault.session("helper")
    action = await vault.propose("helper", session, "staff.get_person", id="p1")
    assert action["output"] == {**PERSON, "iban": FINANCIAL, "salary": PERSONAL}
    assert "label" not in action, "what is shown binds nobody"
    assert not holds(action)


async def test_it_is_whole_for_who_is_cleared_and_says_what_binds_them(vault: Vault) -> None:
    session = await vault.session("seer")
    action = await vault.propose("seer", session, "staff.get_person", id="p1")
    assert action["output"] == {**PERSON, "iban": IBAN, "salary": SALARY}
    assert action["label"] == {
        "confidentiality": "restricted",
        "categories": ["financial", "personal"],
        "integrity": "trusted",
    }


async def test_the_file_of_an_agent_narrows_what_its_roles_let_it_see(vault: Vault) -> None:
    session = await vault.session("narrow")
    action = await vault.propose("narrow", session, "staff.get_person", id="p1")
    assert not holds(action)


async def test_looking_at_actions_later_masks_them_for_whoever_looks(vault: Vault) -> None:
    session = await vault.session("seer")
    action = await vault.propose("seer", session, "staff.get_person", id="p1")
    await vault.propose("seer", session, "staff.list_people")
    for who, sees in (("lena", False), ("aude", True)):
        listed = await vault.by(who, lambda caller: caller.actions())
        single = await vault.by(who, lambda caller: caller.action(action["id"]))
        assert (len(holds(listed)) > 0, len(holds(single)) > 0) == (sees, sees)
        assert len(listed) == 2


async def test_tools_promise_and_answer_masked_fields_as_text(vault: Vault) -> None:
    for who, sees in (("helper", False), ("seer", True)):
        tools = {tool["name"]: tool for tool in (await vault.tool(who, "tools/list"))["tools"]}
        for name, arguments in (("staff.get_person", {"id": "p1"}), ("staff.list_people", {})):
            result = await vault.tool(who, "tools/call", name=name, arguments=arguments)
            jsonschema_rs.validate(tools[name]["outputSchema"], result["structuredContent"])
            assert (len(holds(result)) > 0) is sees
        described = {item["id"]: item for item in await vault.by(who, _operations)}
        promised = described["staff.get_person"]["output_schema"]["properties"]
        assert promised["salary"]["type"] == ("number" if sees else "string")
        assert promised["name"]["type"] == "string"


async def test_a_tool_result_names_the_label_of_what_it_shows(vault: Vault) -> None:
    call = {"name": "staff.get_person", "arguments": {"id": "p1"}}
    about = (await vault.tool("seer", "tools/call", **call))["_meta"]
    assert about["io.interlock/label"]["confidentiality"] == "restricted"
    assert "io.interlock/label" not in (await vault.tool("helper", "tools/call", **call))["_meta"]


def _operations(caller: Any) -> Any:
    return caller.get("/v1/operations")["items"]

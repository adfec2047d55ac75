"""The guide's directory works as it is written, through the whole path; a lost answer is settled by reading back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, Proposal
from interlock.orchestration.sessions import Opening
from tests.house.source import read
from tests.integration.connectors.ldap.relay import Relay
from tests.integration.connectors.ldap.slapd import BASE, PASSWORD, Directory
from tests.orchestration.desk import person, running

CARLA = person("carla", "staff")
PROJECT = "name: guide\ntenants: [acme]\nroles: [staff]\n"
POLICY = '@id("all")\npermit (principal in Role::"staff", action, resource);\n'
ANN = {"uid": "ann", "cn": "Ann Example", "sn": "Example", "mail": ["ann@acme.example"], "departmentNumber": "7"}


class Desk:
    """Carla at work in one session."""

    def __init__(self, office: Installation, session: str) -> None:
        self.office = office
        self._session = session

    async def proposed(self, operation: str, **arguments: Any) -> Action:
        return await self.office.actions.propose(CARLA, Proposal(self._session, f"directory.{operation}", arguments))

    async def done(self, operation: str, **arguments: Any) -> Any:
        action = await self.proposed(operation, **arguments)
        assert action.state == "succeeded", (action.problem, action.decision.reasons)
        return action.output


@pytest.fixture
async def relay(directory: Directory) -> AsyncIterator[Relay]:
    async with Relay(directory.port, b"inetOrgPerson") as found:
        yield found


@pytest.fixture
async def desk(relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setenv("INTERLOCK_SECRET_DIRECTORY", PASSWORD)
    block = re.findall(r"```yaml\n(# systems/directory.yaml\n.*?)```", read("docs/how-to/connect-ldap.md"), re.DOTALL)[
        0
    ]
    system = yaml.safe_load(block)
    system["connection"] |= {"url": f"ldap://127.0.0.1:{relay.port}", "tls": False}
    system["connection"]["auth"]["dn"] = f"cn=service,{BASE}"
    for name, content in (
        ("interlock.yaml", PROJECT),
        ("policies/all.cedar", POLICY),
        ("systems/directory.yaml", yaml.safe_dump(system)),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    async with running(tmp_path) as composed:
        office = composed.installation
        session = await office.sessions.open(CARLA, Opening(request="Let Ann in"))
        yield Desk(office, session.id)


async def test_the_guides_operations_do_what_it_says(desk: Desk, directory: Directory) -> None:
    directory.ldif(f"dn: cn=buyers,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: buyers\nmember: cn=nobody,{BASE}\n")
    name = f"uid=ann,ou=people,{BASE}"
    assert await desk.done("add_person", **ANN) == {"dn": name, "added": True}
    found = await desk.done("find_people", name="example")
    assert found["entries"] == [{"dn": name, "uid": "ann", "cn": "Ann Example", "mail": ["ann@acme.example"]}]
    assert (await desk.done("find_people", department="8"))["entries"] == []
    await desk.done("change_person", uid="ann", mail=["a@acme.example", "b@acme.example"], departmentNumber=None)
    person = await desk.done("get_person", uid="ann")
    assert (person["mail"], person["manager"]) == (["a@acme.example", "b@acme.example"], None)
    await desk.done("add_member", group="buyers", member=name)
    assert name in directory.find("(cn=buyers)", "member")
    assert (await desk.done("delete_person", uid="ann"))["deleted"] is True


async def test_a_lost_answer_is_settled_by_reading_back(desk: Desk, relay: Relay, directory: Directory) -> None:
    relay.fault = "after"
    action = await desk.proposed("add_person", **ANN)
    assert action.state == "in_doubt"
    relay.fault = ""
    settled = await desk.office.settlement.settle(action)
    assert (settled.state, settled.output) == ("succeeded", {"dn": f"uid=ann,ou=people,{BASE}", "added": True})
    assert (relay.requests, directory.find("(uid=ann)", "cn").count("cn: Ann")) == (1, 1)
    again = await desk.proposed("add_person", **ANN)
    assert again.problem is not None
    assert (again.state, again.problem["code"]) == ("failed", "conflict")


async def test_a_repeatable_change_is_settled_by_making_it_again(desk: Desk, relay: Relay) -> None:
    await desk.done("add_person", **ANN)
    doubted = []
    for trigger, operation in ((b"departmentNumber", "change_person"), (b"\x4a", "delete_person")):
        relay.arm(trigger, "after")
        arguments = {"departmentNumber": "9"} if operation == "change_person" else {}
        doubted.append(await desk.proposed(operation, uid="ann", **arguments))
        relay.arm(trigger, "")
        assert doubted[-1].state == "in_doubt"
        assert (await desk.office.settlement.settle(doubted[-1])).state == "succeeded"

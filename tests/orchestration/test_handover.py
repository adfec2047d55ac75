"""A session is handed over by hand: people see what happened in it, and who handed it over reads the answer."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from interlock.app.composition import Running
from interlock.foundation.store import Statement, Writes, open_database
from interlock.orchestration.actions import Proposal
from interlock.orchestration.escalations import Escalation, Question, Source, Wanted
from interlock.orchestration.escalations.errors import EscalationForbidden, EscalationInvalid, EscalationUnknown
from interlock.orchestration.escalations.store import MIGRATIONS
from interlock.orchestration.sessions import Opening
from interlock.orchestration.sessions.errors import SessionClosed, SessionUnknown
from interlock.values.identifiers import new_id
from interlock.values.labels import Confidentiality, Label
from tests.orchestration.desk import (
    AGENT_KEY,
    LENA,
    LUIS,
    MAIN,
    OTTO,
    PORTAL,
    change,
    person,
    running,
    write_project,
)

WHY = "The customer wants to talk to somebody"


async def session_of(composed: Running) -> str:
    """Return a session in which an account was looked at."""
    installation = composed.installation
    session = await installation.sessions.open(PORTAL, Opening(agent="helper", request="What is on A-100?"))
    await installation.actions.propose(AGENT_KEY, Proposal(session.id, "ledger.get_account", {"id": "A-100"}))
    return session.id


async def put(composed: Running, role: str = "lead", **members: object) -> Escalation:
    """Return an escalation of no session."""
    question = Question("acme", role, Source.person, "person:carla", new_id("ses"), "asked_for", WHY)
    return await composed.installation.escalations.open(replace(question, **members), "person:carla")  # type: ignore[arg-type]  # members of a question


async def test_people_see_what_was_asked_seen_and_tried(tmp_path: Path) -> None:
    async with running(write_project(tmp_path)) as composed:
        session = await session_of(composed)
        opened = await composed.installation.handover.hand_over(PORTAL, session, WHY, role="lead")
        shown = (await composed.installation.escalations.get(opened.id, LENA)).to_json()
        assert (shown["words"], shown["source"], shown["session"]) == (WHY, "person", session)
        assert shown["story"]["asked"]["words"] == ["What is on A-100?"]
        assert shown["story"]["seen"][0]["balance"] == 900.0
        (tried,) = shown["story"]["tried"]
        assert (tried["operation"], tried["state"]) == ("ledger.get_account", "succeeded")


async def test_who_handed_it_over_reads_the_answer_and_nobody_else_without_a_role_does(tmp_path: Path) -> None:
    async with running(write_project(tmp_path)) as composed:
        desk = composed.installation.escalations
        session = await session_of(composed)
        opened = await composed.installation.handover.hand_over(PORTAL, session, WHY, role="lead")
        await desk.answer(opened.id, LENA, {"text": "I have called them."})
        assert (await desk.get(opened.id, PORTAL)).answer == {"text": "I have called them."}
        with pytest.raises(EscalationUnknown):
            await desk.get(opened.id, person("portal", scopes="act"))  # a person of the same id is somebody else


async def test_an_agent_another_tenant_and_a_closed_session_open_nothing(tmp_path: Path) -> None:
    async with running(write_project(tmp_path)) as composed:
        hand_over = composed.installation.handover.hand_over
        session = await session_of(composed)
        with pytest.raises(EscalationForbidden):
            await hand_over(AGENT_KEY, session, WHY, role="lead")
        with pytest.raises(SessionUnknown):
            await hand_over(OTTO, session, WHY, role="lead")
        await composed.installation.sessions.close(PORTAL, session)
        with pytest.raises(SessionClosed):
            await hand_over(PORTAL, session, WHY, role="lead")
        assert await composed.installation.escalations.page(LENA) == []


@pytest.mark.parametrize("role", ["", "nobody"])
async def test_a_role_that_nobody_can_have_is_refused(tmp_path: Path, role: str) -> None:
    async with running(write_project(tmp_path)) as composed:
        session = await session_of(composed)
        with pytest.raises(EscalationInvalid):
            await composed.installation.handover.hand_over(PORTAL, session, WHY, role=role)


@pytest.mark.parametrize(("role", "minutes"), [("director", 120), ("lead", 30)], ids=["usual", "the role's own"])
async def test_the_project_says_who_is_asked_and_how_long(tmp_path: Path, role: str, minutes: int) -> None:
    root = write_project(tmp_path)
    change(root, "interlock.yaml", "approvals:\n", f"escalations: {{role: {role}, due: 2h}}\napprovals:\n")
    assert "escalations" not in MAIN
    async with running(root) as composed:
        session = await session_of(composed)
        opened = await composed.installation.handover.hand_over(PORTAL, session, WHY)
        assert (opened.roles, opened.deadline - opened.created) == ([role], minutes * 60.0)


async def test_a_list_is_narrowed_and_no_page_is_short_before_the_last(tmp_path: Path) -> None:
    async with running(write_project(tmp_path)) as composed:
        desk = composed.installation.escalations
        mine = [(await put(composed, session=f"ses_{number}")).id for number in range(3)]
        for _ in range(101):  # more than are read at a time, and none of them for a lead
            await put(composed, "director", source=Source.agent)
        lead = person("lena", "lead", scopes="approve")
        newest = await desk.page(lead, limit=2)
        assert [one.id for one in newest] == [mine[2], mine[1]]
        assert [one.id for one in await desk.page(lead, before=newest[-1].id, limit=2)] == [mine[0]]
        for wanted in (Wanted(role="lead"), Wanted(source="person")):
            assert [one.id for one in await desk.page(LUIS, wanted=wanted)] == mine[::-1]
        assert [one.id for one in await desk.page(LUIS, wanted=Wanted(session="ses_1"))] == [mine[1]]
        assert await desk.page(OTTO, wanted=Wanted(session="ses_1")) == []


async def test_an_agents_own_words_are_hidden_with_what_they_are_about(tmp_path: Path) -> None:
    async with running(write_project(tmp_path)) as composed:
        label = Label(Confidentiality.restricted)
        opened = await put(composed, words="Mr Ito owes 900.", source=Source.agent, name="helper", label=label)
        shown = opened.to_json(cleared=False)
        assert "Ito" not in str(shown)
        assert shown["words"] == "agent helper: asked_for"


async def test_what_an_older_program_has_stored_is_still_answered_on_postgresql(
    tmp_path: Path, postgres_url: str
) -> None:
    older = Escalation(
        new_id("esc"), Question("acme", "lead", Source.person, "carla", "ses_1", "x", WHY), roles=["lead"]
    )
    database = open_database(postgres_url)
    await database.open()
    await database.migrate("escalations", MIGRATIONS[:4])
    row = (older.id, "acme", "lead", "open", time.time() + 600, 0.0, 1, 0, orjson.dumps(older.document()))
    names = "id, tenant, role, state, deadline, created, told, revision, document"
    insert = Statement(f"INSERT INTO escalations ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    await database.commit([Writes([insert])])
    await database.close()
    async with running(write_project(tmp_path), postgres_url) as composed:
        desk = composed.installation.escalations
        opened = await put(composed, session="ses_2")
        assert [one.id for one in await desk.page(LENA)] == [opened.id, older.id]
        assert [one.id for one in await desk.page(LENA, wanted=Wanted(source="person", session="ses_2"))] == [opened.id]
        assert (await desk.answer(older.id, LENA, {"text": "done"})).answered_by == "lena"

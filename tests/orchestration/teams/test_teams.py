"""Teams and hand-offs: several agents in one session, each by its own rights, over waits and restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interlock.app.composition import Running
from interlock.foundation.documents import ProjectInvalid
from interlock.governance.journal import Search
from interlock.intelligence.gateway import ModelReply, ModelRequest, ToolCall
from interlock.orchestration.agents import Ended
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.escalations import Source
from interlock.orchestration.project import load_project
from interlock.orchestration.sessions import Opening, Session
from interlock.orchestration.teams import TeamRunUnknown, Teams, TeamUnknown
from interlock.orchestration.teams.run import TeamState
from interlock.orchestration.turns import Resuming, Turns
from tests.orchestration.desk import CARLA, LENA, OTTO, payments, running, write_project

AGENTS = {
    "reader": 'agent: reader\nroute: desk\nroles: [agents]\noperations: ["ledger.get_*"]\nhand_offs: [payer, person]\n'
    "escalate: lead\ndescription: Reads accounts.\n",
    "payer": 'agent: payer\nroute: desk\nroles: [agents]\noperations: ["ledger.*"]\nhand_offs: [reader]\n'
    "description: Pays.\n",
    "chair": 'agent: chair\nroute: desk\noperations: ["ledger.get_*"]\n',
}
TEAMS = {
    "line": "team: line\npattern: sequential\nagents: [reader, payer]\n",
    "both": "team: both\npattern: concurrent\nagents: [reader, payer]\nmerge: all\n",
    "panel": "team: panel\npattern: discussion\nagents: [reader, payer]\nmoderator: chair\nrounds: 2\n",
}


class Scripts:
    """A model that says for each agent one thing after the other, and its last for ever."""

    def __init__(self, **said: list[ModelReply]) -> None:
        self.said = said
        self.shown: list[tuple[str, ModelRequest]] = []

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        del route
        agent = str(request.metadata["agent"])
        self.shown.append((agent, request))
        replies = self.said[agent]
        return replies.pop(0) if len(replies) > 1 else replies[0]


def says(text: str) -> ModelReply:
    return ModelReply(text, provider="scripted", model="m")


def calls(name: str, **arguments: object) -> ModelReply:
    return ModelReply(tool_calls=(ToolCall(f"call_{name}", name, arguments),), provider="scripted", model="m")


def pays(amount: float) -> ModelReply:
    return calls("ledger__pay", account="A-100", amount=amount)


class Place:
    def __init__(self, composed: Running, scripts: Scripts) -> None:
        found = composed.installation
        self.composed, self.scripts, self.installation = composed, scripts, found
        keeping = found.turns.keeping
        self.turns = Turns(found.projects, found.sessions, found.actions, scripts, found.escalations, keeping)
        self.resuming = Resuming(self.turns, found.projects, composed.database)
        found.escalations.waiting[Source.agent] = self.resuming
        self.teams = Teams(
            lambda: found.projects.current.teams,
            found.sessions,
            self.turns,
            composed.database,
            composed.writer,
            found.clock,
        )

    async def session(self, agent: str = "") -> Session:
        return await self.installation.sessions.open(CARLA, Opening(request="Pay 20 to A-100", agent=agent))

    async def kinds(self, session: str) -> list[str]:
        page = await self.installation.journal.search(Search(session=session), tenant="acme", limit=500)
        return [record.kind for record in reversed(page.records)]

    async def approve(self, action: str) -> None:
        (approval,) = await self.installation.approvals.of_action(action)
        await self.installation.approvals.decide(Verdict(approval.id, True, approval.consent), LENA)

    async def go_on(self) -> None:
        await self.resuming.round()
        await self.resuming.settled()
        await self.teams.round()
        await self.teams.settled()


@asynccontextmanager
async def place(root: Path, **said: list[ModelReply]) -> AsyncIterator[Place]:
    if not (root / "interlock.yaml").exists():
        write_project(root)
        for folder, files in (("agents", AGENTS), ("teams", TEAMS)):
            (root / folder).mkdir(exist_ok=True)
            for name, text in files.items():
                (root / folder / f"{name}.yaml").write_text(text, "utf-8")
    async with running(root) as composed:
        yield Place(composed, Scripts(**said))


async def test_a_sequence_shares_the_session_and_keeps_each_agents_rights(tmp_path: Path) -> None:
    reads = calls("ledger__get_account", id="A-100")
    async with place(tmp_path, reader=[reads, says("It has 900.")], payer=[pays(20.0), says("Paid 20.")]) as found:
        session = await found.session()
        run = await found.teams.ask(CARLA, "line", session, "Pay 20 to A-100")
        assert (run.state, run.answer) == (TeamState.ended, "Paid 20.")
        assert payments(tmp_path) == [("A-100", 20.0)]
        shown = next(request for agent, request in found.scripts.shown if agent == "payer")
        assert "It has 900." in str(shown.messages)  # what the one before has found out
        offered = [tool["function"]["name"] for agent, request in found.scripts.shown[:1] for tool in request.tools]
        assert offered == ["ledger__get_account", "hand_over__payer", "hand_over__person"]
        kinds = await found.kinds(session.id)
        assert [kind for kind in kinds if kind.startswith(("team.", "turn.", "session."))] == [
            "session.opened",
            "session.joined",
            "team.asked",
            "team.step",
            "turn.stepped",
            "turn.answered",
            "team.step",
            "turn.stepped",
            "turn.answered",
            "team.answered",
        ]


async def test_agents_that_work_at_once_are_merged(tmp_path: Path) -> None:
    async with place(tmp_path, reader=[says("yes")], payer=[says("no")]) as found:
        run = await found.teams.ask(CARLA, "both", await found.session(), "Shall we?")
        assert run.answer == "reader: yes\npayer: no"
        assert [turn.agent for turn in await found.teams.turns_of(run)] == ["reader", "payer"]


async def test_a_discussion_is_ended_by_its_moderator(tmp_path: Path) -> None:
    said = {"reader": [says("wait")], "payer": [says("pay")], "chair": [says("NEXT"), says("We wait.")]}
    async with place(tmp_path, **said) as found:
        run = await found.teams.ask(CARLA, "panel", await found.session(), "Shall we?")
        assert (run.answer, len(run.turns)) == ("We wait.", 6)


async def test_a_team_waits_for_its_member_over_a_restart(tmp_path: Path) -> None:
    said = {"reader": [says("It has 900.")], "payer": [pays(500.0), says("That waits.")]}
    async with place(tmp_path, **said) as found:
        session = await found.session()
        run = await found.teams.ask(CARLA, "line", session, "Pay 500 to A-100")
        assert run.state is TeamState.waiting
        assert "waits" in run.answer
    async with place(tmp_path, payer=[says("Paid 500.")]) as found:
        await found.go_on()
        assert (await found.teams.get(run.id, CARLA)).state is TeamState.waiting
        (waiting,) = [turn for turn in await found.teams.turns_of(run) if turn.waits_for]
        await found.approve(waiting.waits_for)
        for _ in range(3):
            await found.go_on()
        done = await found.teams.get(run.id, CARLA)
        assert (done.state, done.answer) == (TeamState.ended, "Paid 500.")
        assert payments(tmp_path) == [("A-100", 500.0)]


async def test_a_member_that_stops_stops_the_sequence(tmp_path: Path) -> None:
    async with place(tmp_path, reader=[says("")], payer=[pays(20.0)]) as found:
        run = await found.teams.ask(CARLA, "line", await found.session(), "Pay 20")
        assert run.state is TeamState.waiting  # the reader's people are asked
        (escalation,) = await found.installation.escalations.page(LENA)
        await found.installation.escalations.close(escalation.id, LENA, "not needed")
        await found.go_on()
        done = await found.teams.get(run.id, CARLA)
        assert (done.state, done.ended) == (TeamState.ended, "stopped")
        assert payments(tmp_path) == []


async def test_a_request_is_handed_over_with_its_conversation(tmp_path: Path) -> None:
    reads = calls("ledger__get_account", id="A-100")
    hands = calls("hand_over__payer", reason="I may not pay.")
    async with place(tmp_path, reader=[reads, hands], payer=[pays(20.0), says("Paid.")]) as found:
        session = await found.session("reader")
        turn = await found.turns.ask("reader", session, "Pay 20 to A-100", asker=CARLA)
        assert (turn.answer, turn.ended) == ("Paid.", Ended.answered)
        kept = await found.turns.page(session.id, CARLA)
        assert [(one.agent, one.ended, one.hand_offs) for one in kept] == [
            ("payer", "answered", 1),
            ("reader", "handed_over", 0),
        ]
        payer = next(request for agent, request in found.scripts.shown if agent == "payer")
        assert "900" in str(payer.messages)
        assert payments(tmp_path) == [("A-100", 20.0)]


async def test_handing_over_in_a_circle_has_an_end(tmp_path: Path) -> None:
    there, back = calls("hand_over__payer"), calls("hand_over__reader")
    async with place(tmp_path, reader=[there], payer=[back]) as found:
        session = await found.session("reader")
        turn = await found.turns.ask("reader", session, "Pay", asker=CARLA)
        assert turn.ended is Ended.no_progress
        assert "handed over 5 times" in turn.answer
        assert len(await found.turns.page(session.id, CARLA)) == 6


async def test_an_agent_hands_over_to_a_person_who_answers(tmp_path: Path) -> None:
    async with place(tmp_path, reader=[calls("hand_over__person"), says("They say no.")]) as found:
        session = await found.session("reader")
        turn = await found.turns.ask("reader", session, "May I?", asker=CARLA)
        assert turn.ended is Ended.handed_over
        (escalation,) = await found.installation.escalations.page(LENA)
        assert (escalation.id, escalation.asked.reason) == (turn.escalation, "handed_over")
        await found.installation.escalations.answer(escalation.id, LENA, {"text": "No."})
        await found.resuming.settled()
        (kept,) = await found.turns.page(session.id, CARLA)
        assert kept.answer == "They say no."


async def test_only_those_that_the_file_names_can_be_handed_to(tmp_path: Path) -> None:
    async with place(tmp_path, reader=[calls("hand_over__chair"), says("I cannot.")]) as found:
        session = await found.session("reader")
        turn = await found.turns.ask("reader", session, "Let the chair do it", asker=CARLA)
        assert turn.answer == "I cannot."
        assert turn.steps[0].action["decision"]["reasons"][0]["rule"] == "not-offered"


async def test_who_may_ask_and_see(tmp_path: Path) -> None:
    async with place(tmp_path, reader=[says("yes")], payer=[says("no")]) as found:
        session = await found.session()
        with pytest.raises(TeamUnknown):
            await found.teams.ask(CARLA, "none", session, "Shall we?")
        run = await found.teams.ask(CARLA, "both", session, "Shall we?")
        with pytest.raises(TeamRunUnknown):
            await found.teams.get(run.id, OTTO)
        with pytest.raises(TeamRunUnknown):
            await found.teams.get("tea_none", CARLA)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("teams/line.yaml", "team: line\npattern: sequential\nagents: [reader, nobody]\n", "'nobody' is no agent"),
        ("agents/chair.yaml", AGENTS["chair"] + "hand_offs: [nobody]\n", "'nobody' is no other agent"),
        ("agents/chair.yaml", AGENTS["chair"] + "hand_offs: [chair]\n", "'chair' is no other agent"),
        ("agents/chair.yaml", AGENTS["chair"] + "hand_offs: [person]\n", "the people of `escalate`"),
    ],
)
async def test_names_that_lead_nowhere_are_told(tmp_path: Path, file: str, text: str, told: str) -> None:
    async with place(tmp_path):
        pass
    (tmp_path / file).write_text(text, "utf-8")
    with pytest.raises(ProjectInvalid) as error:
        load_project(tmp_path)
    assert told in str(error.value)

"""Turns that are kept: they wait, are gone on with once, are handed to people, and always end with words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.app.composition import Running
from interlock.intelligence.gateway import ModelReply, ModelRequest, RouteExhausted, RouteRefused, ToolCall, Usage
from interlock.orchestration.actions.errors import ActionUnknown
from interlock.orchestration.agents import Ended, Turn
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.escalations import Source
from interlock.orchestration.sessions import Opening, SessionUnknown
from interlock.orchestration.turns import KeptTurn, Resuming, Turns, TurnState, TurnUnknown
from tests.orchestration.desk import CARLA, LENA, OTTO, SteppingClock, execute, payments, running, write_project

WORDS = "pay it"


class Script:
    """A model that says one thing after the other, and the last for ever; what it was shown is kept."""

    def __init__(self, *said: ModelReply | Exception) -> None:
        self.said = list(said)
        self.shown: list[ModelRequest] = []

    async def complete(self, route: str, request: ModelRequest) -> ModelReply:
        del route
        self.shown.append(request)
        reply = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def says(text: str) -> ModelReply:
    return ModelReply(text, provider="scripted", model="m", usage=Usage(1, 1))


def pays(*amounts: float, account: str = "A-100") -> ModelReply:
    calls = tuple(
        ToolCall(f"call_{amount}", "ledger__pay", {"account": account, "amount": amount}) for amount in amounts
    )
    return ModelReply(tool_calls=calls, provider="scripted", model="m")


class Desk:
    """The desk with agents whose model follows a script."""

    def __init__(self, composed: Running, script: Script) -> None:
        installation = composed.installation
        self.composed, self.script, self.installation = composed, script, installation
        self.turns = Turns(
            installation.projects,
            installation.sessions,
            installation.actions,
            script,
            installation.escalations,
            installation.turns.keeping,
        )
        self.resuming = Resuming(self.turns, installation.projects, composed.database)
        installation.escalations.waiting[Source.agent] = self.resuming

    async def ask(self, words: str = WORDS) -> Turn:
        opening = Opening(request=f"{words} for A-100", agent="helper")
        session = await self.installation.sessions.open(CARLA, opening)
        return await self.turns.ask("helper", session, words, asker=CARLA)

    async def kept(self, turn: Turn) -> KeptTurn:
        return await self.turns.get(turn.id, CARLA)

    async def decide(self, turn: Turn, *, approve: bool = True) -> None:
        kept = await self.kept(turn)
        (approval,) = await self.installation.approvals.of_action(kept.waits_for)
        await self.installation.approvals.decide(Verdict(approval.id, approve, approval.consent), LENA)

    async def go_on(self) -> None:
        await self.resuming.round()
        await self.resuming.settled()


@asynccontextmanager
async def desk(
    root: Path, *said: ModelReply | Exception, agent: str = "", other: str = "", deadline: str = "", url: str = ""
) -> AsyncIterator[Desk]:
    if not (root / "interlock.yaml").exists():
        write_project(root)
        file = root / "agents" / "helper.yaml"
        text = file.read_text("utf-8")
        file.write_text(text + agent, "utf-8")
        if other:
            (root / "agents" / f"{other}.yaml").write_text(text.replace("agent: helper", f"agent: {other}"), "utf-8")
        if deadline:
            main = root / "interlock.yaml"
            main.write_text(main.read_text("utf-8").replace("deadline: 30m", f"deadline: {deadline}"), "utf-8")
    async with running(root, url) as composed:
        yield Desk(composed, Script(*said))


async def later(place: Desk, seconds: float) -> None:
    """Let *seconds* pass, and do what is due then."""
    clock = place.installation.clock
    assert isinstance(clock, SteppingClock)
    clock.set(clock.now() + seconds)
    await place.installation.settlement.round()
    await place.go_on()


async def test_a_wait_survives_a_restart_and_most_of_its_deadline_and_is_gone_on_with_once(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits.")) as first:
        turn = await first.ask()
        assert turn.ended is Ended.waiting
    async with desk(tmp_path, says("I have paid it.")) as second:
        clock = second.installation.clock
        assert isinstance(clock, SteppingClock)
        clock.set(clock.now() + 25 * 60)
        await second.decide(turn)
        for _ in range(3):
            await second.go_on()
        kept = await second.kept(turn)
        assert (kept.state, kept.answer, kept.resumed) == (TurnState.ended, "I have paid it.", 1)
        assert payments(tmp_path) == [("A-100", 500.0)]
        results = [message for message in second.script.shown[0].messages if message["role"] == "tool"]
        assert len(results) == 1
        assert '"state":"succeeded"' in results[0]["content"]  # the model is told the end, and not that it waits
        assert len(second.script.shown) == 1


async def test_a_wait_survives_a_restart_and_seven_hours_and_is_gone_on_with_once(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), deadline="3d") as first:
        turn = await first.ask()
    async with desk(tmp_path, says("I have paid it.")) as second:
        await later(second, 7 * 3600)
        assert (await second.kept(turn)).state is TurnState.waiting
        await second.decide(turn)
        for _ in range(3):
            await second.go_on()
        kept = await second.kept(turn)
        assert (kept.state, kept.answer, kept.resumed) == (TurnState.ended, "I have paid it.", 1)
        assert payments(tmp_path) == [("A-100", 500.0)]


async def test_a_wait_for_an_approval_survives_a_restart_and_more_than_a_day(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), deadline="3d") as first:
        turn = await first.ask()
    async with desk(tmp_path, pays(20.0), says("I have paid it, and may do no more.")) as second:
        await later(second, 25 * 3600)
        assert (await second.kept(turn)).state is TurnState.waiting
        await second.decide(turn)
        for _ in range(3):
            await later(second, 60)
        kept = await second.kept(turn)
        assert (kept.state, kept.resumed) == (TurnState.ended, 1)
        assert kept.answer == "I have paid it, and may do no more."
        # The session is over: what was proposed in time is done, and nothing new is begun in it.
        assert [step.action["state"] for step in kept.progress.steps] == ["succeeded", "failed"]
        assert kept.progress.steps[1].action["problem"]["code"] == "session_closed"
        assert payments(tmp_path) == [("A-100", 500.0)]


async def test_what_its_own_person_must_confirm_ends_with_the_session(tmp_path: Path) -> None:
    script = (pays(80.0), says("Confirm it, please."), says("It was too late."))
    async with desk(tmp_path, *script, deadline="3d") as place:
        turn = await place.ask()
        await later(place, 9 * 3600)
        kept = await place.kept(turn)
        assert (kept.state, kept.answer) == (TurnState.ended, "It was too late.")
        assert kept.progress.steps[0].action["decision"]["reasons"][0]["rule"] == "session-closed"
        assert payments(tmp_path) == []


async def test_a_session_that_is_closed_takes_what_waits_in_it_along(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), deadline="3d") as place:
        turn = await place.ask()
        await place.installation.sessions.close(CARLA, turn.session)
        await later(place, 60)
        kept = await place.kept(turn)
        assert (kept.state, kept.ended) == (TurnState.ended, "abandoned")
        assert payments(tmp_path) == []


async def test_what_was_just_handed_over_is_not_taken_for_left_behind(tmp_path: Path) -> None:
    hands = ModelReply(tool_calls=(ToolCall("c", "hand_over__payer", {}),), provider="scripted", model="m")
    async with desk(tmp_path, hands, says("I have it."), agent="hand_offs: [payer]\n", other="payer") as place:
        keeping = place.turns.keeping
        history = keeping.history

        async def with_a_round_before(session: str, clearance: Any, *, before: str = "") -> Any:
            await place.resuming.round()
            return await history(session, clearance, before=before)

        keeping.history = with_a_round_before  # type: ignore[method-assign]  # the moment between storing and running
        turn = await place.ask()
        assert turn.answer == "I have it."
        assert [kept.resumed for kept in await place.turns.page(turn.session, CARLA)] == [0, 0]
        assert len(place.script.shown) == 2


@pytest.mark.postgres
async def test_of_two_processes_one_goes_on(tmp_path: Path, postgres_url: str) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), url=postgres_url) as one:
        turn = await one.ask()
        await one.decide(turn)
        one.script.said = [says("Paid.")]
        async with desk(tmp_path, says("Paid.")) as two:
            await asyncio.gather(one.resuming.round(), two.resuming.round())
            await asyncio.gather(one.resuming.settled(), two.resuming.settled())
            await asyncio.gather(one.go_on(), two.go_on())
            kept = await two.kept(turn)
            assert (kept.state, kept.resumed, kept.answer) == (TurnState.ended, 1, "Paid.")
            assert len(one.script.shown) + len(two.script.shown) == 3
            assert payments(tmp_path) == [("A-100", 500.0)]


async def test_what_nobody_decides_ends_with_words(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), says("Nobody agreed in time.")) as place:
        turn = await place.ask()
        clock = place.installation.clock
        assert isinstance(clock, SteppingClock)
        for _ in range(3):
            clock.set(clock.now() + 3 * 3600)
            await place.installation.settlement.round()
            await place.go_on()
        kept = await place.kept(turn)
        assert (kept.state, kept.answer) == (TurnState.ended, "Nobody agreed in time.")
        assert payments(tmp_path) == []


async def test_a_turn_may_wait_again(tmp_path: Path) -> None:
    script = (pays(500.0), says("That waits."), pays(600.0), says("That waits too."), says("Both are paid."))
    async with desk(tmp_path, *script) as place:
        turn = await place.ask()
        await place.decide(turn)
        await place.go_on()
        assert (await place.kept(turn)).state is TurnState.waiting
        await place.decide(turn)
        await place.go_on()
        kept = await place.kept(turn)
        assert (kept.answer, kept.resumed) == ("Both are paid.", 2)
        assert payments(tmp_path) == [("A-100", 500.0), ("A-100", 600.0)]


async def test_two_calls_at_once_of_which_one_waits_leave_none_open(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(20.0, 500.0, 30.0), says("One waits."), says("Done.")) as place:
        turn = await place.ask()
        await place.decide(turn)
        await place.go_on()
        assert payments(tmp_path) == [("A-100", 20.0), ("A-100", 500.0)]
        shown = place.script.shown[-1].messages
        assert sum(message["role"] == "tool" for message in shown) == 3
        assert "turn ended before this was proposed" in str(shown[-1])


async def test_of_two_calls_at_once_the_second_is_judged_by_what_the_first_has_done(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(20.0, 30.0), says("One of them.")) as place:
        execute(tmp_path, "INSERT INTO payments (account, amount) VALUES ('A-100', 4990)")
        turn = await place.ask()
        assert [step.action["state"] for step in turn.steps] == ["succeeded", "denied"]
        assert turn.steps[1].action["decision"]["reasons"][0]["rule"] == "limit"
        assert payments(tmp_path) == [("A-100", 4990.0), ("A-100", 20.0)]


async def test_the_first_answer_says_that_an_ai_gives_it(tmp_path: Path) -> None:
    async with desk(tmp_path, says("Hello."), agent="escalate: lead\nhand_offs: [person]\n") as place:
        turn = await place.ask()
        assert turn.greeting == "You are talking to helper, an AI agent. A person can be asked for at any time."
        session = await place.installation.sessions.use(turn.session, CARLA)
        assert (await place.turns.ask("helper", session, "More", asker=CARLA)).greeting == ""


async def test_what_another_process_goes_on_with_is_left_to_it(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), says("Paid.")) as place:
        turn = await place.ask()
        await place.decide(turn)
        other = Resuming(place.turns, place.installation.projects, place.composed.database)
        await asyncio.gather(place.resuming.round(), other.round())
        await asyncio.gather(place.resuming.settled(), other.settled())
        kept = await place.kept(turn)
        assert (kept.state, kept.resumed, kept.answer) == (TurnState.ended, 1, "Paid.")
        assert len(place.script.shown) == 3


async def test_the_project_may_change_meanwhile(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits."), says("Paid.")) as place:
        turn = await place.ask()
        await place.decide(turn)
        (tmp_path / "agents" / "helper.yaml").write_text(
            'agent: helper\nroute: desk\nroles: [agents]\noperations: ["ledger.get_*"]\n', "utf-8"
        )
        await place.installation.projects.reload()
        await place.go_on()
        assert (await place.kept(turn)).answer == "Paid."
        assert [tool["function"]["name"] for tool in place.script.shown[-1].tools] == ["ledger__get_account"]


async def test_an_agent_that_is_gone_ends_its_turns_with_words(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(500.0), says("That waits.")) as place:
        turn = await place.ask()
        await place.decide(turn)
        (tmp_path / "agents" / "helper.yaml").rename(tmp_path / "helper.away")
        (tmp_path / "policies" / "roles.cedar").write_text("", "utf-8")
        main = tmp_path / "interlock.yaml"
        main.write_text(main.read_text("utf-8").replace("roles: [clerk,", "roles: [agents, clerk,"), "utf-8")
        await place.installation.projects.reload()
        await place.go_on()
        kept = await place.kept(turn)
        assert (kept.state, kept.ended) == (TurnState.ended, "abandoned")
        assert "not there any more" in kept.answer


async def test_who_may_see_a_turn(tmp_path: Path) -> None:
    async with desk(tmp_path, says("Hello.")) as place:
        turn = await place.ask()
        assert (await place.turns.get(turn.id, CARLA)).answer == "Hello."
        assert [kept.id for kept in await place.turns.page(turn.session, CARLA)] == [turn.id]
        with pytest.raises(TurnUnknown):
            await place.turns.get(turn.id, OTTO)
        with pytest.raises(SessionUnknown):
            await place.turns.page(turn.session, OTTO)
        with pytest.raises(TurnUnknown):
            await place.turns.get("trn_none", CARLA)


ESCALATING = "escalate: lead\nlimits: {steps: 9}\n"
STUCK: dict[str, tuple[Sequence[ModelReply | Exception], str]] = {
    "it loops": ([pays(20.0)], "no_progress"),
    "it calls what it was not offered": ([ModelReply(tool_calls=(ToolCall("c", "rm_rf", {}),))], "no_progress"),
    "it makes arguments up": ([ModelReply(tool_calls=(ToolCall("c", "ledger__pay", {"to": 1}),))], "no_progress"),
    "its arguments cannot be read": (
        [ModelReply(tool_calls=(ToolCall("c", "ledger__pay", {}, problem="no JSON"),))],
        "no_progress",
    ),
    "it ignores a denial": ([pays(20.0, account="B-666")], "no_progress"),
    "it says nothing": ([says("  \n")], "no_answer"),
    "it refuses": ([RouteRefused("no")], "no_model"),
    "no model answers": ([RouteExhausted("nobody")], "no_model"),
    "it goes on for ever": ([pays(float(amount)) for amount in range(1, 12)], "step_limit"),
}


@pytest.mark.parametrize("case", STUCK)
async def test_a_turn_that_cannot_go_on_is_handed_over_with_its_story(tmp_path: Path, case: str) -> None:
    said, reason = STUCK[case]
    async with desk(tmp_path, *said, agent=ESCALATING) as place:
        turn = await place.ask()
        assert turn.ended.value == reason
        assert turn.escalation in turn.answer
        (escalation,) = await place.installation.escalations.page(LENA)
        shown: dict[str, Any] = escalation.to_json()
        assert (shown["id"], shown["reason"], shown["subject"]) == (turn.escalation, reason, turn.id)
        assert shown["story"]["asked"]["words"] == WORDS
        assert len(shown["story"]["tried"]) == len(turn.steps)
        assert len(payments(tmp_path)) <= 9
        place.script.said = [says("I have told them.")]
        before = payments(tmp_path)
        await place.installation.escalations.answer(turn.escalation, LENA, {"text": "Tell them to call us."})
        await place.resuming.settled()
        kept = await place.kept(turn)
        assert (kept.state, kept.answer) == (TurnState.ended, "I have told them.")
        assert place.script.shown[-1].messages[-1]["content"] == "lena, who was asked, answers: Tell them to call us."
        assert payments(tmp_path) == before


async def test_without_a_role_to_hand_over_to_it_ends_with_the_reason(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(20.0)) as place:
        turn = await place.ask()
        assert (turn.ended, turn.escalation) == (Ended.no_progress, "")
        assert "nothing came of several steps" in turn.answer
        assert "same action was already asked for" in turn.answer
        assert (await place.kept(turn)).state is TurnState.ended
        assert len(payments(tmp_path)) == 3  # the loop guard lets the same through three times


async def test_an_agent_that_names_no_role_asks_whom_the_project_names(tmp_path: Path) -> None:
    async with desk(tmp_path, pays(20.0)) as place:
        path = tmp_path / "interlock.yaml"
        path.write_text(path.read_text("utf-8") + "escalations: {role: director}\n", "utf-8")
        await place.installation.projects.reload()
        turn = await place.ask()
        (escalation,) = await place.installation.escalations.page(LENA)
        assert (escalation.id, escalation.roles) == (turn.escalation, ["director"])


async def test_a_question_that_nobody_answers_ends_the_turn(tmp_path: Path) -> None:
    async with desk(tmp_path, says(""), agent=ESCALATING) as place:
        turn = await place.ask()
        clock = place.installation.clock
        assert isinstance(clock, SteppingClock)
        for _ in range(2):
            clock.set(clock.now() + 3600)
            await place.installation.escalations.round()
        kept = await place.kept(turn)
        assert (kept.state, kept.ended) == (TurnState.ended, "abandoned")


async def test_an_answer_that_came_just_before_a_crash_is_not_lost(tmp_path: Path) -> None:
    async with desk(tmp_path, says(""), agent=ESCALATING) as place:
        turn = await place.ask()
        del place.installation.escalations.waiting[Source.agent]
        place.installation.escalations.waiting[Source.agent] = _Unheard()
        await place.installation.escalations.answer(turn.escalation, LENA, {"text": "Yes."})
    async with desk(tmp_path, says("They said yes.")) as place:
        await place.installation.escalations.round()
        await place.resuming.settled()
        assert (await place.kept(turn)).answer == "They said yes."


class _Unheard:
    """What waits for an answer and cannot go on now."""

    async def answered(self, escalation: object) -> None:
        raise ActionUnknown("not now")

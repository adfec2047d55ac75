"""Escalations: a person is asked with all that is known, answers once, and what waited goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from interlock.app.composition import Running
from interlock.governance.journal import Search
from interlock.orchestration.escalations import Escalation, EscalationState, Question, Source
from interlock.orchestration.escalations.errors import (
    EscalationAnswerInvalid,
    EscalationClosed,
    EscalationForbidden,
    EscalationUnknown,
)
from interlock.orchestration.jobs import JobRun, Jobs, Request, State
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind, Principal
from tests.orchestration.desk import CARLA, DORA, LENA, LUIS, OTTO, SteppingClock, running
from tests.orchestration.jobs.place import CLERK, SORT, Models, jobs_of, result, with_jobs

PERSON = "confidence: {estimator: logprobs, threshold: 0.8}\notherwise: [person]\nask: lead\n"
ASKED = Request("sort", {"text": "please pay invoice 7"})
PAY, ASK = {"class": "pay"}, {"class": "ask"}


async def escalated(composed: Running) -> tuple[Jobs, JobRun, Escalation]:
    """Return a run that waits for a lead, and what the lead sees."""
    jobs = jobs_of(composed, Models(desk=result(PAY, sure=0.5)))
    run = await jobs.run(CLERK, ASKED)
    assert run.state is State.waiting
    (escalation,) = await composed.installation.escalations.page(LENA)
    return jobs, run, escalation


async def test_a_person_sees_what_was_asked_seen_tried_and_proposed(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        _, run, escalation = await escalated(composed)
        shown = escalation.to_json()
        assert (shown["subject"], shown["reason"], shown["suggestion"]) == (run.id, "low_confidence", PAY)
        assert shown["story"]["seen"] == ASKED.given
        assert shown["story"]["tried"][0]["proposed"] == PAY
        assert "invoice" not in str(escalation.to_json(cleared=False))


async def test_the_answer_becomes_the_result_and_judges_the_model(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        jobs, run, escalation = await escalated(composed)
        desk = composed.installation.escalations
        assert (await desk.take(escalation.id, LENA)).taken_by == "lena"
        done = await desk.answer(escalation.id, LENA, ASK)
        assert (done.state, done.answered_by) == (EscalationState.answered, "lena")
        told = await jobs.get(CLERK, "sort", run.id)
        assert (told.state, told.result, told.by, told.correct) == (State.answered, ASK, "person", False)
        kinds = [
            record.kind
            for record in (await composed.installation.journal.search(Search(subject=run.id), tenant="acme")).records
        ]
        assert set(kinds) >= {"job.ran", "escalation.opened", "escalation.taken", "escalation.answered", "job.answered"}


async def test_an_answer_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        jobs, run, escalation = await escalated(composed)
        with pytest.raises(EscalationAnswerInvalid):
            await composed.installation.escalations.answer(escalation.id, LENA, {"class": "robbery"})
        assert (await jobs.get(CLERK, "sort", run.id)).state is State.waiting


@pytest.mark.parametrize(
    "who",
    [
        CARLA,
        Principal(Kind.agent, "helper", "acme", frozenset({"lead"}), scopes=frozenset({"approve"}), present=True),
        Principal(Kind.person, "lena", "acme", frozenset({"lead"}), scopes=frozenset({"approve"}), present=False),
        Principal(Kind.person, "lena", "acme", frozenset({"lead"}), scopes=frozenset({"read"}), present=True),
    ],
    ids=["another role", "an agent", "nobody present", "a key for reading"],
)
async def test_who_may_not_answer(tmp_path: Path, who: Principal) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        _, _, escalation = await escalated(composed)
        with pytest.raises((EscalationForbidden, EscalationUnknown)):
            await composed.installation.escalations.answer(escalation.id, who, PAY)


async def test_another_tenant_sees_nothing(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        _, _, escalation = await escalated(composed)
        desk = composed.installation.escalations
        assert await desk.page(OTTO) == []
        with pytest.raises(EscalationUnknown):
            await desk.get(escalation.id, OTTO)


async def test_who_is_not_cleared_cannot_answer(tmp_path: Path) -> None:
    secret = "labels: {confidentiality: restricted, categories: [health]}\n"
    async with running(with_jobs(tmp_path, sort=SORT + PERSON + secret)) as composed:
        _, _, escalation = await escalated(composed)
        with pytest.raises(EscalationForbidden, match="restricted"):
            await composed.installation.escalations.answer(escalation.id, LENA, PAY)


async def test_what_one_has_taken_another_leaves_alone_until_it_is_given_back(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        jobs, run, escalation = await escalated(composed)
        desk = composed.installation.escalations
        await desk.take(escalation.id, LENA)
        for attempt in (desk.take(escalation.id, LUIS), desk.answer(escalation.id, LUIS, PAY)):
            with pytest.raises(EscalationClosed):
                await attempt
        with pytest.raises(EscalationClosed):
            await desk.give_back(escalation.id, LUIS)
        await desk.give_back(escalation.id, LENA, "I know nothing of this")
        await desk.answer(escalation.id, LUIS, PAY)
        assert (await jobs.get(CLERK, "sort", run.id)).correct is True


async def test_of_many_who_answer_at_once_one_is_heard(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        jobs, run, escalation = await escalated(composed)
        desk = composed.installation.escalations
        tried = await asyncio.gather(
            *(desk.answer(escalation.id, who, said) for who, said in [(LENA, PAY), (LUIS, ASK), (LENA, ASK)]),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Escalation) for each in tried) == 1
        assert sum(isinstance(each, EscalationClosed) for each in tried) == 2
        (heard,) = [each for each in tried if isinstance(each, Escalation)]
        assert (await jobs.get(CLERK, "sort", run.id)).result == heard.answer


async def test_an_answer_that_was_not_passed_on_is_passed_on_after_a_restart(tmp_path: Path) -> None:
    root = with_jobs(tmp_path, sort=SORT + PERSON)
    async with running(root) as composed:
        _, run, escalation = await escalated(composed)
        composed.installation.escalations.waiting[Source.job] = _Dies()
        with pytest.raises(_Killed):
            await composed.installation.escalations.answer(escalation.id, LENA, ASK)
    async with running(root) as composed:
        jobs = jobs_of(composed, Models())
        assert (await jobs.get(CLERK, "sort", run.id)).state is State.waiting
        for _ in range(2):
            await composed.installation.escalations.round()
        assert (await jobs.get(CLERK, "sort", run.id)).result == ASK
        records = await composed.installation.journal.search(Search(kind="job.answered"), tenant="acme")
        assert len(records.records) == 1


async def test_what_nobody_answers_is_passed_on_and_then_ends_with_a_reason(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        jobs, run, escalation = await escalated(composed)
        desk, clock = composed.installation.escalations, composed.installation.clock
        assert isinstance(clock, SteppingClock)
        clock.set(escalation.deadline + 1)
        await desk.round()
        passed_on = await desk.get(escalation.id, DORA)
        assert (passed_on.state, passed_on.roles) == (EscalationState.open, ["lead", "director"])
        clock.set(passed_on.deadline + 1)
        await desk.round()
        ended = await jobs.get(CLERK, "sort", run.id)
        assert (ended.state, ended.reason) == (State.abstained, "unanswered")
        with pytest.raises(EscalationClosed):
            await desk.answer(escalation.id, LENA, PAY)


async def test_one_that_is_closed_ends_what_waited_for_it(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + PERSON)) as composed:
        jobs, run, escalation = await escalated(composed)
        closed = await composed.installation.escalations.close(escalation.id, LENA, "no longer needed")
        assert closed.state is EscalationState.closed
        assert (await jobs.get(CLERK, "sort", run.id)).state is State.abstained


async def test_a_question_without_a_schema_is_answered_in_words(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT)) as composed:
        desk = composed.installation.escalations
        question = Question("acme", "lead", Source.person, "carla", new_id("ses"), "asked_for", "Please take over.")
        opened = await desk.open(question, "person:carla")
        with pytest.raises(EscalationAnswerInvalid):
            await desk.answer(opened.id, LENA, {"class": "pay"})
        assert (await desk.answer(opened.id, LENA, {"text": "I have called them."})).state is EscalationState.answered


class _Killed(BaseException):
    pass


class _Dies:
    """What waits for an answer, in a process that dies before it hears of it."""

    async def answered(self, escalation: Escalation) -> None:
        raise _Killed

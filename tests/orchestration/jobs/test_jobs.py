"""Jobs: which route's answer is taken, and what happens where none is sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from interlock.governance.budgets import BudgetExceeded
from interlock.governance.journal import Search
from interlock.intelligence.gateway import AnswerForbidden, ModelReply, RouteExhausted, RouteRefused
from interlock.orchestration.jobs import Request, State, Verdict
from interlock.orchestration.jobs.errors import (
    JobForbidden,
    JobInputInvalid,
    JobRunClosed,
    JobRunUnknown,
    JobUnevaluated,
    JobUnknown,
)
from interlock.orchestration.sessions import Opening, SessionUnknown
from tests.orchestration.desk import CARLA, LENA, OTTO, person, running
from tests.orchestration.jobs.place import CLERK, READER, SORT, Models, jobs_of, result, with_jobs

LOGPROBS = "confidence: {estimator: logprobs, threshold: 0.8}\n"
PAY, ASK = {"class": "pay"}, {"class": "ask"}
TEXT = {"text": "please pay invoice 7"}
ASKED = Request("sort", TEXT)


async def test_a_sure_answer_is_taken_and_recorded(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + LOGPROBS)) as composed:
        models = Models(desk=result(PAY, sure=0.9))
        jobs = jobs_of(composed, models)
        run = await jobs.run(CLERK, ASKED)
        assert (run.state, run.result, run.by, run.reason) == (State.answered, PAY, "model", "")
        assert run.confidence is not None
        assert run.confidence.value == pytest.approx(0.9)
        assert await jobs.get(CLERK, "sort", run.id) == run
        found = await composed.installation.journal.search(Search(kind="job.ran"), tenant="acme", fields=True)
        (record,) = found.records
        assert record.fields["input"] == TEXT
        assert "invoice" not in str(record.body)  # what was said is stored apart from what is hashed
        route, request = models.asked[0]
        assert route == "desk"
        assert request.parameters["logprobs"] is True
        assert "invoice 7" not in request.messages[0]["content"]  # input is data, never instruction
        assert "invoice 7" in request.messages[1]["content"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (result(PAY, sure=0.5), "low_confidence"),
        (result(PAY), "confidence_unknown"),
        (result(None, abstained="unclear"), "unclear"),
        (result(None, abstained="not_in_input"), "not_in_input"),
        (result(PAY, abstained="conflicting", sure=0.99), "conflicting"),
        (result(None), "unclear"),
        (result({"class": "robbery"}, sure=0.99), "invalid_answer"),
        (result({"class": "pay", "more": 1}, sure=0.99), "invalid_answer"),
        (ModelReply("pay, I think"), "invalid_answer"),
        (ModelReply(""), "invalid_answer"),
        (ModelReply("null"), "invalid_answer"),
        (ModelReply("[" * 5000), "invalid_answer"),
        (ModelReply('{"result": {"class": "pay"}'), "invalid_answer"),
        (ModelReply("x" * 300_000), "invalid_answer"),
        (ModelReply("no", declined=True), "declined"),
        (RouteRefused("refused"), "declined"),
        (AnswerForbidden("forbidden"), "declined"),
        (RouteExhausted("nobody"), "no_model"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
async def test_what_is_no_sure_answer_says_why_and_gives_none(
    tmp_path: Path, said: ModelReply | Exception, reason: str
) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + LOGPROBS)) as composed:
        run = await jobs_of(composed, Models(desk=said)).run(CLERK, ASKED)
        assert (run.state, run.result, run.reason) == (State.abstained, None, reason)


SCHEMA = "schema: {type: object, required: [n], properties: {n: {type: integer}}}\n"
PASSAGE = [{"id": "a", "text": "Closed on Sundays."}]
EVERY: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "summarize": ("", TEXT, {"summary": "Somebody wants to be paid."}),
    "extract": (SCHEMA, TEXT, {"value": {"n": 7}}),
    "classify": ("classes: {pay: '', ask: ''}\n", TEXT, PAY),
    "draft": ("", {"name": "Ms Roth"}, {"text": "Dear Ms Roth, thank you."}),
    "answer": (
        "",
        {"question": "When?", "passages": PASSAGE},
        {"answer": "On Sundays.", "citations": [{"passage": "a", "quote": "Closed on Sundays"}]},
    ),
    "route": ("classes: {desk: '', shop: ''}\n", TEXT, {"to": "desk", "why": "It is about money."}),
    "reason": ("", {"amount": 7}, {"conclusion": "It may be paid.", "steps": ["7 is little."]}),
}


@pytest.mark.parametrize("kind", EVERY)
async def test_each_kind_has_results_of_its_own_type_on_a_model(tmp_path: Path, kind: str) -> None:
    more, given, typed = EVERY[kind]
    async with running(with_jobs(tmp_path, sort=f"job: sort\nkind: {kind}\nroute: desk\n{more}")) as composed:
        jobs = jobs_of(composed, Models(desk=[result(typed), result({**typed, "more": 1}), result({"other": 1})]))
        assert (await jobs.run(CLERK, Request("sort", given))).result == typed
        for _ in range(2):
            assert (await jobs.run(CLERK, Request("sort", given))).reason == "invalid_answer"


async def test_a_fenced_answer_is_read(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT)) as composed:
        said = ModelReply('```json\n{"result": {"class": "pay"}, "abstained": null}\n```')
        assert (await jobs_of(composed, Models(desk=said)).run(CLERK, ASKED)).result == PAY


async def test_routes_are_asked_in_order_until_one_is_sure(tmp_path: Path) -> None:
    sort = SORT + LOGPROBS + "otherwise: [{route: other}, {route: third}, abstain]\n"
    async with running(with_jobs(tmp_path, sort=sort)) as composed:
        models = Models(desk=result(PAY, sure=0.7), other=result(ASK, sure=0.85), third=result(PAY, sure=0.99))
        run = await jobs_of(composed, models).run(CLERK, ASKED)
        assert run.result == ASK
        assert [(each.route, each.reason) for each in run.attempts] == [("desk", "low_confidence"), ("other", "")]
        assert [route for route, _ in models.asked] == ["desk", "other"]


async def test_where_none_is_sure_the_surest_is_kept_as_a_suggestion_and_not_told(tmp_path: Path) -> None:
    sort = SORT + LOGPROBS + "otherwise: [{route: other}, abstain]\n"
    async with running(with_jobs(tmp_path, sort=sort)) as composed:
        models = Models(desk=result(PAY, sure=0.7), other=result(ASK, sure=0.2))
        run = await jobs_of(composed, models).run(CLERK, ASKED)
        assert (run.state, run.result, run.suggestion) == (State.abstained, None, PAY)
        assert "pay" not in str(run.to_json())


async def test_a_queued_input_is_tried_again_once(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + LOGPROBS + "otherwise: [queue]\n")) as composed:
        jobs = jobs_of(composed, Models(desk=[RouteExhausted("nobody"), result(PAY, sure=0.9)]))
        run = await jobs.run(CLERK, ASKED)
        assert (run.state, run.reason) == (State.queued, "no_model")
        assert [queued.id for queued in await jobs.page(CLERK, "sort", state="queued")] == [run.id]
        done = await jobs.again(CLERK, "sort", run.id)
        assert (done.id, done.state, done.result) == (run.id, State.answered, PAY)
        with pytest.raises(JobRunClosed):
            await jobs.again(CLERK, "sort", run.id)


async def test_samples_decide_by_most_and_differ_by_their_seed(tmp_path: Path) -> None:
    sort = SORT + "confidence: {estimator: agreement, samples: 4, threshold: 0.7}\n"
    async with running(with_jobs(tmp_path, sort=sort)) as composed:
        models = Models(desk=[result(ASK), result(PAY), result(PAY), result(PAY)])
        run = await jobs_of(composed, models).run(CLERK, ASKED)
        assert run.result == PAY
        assert run.confidence is not None
        assert run.confidence.value == 0.75
        assert sorted(request.parameters["seed"] for _, request in models.asked) == [0, 1, 2, 3]
        assert run.attempts[0].calls == 4


async def test_a_sample_that_breaks_agrees_with_nobody(tmp_path: Path) -> None:
    sort = SORT + "confidence: {estimator: agreement, samples: 4, threshold: 0.7}\n"
    async with running(with_jobs(tmp_path, sort=sort)) as composed:
        said: list[ModelReply | Exception] = [RouteExhausted("gone"), ModelReply("?"), result(PAY), result(PAY)]
        run = await jobs_of(composed, Models(desk=said)).run(CLERK, ASKED)
        assert (run.state, run.reason) == (State.abstained, "low_confidence")
        assert run.confidence is not None
        assert run.confidence.value == 0.5


async def test_a_judge_has_the_last_word_and_must_give_one(tmp_path: Path) -> None:
    sort = SORT + "confidence: {estimator: judge, judge: third, threshold: 0.6}\n"
    verdicts: list[tuple[ModelReply | Exception, str]] = [
        (ModelReply('{"score": 0.9, "why": "yes"}'), ""),
        (ModelReply('{"score": 0.3, "why": "no"}'), "low_confidence"),
        (ModelReply('{"score": 7, "why": "very"}'), "confidence_unknown"),
        (ModelReply('{"score": true}'), "confidence_unknown"),
        (ModelReply("fine"), "confidence_unknown"),
        (RouteExhausted("gone"), "confidence_unknown"),
    ]
    async with running(with_jobs(tmp_path, sort=sort)) as composed:
        for said, reason in verdicts:
            run = await jobs_of(composed, Models(desk=result(PAY), third=said)).run(CLERK, ASKED)
            assert run.reason == reason


READ = """
job: read
kind: extract
route: desk
schema: {type: object, additionalProperties: false, required: [amount], properties: {amount: {type: number}}}
confidence: {estimator: grounding, threshold: 1.0}
"""


async def test_an_amount_that_does_not_stand_in_the_input_is_not_given(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, read=READ)) as composed:
        asked = Request("read", {"text": "it comes to 397.50 in all"})
        said = [result({"value": {"amount": 379.5}}), result({"value": {"amount": 397.5}})]
        jobs = jobs_of(composed, Models(desk=said))
        assert (await jobs.run(CLERK, asked)).reason == "low_confidence"
        assert (await jobs.run(CLERK, asked)).result == {"value": {"amount": 397.5}}


ANSWER = "job: tell\nkind: answer\nroute: desk\n"
PASSAGES = [
    {"id": "a", "text": "The warehouse is open\nfrom eight to four."},
    {"id": "b", "text": "Closed on Sundays."},
]


@pytest.mark.parametrize(
    ("citations", "taken"),
    [
        ([{"passage": "a", "quote": "open from eight"}], True),
        ([{"passage": "a", "quote": "open from nine"}], False),
        ([{"passage": "b", "quote": "open from eight"}], False),
        ([{"passage": "z", "quote": "open from eight"}], False),
        ([{"passage": "a", "quote": "open from eight"}, {"passage": "b", "quote": "on Mondays"}], False),
        ([], False),
    ],
    ids=["as written", "misquoted", "of another", "of none", "one of two", "uncited"],
)
async def test_an_answer_cites_what_it_was_given_letter_by_letter(
    tmp_path: Path, citations: list[Any], taken: bool
) -> None:
    async with running(with_jobs(tmp_path, tell=ANSWER)) as composed:
        said = result({"answer": "From eight to four.", "citations": citations})
        asked = Request("tell", {"question": "When is it open?", "passages": PASSAGES})
        run = await jobs_of(composed, Models(desk=said)).run(CLERK, asked)
        assert (run.result is not None) is taken
        assert run.reason == ("" if taken else "invalid_answer")


async def test_a_prompt_of_the_project_is_used_and_its_version_recorded(tmp_path: Path) -> None:
    files = {"sort": SORT + "prompt: prompts/sort.md\n", "prompts/sort.md": "Sort by {{ classes | join(' or ') }}."}
    async with running(with_jobs(tmp_path, **files)) as composed:
        models = Models(desk=result(PAY))
        jobs = jobs_of(composed, models)
        first = await jobs.run(CLERK, ASKED)
        assert models.asked[0][1].messages[0]["content"].startswith("Sort by pay or ask.")
        (tmp_path / "prompts/sort.md").write_text("Sort into {{ classes | join(' or ') }}.", "utf-8")
        await composed.installation.projects.reload()
        second = await jobs.run(CLERK, ASKED)
        assert first.version != second.version


@pytest.mark.parametrize(
    ("given", "pointer"), [({}, "/"), ({"text": ""}, "/text"), ({"text": 1}, "/text"), ({"text": "a", "b": 1}, "/")]
)
async def test_an_input_that_does_not_fit_is_refused_before_any_model(
    tmp_path: Path, given: Mapping[str, Any], pointer: str
) -> None:
    async with running(with_jobs(tmp_path, sort=SORT)) as composed:
        models = Models(desk=result(PAY))
        with pytest.raises(JobInputInvalid) as error:
            await jobs_of(composed, models).run(CLERK, Request("sort", given))
        assert error.value.details["pointer"] == pointer
        assert models.asked == []


async def test_who_may_run_a_job_and_see_its_runs(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + "roles: [clerk]\n")) as composed:
        jobs = jobs_of(composed, Models(desk=result(PAY)))
        run = await jobs.run(CLERK, ASKED)
        with pytest.raises(JobForbidden):
            await jobs.run(LENA, ASKED)
        with pytest.raises(JobUnknown):
            await jobs.run(CLERK, Request("nothing", TEXT))
        assert jobs.specs(LENA) == []
        assert [spec.name for spec in jobs.specs(CLERK)] == ["sort"]
        assert (await jobs.get(READER, "sort", run.id)).id == run.id
        for stranger in (person("carlo", "clerk", scopes="act"), OTTO):
            with pytest.raises(JobRunUnknown):
                await jobs.get(stranger, "sort", run.id)
        assert await jobs.page(person("carlo", "clerk", scopes="act"), "sort") == []


async def test_a_job_runs_in_a_session_that_is_the_callers(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT)) as composed:
        jobs = jobs_of(composed, Models(desk=result(PAY)))
        session = await composed.installation.sessions.open(CARLA, Opening(request="Hello"))
        run = await jobs.run(CARLA, Request("sort", TEXT, session.id))
        assert run.session == session.id
        with pytest.raises(SessionUnknown):
            await jobs.run(OTTO, Request("sort", TEXT, session.id))


async def test_a_budget_that_is_spent_is_told_as_such(tmp_path: Path) -> None:
    sort = SORT + "confidence: {estimator: agreement, samples: 3}\n"
    async with running(with_jobs(tmp_path, sort=sort)) as composed:
        said: list[ModelReply | Exception] = [result(PAY), BudgetExceeded("spent"), result(PAY)]
        with pytest.raises(BudgetExceeded):
            await jobs_of(composed, Models(desk=said)).run(CLERK, ASKED)


async def test_outcomes_teach_what_confidence_is_worth(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + LOGPROBS)) as composed:
        jobs = jobs_of(composed, Models(desk=result(PAY, sure=0.9)))
        for number in range(20):
            answered = await jobs.run(CLERK, Request("sort", {"text": f"number {number}"}))
            assert answered.state is State.answered
            verdict = Verdict.accepted if number % 2 else Verdict.corrected
            right = None if verdict is Verdict.accepted else ASK
            judged = await jobs.outcome(CLERK, "sort", answered.id, verdict, right)
            assert judged.correct is (verdict is Verdict.accepted)
        run = await jobs.run(CLERK, ASKED)
        # Half of what was said with 0.9 was wrong, so that 0.9 is not enough any more.
        assert (run.state, run.reason) == (State.abstained, "low_confidence")
        assert run.confidence is not None
        assert run.confidence.learnt
        assert run.confidence.value == pytest.approx(0.5)
        estimated, told = await jobs.reliability(READER, "sort")
        assert estimated.count == told.count == 20
        assert estimated.error == pytest.approx(0.4)


async def test_a_correction_that_changes_nothing_was_right(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT + LOGPROBS)) as composed:
        jobs = jobs_of(composed, Models(desk=result(PAY, sure=0.9)))
        run = await jobs.run(CLERK, ASKED)
        assert (await jobs.outcome(CLERK, "sort", run.id, Verdict.corrected, PAY)).correct is True
        assert (await jobs.outcome(CLERK, "sort", run.id, Verdict.rejected)).correct is False
        with pytest.raises(JobInputInvalid):
            await jobs.outcome(CLERK, "sort", run.id, Verdict.corrected, {"class": "robbery"})


async def test_what_no_model_said_cannot_be_judged(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT)) as composed:
        jobs = jobs_of(composed, Models(desk=ModelReply("?")))
        run = await jobs.run(CLERK, ASKED)
        with pytest.raises(JobRunClosed):
            await jobs.outcome(CLERK, "sort", run.id, Verdict.accepted)


CASES = """
job: sort
least: {accuracy: 0.5, answered: 0.5}
cases:
  - {name: one, input: {text: pay this}, expect: {result: {class: pay}}}
  - {name: two, input: {text: when}, expect: {result: {class: ask}}}
  - {name: three, input: {text: nothing}, expect: {abstains: unclear}}
"""


async def test_an_evaluation_asks_nobody_and_teaches_once(tmp_path: Path) -> None:
    files = {"sort": SORT + LOGPROBS + "otherwise: [person]\nask: lead\n", "tests/evaluations/sort.yaml": CASES}
    async with running(with_jobs(tmp_path, **files)) as composed:
        said = [result(PAY, sure=0.9), result(PAY, sure=0.5), result(None, abstained="unclear")]
        for _ in range(2):
            evaluation = await jobs_of(composed, Models(desk=list(said))).evaluate(READER, "sort")
            assert (evaluation.passed, evaluation.accuracy) == (2, 1.0)
            assert evaluation.answered == pytest.approx(1 / 3)
            assert not evaluation.met
        assert await composed.installation.escalations.page(LENA) == []
        estimated, _ = await jobs_of(composed, Models()).reliability(READER, "sort")
        assert (estimated.count, estimated.accuracy) == (2, 0.5)


async def test_a_job_without_a_set_cannot_be_evaluated(tmp_path: Path) -> None:
    async with running(with_jobs(tmp_path, sort=SORT)) as composed:
        with pytest.raises(JobUnevaluated):
            await jobs_of(composed, Models()).evaluate(READER, "sort")

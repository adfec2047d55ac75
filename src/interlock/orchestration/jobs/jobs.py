"""Running the project's jobs, learning from what their results turn out to be worth, and evaluating them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from interlock.foundation.clock import Clock
from interlock.foundation.documents import Finding
from interlock.foundation.store import Database, Statement, Writes
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.intelligence.confidence import Calibration, Outcome, Reliability, reliability
from interlock.orchestration.jobs import store
from interlock.orchestration.jobs.asking import Asking, Models
from interlock.orchestration.jobs.errors import (
    JobForbidden,
    JobInputInvalid,
    JobRunClosed,
    JobRunUnknown,
    JobUnevaluated,
    JobUnknown,
)
from interlock.orchestration.jobs.evaluation import CaseResult, Evaluation, EvaluationSet
from interlock.orchestration.jobs.run import Attempt, JobRun, Reason, State, Verdict
from interlock.orchestration.jobs.spec import Estimator, JobSpec, Last
from interlock.values.identifiers import new_id
from interlock.values.principals import Principal

AT_ONCE = 4
"""How many cases of an evaluation run at the same time."""

_DONE_BY = {Last.abstain: State.abstained, Last.queue: State.queued, Last.person: State.waiting}


@dataclass(frozen=True, slots=True)
class JobBook:
    """The jobs of a project, and their evaluation sets."""

    jobs: Mapping[str, JobSpec]
    sets: Mapping[str, EvaluationSet]

    def findings(self, routes: Mapping[str, Any]) -> list[Finding]:
        """Return what is wrong between jobs and *routes*, the routes of models.yaml."""
        known = ", ".join(sorted(routes)) or "none"
        found = [
            Finding(f"jobs/{spec.name}.yaml", 0, "/route", f"{route!r} is no route of models.yaml; routes: {known}")
            for spec in self.jobs.values()
            for route in dict.fromkeys(spec.judged_by)
            if routes and route not in routes  # without any, their own file is wrong, and says so
        ]
        found += [
            Finding(f"jobs/{spec.name}.yaml", 0, "/otherwise", "a person is asked, and `ask` names no role of theirs")
            for spec in self.jobs.values()
            if spec.last is Last.person and not spec.ask
        ]
        for name, cases in self.sets.items():
            spec = self.jobs.get(name)
            file = f"tests/evaluations/{name}.yaml"
            if spec is None:
                found.append(Finding(file, 0, "/job", f"{name!r} is no job of the project"))
                continue
            for place, case in enumerate(cases.cases):
                if not spec.input.is_valid(dict(case.given)):
                    message = f"the input of {case.name!r} does not fit the job's schema"
                    found.append(Finding(file, 0, f"/cases/{place}/input", message))
        return found


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: a job on an input, perhaps within a session."""

    job: str
    given: Mapping[str, Any]
    session: str = ""


class Sessions(Protocol):
    """Sessions, as far as jobs need them."""

    async def use(self, session_id: str, principal: Principal) -> object:
        """Return the session if *principal* may work in it; raise otherwise."""
        ...


class Desk(Protocol):
    """People who answer what no model could, as jobs need them."""

    def ask(self, run: JobRun, spec: JobSpec) -> tuple[list[Statement], list[Entry]]:
        """Return what puts *run* before a person, and its entries; the caller commits them with the run."""
        ...


class Jobs:
    """All jobs of the installation. *book* returns those of the active project."""

    def __init__(
        self,
        models: Models,
        book: Callable[[], JobBook],
        sessions: Sessions,
        desk: Desk,
        database: Database,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._models = models
        self._book = book
        self._sessions = sessions
        self._desk = desk
        self._database = database
        self._journal = journal
        self._clock = clock

    def specs(self, principal: Principal) -> list[JobSpec]:
        """Return the jobs that *principal* may run, by name."""
        return [spec for _, spec in sorted(self._book().jobs.items()) if _admits(spec, principal)]

    async def run(self, principal: Principal, request: Request) -> JobRun:
        """Run a job, and return the recorded run.

        Routes are asked in order until one gives a valid answer that is sure enough; without one, what the job declares
        is done, and the run says why. Raises `JobUnknown`, `JobForbidden`, `JobInputInvalid`, `SessionUnknown`,
        `SessionClosed`, and errors of budgets.
        """
        spec = self._spec(request.job, principal)
        self._check(spec, request.given)
        if request.session:
            await self._sessions.use(request.session, principal)
        run = await self._tried(spec, self._begun(spec, principal, request), principal)
        changes, entries = self._put(run, spec)
        entry = _entry(run, "job.ran", _said(run), run.principal)
        await self._journal.record([entry, *entries], changes=[store.insert(run), *changes])
        return run

    async def again(self, principal: Principal, job: str, run_id: str) -> JobRun:
        """Run a queued input again. Raises `JobRunClosed` for a run that is not queued, and as `run` does."""
        spec = self._spec(job, principal)
        queued = await self.get(principal, job, run_id)
        if queued.state is not State.queued:
            raise JobRunClosed(f"the run is {queued.state.value}, not queued", fix="run the job anew")
        self._check(spec, queued.given)  # the job may have changed since
        run = replace(await self._tried(spec, queued, principal), version=spec.prompt.version)
        changes, entries = self._put(run, spec)
        await self._save([_entry(run, "job.ran", _said(run), run.principal), *entries], run, changes)
        return await self.get(principal, job, run_id)

    async def get(self, principal: Principal, job: str, run_id: str) -> JobRun:
        """Return a run of the caller's own, or any of the tenant to who may read. Raises `JobRunUnknown`."""
        run = await store.load(self._database, run_id)
        if run is None or run.tenant != principal.tenant or run.job != job or not _sees(principal, run.principal):
            raise JobRunUnknown("there is no such run of this job for this credential", fix="list the job's runs")
        return run

    async def page(
        self, principal: Principal, job: str, *, state: str = "", before: str = "", limit: int = 50
    ) -> list[JobRun]:
        """Return the runs of a job that the caller may see, newest first."""
        own = "" if _sees(principal, "") else principal.name
        return await store.page(
            self._database, principal.tenant, job, state=state, principal=own, before=before, limit=limit
        )

    async def outcome(
        self, principal: Principal, job: str, run_id: str, verdict: Verdict, right: Mapping[str, Any] | None = None
    ) -> JobRun:
        """Record what the result of a run turned out to be worth; *right* is what it should have been.

        Said again, it counts anew. Raises `JobRunUnknown`, `JobRunClosed` for a run without a result of a model's,
        `JobInputInvalid` for a *right* that is no result of the job.
        """
        run = await self.get(principal, job, run_id)
        if run.result is None or run.by != "model":
            raise JobRunClosed("the run has no result of a model's to judge", fix="judge runs that were answered")
        correct = verdict is Verdict.accepted
        if right is not None:
            spec = self._book().jobs.get(job)
            if spec is None:
                raise _unknown(job)
            if not spec.answer.is_valid({"result": dict(right), "abstained": None}):
                raise JobInputInvalid("what the result should have been is no result of this job", fix="see its schema")
            correct = spec.kind.key(right) == spec.kind.key(run.result)
        judged = replace(run, verdict=verdict.value, correct=correct)
        fields = {"right": dict(right)} if right is not None else {}
        await self._save([_entry(judged, "job.judged", fields, principal.name)], judged)
        return await self.get(principal, job, run_id)

    async def answered(self, run_id: str, result: Mapping[str, Any], person: str) -> None:
        """Take a person's *result* for a run that waits for one; what the model would have said is judged by it."""
        run = await store.load(self._database, run_id)
        if run is None or run.state is not State.waiting:
            return  # taken before: an answer may be told twice
        spec = self._book().jobs.get(run.job)
        correct = run.correct
        if spec is not None and run.suggestion is not None:
            correct = spec.kind.key(result) == spec.kind.key(run.suggestion)
        done = replace(run, state=State.answered, result=dict(result), by="person", reason="", correct=correct)
        await self._save([_entry(done, "job.answered", {"result": dict(result)}, person)], done)

    async def unanswered(self, run_id: str) -> None:
        """End a run that waited for a person who did not answer."""
        run = await store.load(self._database, run_id)
        if run is None or run.state is not State.waiting:
            return
        ended = replace(run, state=State.abstained, reason=Reason.unanswered)
        await self._save([_entry(ended, "job.unanswered", {}, "service:interlock")], ended)

    async def reliability(self, principal: Principal, job: str) -> tuple[Reliability, Reliability]:
        """Return how far confidences of the tenant's runs could be relied on: as estimated, and as they were told."""
        spec = self._book().jobs.get(job)
        if spec is None:
            raise _unknown(job)
        known = await store.outcomes(self._database, principal.tenant, job, spec.surety.estimator.value)
        told = [Outcome(confidence, outcome.correct) for outcome, confidence in known]
        return reliability([outcome for outcome, _ in known]), reliability(told)

    async def evaluate(self, principal: Principal, job: str) -> Evaluation:
        """Run the job on its evaluation set; nobody is asked and nothing queued.

        Its runs are recorded, and other runs learn from those of the latest evaluation.

        Raises `JobUnevaluated` for a job without a set, and as `run` does.
        """
        spec = self._spec(job, principal)
        cases = self._book().sets.get(job)
        if cases is None:
            raise JobUnevaluated("the job has no evaluation set", fix="write tests/evaluations/NAME.yaml")
        await self._database.commit([Writes([store.supersede(principal.tenant, job)])])
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(place: int) -> CaseResult:
            case = cases.cases[place]
            async with turn:
                begun = replace(self._begun(spec, principal, Request(job, case.given)), evaluation=True)
                run = await self._tried(replace(spec, last=Last.abstain), begun, principal)
                problems = tuple(case.problems(run))
                if run.result is not None:
                    run = replace(run, correct=not problems)
                elif run.suggestion is not None:
                    # What was not sure enough to be given teaches as much as what was.
                    unsure = replace(run, result=run.suggestion, reason="")
                    run = replace(run, correct=not case.problems(unsure))
                entry = _entry(run, "job.evaluated", _said(run), run.principal)
                await self._journal.record([entry], changes=[store.insert(run)])
                return CaseResult(case.name, run, problems)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(place)) for place in range(len(cases.cases))]
        results = tuple(task.result() for task in tasks)
        told = [
            Outcome(result.run.confidence.value, result.run.correct)
            for result in results
            if result.run.confidence is not None and result.run.correct is not None
        ]
        return Evaluation(cases, results, reliability(told))

    def _spec(self, job: str, principal: Principal) -> JobSpec:
        spec = self._book().jobs.get(job)
        if spec is None:
            raise _unknown(job)
        if not _admits(spec, principal):
            raise JobForbidden(
                "this job is for other roles", why="its file names the roles that may run it", fix="see `roles`"
            )
        return spec

    def _check(self, spec: JobSpec, given: Mapping[str, Any]) -> None:
        error = next(iter(spec.input.iter_errors(dict(given))), None)
        if error is not None:
            pointer = "".join(f"/{part}" for part in error.instance_path)
            raise JobInputInvalid(
                f"the input does not fit the job's schema at {pointer or '/'}",
                why=f"it breaks {'/'.join(map(str, error.schema_path))}",
                fix="see the job's `input` schema: GET /v1/jobs",
                pointer=pointer or "/",
            )

    def _begun(self, spec: JobSpec, principal: Principal, request: Request) -> JobRun:
        return JobRun(
            id=new_id("run"),
            tenant=principal.tenant,
            job=spec.name,
            kind=spec.kind.name,
            version=spec.prompt.version,
            principal=principal.name,
            created=self._clock.now(),
            state=State.abstained,
            given=dict(request.given),
            session=request.session,
            label=spec.label,
        )

    async def _tried(self, spec: JobSpec, run: JobRun, principal: Principal) -> JobRun:
        """Return *run* with what its routes made of it."""
        metadata: dict[str, Any] = {"tenant": run.tenant, "actor": principal.name, "label": spec.label.to_json()}
        if run.session:
            metadata["session"] = run.session
        # An evaluation that learnt from the one before it would be held against its own answers.
        calibration = await self._calibration(spec, run.tenant, evaluations=not run.evaluation)
        asking = Asking(self._models, spec, run.given, metadata, calibration)
        attempts: list[Attempt] = []
        deadline = self._clock.monotonic() + spec.time
        for route in spec.routes:
            left = deadline - self._clock.monotonic()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    attempt = await asking.of(route)
            except TimeoutError:
                attempt = Attempt(route, reason=Reason.no_time)
            attempts.append(attempt)
            if attempt.result is not None and not attempt.reason:
                done = replace(run, state=State.answered, result=attempt.result, by="model", reason="")
                return replace(done, suggestion=None, attempts=tuple(attempts))
        undecided = replace(run, state=_DONE_BY[spec.last], attempts=tuple(attempts), reason=attempts[-1].reason)
        best = undecided.best
        if best is None:
            return undecided
        return replace(undecided, suggestion=best.result, reason=best.reason)

    async def _calibration(self, spec: JobSpec, tenant: str, *, evaluations: bool) -> Calibration:
        if spec.surety.estimator is Estimator.none:
            return Calibration()
        known = await store.outcomes(
            self._database, tenant, spec.name, spec.surety.estimator.value, evaluations=evaluations
        )
        return Calibration.fit([outcome for outcome, _ in known])

    def _put(self, run: JobRun, spec: JobSpec) -> tuple[list[Statement], list[Entry]]:
        return self._desk.ask(run, spec) if run.state is State.waiting else ([], [])

    async def _save(self, entries: Sequence[Entry], run: JobRun, changes: Sequence[Statement] = ()) -> None:
        try:
            await self._journal.record(entries, guards=[store.save(run)], changes=changes)
        except Conflict as error:
            raise JobRunClosed("somebody changed the run at the same moment", fix="look at it again") from error


def _said(run: JobRun) -> dict[str, Any]:
    return {"input": run.given, "result": run.result, "suggestion": run.suggestion}


def _entry(run: JobRun, kind: str, fields: dict[str, Any], actor: str) -> Entry:
    confidence = run.confidence
    body = {
        "job": run.job,
        "kind": run.kind,
        "version": run.version,
        "state": run.state.value,
        "reason": run.reason,
        "by": run.by,
        "confidence": confidence.to_json() if confidence else None,
        "attempts": [attempt.to_json() for attempt in run.attempts],
        "label": run.label.to_json(),
        "verdict": run.verdict,
        "correct": run.correct,
    }
    return Entry(
        kind=kind, tenant=run.tenant, subject=run.id, session=run.session, actor=actor, body=body, fields=fields
    )


def _admits(spec: JobSpec, principal: Principal) -> bool:
    return not spec.roles or bool(spec.roles & principal.roles)


def _sees(principal: Principal, owner: str) -> bool:
    return principal.may("read") or principal.may("admin") or principal.name == owner


def _unknown(job: str) -> JobUnknown:
    return JobUnknown("the project has no such job", fix="list them: GET /v1/jobs", job=job[:60])

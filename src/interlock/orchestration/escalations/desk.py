"""Jobs whose answer is not sure enough, put before a person; and the person's answer, given to the job's run."""

from __future__ import annotations

from interlock.foundation.store import Statement
from interlock.governance.journal import Entry
from interlock.orchestration.escalations.escalation import Escalation, EscalationState, Question, Source
from interlock.orchestration.escalations.escalations import Escalations
from interlock.orchestration.jobs import JobRun, Jobs, JobSpec

_WORDS = {
    "low_confidence": "No answer was sure enough",
    "confidence_unknown": "How sure the answer is could not be told",
    "invalid_answer": "The model's answer did not have the form of a result",
    "no_model": "No model could be asked",
    "declined": "The model would not answer",
    "no_time": "No model answered in time",
    "not_in_input": "What is asked for does not stand in the input",
    "unclear": "The input can be meant in several ways",
    "conflicting": "The input contradicts itself",
    "out_of_scope": "The input is not of the sort that the job is for",
}


class JobDesk:
    """What jobs know of people."""

    def __init__(self, escalations: Escalations) -> None:
        self._escalations = escalations

    def ask(self, run: JobRun, spec: JobSpec) -> tuple[list[Statement], list[Entry]]:
        """Return what puts *run* before a person; the caller commits it with the run."""
        question = Question(
            tenant=run.tenant,
            role=spec.ask,
            source=Source.job,
            name=spec.name,
            subject=run.id,
            reason=run.reason,
            words=f"{_WORDS.get(run.reason, 'No answer could be given')} ({spec.kind.name}: {spec.name}).",
            session=run.session,
            story={
                "asked": {"job": spec.name, "description": spec.description, "by": run.principal},
                "seen": run.given,
                "tried": [{**attempt.to_json(), "proposed": attempt.result} for attempt in run.attempts],
            },
            suggestion=run.suggestion,
            schema=spec.result_schema,
            label=run.label,
        )
        escalation, statements = self._escalations.ask(question)
        return statements, [self._escalations.opened(escalation, run.principal)]


class JobAnswers:
    """Gives answers of people to the runs of jobs that wait for them."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def answered(self, escalation: Escalation) -> None:
        """Go on with the run that *escalation* is about."""
        if escalation.state is EscalationState.answered and escalation.answer is not None:
            person = f"person:{escalation.answered_by}"
            await self._jobs.answered(escalation.asked.subject, escalation.answer, person)
        else:
            await self._jobs.unanswered(escalation.asked.subject)

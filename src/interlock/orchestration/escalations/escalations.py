"""Putting questions before people, and going on with what they answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

import jsonschema_rs

from interlock.foundation.clock import Clock
from interlock.foundation.faults import fault
from interlock.foundation.store import Database, Statement, Writes
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.orchestration.escalations import store
from interlock.orchestration.escalations.errors import (
    EscalationAnswerInvalid,
    EscalationClosed,
    EscalationForbidden,
    EscalationUnknown,
)
from interlock.orchestration.escalations.escalation import (
    STANDING,
    Escalation,
    EscalationState,
    Question,
    Source,
    Wanted,
)
from interlock.orchestration.project import Projects
from interlock.values.errors import InterlockError
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind, Principal

log = logging.getLogger("interlock.escalations")

PAGE = 100
"""How many are read at a time, of which the caller may not see all."""

ALL = Wanted()

TEXT: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 20_000}},
}
"""What an answer must fit where the question has no schema of its own."""


class Answered(Protocol):
    """What waits for answers to one sort of question. It may be told the same twice, and must go on once."""

    async def answered(self, escalation: Escalation) -> None:
        """Go on with *escalation*, which is answered, closed or expired."""
        ...


class Escalations:
    """All escalations of the installation. *waiting* has what goes on with an answer, by source; set when composed."""

    def __init__(self, database: Database, journal: Journal, projects: Projects, clock: Clock) -> None:
        self._database = database
        self._journal = journal
        self._projects = projects
        self._clock = clock
        self.waiting: dict[Source, Answered] = {}

    def ask(self, question: Question) -> tuple[Escalation, list[Statement]]:
        """Return a new escalation and the statements that store it; the caller commits them with what it is about."""
        rule = self._projects.current.settings.answering(question.role)
        now = self._clock.now()
        escalation = Escalation(
            id=new_id("esc"),
            asked=question,
            roles=[question.role],
            deadline=now + rule.deadline,
            extension=rule.deadline,
            escalate_to=rule.escalate_to,
            created=now,
        )
        return escalation, [store.insert(escalation)]

    async def open(self, question: Question, actor: str) -> Escalation:
        """Put *question* before people."""
        escalation, statements = self.ask(question)
        entry = self._entry(escalation, "escalation.opened", actor, _about(question))
        await self._journal.record([entry], changes=statements)
        return escalation

    def opened(self, escalation: Escalation, actor: str) -> Entry:
        """Return the journal's entry for what `ask` returned; the caller commits it with the statements."""
        return self._entry(escalation, "escalation.opened", actor, _about(escalation.asked))

    async def get(self, escalation_id: str, principal: Principal) -> Escalation:
        """Return an escalation that the caller may see. Raises `EscalationUnknown`."""
        escalation = await store.load(self._database, escalation_id)
        if escalation is None or escalation.asked.tenant != principal.tenant or not _sees(escalation, principal):
            raise EscalationUnknown(
                "there is no such escalation for this credential", fix="list them: GET /v1/escalations"
            )
        return escalation

    async def page(
        self,
        principal: Principal,
        *,
        state: str = "",
        wanted: Wanted = ALL,
        before: str = "",
        limit: int = 50,
    ) -> list[Escalation]:
        """Return the escalations the caller may see, newest first; by default those that stand.

        Fewer than *limit* are the last of them.
        """
        found: list[Escalation] = []
        while True:
            read = await store.page(self._database, principal.tenant, wanted, state=state, before=before, limit=PAGE)
            for escalation in read:
                if wanted.role in ("", *escalation.roles) and _sees(escalation, principal):
                    found.append(escalation)
                    if len(found) == limit:
                        return found
            if len(read) < PAGE:
                return found
            before = read[-1].id

    async def take(self, escalation_id: str, principal: Principal) -> Escalation:
        """Take an escalation, so that nobody else works on it. Raises `EscalationForbidden`, `EscalationClosed`."""
        escalation = await self._standing(escalation_id, principal)
        if escalation.taken_by == principal.id:
            return escalation
        escalation.state, escalation.taken_by = EscalationState.taken, principal.id
        await self._save(escalation, "escalation.taken", principal.name)
        return await self.get(escalation_id, principal)

    async def give_back(self, escalation_id: str, principal: Principal, comment: str = "") -> Escalation:
        """Let others take an escalation that the caller has taken. Raises as `take`."""
        escalation = await self._standing(escalation_id, principal)
        if escalation.taken_by != principal.id:
            raise EscalationClosed("you have not taken this", fix="take it first")
        escalation.state, escalation.taken_by, escalation.comment = EscalationState.open, "", comment
        await self._save(escalation, "escalation.returned", principal.name, {"comment": comment} if comment else {})
        return await self.get(escalation_id, principal)

    async def answer(self, escalation_id: str, principal: Principal, answer: Mapping[str, Any]) -> Escalation:
        """Answer an escalation; what waited for it goes on. Raises as `take`, and `EscalationAnswerInvalid`."""
        escalation = await self._standing(escalation_id, principal)
        schema = escalation.asked.schema or TEXT
        if not jsonschema_rs.Draft202012Validator(dict(schema)).is_valid(dict(answer)):
            raise EscalationAnswerInvalid(
                "the answer does not have the form that is needed to go on with it",
                fix="see `schema` of the escalation",
            )
        escalation.state, escalation.answer = EscalationState.answered, dict(answer)
        await self._end(escalation, "escalation.answered", principal, {"answer": dict(answer)})
        return await self.get(escalation_id, principal)

    async def close(self, escalation_id: str, principal: Principal, comment: str) -> Escalation:
        """End an escalation without an answer: there is none, or none is needed. Raises as `take`."""
        escalation = await self._standing(escalation_id, principal)
        escalation.state, escalation.comment = EscalationState.closed, comment
        await self._end(escalation, "escalation.closed", principal, {"comment": comment})
        return await self.get(escalation_id, principal)

    async def run(self, *, every: float = 1.0) -> None:
        """Pass on or expire what is overdue, and tell again what may not have been told, until cancelled."""
        while True:
            try:
                await self.round()
            except (InterlockError, OSError) as error:
                log.warning("a round of escalations failed: %s", type(error).__name__)
            await asyncio.sleep(every)

    async def round(self) -> None:
        """Do once what is due."""
        for escalation in await store.overdue(self._database, self._clock.now()):
            if escalation.escalate_to and escalation.escalate_to not in escalation.roles:
                escalation.roles = [*escalation.roles, escalation.escalate_to]
                escalation.deadline = self._clock.now() + escalation.extension
                escalation.state, escalation.taken_by = EscalationState.open, ""
                kind = "escalation.passed_on"
            else:
                escalation.state, escalation.told = EscalationState.expired, False
                kind = "escalation.expired"
            try:
                await self._save(escalation, kind, "service:interlock")
            except EscalationClosed:
                continue  # answered at the same moment, which is what was wanted
        for escalation in await store.untold(self._database):
            await self._tell(escalation)

    async def _standing(self, escalation_id: str, principal: Principal) -> Escalation:
        """Return an escalation that *principal* may work on now."""
        escalation = await self.get(escalation_id, principal)
        if principal.kind is not Kind.person or not principal.present or not principal.may("approve"):
            raise EscalationForbidden(
                "only a person with a credential for approving can work on this",
                why="agents and services cannot answer for a person",
            )
        if not escalation.admits(principal):
            raise EscalationForbidden(f"this needs somebody in the role {' or '.join(escalation.roles)}")
        if not self._projects.current.clearance_of(principal).admits(escalation.asked.label):
            raise EscalationForbidden(
                f"this is about data that is {escalation.asked.label}", why="the caller is not cleared for it"
            )
        if escalation.state not in STANDING:
            raise EscalationClosed(f"the escalation is {escalation.state.value}")
        if escalation.taken_by not in ("", principal.id):
            raise EscalationClosed("somebody else has taken this", fix="let them answer, or give it back")
        return escalation

    async def _end(self, escalation: Escalation, kind: str, principal: Principal, fields: dict[str, Any]) -> None:
        escalation.answered_by, escalation.told = principal.id, False
        fault("escalation.before_commit")
        await self._save(escalation, kind, principal.name, fields)
        fault("escalation.after_commit")
        await self._tell(escalation)

    async def _tell(self, escalation: Escalation) -> None:
        """Let what waits go on. What goes wrong there is tried again in the next round; the answer is safe."""
        waiting = self.waiting.get(escalation.asked.source)
        if waiting is not None:
            try:
                await waiting.answered(escalation)
            except InterlockError as error:
                log.warning("%s could not be gone on with: %s", escalation.id, error.code)
                return
        await self._database.commit([Writes([store.mark_told(escalation.id)])])

    async def _save(self, escalation: Escalation, kind: str, actor: str, fields: dict[str, Any] | None = None) -> None:
        entry = self._entry(escalation, kind, actor, fields or {})
        try:
            await self._journal.record([entry], guards=[store.save(escalation)])
        except Conflict as error:
            raise EscalationClosed(
                "somebody else changed this at the same moment", fix="look at the escalation again"
            ) from error

    @staticmethod
    def _entry(escalation: Escalation, kind: str, actor: str, fields: dict[str, Any]) -> Entry:
        asked = escalation.asked
        body = {
            "escalation": escalation.id,
            "source": asked.source.value,
            "name": asked.name,
            "reason": asked.reason,
            "state": escalation.state.value,
            "roles": list(escalation.roles),
            "label": asked.label.to_json(),
        }
        return Entry(
            kind=kind,
            tenant=asked.tenant,
            subject=asked.subject,
            session=asked.session,
            actor=actor,
            body=body,
            fields=fields,
        )


def _about(question: Question) -> dict[str, Any]:
    return {"words": question.words, "story": dict(question.story), "suggestion": question.suggestion}


def _sees(escalation: Escalation, principal: Principal) -> bool:
    seeing = principal.may("read") or principal.may("admin")
    return seeing or escalation.admits(principal) or escalation.opened_by(principal)

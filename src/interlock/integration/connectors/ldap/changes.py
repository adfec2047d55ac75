"""What changes entries: each change is all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.interface import SUCCEEDED, Answer
from interlock.integration.connectors.ldap.attributes import SECRET, Kind, ValueUnfit
from interlock.integration.connectors.ldap.definitions import Job
from interlock.integration.connectors.ldap.names import NameInvalid, naming, parse
from interlock.integration.connectors.ldap.reads import ANYTHING, search
from interlock.integration.connectors.ldap.results import EXISTS, NO_SUCH_ENTRY, SUCCESS, refusal
from interlock.integration.connectors.ldap.sessions import Errand, Session
from interlock.values.operations import Effect

ASSERTION, PERMISSIVE = "1.3.6.1.1.12", "1.2.840.113556.1.4.1413"
_MODIFY = {"modify": "MODIFY_REPLACE", "modify add": "MODIFY_ADD", "modify delete": "MODIFY_DELETE"}


class Add:
    """A new entry. Run again, it looks whether what is there is what it would add."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        self._job = job
        self._name = job.name.fill(values)
        self._classes = list(job.options["classes"])
        self._attributes = {
            name: (Kind(kind.word) if name in job.places else kind).write(name, values[name])
            for name, kind in job.kinds.items()
            if values.get(name) is not None
        }
        given = {name.lower() for name in self._attributes}
        for name, value in naming(self._name).items():
            if name.lower() not in given:
                self._attributes[name] = [value.encode()]

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:
        session.line.add(self._name, self._classes, self._attributes)
        result = session.result("addResponse")
        if result["result"] == EXISTS and self._job.idempotent and self._is_there(session, errand):
            return Answer(SUCCEEDED, {"dn": self._name, "added": False})
        if result["result"] != SUCCESS:
            return refusal(result, effect)
        return Answer(SUCCEEDED, {"dn": self._name, "added": True})

    def _is_there(self, session: Session, errand: Errand) -> bool:
        """Return whether the entry has the values that this one would have, but for secrets, which nobody compares."""
        wanted = {n.lower(): set(v) for n, v in self._attributes.items() if n.lower() not in SECRET}
        wanted["objectclass"] = {one.encode() for one in self._classes}
        result, entries, _ = search(session, errand, self._name, ANYTHING, "BASE", list(wanted))
        if result["result"] != SUCCESS or not entries:
            return False
        there = {name.partition(";")[0].lower(): set(v) for name, v in entries[0]["raw_attributes"].items()}
        return all(values <= there.get(name, set()) for name, values in wanted.items())


class Modify:
    """Values replaced, added or taken away; all of them or none."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        self._name = job.name.fill(values)
        self._how = _MODIFY[job.verb]
        self._changes = {
            name: kind.write(name, values[name])
            for name, kind in job.kinds.items()
            if name in values and name not in job.places
        }
        if not self._changes:
            raise ValueUnfit("no attribute is given, so nothing is to be changed")
        self._when = job.fits.fill(values) if job.fits is not None else ""
        self._permissive = job.idempotent and job.verb != "modify"

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:  # noqa: ARG002 - asks once
        how = getattr(session.driver, self._how)
        controls = _asserting(self._when) + ([(PERMISSIVE, True, None)] if self._permissive else [])
        changes = {name: [(how, values)] for name, values in self._changes.items()}
        session.line.modify(self._name, changes, controls=controls or None)
        return _done(session.result("modifyResponse"), effect, {"dn": self._name})


class Rename:
    """Another name, perhaps in another place."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        assert job.to is not None
        self._name = job.name.fill(values)
        self._to = job.to.fill(values)
        self._under = job.under.fill(values) if job.under is not None else None
        self._keep_old = bool(job.options.get("keep_old"))
        self._when = job.fits.fill(values) if job.fits is not None else ""

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:  # noqa: ARG002 - asks once
        session.line.modify_dn(
            self._name,
            self._to,
            delete_old_dn=not self._keep_old,
            new_superior=self._under,
            controls=_asserting(self._when) or None,
        )
        above = self._under if self._under is not None else _above(self._name)
        return _done(session.result("modDNResponse"), effect, {"dn": f"{self._to},{above}"})


class Delete:
    """An entry taken away. Run again, it may be gone already."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        self._name = job.name.fill(values)
        self._idempotent = job.idempotent
        self._when = job.fits.fill(values) if job.fits is not None else ""

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:  # noqa: ARG002 - asks once
        session.line.delete(self._name, controls=_asserting(self._when) or None)
        result = session.result("delResponse")
        if result["result"] == NO_SUCH_ENTRY and self._idempotent:
            return Answer(SUCCEEDED, {"dn": self._name, "deleted": False})
        return _done(result, effect, {"dn": self._name, "deleted": True})


def _done(result: Mapping[str, Any], effect: Effect, output: dict[str, Any]) -> Answer:
    return Answer(SUCCEEDED, output) if result["result"] == SUCCESS else refusal(result, effect)


def _asserting(when: str) -> list[tuple[str, bool, bytes]]:
    """Return the control by which nothing is changed unless the entry fits the filter *when* (RFC 4528)."""
    if not when:
        return []
    from ldap3.operation.search import compile_filter, parse_filter
    from ldap3.utils.asn1 import encode

    parsed = parse_filter(when, None, False, True, None, False)
    return [(ASSERTION, True, encode(compile_filter(parsed.elements[0])))]


def _above(name: str) -> str:
    """Return *name* without its first part."""
    first = len(parse(name)) - 1
    for place, sign in enumerate(name):
        if sign != ",":
            continue
        rest = name[place + 1 :]
        try:
            if len(parse(rest)) == first:
                return rest
        except NameInvalid:
            continue
    return ""

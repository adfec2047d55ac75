"""What looks at entries: searching, reading and comparing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed
from interlock.integration.connectors.ldap.attributes import Kind, ValueUnfit
from interlock.integration.connectors.ldap.definitions import MOST, PAGE, Job
from interlock.integration.connectors.ldap.results import COMPARE_FALSE, COMPARE_TRUE, SIZE_LIMIT, SUCCESS, refusal
from interlock.integration.connectors.ldap.sessions import Errand, Session
from interlock.values.operations import Effect

PAGED = "1.2.840.113556.1.4.319"
ANYTHING = "(objectClass=*)"
_SCOPES = {"one": "LEVEL", "subtree": "SUBTREE"}
_LONGEST = 1 << 16
BROKEN = "result_breaks_contract"
MOST_EMPTY = 20
"""Pages without an entry, one after the other; RFC 2696 lets a server send some."""


class PartOnly(Exception):
    """The server gave a part of an attribute's values; the text names it."""


class Search:
    """Entries that fit, as many as are asked for."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        assert job.fits is not None
        self.kinds = job.kinds
        self.base = job.name.fill(values)
        self.filter = job.fits.fill({name: one for name, one in values.items() if name in job.fits.places})
        self.scope = _SCOPES[job.options.get("scope", "subtree")]
        self.page: int = job.options.get("page", PAGE)
        self.limit: int = values.get("limit", job.options.get("most", MOST))

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:
        gathered = self.gathered(session, effect, errand)
        if isinstance(gathered, Answer):
            return gathered
        found, referrals = gathered
        return shown(lambda: self.output(found, referrals))

    def gathered(
        self, session: Session, effect: Effect, errand: Errand
    ) -> tuple[list[Mapping[str, Any]], int] | Answer:
        """Return the entries, one more than are wanted if there are more, and how many references; or why not."""
        found: list[Mapping[str, Any]] = []
        seen: set[Any] = set()
        referrals, empty, cookie = 0, 0, None
        while True:
            result, entries, elsewhere = self.asked(session, errand, cookie, self.limit + 1 - len(found))
            found += entries
            seen.update(entry["dn"] for entry in entries)
            empty = 0 if entries else empty + 1
            if len(seen) < len(found) or empty > MOST_EMPTY:
                detail = "the directory's pages do not come to an end: it gives an entry again, or one empty page after"
                return failed(BROKEN, f"{detail} another")
            referrals += elsewhere
            more = len(found) > self.limit
            if result["result"] != SUCCESS and not (more and result["result"] == SIZE_LIMIT):
                return refusal(result, effect)
            cookie = _cookie(result)
            if more or not cookie:
                self.ended(session, errand, cookie)
                return found, referrals

    def asked(
        self, session: Session, errand: Errand, cookie: bytes | None, wanted: int
    ) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], int]:
        """Return a page, at most the *wanted* entries of it."""
        paging: dict[str, Any] = {"size_limit": wanted}
        if self.page:
            size = min(self.page, wanted)
            paging = {"paged_size": size, "paged_criticality": True, "paged_cookie": cookie}
        return search(session, errand, self.base, self.filter, self.scope, self.kinds, **paging)

    def ended(self, session: Session, errand: Errand, cookie: bytes) -> None:
        """Want no further page. A server forgets what it kept for one when it is asked for something else."""

    def output(self, found: Sequence[Mapping[str, Any]], referrals: int) -> dict[str, Any]:
        """Return the result. Raises `ValueUnfit` and `PartOnly`."""
        entries = [entry_of(one, self.kinds) for one in found[: self.limit]]
        return {"entries": entries, "complete": len(found) <= self.limit and not referrals, "referrals": referrals}


class Read:
    """One entry, by its name."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        self._kinds = job.kinds
        self._name = job.name.fill(values)
        self._filter = job.fits.fill(values) if job.fits is not None else ANYTHING

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:
        result, entries, _ = search(session, errand, self._name, self._filter, "BASE", self._kinds)
        if result["result"] != SUCCESS:
            return refusal(result, effect)
        if not entries:
            return failed("not_found", "the directory shows us no such entry")
        return shown(lambda: entry_of(entries[0], self._kinds))


class Compare:
    """Whether an attribute of an entry has a value."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        self._name = job.name.fill(values)
        self._attribute: str = job.options["attribute"]
        (self._value,) = Kind(job.options.get("type", "string")).write("value", values["value"])

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:  # noqa: ARG002 - asks once
        session.line.compare(self._name, self._attribute, self._value)
        result = session.result("compareResponse")
        if result["result"] not in {COMPARE_FALSE, COMPARE_TRUE}:
            return refusal(result, effect)
        return Answer(SUCCEEDED, {"matches": result["result"] == COMPARE_TRUE})


def search(
    session: Session, errand: Errand, base: str, text: str, scope: str, names: Iterable[str], **more: Any
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], int]:
    """Return the result, the entries with their attributes *names*, and the number of references to other servers."""
    seconds = max(1, int(errand.left()))
    driver = session.driver
    session.line.search(base, text, getattr(driver, scope), driver.DEREF_NEVER, list(names), time_limit=seconds, **more)
    answers = session.line.response
    entries = [one for one in answers if one["type"] == "searchResEntry"]
    return session.result("searchResDone"), entries, sum(one["type"] == "searchResRef" for one in answers)


def entry_of(found: Mapping[str, Any], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Return an entry with what is declared of it. Raises `ValueUnfit` and `PartOnly`."""
    given: dict[str, Sequence[bytes]] = {}
    for written, values in found["raw_attributes"].items():
        name, _, option = written.lower().partition(";")
        if option.startswith("range="):
            if name in {one.lower() for one in kinds}:
                raise PartOnly(name)
        elif option in {"", "binary"}:
            given[name] = values
    entry = {name: kind.read(name, given.get(name.lower(), ())) for name, kind in kinds.items()}
    return {"dn": octets(found["raw_dn"]).decode("utf-8", "replace"), **entry}


def shown(make: Callable[[], Any]) -> Answer:
    """Return what *make* makes, or that the entries are not as declared."""
    try:
        return Answer(SUCCEEDED, make())
    except ValueUnfit as error:
        return failed(BROKEN, f"the entry is not as declared: {error}")
    except PartOnly as error:
        return failed("limit_exceeded", f"the directory gives only a part of the values of {error}")


def _cookie(result: Mapping[str, Any]) -> bytes:
    control = (result.get("controls") or {}).get(PAGED)
    return octets(control["value"]["cookie"]) if control is not None else b""


def octets(value: Any) -> bytes:
    """Return *value*, which is what the server says it is. Raises `TypeError` if that is no string of octets."""
    if not isinstance(value, bytes) or len(value) > _LONGEST:
        raise TypeError
    return value

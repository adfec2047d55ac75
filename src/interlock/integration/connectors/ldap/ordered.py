"""Searches in an order, which can be gone on with in another session, later.

A server binds the cookie of its pages (RFC 2696) to one session. So it sorts (RFC 2891) by an attribute of which each
entry has a value of its own, and a list goes on with the entries whose value is greater than that of the last one.
Whatever could make this leave an entry out is looked for, and is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.integration.connectors.interface import Answer, failed
from interlock.integration.connectors.ldap.attributes import Kind, ValueUnfit
from interlock.integration.connectors.ldap.definitions import Job
from interlock.integration.connectors.ldap.filters import escaped
from interlock.integration.connectors.ldap.reads import BROKEN, Search, entry_of, octets, search, shown
from interlock.integration.connectors.ldap.results import NO_SUCH_ENTRY, SIZE_LIMIT, SUCCESS, refusal
from interlock.integration.connectors.ldap.sessions import Errand, Session
from interlock.integration.contracts.cursors import cursor_of, position_in
from interlock.values.digests import digest
from interlock.values.operations import Effect

_SORT, _SORTED = "1.2.840.113556.1.4.473", "1.2.840.113556.1.4.474"
_MARK = 16
_KEY = Kind("string")


class CursorInvalid(ValueError):
    """This is no cursor of this search."""


def search_of(job: Job, values: Mapping[str, Any]) -> Search:
    """Return the search that *job* asks for. Raises `CursorInvalid`, and what the making of one raises."""
    return Ordered(job, values) if "order" in job.options else Search(job, values)


class Ordered(Search):
    """Entries that fit, in the order of an attribute, from after a mark on. Raises `CursorInvalid`."""

    def __init__(self, job: Job, values: Mapping[str, Any]) -> None:
        super().__init__(job, values)
        self._shown = self.kinds
        self._order: str = job.options["order"]
        self._control = (_SORT, True, _sort_key(self._order))
        self._list = digest([dict(job.options), {name: values[name] for name in job.places & values.keys()}])[-_MARK:]
        self._first = "after" not in values
        self._sorted = False
        self._fits = self.filter
        if not self._first:
            self.filter = f"(&{self._fits}{self._behind(_position(values['after'], self._list))})"
        if self._order.lower() not in {name.lower() for name in self.kinds}:
            self.kinds = {**self.kinds, self._order: _KEY}

    def ask(self, session: Session, effect: Effect, errand: Errand) -> Answer:
        if self._first and (hidden := self._without_key(session, effect, errand)) is not None:
            return hidden
        gathered = self.gathered(session, effect, errand)
        if isinstance(gathered, Answer):
            return gathered
        found, referrals = gathered
        if not self._sorted:
            return failed("not_supported", f"the directory does not say that it sorted by {self._order}")
        answer = shown(lambda: self.output(found, referrals))
        if answer.succeeded and len(found) > self.limit:
            return self._checked(session, effect, errand, found) or answer
        return answer

    def asked(
        self, session: Session, errand: Errand, cookie: bytes | None, wanted: int
    ) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], int]:
        page = self._paged(session, errand, min(self.page, wanted), cookie)
        if cookie is None:
            self._sorted = _sorted(page[0])
        return page

    def ended(self, session: Session, errand: Errand, cookie: bytes) -> None:
        """Let the server forget what it sorted, of which it keeps a few only."""
        if cookie:
            self._paged(session, errand, 0, cookie)

    def output(self, found: Sequence[Mapping[str, Any]], referrals: int) -> dict[str, Any]:
        keys = [self._key(one) for one in found]
        entries = [entry_of(one, self._shown) for one in found[: self.limit]]
        more = len(found) > self.limit
        following = cursor_of(keys[self.limit - 1], self._list) if more else None
        return {"entries": entries, "complete": not more and not referrals, "referrals": referrals, "next": following}

    def _paged(
        self, session: Session, errand: Errand, size: int, cookie: bytes | None
    ) -> tuple[Mapping[str, Any], list[Mapping[str, Any]], int]:
        paging = {"paged_size": size, "paged_criticality": True, "paged_cookie": cookie, "controls": [self._control]}
        return search(session, errand, self.base, self.filter, self.scope, self.kinds, **paging)

    def _key(self, found: Mapping[str, Any]) -> str:
        """Return the one value that an entry has of the attribute. Raises `ValueUnfit`."""
        key = entry_of(found, {self._order: _KEY})[self._order]
        if not key:
            raise ValueUnfit(f"{self._order}, by which the list is in order, is missing")
        return str(key)

    def _behind(self, key: str) -> str:
        """Return the filter for what comes behind *key*: LDAP has no sign for greater."""
        name, value = self._order, escaped(key)
        return f"({name}>={value})(!({name}={value}))"

    def _without_key(self, session: Session, effect: Effect, errand: Errand) -> Answer | None:
        """Return the failure where an entry fits that has no value to be in order by: no page would show it."""
        text = f"(&{self._fits}(!({self._order}=*)))"
        result, entries, _ = search(session, errand, self.base, text, self.scope, {}, size_limit=1)
        if entries:
            return failed(BROKEN, f"an entry has no {self._order}, by which the list is in order")
        return refusal(result, effect) if result["result"] not in {SUCCESS, SIZE_LIMIT} else None

    def _checked(
        self, session: Session, effect: Effect, errand: Errand, found: Sequence[Mapping[str, Any]]
    ) -> Answer | None:
        """Return the failure where the next page would not begin with the entry that it has to begin with.

        A directory that cannot compare an attribute by order takes the filter all the same, and finds nothing by it.
        """
        last, first = self._key(found[self.limit - 1]), self._key(found[self.limit])
        name = octets(found[self.limit]["raw_dn"]).decode("utf-8", "replace")
        result, entries, _ = search(session, errand, name, f"(&{self._behind(last)})", "BASE", {})
        if result["result"] == NO_SUCH_ENTRY:
            return failed("conflict", "an entry was taken away while the list was read", transient=True)
        if result["result"] != SUCCESS:
            return refusal(result, effect)
        if entries:
            return None
        if first.casefold() == last.casefold():
            return failed(BROKEN, f"several entries have the same {self._order}, by which the list is in order")
        return failed("not_supported", f"the directory does not find entries by the order of {self._order}")


def _position(cursor: str, mark: str) -> str:
    try:
        position = position_in(cursor, mark)
        position.encode()
    except (ValueError, AttributeError):
        raise CursorInvalid from None
    return str(position)


def _sort_key(name: str) -> bytes:
    """Return the value of the control: SEQUENCE OF SEQUENCE {attributeType}."""
    return _tlv(0x30, _tlv(0x30, _tlv(0x04, name.encode())))


def _sorted(result: Mapping[str, Any]) -> bool:
    """Return whether the server says that it sorted: SEQUENCE {sortResult ENUMERATED success, ...}."""
    control = (result.get("controls") or {}).get(_SORTED)
    return control is not None and octets(control["value"])[2:5] == b"\x0a\x01\x00"


def _tlv(tag: int, content: bytes) -> bytes:
    length = bytes([len(content)]) if len(content) < 0x80 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content

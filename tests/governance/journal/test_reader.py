"""Reading: everything about a subject, searching page by page, exporting; never across tenants."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.governance.journal import Entry, Journal, JournalReader, JournalSearchInvalid, Record, Search
from interlock.testing.clock import FixedClock
from interlock.values.digests import salted_digest
from tests.governance.journal.journals import Open, Place, entry, opened

TENANTS = ("acme", "zeta")


async def everything(log: Open, search: Search, *, tenant: str | None, limit: int) -> list[Record]:
    """Return all pages of a search, one after the other."""
    found, cursor = [], ""
    while True:
        page = await log.reader.search(search, tenant=tenant, limit=limit, cursor=cursor)
        assert len(page.records) <= limit
        found += page.records
        cursor = page.cursor
        if not cursor:
            return found
        assert len(page.records) == limit


def places(records: list[Record]) -> list[tuple[str, int]]:
    return [(record.chain, record.seq) for record in records]


async def test_show_returns_a_subject_in_the_order_it_was_written(place: Place) -> None:
    async with opened(place) as log:
        for kind in ("action.decided", "action.executing", "action.succeeded"):
            await log.journal.record([entry(1, kind=kind, fields={"note": kind}), entry(2, kind=kind)])
        records = await log.reader.show("act_1", tenant="acme")
        assert [record.kind for record in records] == ["action.decided", "action.executing", "action.succeeded"]
        assert records[0].to_json() == {
            "chain": log.journal.writer,
            "seq": 2,
            "at": records[0].at,
            "kind": "action.decided",
            "tenant": "acme",
            "subject": "act_1",
            "session": "ses_1",
            "actor": "agent:support",
            "body": {"outcome": "allow", "number": 1},
            "fields": {"note": "action.decided"},
            "erased": [],
            "hash": records[0].hash,
        }


async def test_show_returns_all_that_happened_in_a_session(place: Place) -> None:
    async with opened(place) as log:
        opening = Entry("session.opened", "acme", "ses_1", session="ses_1", actor="person:ann")
        await log.journal.record([opening, entry(1), entry(2)])
        await log.journal.record([Entry("session.opened", "acme", "ses_2", session="ses_2", actor="person:ann")])
        await log.journal.record(
            [Entry("key.created", "acme", "", actor="person:ann"), entry(1, kind="action.succeeded")]
        )
        records = await log.reader.show("ses_1", tenant="acme")
        assert [record.subject for record in records] == ["ses_1", "act_1", "act_2", "act_1"]
        assert await log.reader.show("ses_1", tenant="zeta") == []
        assert {record.session for record in await log.reader.show("", tenant="acme")} == {""}  # no session is none


async def test_no_tenant_sees_another_ones_records(place: Place) -> None:
    async with opened(place) as log:
        for tenant in TENANTS:
            await log.journal.record([entry(1, tenant=tenant, fields={"word": tenant})])
        for tenant in TENANTS:
            shown = await log.reader.show("act_1", tenant=tenant)
            assert [record.fields for record in shown] == [{"word": tenant}]
            for search in (Search(), Search(subject="act_1"), Search(session="ses_1"), Search(text="allow")):
                page = await log.reader.search(search, tenant=tenant)
                assert [record.tenant for record in page.records] == [tenant]
            lines = b"".join([part async for part in log.reader.export(tenant=tenant, fields=True)]).splitlines()
            assert [orjson.loads(line)["record"]["entry"]["tenant"] for line in lines] == [tenant]
        assert await log.reader.show("act_1", tenant="") == []
        assert {record.tenant for record in await log.reader.show("act_1", tenant=None)} == set(TENANTS)
        everyone = await log.reader.search(Search(), tenant=None)
        assert {record.tenant for record in everyone.records} == {*TENANTS, ""}


FILTERS: list[tuple[Search, Callable[[Record], bool]]] = [
    (Search(), lambda record: True),
    (Search(kind="action.decided"), lambda record: record.kind == "action.decided"),
    (Search(kind="action.*"), lambda record: record.kind.startswith("action.")),
    (Search(actor="person:jo"), lambda record: record.actor == "person:jo"),
    (
        Search(session="ses_2", kind="session.*"),
        lambda record: (record.session, record.kind[:8]) == ("ses_2", "session."),
    ),
    (Search(subject="act_1"), lambda record: record.subject == "act_1"),
    (Search(text='50% of "_x_!" \u00e9'), lambda record: "note" in record.body),
    (Search(text="ALLOW"), lambda record: record.body.get("outcome") == "allow"),
]

ENTRIES = st.lists(
    st.builds(
        lambda number, kind, tenant, actor, session, note: entry(
            number,
            kind=kind,
            tenant=tenant,
            actor=actor,
            session=session,
            body={"outcome": "allow"} if note else {"note": '50% of "_x_!" \u00e9'},
        ),
        st.integers(0, 3),
        st.sampled_from(["action.decided", "action.failed", "session.opened", "actions"]),
        st.sampled_from(TENANTS),
        st.sampled_from(["agent:support", "person:jo", ""]),
        st.sampled_from(["ses_1", "ses_2", ""]),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(entries=ENTRIES, limit=st.integers(1, 7))
async def test_pages_hold_what_matches_newest_first_once(place: Place, entries: list[Any], limit: int) -> None:
    async with opened(place) as log:
        for one in entries:
            await log.journal.record([one])
        for search, matches in FILTERS:
            for tenant in (*TENANTS, None):
                found = await everything(log, search, tenant=tenant, limit=limit)
                assert len(set(places(found))) == len(found)
                assert (
                    places(found)
                    == [(r.chain, r.seq) for r in sorted(found, key=lambda r: (r.at, r.chain, r.seq))][::-1]
                )
                every = [r for r in await everything(log, Search(), tenant=tenant, limit=500) if matches(r)]
                assert places(every) == places(found), search


async def test_records_added_meanwhile_do_not_shift_pages(place: Place) -> None:
    async with opened(place) as log:
        await log.journal.record([entry(number) for number in range(10)])
        first = await log.reader.search(Search(), tenant="acme", limit=5)
        await log.journal.record([entry(99)])
        second = await log.reader.search(Search(), tenant="acme", limit=5, cursor=first.cursor)
        subjects = [record.subject for page in (first, second) for record in page.records]
        assert subjects == [f"act_{number}" for number in range(9, -1, -1)]
        assert second.cursor == ""


async def test_moments_bound_a_search(sqlite_place: Place) -> None:
    database = sqlite_place.database()
    await database.open()
    clock = FixedClock(1_800_000_000.0)
    journal = Journal(database, sqlite_place.state, clock=clock, checkpoint_seconds=3600)
    await journal.open()
    for number in range(4):
        clock.advance(60)
        await journal.record([entry(number)])
    reader = JournalReader(database)
    moments = [record.at for record in (await reader.search(Search(), tenant="acme")).records][::-1]
    assert moments[0] == "2027-01-15T08:01:00.000000Z"
    page = await reader.search(Search(since="2027-01-15T09:02:00+01:00", until=moments[3]), tenant="acme")
    assert [record.at for record in page.records] == [moments[2], moments[1]]
    clock.set(1_700_000_000.0)  # the machine's clock is set back: the chain's moments do not go back
    (receipt,) = await journal.record([entry(9)])
    assert receipt.at == moments[3]
    await journal.close()
    await database.close()


@pytest.mark.parametrize("cursor", ["x", "!!!", "bnVsbA", "WzEsMiwzXQ", "WyJhIiwiYiIsIDFlOTld", "\u00e9"])
async def test_what_is_no_cursor_is_refused(sqlite_place: Place, cursor: str) -> None:
    async with opened(sqlite_place) as log:
        with pytest.raises(JournalSearchInvalid):
            await log.reader.search(Search(), tenant="acme", cursor=cursor)
        with pytest.raises(JournalSearchInvalid):
            await log.reader.search(Search(since="yesterday"), tenant="acme")


async def test_an_export_can_be_checked_without_us(place: Place) -> None:
    async with opened(place) as log:
        for number in range(700):
            fields = {"input": {"n": number}} if number % 3 == 0 else {}
            await log.journal.record([entry(number, tenant=TENANTS[number % 2], fields=fields)])
        lines = b"".join([part async for part in log.reader.export(tenant="acme", fields=True)]).splitlines()
        assert len(lines) == 350
        for line in lines:
            document = orjson.loads(line)
            record = orjson.dumps(document["record"], option=orjson.OPT_SORT_KEYS)
            assert hashlib.sha256(bytes.fromhex(document["previous"]) + record).hexdigest() == document["hash"]
            digests = document["record"]["entry"]["fields"]
            for name, (salt, value) in document["fields"].items():
                assert digests[name] == salted_digest(bytes.fromhex(salt), value)
        whole = b"".join([part async for part in log.reader.export(tenant=None)])
        documents = [orjson.loads(line) for line in whole.splitlines()]
        assert [document["previous"] for document in documents[1:]] == [document["hash"] for document in documents[:-1]]
        assert {tuple(document) for document in documents} == {("hash", "previous", "record")}
        some = [part async for part in log.reader.export(tenant="acme", search=Search(subject="act_4"))]
        assert len(b"".join(some).splitlines()) == 1

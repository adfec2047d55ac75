"""Recording: durable, chained, all or nothing, together with whatever else waits."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import orjson
import pytest

from interlock.foundation.store import Database, Statement, StatementRefused, Unit, Writes
from interlock.governance.journal import (
    Conflict,
    EntryInvalid,
    Journal,
    JournalClosed,
    JournalDamaged,
    JournalReader,
    Search,
)
from interlock.values.digests import salted_digest
from interlock.values.secrets import Secret
from tests.governance.journal.journals import Open, Place, entry, opened, verified

TABLE = "CREATE TABLE thing (id {text} PRIMARY KEY, state {text} NOT NULL)"


def made(name: str, state: str = "waiting") -> Statement:
    return Statement("INSERT INTO thing (id, state) VALUES (?, ?)", (name, state))


def moved(name: str, before: str, after: str) -> Statement:
    return Statement("UPDATE thing SET state = ? WHERE id = ? AND state = ?", (after, name, before))


async def things(log: Open) -> dict[str, str]:
    return {row[0]: row[1] for row in await log.database.read("SELECT id, state FROM thing")}


async def kinds(log: Open) -> list[str]:
    page = await log.reader.search(Search(), tenant="acme", limit=500)
    return [record.kind for record in page.records]


class Counting:
    """A database that counts its commits; everything else is the real one's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sizes: list[int] = []
        self.committing = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    async def commit(self, units: Sequence[Unit]) -> list[bool]:
        self.sizes.append(len(units))
        self.committing.set()
        return await self._database.commit(units)


async def test_receipts_say_where_each_entry_stands(place: Place) -> None:
    async with opened(place) as log:
        first, second = await log.journal.record([entry(1), entry(2)])
        (third,) = await log.journal.record([entry(3)])
        assert [r.chain for r in (first, second, third)] == [log.journal.writer] * 3
        assert (second.seq, third.seq) == (first.seq + 1, first.seq + 2)
        assert first.at <= second.at <= third.at
        rows = await log.database.read("SELECT hash, body FROM journal ORDER BY seq")
        previous = bytes(32)
        for digest, body in rows:
            previous = hashlib.sha256(previous + body.encode()).digest()
            assert digest == previous
        assert third.hash == previous.hex()


async def test_a_record_is_there_for_another_connection_when_record_returns(place: Place) -> None:
    async with opened(place) as log:
        other = place.database()
        await other.open()
        for number in range(5):
            await log.journal.record([entry(number)])
            assert len(await JournalReader(other).show(f"act_{number}", tenant="acme")) == 1
        await other.close()


async def test_fields_stand_apart_and_only_their_salted_digests_are_hashed(place: Place) -> None:
    async with opened(place) as log:
        words = {"input": {"name": "Ana Trujillo", "amount": 12.5, "n\u00fall": None}, "empty": ""}
        await log.journal.record([entry(1, fields=words), entry(2)])
        (record,) = await log.reader.show("act_1", tenant="acme")
        assert (record.fields, record.erased) == (words, ())
        ((body,),) = await log.database.read("SELECT body FROM journal WHERE subject = 'act_1'")
        assert "Ana" not in body
        ((payload,),) = await log.database.read("SELECT payload FROM journal_payload")
        for name, (salt, value) in orjson.loads(payload).items():
            assert orjson.loads(body)["entry"]["fields"][name] == salted_digest(bytes.fromhex(salt), value)


async def test_the_same_value_never_has_the_same_digest_twice(sqlite_place: Place) -> None:
    async with opened(sqlite_place) as log:
        await log.journal.record([entry(number, fields={"a": "yes", "b": "yes"}) for number in range(300)])
        rows = await log.database.read("SELECT body FROM journal WHERE kind = 'action.decided'")
        digests = [value for (body,) in rows for value in orjson.loads(body)["entry"]["fields"].values()]
        assert len(set(digests)) == len(digests) == 600


async def test_entries_guards_and_changes_happen_together_or_not_at_all(place: Place) -> None:
    async with opened(place) as log:
        await log.database.migrate("things", [TABLE])
        await log.journal.record([entry(1)], changes=[made("a")])
        await log.journal.record([entry(1)], guards=[moved("a", "waiting", "running")], changes=[made("b")])
        with pytest.raises(Conflict):
            await log.journal.record([entry(1)], guards=[moved("a", "waiting", "running")], changes=[made("c")])
        with pytest.raises(Conflict):
            await log.journal.record([entry(1)], changes=[made("d"), made("a")])
        assert await things(log) == {"a": "running", "b": "waiting"}
        assert len(await kinds(log)) == 2
    assert (await verified(place)).ok


async def test_what_waits_together_is_committed_together(sqlite_place: Place) -> None:
    database = sqlite_place.database()
    await database.open()
    counting = Counting(database)
    journal = Journal(counting, sqlite_place.state, checkpoint_seconds=3600)  # type: ignore[arg-type]  # it delegates
    await journal.open()
    counting.sizes.clear()
    receipts = await asyncio.gather(*(journal.record([entry(number)]) for number in range(200)))
    assert counting.sizes == [200]
    assert [receipt.seq for (receipt,) in receipts] == list(range(2, 202))
    counting.committing.clear()
    first = asyncio.ensure_future(journal.record([entry()]))
    await counting.committing.wait()
    others = [asyncio.ensure_future(journal.record([entry()])) for _ in range(7)]
    await asyncio.gather(first, *others)
    assert counting.sizes == [200, 1, 7]
    await journal.close()
    await database.close()


async def test_in_a_batch_each_fails_or_succeeds_alone(place: Place) -> None:
    async with opened(place) as log:
        await log.database.migrate("things", [TABLE])
        await log.journal.record([entry()], changes=[made("taken")])
        record = log.journal.record
        results = await asyncio.gather(
            record([entry(1)], changes=[made("a")]),
            record([entry(2)], changes=[made("taken")]),
            record([entry(3)], guards=[moved("nothing", "x", "y")], changes=[made("b")]),
            record([entry(4)], changes=[Statement("INSERT INTO nowhere VALUES (1)")]),
            record([entry(5)], guards=[moved("taken", "waiting", "over")], changes=[made("c")]),
            record([entry(6)], guards=[moved("taken", "waiting", "over")]),
            return_exceptions=True,
        )
        outcomes = [type(result) for result in results]
        assert outcomes == [list, Conflict, Conflict, StatementRefused, list, Conflict]
        assert await things(log) == {"taken": "over", "a": "waiting", "c": "waiting"}
        shown = [len(await log.reader.show(f"act_{number}", tenant="acme")) for number in range(1, 7)]
        assert shown == [1, 0, 0, 0, 1, 0]
    assert (await verified(place)).ok


@pytest.mark.postgres
async def test_a_value_the_server_cannot_store_fails_its_own_entry_alone(
    postgres_url: str, sqlite_place: Place
) -> None:
    place = Place(postgres_url, sqlite_place.state)
    async with opened(place) as log:
        entries = [entry(number, subject="act_\0" if number == 5 else f"act_{number}") for number in range(12)]
        results = await asyncio.gather(*(log.journal.record([one]) for one in entries), return_exceptions=True)
        assert [number for number, result in enumerate(results) if not isinstance(result, list)] == [5]
        assert isinstance(results[5], StatementRefused)
    assert (await verified(place)).ok


@pytest.mark.parametrize(
    "wrong",
    [{"body": {"key": object()}}, {"body": {1: "one"}}, {"fields": {"x": Secret("hush")}}, {"subject": "\ud800"}],
)
async def test_what_is_no_json_is_refused_without_repeating_it(sqlite_place: Place, wrong: dict[str, object]) -> None:
    async with opened(sqlite_place) as log:
        with pytest.raises(EntryInvalid) as refusal:
            await log.journal.record([entry(1), entry(2, **wrong)])
        assert "hush" not in str(refusal.value)
        with pytest.raises(EntryInvalid):
            await log.journal.record([])
        assert await kinds(log) == []


async def test_cancelling_callers_loses_and_tears_nothing(place: Place) -> None:
    async with opened(place) as log:
        callers = [asyncio.ensure_future(log.journal.record([entry(number), entry(number)])) for number in range(50)]
        await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(result, list) for result in results[1::2])
        await log.journal.record([entry(99)])
        shown = [len(await log.reader.show(f"act_{number}", tenant="acme")) for number in range(50)]
        assert shown == [2] * 50
    assert (await verified(place)).ok


async def test_closing_writes_what_waits_and_then_accepts_no_more(place: Place) -> None:
    database = place.database()
    await database.open()
    journal = Journal(database, place.state)
    with pytest.raises(JournalClosed):
        await journal.record([entry()])
    await journal.open()
    waiting = [asyncio.ensure_future(journal.record([entry(number)])) for number in range(20)]
    await asyncio.sleep(0)
    await journal.close()
    await journal.close()
    assert [len(receipts) for receipts in await asyncio.gather(*waiting)] == [1] * 20
    with pytest.raises(JournalClosed):
        await journal.record([entry()])
    assert await database.claim(journal.writer)  # given up
    await database.close()
    assert (await verified(place)).ok


async def test_each_opening_starts_a_chain_of_its_own_that_names_the_others(place: Place) -> None:
    async with opened(place) as first, opened(place) as second:
        assert first.journal.writer != second.journal.writer
        assert not await second.database.claim(first.journal.writer)
        for number in range(4):
            await asyncio.gather(*(log.journal.record([entry(number)]) for log in (first, second)))
    async with opened(place) as third:
        (opening,) = await third.reader.show(third.journal.writer, tenant=None)
        assert set(opening.body["anchors"]) == {first.journal.writer, second.journal.writer}
    result = await verified(place)
    assert (result.ok, result.chains) == (True, 3)


async def test_a_journal_that_was_changed_while_closed_does_not_open(sqlite_place: Place) -> None:
    async with opened(sqlite_place) as log:
        await log.journal.record([entry(1)])
    database = sqlite_place.database()
    await database.open()
    await database.commit([Writes([Statement("DELETE FROM journal WHERE seq >= 2")])])
    with pytest.raises(JournalDamaged):
        await Journal(database, sqlite_place.state).open()
    await database.close()

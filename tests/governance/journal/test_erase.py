"""Erasing: the value is gone from the disk, the chain still verifies, and the erasure is on record."""

from __future__ import annotations

import pytest

from interlock.governance.journal import Conflict, erase
from interlock.governance.journal.store import payload_replaced
from tests.governance.journal.journals import Open, Place, entry, opened, verified

Shown = tuple[list[str], tuple[str, ...]]
NAME = "Ana Trujillo Emparedados"


async def written(log: Open) -> None:
    """Write about two subjects of two tenants."""
    for tenant in ("acme", "zeta"):
        for number in (1, 2, 1):
            fields = {"input": {"name": NAME, "order": number}, "words": "refund please"}
            await log.journal.record([entry(number, tenant=tenant, fields=fields)])
        await log.journal.record([entry(1, tenant=tenant)])


async def fields(log: Open, subject: str, tenant: str) -> list[Shown]:
    shown = await log.reader.show(subject, tenant=tenant)
    return [(sorted(record.fields), record.erased) for record in shown if record.kind == "action.decided"]


async def test_named_fields_of_a_subject_are_erased_and_the_rest_stays(place: Place) -> None:
    whole: Shown = (["input", "words"], ())
    none: Shown = ([], ())
    async with opened(place) as log:
        await written(log)
        asked = {"subject": "act_1", "tenant": "acme", "actor": "person:dpo"}
        assert await erase(log.journal, log.database, **asked, names=["input", "other"], reason="asked for") == 2
        assert await fields(log, "act_1", "acme") == [(["words"], ("input",)), (["words"], ("input",)), none]
        assert await fields(log, "act_2", "acme") == [whole]
        assert await fields(log, "act_1", "zeta") == [whole, whole, none]
        record = (await log.reader.show("act_1", tenant="acme"))[-1]
        assert (record.kind, record.actor, record.fields) == ("journal.erased", "person:dpo", {"reason": "asked for"})
        assert [item[2] for item in record.body["erased"]] == [["input"], ["input"]]
        assert await erase(log.journal, log.database, **asked, names=["input"]) == 0
        assert (await log.reader.verify()).ok
    result = await verified(place)
    assert result.ok, result


async def test_erasing_all_fields_takes_the_reason_given_earlier_too(place: Place) -> None:
    async with opened(place) as log:
        await written(log)
        for _ in range(2):
            asked = {"subject": "act_1", "tenant": "acme", "actor": "person:dpo", "reason": "they asked"}
            await erase(log.journal, log.database, **asked)
        assert await fields(log, "act_1", "acme") == [([], ("input", "words"))] * 2 + [([], ())]
    assert (await verified(place)).ok


async def test_the_bytes_are_gone_from_the_disk_at_once(sqlite_place: Place) -> None:
    async with opened(sqlite_place) as log:
        await log.journal.record([entry(1, fields={"input": NAME, "long": NAME * 500})])
        files = [file for file in sqlite_place.state.iterdir() if file.is_file()]
        assert any(NAME.encode() in file.read_bytes() for file in files)
        await erase(log.journal, log.database, subject="act_1", tenant="acme", actor="person:dpo")
        assert not [file for file in files if NAME.encode() in file.read_bytes()]


async def test_two_who_erase_at_once_do_not_undo_each_other(place: Place) -> None:
    async with opened(place) as log:
        await log.journal.record([entry(1, fields={"input": NAME, "words": "please"})])
        ((chain, seq, payload),) = await log.database.read("SELECT chain, seq, payload FROM journal_payload")
        stale = payload_replaced(chain, seq, old=payload, new='{"input":null}')
        await erase(log.journal, log.database, subject="act_1", tenant="acme", actor="a", names=["words"])
        with pytest.raises(Conflict):
            await log.journal.record([entry(2)], guards=[stale])
        assert await fields(log, "act_1", "acme") == [(["input"], ("words",))]
    assert (await verified(place)).ok

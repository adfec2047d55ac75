"""`interlock journal`: verifying and reading a project's journal where it lies; no server is needed."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import fields, indented, note, show, table
from interlock.experience.cli.rendering import document_text
from interlock.experience.cli.storage import Place, place_of, reading, root_of, stored
from interlock.experience.words import span
from interlock.governance.journal import JournalReader, Search, examine
from interlock.values.clearances import clearance_of

T = TypeVar("T")
PAUSE = 2.0  # seconds between two lines of progress
_FILTERS = ("kind", "actor", "subject", "session", "since", "until", "text")


def verify(arguments: argparse.Namespace) -> int:
    """Verify the whole journal; 1 if any byte of it is not as it was signed."""
    place = place_of(root_of(arguments))
    note(f"verifying the journal of {place.settings.name}")
    found = asyncio.run(_verify(place))
    show(arguments, found, verification_text)
    return OK if found["ok"] else REFUSED


def show_subject(arguments: argparse.Namespace) -> int:
    """Show every record about one subject, oldest first."""
    records = asyncio.run(_show(place_of(root_of(arguments)), arguments))
    show(arguments, {"items": records}, lambda found: "\n\n".join(map(record_text, found["items"])) or "no records")
    return OK


def search(arguments: argparse.Namespace) -> int:
    """Search records, newest first."""
    wanted = Search(**{name: getattr(arguments, name) for name in _FILTERS})
    page = asyncio.run(_search(place_of(root_of(arguments)), wanted, arguments))
    show(arguments, page, lambda found: _rows(found["items"]))
    if "next" in page and not arguments.json:
        note(f"more: --before {page['next']}")
    return OK


def export(arguments: argparse.Namespace) -> int:
    """Write every record as a line of JSON, in the order of time."""
    place = place_of(root_of(arguments))
    with _target(arguments.output) as stream:
        count = asyncio.run(_export(place, stream, arguments))
    note(f"{count} record{'s' if count != 1 else ''} written")
    return OK


def verification_text(found: dict[str, Any]) -> str:
    """Return what verifying found."""
    head = "the journal is whole" if found["ok"] else "the journal is NOT whole"
    rows: list[tuple[str, object]] = [("records", found["records"]), ("chains", found["chains"])]
    bad = found["first_bad"]
    if bad:
        rows += [("first bad", f"record {bad.get('seq')} of {bad.get('chain')}"), ("why", bad.get("why", ""))]
    rows += [("note", text) for text in found["notes"]]
    return f"{head}\n{indented(fields(rows))}"


def record_text(record: dict[str, Any]) -> str:
    """Return one record."""
    head = f"{record['at']}  {record['kind']}  {record['subject']}  by {record['actor']}"
    place = f"record {record['seq']} of {record['chain']}, hash {record['hash']}"
    parts = [place, document_text(record["body"] or None), document_text(record["fields"] or None)]
    if record["erased"]:
        parts.append("erased: " + ", ".join(record["erased"]))
    return head + "\n" + indented("\n".join(part for part in parts if part))


async def _verify(place: Place) -> dict[str, Any]:
    return (await _watched(examine(stored(place), place.state))).to_json()


async def _show(place: Place, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    clearance = clearance_of(arguments.clearance)
    async with reading(place) as database:
        records = await JournalReader(database).show(arguments.subject, tenant=arguments.tenant or None)
    return [record.seen_by(clearance).to_json() for record in records]


async def _search(place: Place, wanted: Search, arguments: argparse.Namespace) -> dict[str, Any]:
    async with reading(place) as database:
        page = await JournalReader(database).search(
            wanted, tenant=arguments.tenant or None, limit=arguments.limit, cursor=arguments.before
        )
    found: dict[str, Any] = {"items": [record.to_json() for record in page.records]}
    return {**found, "next": page.cursor} if page.cursor else found


async def _export(place: Place, stream: IO[bytes], arguments: argparse.Namespace) -> int:
    async with reading(place) as database:
        tenant, clearance = arguments.tenant or None, clearance_of(arguments.clearance)
        lines = JournalReader(database).export(tenant=tenant, fields=arguments.fields, clearance=clearance)
        return await _written(lines, stream)


async def _written(chunks: AsyncIterator[bytes], stream: IO[bytes]) -> int:
    count, told = 0, time.monotonic()
    async for chunk in chunks:
        stream.write(chunk)
        count += chunk.count(b"\n")
        if time.monotonic() - told > PAUSE:
            told = time.monotonic()
            note(f"{count} records so far")
    stream.flush()
    return count


async def _watched(work: Awaitable[T]) -> T:
    """Return what *work* returns, with a sign of life on stderr while it takes time."""
    task = asyncio.ensure_future(work)
    started = time.monotonic()
    while not (await asyncio.wait([task], timeout=PAUSE))[0]:
        note(f"still at it after {span(time.monotonic() - started)}")
    return task.result()


@contextmanager
def _target(output: str) -> Iterator[IO[bytes]]:
    """Open where the export goes; a file is readable by its owner only, since it may hold what people wrote."""
    if output == "-":
        yield sys.stdout.buffer
        return
    descriptor = os.open(Path(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        yield stream


def _rows(records: list[dict[str, Any]]) -> str:
    head = ("AT", "KIND", "SUBJECT", "BY", "WHAT")
    rows = [(r["at"], r["kind"], r["subject"], r["actor"], r["body"] or "") for r in records]
    return table(head, rows, empty="no records")

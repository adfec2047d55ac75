"""What a copybook offers: its records listed, found by a key, and rewritten; the file beside it says how they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.fixed.copybook import CHARSETS, CopybookInvalid, json_name, parse_copybook
from interlock.integration.connectors.fixed.copybook.codecs import TextCodec
from interlock.integration.connectors.fixed.copybook.items import Item
from interlock.integration.connectors.fixed.framing import FrameBroken
from interlock.integration.connectors.fixed.setup import Setup, read_setup
from interlock.integration.connectors.interface import SystemDeclaration
from interlock.integration.connectors.surveys import FILES, Offer, Source, Survey
from interlock.values.operations import Effect

_DECLARES = re.compile(rb"^[^*\n]{0,11}\b0?1\s+[A-Z0-9][A-Z0-9-]*\s*\.", re.MULTILINE | re.IGNORECASE)
_PICTURED = re.compile(rb"\bPIC(?:TURE)?\s+(?:IS\s+)?[SAX9ZVP]", re.IGNORECASE)
_DATA = (".dat", ".data", ".bin", ".txt", ".ebc")
_NAMING = re.compile(r"(?:^|-)(?:ID|NO|NR|NUM|NUMBER|KEY|CODE)$")
_SAMPLE = 64 << 10
_PAGES, _ANY = ("ascii", "utf-8", "cp1252"), "latin-1"
"""Code pages from the one that the fewest bytes fit, and the one that all fit."""
_COPYBOOKS = (".cpy", ".copy")
COPYBOOK = "records.cpy"


def recognises(source: Source) -> bool:
    """Return whether *source* is a copybook: by its name, or by a level 01 and a picture in it."""
    if source.content is None:
        return False
    named = source.address.lower().endswith(_COPYBOOKS) and bool(source.content.strip())
    return named or bool(_DECLARES.search(source.content) and _PICTURED.search(source.content))


def survey(source: Source, root: Path) -> Survey:
    """Return what a copybook offers. Raises `SourceUnfit`."""
    text = source.document.decode("latin-1")
    try:
        items = parse_copybook(text, Path(source.address).name, form="auto", resolve=lambda _: None).records
    except CopybookInvalid as error:
        raise SourceUnfit("the copybook cannot be read", why=str(error.findings[0])) from error
    if not items:
        raise SourceUnfit("the copybook declares no record", fix="name a file with a level 01")
    data, notes = _data(source.address, root), []
    connection: dict[str, Any] = {"file": data[0], "copybook": f"{FILES}{COPYBOOK}"}
    guesses: dict[str, str] = {}
    if data[1]:
        connection |= _storage(data[1])
        notes.append(f"code page and format are guesses, from the first bytes of {data[0]}")
        guesses["encoding"] = "a guess: do letters with accents come out right?"
    else:
        notes.append("no data file lies beside the copybook: write `file`, `encoding` and `format`")
        guesses["file"] = "not there: name it"
    records = _records(items, notes)
    connection["records"] = records
    setup = _setup(connection, source.document, notes)
    connection = _spoken(connection, setup, data[1])
    return Survey(
        title="",
        connection=connection,
        offers=tuple(_offers(setup, records)),
        kind="legacy",
        files={COPYBOOK: source.document},
        notes=tuple(notes),
        guesses=guesses,
    )


def _spoken(connection: dict[str, Any], setup: Setup, sample: bytes) -> dict[str, Any]:
    """Return *connection* with the code page that the texts of a file's first records are in, where it is not EBCDIC:
    one that only few accept before one that takes any bytes.
    """
    if not sample or "encoding" in connection:
        return connection
    texts = list(_texts(setup, sample))
    fits = (name for name in _PAGES if all(_is(text, name) for text in texts))
    return {**connection, "encoding": next(fits, _ANY)}


def _texts(setup: Setup, sample: bytes) -> Iterator[bytes]:
    """Yield the bytes of the text fields at fixed places, of all whole records in *sample*."""
    for body in _bodies(setup, sample):
        for record in setup.records.values():
            for place in record.places.values() if record.fits(body) else ():
                if isinstance(place.leaf.codec, TextCodec):
                    yield body[place.offset : place.offset + place.leaf.size]


def _bodies(setup: Setup, sample: bytes) -> Iterator[bytes]:
    try:
        for block in setup.format.blocks(BytesIO(sample), 0, 1):
            yield from (frame.body for frame in block.frames)
    except FrameBroken:  # the sample ends within a record
        return


def _is(text: bytes, page: str) -> bool:
    try:
        return all(sign.isprintable() for sign in CHARSETS[page].decode(text).replace("\0", " "))
    except UnicodeDecodeError:
        return False


def _setup(connection: dict[str, Any], copybook: bytes, notes: list[str]) -> Setup:
    """Return what *connection* means; a format that does not fit the records is taken out. Raises `SourceUnfit`."""
    with TemporaryDirectory() as scratch:
        (Path(scratch) / COPYBOOK).write_bytes(copybook)
        setup, troubles = read_setup(_declared(connection), Path(scratch))
        if setup is None and connection.get("format") == "lines":  # which numbers in binary rule out
            del connection["format"]
            notes.append("records hold binary numbers, so they are told apart by their length")
            setup, troubles = read_setup(_declared(connection), Path(scratch))
    if setup is None:
        why = f"{troubles[0].pointer}: {troubles[0].message}"
        raise SourceUnfit("the copybook's records cannot be laid out", why=why)
    return setup


def _declared(connection: Mapping[str, Any]) -> SystemDeclaration:
    return SystemDeclaration("records", "fixed", connection={**connection, "copybook": COPYBOOK})


def _data(address: str, root: Path) -> tuple[str, bytes]:
    """Return the data file beside a copybook, relative to the project, with its first bytes."""
    beside = Path(address) if Path(address).is_absolute() else Path.cwd() / address
    beside = beside if beside.exists() else root / address
    inside = beside.resolve().is_relative_to(root.resolve())
    for ending in _DATA if inside else ():
        file = beside.with_suffix(ending)
        if file.is_file():
            with file.open("rb") as stream:
                return str(file.resolve().relative_to(root.resolve())), stream.read(_SAMPLE)
    return f"data/{Path(address).stem}.dat", b""


def _storage(sample: bytes) -> dict[str, str]:
    """Return the code page and the format that a file's first bytes look like."""
    ebcdic = sample.count(0x40) + sum(sample.count(one) for one in range(0xF0, 0xFA)) > len(sample) // 4
    if ebcdic:
        return {"encoding": "cp1047"}
    lines = sample.split(b"\n")
    if len(lines) > 1 and all(len(line) <= 32_760 for line in lines) and b"\x00" not in sample:
        return {"format": "lines", "line_end": "crlf" if lines[0].endswith(b"\r") else "lf"}
    return {}


def _records(items: tuple[Item, ...], notes: list[str]) -> dict[str, Any]:
    """Return the records as the connection declares them: how each is told from the others, and its key."""
    found: dict[str, Any] = {}
    for item in items:
        declared: dict[str, Any] = {}
        if len(items) > 1:
            condition = next((one.name for field in item.walk() for one in field.conditions), "")
            if not condition:
                notes.append(f"how records {item.name} are told from others is not said: write `when`; left out here")
                continue
            declared["when"] = condition
            notes.append(f"{item.name} is told from others by its first level 88, {condition}: is it?")
        key = _key(item)
        if key:
            declared["key"] = [key]
            notes.append(f"{key} is taken for the key of {item.name}, by its name: is it unique?")
        found[json_name(item.name or "record")] = declared
    if not found:
        raise SourceUnfit(
            "none of the copybook's records can be told from the others",
            fix="write the system's file by hand, with `when` for each record",
        )
    return found


def _key(item: Item) -> str:
    """Return the name of the first field outside of tables that is called a number or an id."""
    for field in item.children:
        if field.occurs is None and not field.redefines and field.picture is not None and _NAMING.search(field.name):
            return field.name
    return ""


def _offers(setup: Setup, records: Mapping[str, Any]) -> Iterator[Offer]:
    for name in setup.records:
        yield Offer(f"list {name}", f"list_{name}", f"Records {name}, a page of them.", ("read",), Effect.read)
        if "key" in records[name]:
            keyed = {"arguments": {place.name: "target" for place in setup.records[name].key}}
            what = f"The record {name} of a key."
            yield Offer(f"get {name}", f"get_{name}", what, ("read",), Effect.read, settings=keyed)
            for verb, what in (
                ("rewrite", f"Change fields of the record {name} of a key."),
                ("append", f"Add a record {name}."),
            ):
                yield Offer(
                    f"{verb} {name}", f"{verb}_{name}", what, ("write",), Effect.write, idempotent=True, settings=keyed
                )

"""What a file, or a folder of files, looks like: its format, its columns and their types, for a person to check."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.files.columns import CellUnfit, Column, Texts
from interlock.integration.connectors.files.errors import FilesTrouble
from interlock.integration.connectors.files.formats.choice import format_of
from interlock.integration.connectors.files.names import unfit
from interlock.integration.connectors.files.setup import USUAL
from interlock.integration.connectors.folding import folded
from interlock.integration.connectors.surveys import STATE, Offer, Source, Survey
from interlock.values.operations import Effect

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xml": "xml",
    ".parquet": "parquet",
    ".xlsx": "excel",
}
_SHARED = frozenset({".json", ".xml"})
"""Endings that other kinds of systems have too, so that the first bytes must tell."""
MOST_LOOKED_AT = 10_000
_SAMPLE = 1 << 16
_FIRST = 1 << 12
_TRIED = ("boolean", "integer", "decimal", "date", "datetime")
_PATTERNS = ("%d.%m.%Y", "%Y%m%d", "%d.%m.%y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
_DESCRIBED = re.compile(rb"<([a-z]+:)?(definitions|description|schema|application|edmx)\b", re.IGNORECASE)
_COMMA = re.compile(r"-?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+),[0-9]+")
_GROUPED = re.compile(r"-?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+")
_WORD = re.compile(r"[A-Za-z0-9]+")


def recognises(source: Source, root: Path) -> bool:
    """Return whether *source* is a folder here, or a file whose ending and first bytes are those of a format."""
    if "://" in source.address:
        return False
    suffix = PurePath(source.address).suffix.lower()
    if source.content is None:
        path = path_of(source.address, root)
        return (suffix in SUFFIXES and suffix not in _SHARED) or (path.is_dir() and any(map(_is_ours, path.iterdir())))
    return _begins(suffix, source.content)


def _begins(suffix: str, content: bytes) -> bool:
    if suffix not in _SHARED:
        return suffix in SUFFIXES
    first = content[:_FIRST].lstrip()
    if suffix == ".json":
        return re.match(rb"(\xef\xbb\xbf)?\s*\[\s*\{", first) is not None
    return first.startswith(b"<") and _DESCRIBED.search(first) is None


def survey(source: Source, root: Path) -> Survey:
    """Return a declaration of the folder that *source* is, or is in. Raises `SourceUnfit`, `PackageMissing`."""
    path = path_of(source.address, root)
    found = {one.suffix.lower(): one for one in sorted(path.iterdir()) if _is_ours(one)} if path.is_dir() else {}
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        raise SourceUnfit(f"{path.name} is of no known format", fix=f"known endings: {', '.join(SUFFIXES)}")
    if path.is_dir() and not found:
        raise SourceUnfit("the folder holds no file of a known format", fix=f"known endings: {', '.join(SUFFIXES)}")
    files = list(found.values()) or [path]
    folder = path if path.is_dir() else path.parent
    folders: dict[str, Any] = {}
    offers: list[Offer] = []
    notes: list[str] = []
    for file in files:
        suffix = file.suffix.lower()
        name = "files" if len(files) == 1 else suffix.removeprefix(".")
        try:
            looked = _look(file, source.content if file == path else None)
        except (FilesTrouble, OSError) as error:
            detail = error.detail if isinstance(error, FilesTrouble) else str(error.strerror)
            raise SourceUnfit(f"{file.name} cannot be read", why=detail) from error
        notes += [f"{file.name}: {note}" for note in looked.notes]
        folders[name] = {
            "path": ".",
            "pattern": f"*{file.suffix}",
            "format": {"kind": SUFFIXES[suffix], **looked.format},
            "columns": looked.columns,
            **({"other_columns": "leave"} if looked.leaves else {}),
        }
        offers += _offers(name, SUFFIXES[suffix])
    place = str(folder.resolve().relative_to(root.resolve())) if folder.resolve().is_relative_to(root.resolve()) else ""
    connection = {"place": {"local": place or str(folder.resolve())}, "state": STATE, "folders": folders}
    if path.is_file():
        notes.append(
            f"every {folders['files']['pattern']} of its folder is taken: narrow `pattern` down where it is not"
        )
    notes.append("name the `key` of a folder to have single rows read, and check the types of its columns")
    return Survey(path.name, connection, tuple(offers), notes=tuple(notes))


def path_of(address: str, root: Path) -> Path:
    """Return the path that *address* means: from where one stands if it is there, else from *root*."""
    path = Path(address) if Path(address).is_absolute() else Path.cwd() / address
    return path if path.exists() else root / address


def _is_ours(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or not path.is_file() or path.is_symlink() or unfit(path.name):
        return False
    with path.open("rb") as stream:
        return _begins(suffix, stream.read(_FIRST))


def _offers(name: str, kind: str) -> Iterator[Offer]:
    yield Offer(f"list {name}", f"list_{name}", f"The files of {name}.", effect=Effect.read)
    yield Offer(f"rows {name}", f"read_{name}", f"Rows of a file of {name}.", effect=Effect.read)
    if kind in {"csv", "jsonl"}:
        yield Offer(f"append {name}", f"append_{name}", "Add rows to a file.", effect=Effect.write, idempotent=True)
    yield Offer(f"write {name}", f"write_{name}", "Write a new file.", effect=Effect.write, idempotent=True)


@dataclass(slots=True)
class _Looked:
    """What a file turned out to be."""

    format: dict[str, Any]
    columns: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    leaves: bool = False
    """Whether it has columns that cannot be declared."""


def _look(file: Path, content: bytes | None) -> _Looked:
    kind = SUFFIXES[file.suffix.lower()]
    with io.BytesIO(content) if content is not None else file.open("rb") as stream:
        looked = _delimited(stream) if kind == "csv" else _Looked(_xml(stream) if kind == "xml" else {})
        made = format_of({"kind": kind, **looked.format}, "refuse")
        stream.seek(0)
        headings = made.names(stream, USUAL)
        if not headings or len(set(headings)) < len(headings) or not all(headings):
            raise SourceUnfit(
                f"{file.name} has no columns, one twice, or one without a name",
                fix="give each column a name of its own in the first row",
            )
        if not all(one.isprintable() for one in headings):
            raise SourceUnfit(f"{file.name} is no text", why="its first row holds control characters")
        texts = {
            f"c{place}": Column(f"c{place}", "string", optional=True, heading=one) for place, one in enumerate(headings)
        }
        stream.seek(0)
        cells: list[list[Any]] = [[] for _ in headings]
        for row in made.rows(stream, texts, USUAL):
            if row.reason:
                looked.notes.append(f"row {row.number} {row.reason}")
                continue
            for place, name in enumerate(texts):
                cells[place].append(row.cells.get(name))
            if len(cells[0]) >= MOST_LOOKED_AT:
                looked.notes.append(f"types are those of the first {MOST_LOOKED_AT} rows")
                break
    taken: set[str] = set()
    comma = made.texts is not None and any(_is_comma(values) for values in cells)
    if comma and "\t;|".find(looked.format.get("delimiter", "")) >= 0:
        looked.format["decimal"] = ","
        if any(_GROUPED.fullmatch(str(value)) for values in cells if _is_comma(values) for value in values):
            looked.format["thousands"] = "."
    reading = format_of({"kind": kind, **looked.format}, "refuse").texts
    for heading, values in zip(headings, cells, strict=True):
        written = _type(values, reading, _kinds(kind, values))
        if written is None:
            looked.notes.append(f"{heading} is left out: it holds lists, objects, bytes or several kinds of values")
            looked.leaves = True
            continue
        name = _name(heading, taken)
        looked.columns[name] = written if name == heading else {"heading": heading, **_long(written)}
    if not looked.columns:
        raise SourceUnfit(f"{file.name} has no column of single values", fix="look at it with --kind warehouse")
    return looked


def _kinds(kind: str, values: Sequence[Any]) -> tuple[str, ...]:
    """Return the types to try: moments of Parquet, which has dates of their own, are none, even at midnight."""
    moments = kind == "parquet" and any(isinstance(value, datetime) for value in values)
    return tuple(one for one in _TRIED if not (moments and one == "date"))


def _long(written: Any) -> dict[str, Any]:
    return dict(written) if isinstance(written, Mapping) else {"type": written}


def _name(heading: str, taken: set[str]) -> str:
    base = "_".join(_WORD.findall(folded(heading))).lower()[:50] or "column"
    base = base if base[0].isalpha() else f"column_{base}"
    base = f"{base}_value" if base in {"file", "offset", "limit", "if_version"} else base
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", heading) and base == heading.lower() and heading not in taken:
        base = heading
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    taken.add(name)
    return name


def _is_comma(values: Sequence[Any]) -> bool:
    texts = [value for value in values if value]
    return bool(texts) and all(_COMMA.fullmatch(str(value)) for value in texts)


def _type(values: Sequence[Any], texts: Texts | None, tried: Sequence[str]) -> Any:
    """Return the narrowest type that all values of a column have, as it would be declared; None where none has them."""
    given = [value for value in values if value is not None and (value != "" or texts is None)]
    mark = "?" if len(given) < len(values) or not given else ""
    if not given or any(isinstance(value, str) and re.match(r"-?0[0-9]", value) for value in given):
        return _dated(given, texts, mark) or f"string{mark}"  # 00123 is no number to count with
    for kind in tried:
        if _holds(Column("x", kind), given, texts):
            return f"{kind}{mark}"
    if not _holds(Column("x", "string"), given, texts):
        return None
    return _dated(given, texts, mark) or f"string{mark}"


def _dated(given: Sequence[Any], texts: Texts | None, mark: str) -> dict[str, Any] | None:
    if not given or texts is None:
        return None
    for pattern in _PATTERNS:
        kind = "datetime" if "%H" in pattern else "date"
        if _holds(Column("x", kind, pattern=pattern), given, texts):
            return {"type": f"{kind}{mark}", "pattern": pattern}
    return None


def _holds(column: Column, given: Sequence[Any], texts: Texts | None) -> bool:
    try:
        for value in given:
            if column.type == "decimal" and texts is None and isinstance(value, str):
                return False
            column.read(value, texts)
    except CellUnfit:
        return False
    return True


def _delimited(stream: BinaryIO) -> _Looked:
    """Return what a CSV file seems to be written in. Nothing of it is certain, which the notes say."""
    sample = stream.read(_SAMPLE)
    rest = stream.read(USUAL.size)
    looked = _Looked({})
    try:
        (sample + rest).decode("utf-8-sig")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = "cp1252"
        looked.notes.append("it is not in utf-8; cp1252 is a guess")
    text = sample.decode(encoding, "replace").lstrip("\ufeff")
    lines = text.splitlines()[: 50 if len(sample) < _SAMPLE else -1][:50]
    counts = {sign: _width(lines, sign) for sign in (";", "\t", "|", ",")}
    delimiter = max(counts, key=lambda sign: counts[sign])
    looked.format = {"encoding": encoding, "delimiter": delimiter if counts[delimiter] > 1 else ","}
    first = next(csv.reader(lines, delimiter=looked.format["delimiter"]), [])
    named = bool(first) and all(cell and not re.fullmatch(r"[-+0-9.,/: ]+", cell) for cell in first)
    if not named:
        looked.format["header"] = "absent"
        looked.notes.append("its first row does not look like names; say `header: present` where it is")
    return looked


def _width(lines: Sequence[str], delimiter: str) -> int:
    """Return how many cells every line has, 0 where they differ."""
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter, strict=True) if row}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _xml(stream: BinaryIO) -> dict[str, Any]:
    """Return where the rows seem to stand: the first child of the document's own element."""
    names = re.findall(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)", stream.read(_SAMPLE))
    if len(names) < 2:
        raise SourceUnfit("the XML holds no rows")
    return {"row": f"{names[0].decode()}/{names[1].decode()}"}

"""What a program is given on standard input, and what its standard output says: one object for each form."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from interlock.integration.connectors.fixed.copybook import RecordUnfit, decode, encode
from interlock.integration.connectors.fixed.schemas import members as members_of
from interlock.integration.connectors.fixed.schemas import record_to_json, shape, written_of
from interlock.integration.connectors.fixed.setup import RecordType
from interlock.integration.connectors.program.command import ArgumentUnfit, filled

_CELL = {"type": ["string", "null"]}


class OutputUnfit(ValueError):
    """A program's output is not of its declared form; the text says where, and nothing of what it holds."""


class Given(Protocol):
    """A form of standard input."""

    def write(self, arguments: Mapping[str, Any], encoding: str) -> bytes:
        """Return the bytes for *arguments*. Raises `ArgumentUnfit`."""
        ...


class Said(Protocol):
    """A form of standard output."""

    def schema(self) -> Mapping[str, Any] | None:
        """Return the schema of what is read, None where the form promises none."""
        ...

    def read(self, content: bytes, encoding: str) -> Any:
        """Return what *content* says. Raises `OutputUnfit`."""
        ...


@dataclass(frozen=True, slots=True)
class GivenNothing:
    """Standard input is empty."""

    def write(self, arguments: Mapping[str, Any], encoding: str) -> bytes:  # noqa: ARG002 - the seam's
        return b""


@dataclass(frozen=True, slots=True)
class GivenText:
    """A text with places for arguments."""

    template: str

    def write(self, arguments: Mapping[str, Any], encoding: str) -> bytes:
        return _encoded(filled(self.template, arguments), encoding)


@dataclass(frozen=True, slots=True)
class GivenJson:
    """The arguments named as a JSON object."""

    names: frozenset[str]

    def write(self, arguments: Mapping[str, Any], encoding: str) -> bytes:  # noqa: ARG002 - JSON is UTF-8
        try:
            return orjson.dumps({name: value for name, value in arguments.items() if name in self.names})
        except TypeError:  # half of a sign, or a number beyond 64 bits
            raise ArgumentUnfit("an argument is no value that JSON can be read back as") from None


@dataclass(frozen=True, slots=True)
class GivenRecord:
    """One record of a copybook, made of the arguments that are its fields and of *fixed* ones, and a line's end."""

    record: RecordType = field(repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def members(self) -> dict[str, Any]:
        """The schemas of its fields."""
        return {name: schema for name, schema in written_of(self.record).items() if name not in self.fixed}

    def write(self, arguments: Mapping[str, Any], encoding: str) -> bytes:  # noqa: ARG002 - the copybook's own
        values = {name: value for name, value in arguments.items() if name in self.members}
        try:
            record = encode(self.record.layout, {**values, **self.fixed})
        except RecordUnfit as error:
            raise ArgumentUnfit(str(error)) from None
        if b"\n" in record or b"\r" in record:
            raise ArgumentUnfit("a field holds the end of a line, and would make a second record")
        return record + b"\n"


@dataclass(frozen=True, slots=True)
class SaidText:
    """Text as it is, without the ends of lines at its end."""

    def schema(self) -> Mapping[str, Any]:
        return _object({"text": {"type": "string"}})

    def read(self, content: bytes, encoding: str) -> Any:
        return {"text": _decoded(content, encoding).rstrip("\r\n")}


@dataclass(frozen=True, slots=True)
class SaidNothing:
    """Whatever it says is not read."""

    def schema(self) -> Mapping[str, Any]:
        return _object({"done": {"const": True}})

    def read(self, content: bytes, encoding: str) -> Any:  # noqa: ARG002 - the seam's
        return {"done": True}


@dataclass(frozen=True, slots=True)
class SaidJson:
    """A JSON value."""

    def schema(self) -> None:
        return

    def read(self, content: bytes, encoding: str) -> Any:  # noqa: ARG002 - JSON is UTF-8
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise OutputUnfit(f"it is not JSON, in line {error.lineno}") from None


@dataclass(frozen=True, slots=True)
class SaidLines:
    """A text for each line."""

    def schema(self) -> Mapping[str, Any]:
        return _object({"lines": {"type": "array", "items": {"type": "string"}}})

    def read(self, content: bytes, encoding: str) -> Any:
        return {"lines": [line.removesuffix("\r") for line in _lines(_decoded(content, encoding))]}


@dataclass(frozen=True, slots=True)
class SaidTable:
    """Delimited rows (RFC 4180) under *columns*, which its first line names where they are empty."""

    delimiter: str = ","
    columns: tuple[str, ...] = ()

    def schema(self) -> Mapping[str, Any]:
        row = _object(dict.fromkeys(self.columns, _CELL)) if self.columns else {"type": "object"}
        return _object({"rows": {"type": "array", "items": row}})

    def read(self, content: bytes, encoding: str) -> Any:
        reader = csv.reader(io.StringIO(_decoded(content, encoding), newline=""), delimiter=self.delimiter, strict=True)
        try:
            rows = [row or [""] for row in reader if row or len(self.columns) == 1]
        except csv.Error as error:
            raise OutputUnfit(f"line {reader.line_num} is no row: {error}") from None
        columns: Sequence[str] = self.columns or (rows.pop(0) if rows else ())
        if len(set(columns)) != len(columns):
            raise OutputUnfit("two of its columns have one name")
        for number, row in enumerate(rows, start=1 if self.columns else 2):
            if len(row) != len(columns):
                raise OutputUnfit(f"row {number} has {len(row)} columns, and not {len(columns)}")
        return {"rows": [dict(zip(columns, row, strict=True)) for row in rows]}


@dataclass(frozen=True, slots=True)
class SaidRecords:
    """Records of a copybook, one a line; *single* wants exactly one."""

    record: RecordType = field(repr=False)
    single: bool = False

    def schema(self) -> Mapping[str, Any]:
        shown = members_of(self.record.layout.root, self.record.omit)
        one = _object({member.name: shape(member, self.record.omit, written=False) for member in shown})
        return one if self.single else _object({"records": {"type": "array", "items": one}})

    def read(self, content: bytes, encoding: str) -> Any:  # noqa: ARG002 - the copybook's own
        rows = [self._row(line.removesuffix(b"\r"), number) for number, line in enumerate(_byte_lines(content), 1)]
        if not self.single:
            return {"records": rows}
        if len(rows) != 1:
            raise OutputUnfit(f"it has {len(rows)} records, and not one")
        return rows[0]

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        layout = self.record.layout
        decoded = decode(layout, line.ljust(layout.least, b" "))
        if decoded.unread:
            unread = decoded.unread[0]
            raise OutputUnfit(f"record {number} cannot be read at {unread.field or 'its end'}: {unread.reason}")
        shown = {member.name for member in members_of(layout.root, self.record.omit)}
        return {name: value for name, value in record_to_json(self.record, decoded.values).items() if name in shown}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        raise ArgumentUnfit(f"an argument has a sign that {encoding} does not") from None


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise OutputUnfit(f"byte {error.start} is not in {encoding}") from None


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text.strip("\r\n") else []


def _byte_lines(content: bytes) -> list[bytes]:
    return content.removesuffix(b"\n").split(b"\n") if content.strip(b"\r\n") else []

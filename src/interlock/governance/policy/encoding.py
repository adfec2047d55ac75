"""Encoders from a snapshot to the context that the Cedar engine reads, made once per operation.

An encoder guarantees the types of the generated schema by itself, so the engine need not check each request
against the schema again; and it encodes only what some policy of the operation looks at, which is most of the
cost of a decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from interlock.governance.policy.paths import WHOLE, Wanted
from interlock.governance.policy.snapshot import Snapshot
from interlock.governance.policy.types import Record, SetOf, Type
from interlock.values.labels import Confidentiality

Encoder = Callable[[Any], Any]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z")
_EXACT = 2**53
_GREATEST = Decimal("922337203685477.5807")
_STEP = Decimal("0.0001")


class Mismatch(ValueError):
    """A value does not have the type that policies were checked against; *path* says where, innermost first."""

    def __init__(self, why: str, *, root: str = "context") -> None:
        super().__init__(why)
        self.why = why
        self.root = root
        self.path: list[str] = []

    def __str__(self) -> str:
        return f"`{'.'.join([self.root, *reversed(self.path)])}` {self.why}"


def context_encoder(context: Record, wanted: Wanted) -> Callable[[Snapshot], dict[str, Any]]:
    """Return the function that builds the *wanted* part of a snapshot's context; it raises `Mismatch`."""
    names = tuple(name for name in context.fields if WHOLE in wanted or name in wanted)
    looked_at = wanted.get("origins", wanted)
    origins = tuple(name for name in _arguments(context) if WHOLE in looked_at or name in looked_at)
    encode = encoder(context, wanted)

    def run(snapshot: Snapshot) -> dict[str, Any]:
        parts = {name: _part(snapshot, name, origins) for name in names}
        encoded: dict[str, Any] = encode(parts)
        return encoded

    return run


def context_view(context: Record, snapshot: Snapshot) -> dict[str, Any]:
    """Return the context as plain JSON values, with derived parts, for showing what a policy saw."""
    arguments = _arguments(context)
    return {name: _part(snapshot, name, arguments) for name in context.fields}


def _arguments(context: Record) -> tuple[str, ...]:
    declared = context.fields["origins"].type
    return tuple(declared.fields) if isinstance(declared, Record) else ()


def _part(snapshot: Snapshot, name: str, arguments: tuple[str, ...]) -> Any:
    if name == "origins":
        return _origins(snapshot, arguments)
    part = getattr(snapshot, name)
    if name == "data" and isinstance(part, dict):
        level = part.get("confidentiality")
        if isinstance(level, str) and level in Confidentiality.__members__:
            return {**part, "rank": Confidentiality[level].value}
    return part


def _origins(snapshot: Snapshot, names: tuple[str, ...]) -> dict[str, Any]:
    """Return an origin for every declared argument: a blank one if it is not given, `unknown` if nobody knows."""
    known, arguments = snapshot.origins, snapshot.input
    return {name: known[name] if name in known else _blank(unknown=arguments.get(name) is not None) for name in names}


def _blank(*, unknown: bool) -> dict[str, Any]:
    sources = ["unknown"] if unknown else []
    return {"untrusted": False, "unknown": unknown, "person": False, "sources": sources, "where": []}


def encoder(type: Type, wanted: Wanted) -> Encoder:
    """Return the function that encodes the *wanted* parts of a value of *type*; it raises `Mismatch`."""
    if isinstance(type, Record):
        return _record(type, wanted)
    if isinstance(type, SetOf):
        return _set(encoder(type.of, {WHOLE: {}}))
    return _SCALARS[type.name]


def _record(record: Record, wanted: Wanted) -> Encoder:
    whole = WHOLE in wanted
    parts = [
        (name, encoder(part.type, {WHOLE: {}} if whole else wanted[name]), part.required, part.default)
        for name, part in record.fields.items()
        if whole or name in wanted
    ]

    def encode(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Mismatch("is not an object")
        encoded = {}
        for name, encode_part, required, default in parts:
            item = value.get(name)
            if item is None:
                if default is not None:
                    encoded[name] = default
                elif required:
                    raise _at(name, Mismatch("is not there"))
                continue
            try:
                encoded[name] = encode_part(item)
            except Mismatch as mismatch:
                raise _at(name, mismatch) from None
        return encoded

    return encode


def _at(name: str, mismatch: Mismatch) -> Mismatch:
    mismatch.path.append(name)
    return mismatch


def _set(member: Encoder) -> Encoder:
    def encode(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise Mismatch("is not a list")
        return [member(item) for item in value]

    return encode


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise Mismatch("is not a text")
    return value


def _long(value: Any) -> int:
    if type(value) is float and value.is_integer() and -_EXACT <= value <= _EXACT:
        return int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise Mismatch("is not an integer of 64 bits")
    return value


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Mismatch("is neither true nor false")
    return value


def _decimal(value: Any) -> dict[str, Any]:
    if type(value) is float and -1e10 < value < 1e10:
        text = f"{value:.4f}"
        if float(text) != value:
            raise Mismatch("has more than 4 decimal places")
    elif type(value) is int or type(value) is float:
        exact = Decimal(repr(value))
        if not exact.is_finite() or abs(exact) > _GREATEST:
            raise Mismatch("is beyond the range of a decimal")
        if exact != exact.quantize(_STEP):
            raise Mismatch("has more than 4 decimal places")
        text = f"{exact:.4f}"
    else:
        raise Mismatch("is not a number")
    return {"__extn": {"fn": "decimal", "arg": text}}


def _datetime(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise Mismatch("is not a time")
    if not _MOMENT.fullmatch(value):
        try:
            when = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Mismatch("is not a time") from None
        value = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"__extn": {"fn": "datetime", "arg": value}}


_SCALARS: dict[str, Encoder] = {
    "String": _string,
    "Long": _long,
    "Bool": _bool,
    "decimal": _decimal,
    "datetime": _datetime,
}

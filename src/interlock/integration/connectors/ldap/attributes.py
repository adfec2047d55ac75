"""Values of attributes: octets there, JSON here, by a declared type."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

SECRET = frozenset(
    "userpassword authpassword unicodepwd dbcspwd lmpwdhistory ntpwdhistory supplementalcredentials pwdhistory "
    "sambalmpassword sambantpassword sambapasswordhistory krbprincipalkey krbmkey krbextradata ipanthash userpkcs12 "
    "ms-mcs-admpwd ms-mcs-admpwdhistory mslaps-password mslaps-encryptedpassword mslaps-encryptedpasswordhistory "
    "msds-managedpassword msds-managedpasswordid orclpassword passwordhistory passwordexpirationtime nspassword "
    "ds-pwp-last-password olcrootpw olcsynccredentials sshprivatekey totpsecret oathsecret ipatokenotpkey".split()
)
"""Attributes, in small letters, that hold what proves who somebody is."""

TYPES: Mapping[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "dn": {"type": "string", "description": "a distinguished name"},
}
"""The types that an attribute can be declared as, and their JSON Schemas."""
ATTRIBUTE = r"^[A-Za-z][A-Za-z0-9-]{0,127}$"
ATTRIBUTES: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": ATTRIBUTE},
    "additionalProperties": {
        "oneOf": [
            {"enum": list(TYPES)},
            {"type": "array", "items": {"enum": list(TYPES)}, "minItems": 1, "maxItems": 1},
        ]
    },
    "minProperties": 1,
    "description": "attributes with their types: one value, or [type] for any number of them",
}
"""The JSON Schema of `attributes`."""
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d+))?(?:Z|([+-])(\d\d)(\d\d)?)", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")


class ValueUnfit(ValueError):
    """A value is not of the declared type; the text says which, and never the value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of an attribute: *word* is one of `TYPES`, *many* whether it has any number of values."""

    word: str
    many: bool = False

    def schema(self, *, empty: bool) -> dict[str, Any]:
        """Return the JSON Schema of its value; with *empty*, also of that of an entry that has none."""
        one = dict(TYPES[self.word])
        if self.many:
            return {"type": "array", "items": one, **({} if empty else {"minItems": 1})}
        return {**one, "type": [one["type"], "null"]} if empty else one

    def read(self, name: str, values: Sequence[bytes]) -> Any:
        """Return what *values* of the attribute *name* mean. Raises `ValueUnfit`."""
        if self.many:
            return [_read(self.word, name, value) for value in values]
        if len(values) > 1:
            raise ValueUnfit(f"{name} has several values, and is declared to have one")
        return _read(self.word, name, values[0]) if values else None

    def write(self, name: str, value: Any) -> list[bytes]:
        """Return the values that are sent for *value* of the attribute *name*; none for None. Raises `ValueUnfit`."""
        if value is None:
            return []
        return [_write(self.word, name, one) for one in (value if self.many else [value])]


def kinds_of(written: Mapping[str, Any]) -> dict[str, Kind]:
    """Return the types that `attributes` declares, by name."""
    return {name: Kind(one) if isinstance(one, str) else Kind(one[0], many=True) for name, one in written.items()}


def _read(word: str, name: str, value: bytes) -> Any:
    if word == "binary":
        return base64.b64encode(value).decode("ascii")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise ValueUnfit(f"{name} is no text; declare it as binary") from None
    if word == "integer":
        if _INTEGER.fullmatch(text) is None:
            raise ValueUnfit(f"{name} is no whole number of at most 18 digits")
        return int(text)
    if word == "boolean":
        if text not in {"TRUE", "FALSE"}:
            raise ValueUnfit(f"{name} is neither TRUE nor FALSE")
        return text == "TRUE"
    return _instant(name, text) if word == "time" else text


def _write(word: str, name: str, value: Any) -> bytes:
    if word == "boolean":
        return b"TRUE" if value else b"FALSE"
    if word == "binary":
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValueUnfit(f"{name} is not base64") from None
    if word == "time":
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueUnfit(f"{name} is no moment as RFC 3339 writes it") from None
        if moment.tzinfo is None:
            raise ValueUnfit(f"{name} says no offset from UTC")
        return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    try:
        return str(value).encode()
    except UnicodeEncodeError:
        raise ValueUnfit(f"{name} is no valid text") from None


def _instant(name: str, text: str) -> str:
    """Return a generalized time (RFC 4517, 3.3.13) as RFC 3339 writes it, in UTC."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueUnfit(f"{name} is no generalized time")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    part = float(f"0.{fraction}") if fraction else 0.0
    unit = timedelta(seconds=1) if second else timedelta(minutes=1) if minute else timedelta(hours=1)
    leap = second == "60"
    try:
        whole = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute or 0),
            59 if leap else int(second or 0),
            tzinfo=timezone(offset),
        )
        moment = (whole + part * unit + timedelta(seconds=leap)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueUnfit(f"{name} is no generalized time") from None
    return moment.isoformat().replace("+00:00", "Z")

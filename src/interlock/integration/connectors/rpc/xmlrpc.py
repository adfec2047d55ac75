"""XML-RPC (the specification of 1999), with the extensions `nil` and `i8` for what it has no form of.

A reply is read by a parser that knows no document types, so no entities, and with bounds on depth and parts.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from interlock.integration.connectors.rpc.elements import Element, read_element
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned
from interlock.integration.connectors.rpc.templates import Kind, Unsendable

DEEPEST_SENT = 50
_METHOD = re.compile(r"[A-Za-z0-9_.:/]{1,200}")
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_DOUBLE = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:E[+-]?[0-9]{1,4})?")
_BITS = {"int": 31, "i4": 31, "i1": 7, "i2": 15, "i8": 63, "biginteger": 63}
_TIMES = ("%Y%m%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S")


@dataclass(frozen=True, slots=True)
class _Binary:
    text: str


@dataclass(frozen=True, slots=True)
class _Time:
    text: str


def _binary(value: Any) -> _Binary:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise Unsendable("an argument that is sent as base64 is not") from None
    return _Binary(value)


def _time(value: Any) -> _Time:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unsendable("an argument that is sent as a time is none") from None
    if moment.tzinfo is not None or moment.microsecond:
        raise Unsendable("a time has neither a zone nor parts of seconds in XML-RPC; give the system's own local time")
    return _Time(f"{moment.year:04}{moment:%m%dT%H:%M:%S}")


class XmlRpc:
    """Calls and replies of XML-RPC. What JSON lacks comes back as text: base64, decimals, times without a zone.

    Numbers of the extensions are read (`i1`, `i2`, `i8`, `biginteger` up to 64 bits, `bigdecimal`, with `ex:` or not).
    """

    media_type = "text/xml"
    kinds: Mapping[str, Kind] = {"$base64": _binary, "$dateTime": _time}
    inquiry = "system.listMethods"

    def usual(self, names: list[str]) -> Any:
        """By position, in the order of their declaration."""
        return [f"{{{name}}}" for name in names]

    def unfit_method(self, method: str) -> str:
        return "" if _METHOD.fullmatch(method) else "is no name of a method: letters, digits and `_ . : /`"

    def unfit_params(self, params: Any) -> str:
        return "" if isinstance(params, (list, str)) else "must be a list: parameters come by position"

    def write(self, method: str, params: Any, number: int) -> bytes:  # noqa: ARG002 - a reply belongs to its request
        written = "".join(f"<param>{_written(one, 0)}</param>" for one in params)
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            f"<methodCall><methodName>{method}</methodName><params>{written}</params></methodCall>"
        ).encode()

    def read(self, body: bytes, number: int) -> Returned | Fault:  # noqa: ARG002 - a reply belongs to its request
        holder = _only(read_element(body, "methodResponse"), ("params", "fault"))
        if holder.name == "params":
            return Returned(_read(_only(_only(holder, ("param",)), ("value",))))
        fault = _read(_only(holder, ("value",)))
        code = fault.get("faultCode") if isinstance(fault, dict) else None
        if isinstance(code, int) and not isinstance(code, bool):
            return Fault(code)
        if isinstance(code, str):  # against the specification, and done
            return Fault(words=(code,))
        raise ReplyUnfit("the answer's fault has no code")


def _written(value: Any, depth: int) -> str:
    return f"<value>{_inner(value, depth)}</value>"


def _inner(value: Any, depth: int) -> str:
    if depth > DEEPEST_SENT:
        raise Unsendable(f"an argument is nested deeper than {DEEPEST_SENT} levels")
    match value:
        case None:
            return "<nil/>"
        case bool():
            return f"<boolean>{value:d}</boolean>"
        case int():
            return _integer(value)
        case float() if math.isfinite(value):
            return f"<double>{Decimal(repr(value)):f}</double>"
        case str():
            return f"<string>{_text(value)}</string>"
        case _Binary(text):
            return f"<base64>{text}</base64>"
        case _Time(text):
            return f"<dateTime.iso8601>{text}</dateTime.iso8601>"
        case list():
            return f"<array><data>{''.join(_written(one, depth + 1) for one in value)}</data></array>"
        case dict():
            members = (
                f"<member><name>{_text(key)}</name>{_written(one, depth + 1)}</member>" for key, one in value.items()
            )
            return f"<struct>{''.join(members)}</struct>"
    raise Unsendable("an argument has no form in XML-RPC")


def _integer(value: int) -> str:
    if -(2**31) <= value < 2**31:
        return f"<int>{value}</int>"
    if -(2**63) <= value < 2**63:
        return f"<i8>{value}</i8>"
    raise Unsendable("a whole number is too large for XML-RPC")


def _text(text: str) -> str:
    if _UNWRITABLE.search(text):
        raise Unsendable("a text holds a sign that XML has no form for")
    return escape(text, {"\r": "&#13;"})


def _read(value: Element) -> Any:
    if not value.parts:
        return value.text
    if len(value.parts) != 1 or value.text.strip():
        raise ReplyUnfit("a value of the answer is not one of XML-RPC")
    inner = value.parts[0]
    kind = inner.name.removeprefix("ex:")
    if kind == "array":
        data = _only(inner, ("data",))
        return [_read(_named(one, "value")) for one in data.parts]
    if kind == "struct":
        return _struct(inner)
    if inner.parts:
        raise ReplyUnfit("a value of the answer is not one of XML-RPC")
    if kind == "string":
        return inner.text
    return _scalar(kind, inner.text.strip())


def _struct(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in element.parts:
        parts = {part.name: part for part in _named(member, "member").parts}
        if parts.keys() != {"name", "value"} or len(member.parts) != 2:
            raise ReplyUnfit("a member of the answer is not one of XML-RPC")
        name = parts["name"].text
        if name in found:
            raise ReplyUnfit("an object of the answer has a member twice")
        found[name] = _read(parts["value"])
    return found


def _scalar(kind: str, text: str) -> Any:
    if kind == "nil" and not text:
        return None
    if kind == "boolean" and text in {"0", "1"}:
        return text == "1"
    if kind in _BITS and _INT.fullmatch(text):
        number = int(text)
        if -(2 ** _BITS[kind]) <= number < 2 ** _BITS[kind]:
            return number
    if kind in {"double", "float"} and _DOUBLE.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if kind == "bigdecimal" and _DECIMAL.fullmatch(text):
        return text
    if kind == "base64":
        try:
            return base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode()
        except (binascii.Error, ValueError):
            pass
    if kind == "dateTime.iso8601":
        for form in _TIMES:
            try:
                return datetime.strptime(text, form).isoformat()  # noqa: DTZ007 - the protocol has no zones
            except ValueError:
                continue
    raise ReplyUnfit("a value of the answer is not one of XML-RPC")


def _only(element: Element, names: tuple[str, ...]) -> Element:
    if len(element.parts) != 1:
        raise ReplyUnfit("the answer is not one of XML-RPC")
    return _named(element.parts[0], *names)


def _named(element: Element, *names: str) -> Element:
    if element.name not in names:
        raise ReplyUnfit("the answer is not one of XML-RPC")
    return element

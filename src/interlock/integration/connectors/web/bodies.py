"""The forms that a request's body can have: JSON, a form, or parts. A difference is an object behind `Body`."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from interlock.integration.connectors.templates import Unsendable
from interlock.integration.connectors.web.styles import pairs, text_of

JSON = "application/json"
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
FILE: dict[str, Any] = {
    "type": "object",
    "description": "a file",
    "properties": {
        "content": {"type": "string", "contentEncoding": "base64", "description": "its bytes, as base64"},
        "name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^\\x00-\\x1f\\x7f]*$"},
        "type": {"type": "string", "maxLength": 200, "pattern": "^[^\\x00-\\x20\\x7f]*$"},
    },
    "required": ["content"],
    "additionalProperties": False,
}
"""The schema of an argument that is sent as a file."""


class Body(Protocol):
    """Writes the body of one operation."""

    def write(self, arguments: Mapping[str, Any]) -> tuple[bytes, str] | None:
        """Return the body and its media type, None for none. Raises `Unsendable`."""
        ...


class NoBody:
    """An operation without a body."""

    def write(self, arguments: Mapping[str, Any]) -> None:  # noqa: ARG002 - there is nothing to write
        return None


@dataclass(frozen=True, slots=True)
class WholeJson:
    """JSON of the media type *kind* that is one argument."""

    argument: str
    kind: str

    def write(self, arguments: Mapping[str, Any]) -> tuple[bytes, str] | None:
        if self.argument not in arguments:
            return None
        return orjson.dumps(arguments[self.argument]), self.kind


@dataclass(frozen=True, slots=True)
class JsonMembers:
    """A JSON object of the media type *kind*; *members* are its names by argument. It is sent without any where it is
    *required*.
    """

    members: Mapping[str, str]
    required: bool
    kind: str

    def write(self, arguments: Mapping[str, Any]) -> tuple[bytes, str] | None:
        given = {name: arguments[argument] for argument, name in self.members.items() if argument in arguments}
        return (orjson.dumps(given), self.kind) if given or self.required else None


@dataclass(frozen=True, slots=True)
class Form:
    """A form (WHATWG URL); *styles* say how members that are no single values are written, by argument."""

    members: Mapping[str, str]
    required: bool
    styles: Mapping[str, str]

    def write(self, arguments: Mapping[str, Any]) -> tuple[bytes, str] | None:
        parts: list[str] = []
        names = [quote(name, safe="") for name in self.members.values()]
        for argument, name in zip(self.members, names, strict=True):
            value = arguments.get(argument)
            if value is not None:
                parts += pairs(argument, name, self.styles.get(argument, "form"), value, names)
        if not parts and not self.required:
            return None
        return "&".join(parts).encode("ascii"), URLENCODED


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts (RFC 7578); *files* are the arguments that are files. What is neither text nor file goes as JSON.

    *kinds* are media types by argument, where the document names one.
    """

    members: Mapping[str, str]
    required: bool
    files: frozenset[str]
    kinds: Mapping[str, str]

    def write(self, arguments: Mapping[str, Any]) -> tuple[bytes, str] | None:
        boundary = secrets.token_hex(16)
        parts: list[bytes] = []
        for argument, name in self.members.items():
            value = arguments.get(argument)
            if value == []:
                raise Unsendable(f"{argument} is an empty list, which would look as if it had been left out")
            for one in value if isinstance(value, list) else [] if value is None else [value]:
                head, content = self._part(argument, name, one)
                parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
        if not parts and not self.required:
            return None
        return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"{MULTIPART}; boundary={boundary}"

    def _part(self, argument: str, name: str, value: Any) -> tuple[str, bytes]:
        head, kind = f'Content-Disposition: form-data; name="{_quoted(name)}"', self.kinds.get(argument, "")
        if argument in self.files:
            try:
                content = base64.b64decode(value["content"], validate=True)
            except (binascii.Error, ValueError) as error:
                raise Unsendable(f"{argument} holds content that is not base64") from error
            head += f'; filename="{_quoted(value.get("name", name))}"'
            return f"{head}\r\nContent-Type: {value.get('type') or kind or 'application/octet-stream'}", content
        if isinstance(value, Mapping) or is_json(kind):
            return f"{head}\r\nContent-Type: {kind or JSON}", orjson.dumps(value)
        return f"{head}\r\nContent-Type: {kind}" if kind else head, text_of(argument, value).encode()


def _quoted(name: str) -> str:
    """Return *name* as browsers write it between quotes (RFC 7578, 4.2, and the WHATWG's practice)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def is_json(media_type: str) -> bool:
    """Return whether *media_type* (perhaps with parameters) is JSON."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain in {JSON, "*/*", "application/*"} or plain.endswith("+json")


def body_of(binding: Mapping[str, Any] | None) -> Body:
    """Return what writes the body that a binding describes."""
    if binding is None:
        return NoBody()
    kind = binding.get("type", JSON)
    if "argument" in binding:
        return WholeJson(binding["argument"], kind)
    members, required = binding["members"], bool(binding.get("required"))
    if binding.get("form") == URLENCODED:
        return Form(members, required, binding.get("styles", {}))
    if binding.get("form") == MULTIPART:
        return Parts(members, required, frozenset(binding.get("files", ())), binding.get("kinds", {}))
    return JsonMembers(members, required, kind)

"""The protocol's revisions: those with a handshake, and the stateless one whose every request speaks for itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock import __version__
from interlock.experience.mcp.errors import ProtocolFault
from interlock.experience.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    UNSUPPORTED_VERSION,
    Message,
)

HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")
STATELESS = ("2026-07-28",)
SERVED = (*STATELESS, *HANDSHAKE)

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"
SERVER = {"name": "interlock", "title": "Interlock", "version": __version__}

VERSION_HEADER = b"mcp-protocol-version"
METHOD_HEADER = b"mcp-method"
NAME_HEADER = b"mcp-name"
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ROUTING = frozenset({VERSION_HEADER, METHOD_HEADER, NAME_HEADER})
_SENTINEL, _END = "=?base64?", "?="


@dataclass(frozen=True, slots=True)
class Revision:
    """How a message is to be answered: in which revision, and whether the client can ask its person something."""

    version: str
    stateless: bool
    asks: bool = False


def speaks_for_itself(message: Message, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether *message* shows any sign of the stateless revision, in its headers or its body."""
    header = headers.get(VERSION_HEADER, b"").decode("latin-1")
    return VERSION_KEY in message.meta or (header != "" and header not in HANDSHAKE)


def revision_of(message: Message, headers: Mapping[bytes, bytes], raw: Iterable[tuple[bytes, bytes]]) -> Revision:
    """Return the revision that *message* is sent in. Raises `ProtocolFault` where headers and body disagree.

    *headers* are folded, *raw* as they came. Without any sign of the stateless revision it is one with a handshake.
    """
    header = headers.get(VERSION_HEADER, b"").decode("latin-1")
    if not speaks_for_itself(message, headers):
        return Revision(header or HANDSHAKE[-1], stateless=False)
    if message.id is None:
        _check_served(header)
        return Revision(header, stateless=True)
    return _envelope(message, header, headers, raw)


def _envelope(
    message: Message, header: str, headers: Mapping[bytes, bytes], raw: Iterable[tuple[bytes, bytes]]
) -> Revision:
    meta = message.meta
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]
    if missing:
        raise ProtocolFault(INVALID_PARAMS, f"params._meta lacks {' and '.join(missing)}")
    version = meta[VERSION_KEY]
    if header != version:
        raise ProtocolFault(HEADER_MISMATCH, "the header MCP-Protocol-Version is not the version in params._meta")
    if headers.get(METHOD_HEADER, b"").decode("latin-1") != message.method:
        raise ProtocolFault(HEADER_MISMATCH, "the header Mcp-Method is not the message's method")
    key = NAMED.get(message.method)
    if key is not None and key in message.params:
        named = _decoded(headers.get(NAME_HEADER, b"").decode("latin-1"))
        if named is None or named != message.params[key]:
            raise ProtocolFault(HEADER_MISMATCH, f"the header Mcp-Name is not the message's {key!r}")
    _check_once(raw)
    _check_served(version)
    return Revision(version, stateless=True, asks=_asks(meta[CAPABILITIES_KEY]))


def _check_served(version: str) -> None:
    if version not in STATELESS:
        data = {"supported": list(SERVED), "requested": version}
        raise ProtocolFault(UNSUPPORTED_VERSION, "Unsupported protocol version", data=data)


def _check_once(raw: Iterable[tuple[bytes, bytes]]) -> None:
    seen: set[bytes] = set()
    for name, _ in raw:
        if name in _ROUTING:
            if name in seen:
                raise ProtocolFault(HEADER_MISMATCH, f"the header {name.decode()} stands there twice")
            seen.add(name)


def _asks(capabilities: Any) -> bool:
    """Whether the client can show its person a form; an empty `elicitation` says so too."""
    elicitation = capabilities.get("elicitation") if isinstance(capabilities, dict) else None
    return isinstance(elicitation, dict) and ("form" in elicitation or not elicitation)


def encoded(name: str) -> str:
    """Return *name* as a header value, in the protocol's base64 form where it is not plain ASCII."""
    plain = name.isascii() and name.isprintable() and name == name.strip() and not name.startswith(_SENTINEL)
    return name if plain else _SENTINEL + base64.b64encode(name.encode()).decode() + _END


def _decoded(value: str) -> str | None:
    if not (value.startswith(_SENTINEL) and value.endswith(_END)):
        return value
    payload = value[len(_SENTINEL) : -len(_END)]
    try:
        text = base64.b64decode(payload, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if encoded(text) == value else None

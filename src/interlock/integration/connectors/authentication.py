"""How a call over HTTP says who it is from: headers made of secrets that are looked up at each call."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.integration.connectors.interface import SecretSource

REFERENCE = {
    "type": "string",
    "pattern": "^secret:[A-Za-z][A-Za-z0-9_.-]{0,63}$",
    "description": "a reference such as secret:billing; the secret itself stays out of project files",
}
"""The JSON Schema of a reference to a secret."""
_TOKEN = {"type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$", "description": "a header's name"}

AUTHENTICATION_SCHEMA: dict[str, Any] = {
    "description": "How calls say who they are from: none, or one of bearer, api_key and basic.",
    "type": ["string", "object"],
    "properties": {
        "bearer": REFERENCE,
        "api_key": {
            "type": "object",
            "properties": {"header": _TOKEN, "value": REFERENCE},
            "required": ["header", "value"],
            "additionalProperties": False,
        },
        "basic": {
            "type": "object",
            "properties": {"username": {"type": "string", "minLength": 1}, "password": REFERENCE},
            "required": ["username", "password"],
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "pattern": "^none$",
}
"""The JSON Schema of `auth:` in a connection."""


class Authentication(Protocol):
    """Adds what identifies us to the headers of one request."""

    def sign(self, headers: dict[str, str]) -> None:
        """Set the header. Raises an `InterlockError` where the secret is missing."""
        ...


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Says nothing."""

    def sign(self, headers: dict[str, str]) -> None:
        """Leave *headers* as they are."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token (RFC 6750)."""

    secrets: SecretSource
    reference: str

    def sign(self, headers: dict[str, str]) -> None:
        headers["Authorization"] = f"Bearer {self.secrets.get(self.reference).reveal()}"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header of its own."""

    secrets: SecretSource
    header: str
    reference: str

    def sign(self, headers: dict[str, str]) -> None:
        headers[self.header] = self.secrets.get(self.reference).reveal()


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a password (RFC 7617)."""

    secrets: SecretSource
    username: str
    reference: str

    def sign(self, headers: dict[str, str]) -> None:
        pair = f"{self.username}:{self.secrets.get(self.reference).reveal()}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"


def authentication(settings: Mapping[str, Any] | str | None, secrets: SecretSource) -> Authentication:
    """Return what `auth:` (as `AUTHENTICATION_SCHEMA` allows it) asks for."""
    if not isinstance(settings, Mapping):
        return Anonymous()
    if "bearer" in settings:
        return Bearer(secrets, settings["bearer"])
    if "api_key" in settings:
        return ApiKey(secrets, settings["api_key"]["header"], settings["api_key"]["value"])
    return Basic(secrets, settings["basic"]["username"], settings["basic"]["password"])

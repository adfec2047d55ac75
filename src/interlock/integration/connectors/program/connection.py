"""Where programs run, and what they see: the parts of a connection that everything that runs programs has."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.interface import SecretSource, Trouble

_REFERENCE = "secret:"


class SecretUnfit(ValueError):
    """A secret cannot be given to a program in this way; the text says why, and nothing of it."""


PROPERTIES: dict[str, Any] = {
    "folder": {
        "type": "string",
        "minLength": 1,
        "description": "where programs run, relative to the project; by default the project itself",
    },
    "env": {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"},
        "additionalProperties": {"type": "string"},
        "description": "variables for programs, such as secret:NAME; of ours they see the path and the locale",
    },
}
"""The JSON Schemas of the members."""


def encoding_of(connection: Mapping[str, Any]) -> str:
    """Return the encoding of texts, empty where there is none of its name."""
    name = connection.get("encoding", "utf-8")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def troubles(connection: Mapping[str, Any], root: Path) -> Iterator[Trouble]:
    """Yield what is wrong with the folder and the encoding of a *connection*."""
    if not (root / connection.get("folder", ".")).resolve().is_relative_to(root.resolve()):
        yield Trouble("/connection/folder", "must be a folder of the project, given relative to it")
    if not encoding_of(connection):
        yield Trouble("/connection/encoding", "is no encoding that is known")


def revealed(text: str, secrets: SecretSource) -> str:
    """Return what a variable of `env` holds: *text*, or the secret that it refers to.

    Raises `SecretUnfit`, and an `InterlockError` where the secret is missing.
    """
    if not text.startswith(_REFERENCE):
        return text
    found = secrets.get(text).reveal()
    if "\0" in found or not _encodable(found):
        raise SecretUnfit("a secret is no text that a variable can hold")
    return found


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

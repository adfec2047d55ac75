"""Which place a connection names, and what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.files.places.interface import Place
from interlock.integration.connectors.files.places.local import LocalPlace
from interlock.integration.connectors.files.places.sftp import SftpPlace
from interlock.integration.connectors.files.places.stores import PROTOCOLS, StorePlace
from interlock.integration.connectors.interface import Ports, Trouble

_SHORT = {"type": "string", "minLength": 1, "maxLength": 500, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}
_OPTION = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}
_SFTP = {
    "type": "object",
    "properties": {
        "host": {**_SHORT, "pattern": "^[A-Za-z0-9.:_-]+$"},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "username": _SHORT,
        "password": REFERENCE,
        "key": {**REFERENCE, "description": "a private key in OpenSSH or PEM form"},
        "passphrase": {**REFERENCE, "description": "of the private key"},
        "host_key": {
            "description": "the server's public key or keys, such as `ssh-ed25519 AAAA...`; no other is trusted",
            "oneOf": [_SHORT, {"type": "array", "items": _SHORT, "minItems": 1}],
        },
        "path": {**_SHORT, "description": "the root on the server; by default where the login begins"},
    },
    "required": ["host", "username", "host_key"],
    "oneOf": [{"required": ["password"]}, {"required": ["key"]}],
    "additionalProperties": False,
}
_STORE = {
    "type": "object",
    "properties": {
        "url": {
            **_SHORT,
            "description": f"the root, such as s3://bucket/folder; one of {', '.join(sorted(PROTOCOLS))}",
        },
        "options": {
            "type": "object",
            "propertyNames": _OPTION,
            "additionalProperties": {"type": ["string", "number", "boolean"]},
            "description": "of the driver, such as endpoint_url; nothing secret",
        },
        "secrets": {
            "type": "object",
            "propertyNames": _OPTION,
            "additionalProperties": REFERENCE,
            "description": "options of the driver that are secret, such as key and secret",
        },
    },
    "required": ["url"],
    "additionalProperties": False,
}
PLACE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "where the files are: one of local, sftp and store",
    "properties": {
        "local": {**_SHORT, "description": "a folder, relative to the project or absolute"},
        "sftp": _SFTP,
        "store": _STORE,
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
"""The JSON Schema of `place`."""


def place_of(written: Mapping[str, Any], ports: Ports) -> Place:
    """Return the place that *written*, which fits the schema, names."""
    if "local" in written:
        return LocalPlace(ports.root / written["local"])
    if "sftp" in written:
        return SftpPlace(written["sftp"], _keys(written["sftp"]), ports.secrets)
    return StorePlace(written["store"], ports.secrets)


def place_troubles(written: Mapping[str, Any]) -> Iterator[Trouble]:
    """Yield what is wrong with a place beyond its schema."""
    for key in _keys(written["sftp"]) if "sftp" in written else ():
        if not _is_key(key):
            yield Trouble("/connection/place/sftp/host_key", "is no public key; write it as `ssh-ed25519 AAAA...`")
    if "passphrase" in written.get("sftp", {}) and "key" not in written["sftp"]:
        yield Trouble("/connection/place/sftp/passphrase", "is for a `key`")
    if "store" in written:
        yield from _store_troubles(written["store"])


def _store_troubles(written: Mapping[str, Any]) -> Iterator[Trouble]:
    try:
        url = urlsplit(written["url"])
    except ValueError:
        yield Trouble("/connection/place/store/url", "is no URL")
        return
    if url.scheme not in PROTOCOLS or "::" in written["url"]:
        known = ", ".join(sorted(PROTOCOLS))
        yield Trouble("/connection/place/store/url", f"must be of one of {known}, such as s3://bucket/folder")
    if url.password or url.query or url.fragment or ".." in url.path.split("/"):
        yield Trouble("/connection/place/store/url", "must be a bucket and a path, without a password, ? or ..")
    for name in written.get("options", {}).keys() & written.get("secrets", {}).keys():
        yield Trouble(f"/connection/place/store/options/{name}", "is among the secrets too")


def _keys(written: Mapping[str, Any]) -> tuple[str, ...]:
    keys = written["host_key"]
    return (keys,) if isinstance(keys, str) else tuple(keys)


def _is_key(line: str) -> bool:
    """Return whether *line* is a public key as SSH writes it: the blob begins with the algorithm's name."""
    algorithm, _, rest = line.partition(" ")
    try:
        blob = base64.b64decode(rest.split(" ", maxsplit=1)[0], validate=True)
    except binascii.Error:
        return False
    name = algorithm.encode()
    return len(blob) > 4 + len(name) and blob.startswith(len(name).to_bytes(4, "big") + name)

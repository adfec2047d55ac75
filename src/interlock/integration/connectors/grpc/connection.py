"""What a connection says: where the system is, how calls say who they are from, and what describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import size
from interlock.integration.connectors import masking
from interlock.integration.connectors.authentication import AUTHENTICATION_SCHEMA, authentication
from interlock.integration.connectors.grpc.compiling import compile_protos
from interlock.integration.connectors.grpc.descriptors import (
    LARGEST,
    Descriptors,
    DescriptorsInvalid,
    descriptors_of,
)
from interlock.integration.connectors.grpc.security import TLS_SCHEMA
from interlock.integration.connectors.grpc.security import troubles as security_troubles
from interlock.integration.connectors.grpc.targets import TargetInvalid, target_of
from interlock.integration.connectors.interface import SecretSource, SystemDeclaration, Trouble

USUAL_REQUEST, MOST_REQUEST = "4MiB", 64 << 20
_FILE = {"type": "string", "minLength": 1}
_FILES = {"type": "array", "items": _FILE, "minItems": 1}
_KEY = re.compile("[a-z0-9_.-]{1,64}")
_OURS = re.compile(r"grpc-.*|.*-bin|content-type|te|user-agent|host|connection")
_NO_NAME = "is no name of metadata that a declaration may set: a-z, 0-9, _ . - and neither grpc-... nor ...-bin"
_SENDABLE = re.compile(r"[ -~]*")
_OUTSIDE = "must be in the project, given relative to it"

CONNECTION_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "target": {"type": "string", "minLength": 1, "description": "where the system is: HOST:PORT"},
        "tls": TLS_SCHEMA,
        "descriptors": {
            **_FILE,
            "description": "a descriptor set (protoc --include_imports --descriptor_set_out), a file of the project",
        },
        "protos": {**_FILES, "description": "`.proto` files of the project, in place of `descriptors`"},
        "imports": {
            **_FILES,
            "description": "folders of the project below which `protos` import; left out: the folder of each file",
        },
        "auth": AUTHENTICATION_SCHEMA,
        "metadata": {
            "type": "object",
            "propertyNames": {"pattern": f"^{_KEY.pattern}$"},
            "additionalProperties": {"type": "string", "maxLength": 4096},
            "maxProperties": 32,
            "description": "further metadata of every call: texts, or references such as secret:tenant",
        },
        "max_request": {"type": "string", "description": f"the largest message that is sent; usually {USUAL_REQUEST}"},
    },
    "required": ["target"],
    "oneOf": [{"required": ["descriptors"]}, {"required": ["protos"]}],
    "dependentRequired": {"imports": ["protos"]},
    "additionalProperties": False,
}
"""The JSON Schema of `connection:`."""


class PlaceInvalid(Exception):
    """What describes the system cannot be used; *pointer* leads to the key of the connection that names it."""

    def __init__(self, pointer: str, why: str) -> None:
        super().__init__(why)
        self.pointer = pointer
        self.why = why


class MetadataUnfit(Exception):
    """A secret cannot be sent as metadata."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The metadata of every call, looked up at each, so that a rotated secret counts at once."""

    settings: Mapping[str, Any]
    secrets: SecretSource

    def pairs(self, extra: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], list[bytes]]:
        """Return the metadata with *extra*, and what of it must never come back.

        Raises `MetadataUnfit`, and errors of secrets.
        """
        signed: dict[str, str] = {}
        authentication(self.settings.get("auth"), self.secrets).sign(signed)
        hidden = list(signed.values())
        pairs = {name.lower(): text for name, text in {**signed, **extra}.items()}
        for name, text in self.settings.get("metadata", {}).items():
            pairs[name] = text
            if text.startswith("secret:"):
                pairs[name] = self.secrets.get(text).reveal()
                hidden.append(pairs[name])
        if not all(_SENDABLE.fullmatch(text) for text in pairs.values()):
            raise MetadataUnfit
        return tuple(pairs.items()), masking.credentials(hidden)


def described(connection: Mapping[str, Any], root: Path) -> Descriptors:
    """Return what describes the system of *connection*. Raises `PlaceInvalid`."""
    if "descriptors" in connection:
        pointer = "/connection/descriptors"
        try:
            return descriptors_of(_content(_local(root, connection["descriptors"], pointer), pointer))
        except DescriptorsInvalid as error:
            raise PlaceInvalid(pointer, str(error)) from error
    folders = [_local(root, one, f"/connection/imports/{n}") for n, one in enumerate(connection.get("imports", ()))]
    files = [_local(root, one, f"/connection/protos/{n}") for n, one in enumerate(connection["protos"])]
    for number, file in enumerate(files):
        _content(file, f"/connection/protos/{number}")
    try:
        return compile_protos(files, folders)
    except DescriptorsInvalid as error:
        raise PlaceInvalid("/connection/protos", str(error)) from error


def request_size(connection: Mapping[str, Any]) -> int:
    """Return the bytes of the largest message that is sent, 0 for what `troubles` names."""
    try:
        return size(connection.get("max_request", USUAL_REQUEST))
    except QuantityInvalid:
        return 0


def troubles(system: SystemDeclaration, root: Path) -> Iterator[Trouble]:
    """Yield what is wrong with a *system* beyond the schema of its connection, its descriptors, and its methods."""
    connection = system.connection
    try:
        target_of(connection["target"])
    except TargetInvalid as error:
        yield Trouble("/connection/target", str(error))
    if not 0 < request_size(connection) <= MOST_REQUEST:
        yield Trouble("/connection/max_request", "must be between 1B and 64MiB")
    yield from security_troubles(connection.get("tls"), root)
    for name, text in connection.get("metadata", {}).items():
        pointer = f"/connection/metadata/{name}"
        if _unfit(name) or name == "authorization":
            yield Trouble(pointer, "is not for a declaration to set; credentials are set by `auth`")
        elif not _SENDABLE.fullmatch(text):
            yield Trouble(pointer, "must hold nothing but printable ASCII")

    auth = connection.get("auth")
    header = auth.get("api_key", {}).get("header", "") if isinstance(auth, Mapping) else ""
    if header and _unfit(header):
        yield Trouble("/connection/auth/api_key/header", _NO_NAME)
    for name, operation in system.operations.items():
        if operation.idempotency_header and _unfit(operation.idempotency_header):
            yield Trouble(f"/operations/{name}/idempotency/header", _NO_NAME)


def _unfit(name: str) -> bool:
    return not _KEY.fullmatch(name.lower()) or bool(_OURS.fullmatch(name.lower()))


def _local(root: Path, name: str, pointer: str) -> Path:
    place = (root / name).resolve()
    if not place.is_relative_to(root.resolve()):
        raise PlaceInvalid(pointer, _OUTSIDE)
    return place


def _content(file: Path, pointer: str) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise PlaceInvalid(pointer, f"is larger than {LARGEST >> 20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise PlaceInvalid(pointer, f"cannot be read: {error.strerror}") from error

"""What a system that speaks gRPC offers: by its own word, or by a file that describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.grpc.compiling import SUFFIX, compile_protos
from interlock.integration.connectors.grpc.definitions import unfit
from interlock.integration.connectors.grpc.descriptors import LARGEST, Descriptors, DescriptorsInvalid, descriptors_of
from interlock.integration.connectors.grpc.line import Line
from interlock.integration.connectors.grpc.reflection import ReflectionFailed, reflect
from interlock.integration.connectors.grpc.security import NONE, Plain, Security, Tls
from interlock.integration.connectors.grpc.targets import Target, TargetInvalid, target_of
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.surveys import FILES, Offer, Source, Survey
from interlock.values.operations import Effect

FILE = "services.binpb"
_SCHEMES = {"grpc": True, "grpcs": False}  # whether it goes without TLS
_SUFFIXES = (SUFFIX, ".binpb", ".protoset", ".desc")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ADDRESS = "127.0.0.1:50051"
_EFFECTS = {1: Effect.read}  # `MethodOptions.IdempotencyLevel`: NO_SIDE_EFFECTS
_REPEATABLE = frozenset({1, 2})


def recognises(source: Source) -> bool:
    """Return whether *source* is `grpc://HOST:PORT`, `grpcs://HOST:PORT`, or a file named like what describes one."""
    scheme, colon, _ = source.address.partition("://")
    if colon:
        return scheme in _SCHEMES
    return source.content is not None and source.address.endswith(_SUFFIXES)


async def survey(source: Source, ports: Ports) -> Survey:
    """Return what *source* offers: a file, or a system that tells by reflection.

    Raises `SourceUnfit`, `SystemUnreachable`.
    """
    notes: list[str] = []
    guesses: dict[str, str] = {}
    if source.content is None:
        target, security = _where(source.address, ports)
        found = await _told(target, security)
        connection = {"target": target.authority} | ({"tls": NONE} if isinstance(security, Plain) else {})
    else:
        found = _described(source, ports)
        connection = {"target": _ADDRESS, "tls": NONE}
        notes.append("a description does not say where the system is: write `target`, and `tls`")
        guesses["target"] = "nobody said where the system is"
    notes.append("a description does not say who may call: write `auth`")
    offers = list(_offers(found, notes))
    return Survey(
        "",
        connection | {"descriptors": f"{FILES}{FILE}"},
        tuple(offers),
        files={FILE: found.content},
        notes=tuple(notes),
        guesses=guesses,
    )


def _where(address: str, ports: Ports) -> tuple[Target, Security]:
    """Return the target, and TLS for all but this machine itself and `grpc://`. Raises `SourceUnfit`."""
    scheme, colon, rest = address.rpartition("://")
    try:
        target = target_of(rest)
    except TargetInvalid as error:
        fix = "write grpc://HOST:PORT, or grpcs://HOST:PORT with TLS; or name a .proto file, or a descriptor set"
        raise SourceUnfit(
            "the address cannot be used", why="it needs a host and a port, and no path", fix=fix
        ) from error
    plain = _SCHEMES.get(scheme, True) if colon else target.is_loopback
    return target, Plain() if plain else Tls(ports.secrets)


async def _told(target: Target, security: Security) -> Descriptors:
    line = Line(target, security, LARGEST)
    try:
        found = await reflect(line, ())
    except ReflectionFailed as error:
        fix = "" if isinstance(security, Plain) else f"for a system without TLS, say grpc://{target.authority}"
        raise SystemUnreachable("the system cannot be asked for its services", why=error.why, fix=fix) from error
    finally:
        await line.close()
    if found is None or not found.services():
        raise SourceUnfit(
            "the system does not tell its services",
            fix="connect its .proto file, or a descriptor set that protoc makes",
        )
    return found


def _described(source: Source, ports: Ports) -> Descriptors:
    try:
        if not source.address.endswith(SUFFIX):
            return descriptors_of(source.content or b"")
        file = Path(source.address)
        file = file if file.exists() else ports.root / source.address
        return compile_protos([file.resolve()], [])
    except DescriptorsInvalid as error:
        raise SourceUnfit("the description cannot be read", why=f"it {error}") from error


def _offers(found: Descriptors, notes: list[str]) -> Iterator[Offer]:
    taken: set[str] = set()
    for service in found.services():
        for method in service.methods:
            origin = f"{service.full_name}/{method.name}"
            try:
                unfit(method)
            except DescriptorsInvalid as error:
                notes.append(f"left out {origin}: it {error}")
                continue
            options = method.GetOptions()
            yield Offer(
                origin=origin,
                name=_fresh(method.name, service.name, taken),
                description=found.comments.get(method.full_name, "")[:500],
                tags=(service.name,),
                effect=_EFFECTS.get(options.idempotency_level),
                idempotent=True if options.idempotency_level in _REPEATABLE else None,
                deprecated=bool(options.deprecated or service.GetOptions().deprecated),
            )


def _fresh(method: str, service: str, taken: set[str]) -> str:
    """Return a name for an operation: its method's, with its service's where two are alike."""
    number, found = 2, _spoken(method)
    if found in taken:
        found = _spoken(f"{service}_{method}")
    base = found
    while found in taken:
        found = f"{base}_{number}"
        number += 1
    taken.add(found)
    return found


def _spoken(text: str) -> str:
    words = "_".join(word.lower() for word in _WORD.findall(text))[:55].strip("_")
    return words if words[:1].isalpha() else f"method_{words}".strip("_")

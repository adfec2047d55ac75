"""Calls to a system that speaks gRPC."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.grpc.answers import broken, interpret, too_large
from interlock.integration.connectors.grpc.connection import (
    Credentials,
    MetadataUnfit,
    PlaceInvalid,
    described,
    request_size,
)
from interlock.integration.connectors.grpc.definitions import Binding, OptionsInvalid, define
from interlock.integration.connectors.grpc.descriptors import LARGEST, Descriptors, DescriptorsInvalid
from interlock.integration.connectors.grpc.exchange import HEALTH, Reply, Request, exchange
from interlock.integration.connectors.grpc.line import NO_TLS, Line, LineDown
from interlock.integration.connectors.grpc.messages import MOST_MEMBERS, MessageUnfit, MessageVast, read, written
from interlock.integration.connectors.grpc.reflection import ReflectionFailed, reflect
from interlock.integration.connectors.grpc.security import Security, security_of
from interlock.integration.connectors.grpc.targets import target_of
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    Ports,
    SystemDeclaration,
    failed,
    unanswered,
    unsent,
)
from interlock.integration.contracts import Definition
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

_NOT_SERVING = frozenset({b"\x08\x02", b"\x08\x03"})  # `HealthCheckResponse`: NOT_SERVING, SERVICE_UNKNOWN
_LARGE = 64 << 10  # bytes of an answer that is read beside the event loop
_EACH = 256  # bytes that a message counts for besides its own
_MARGIN = 0.05  # of a time limit, for what is done after the system's last word


class GrpcConnector:
    """One system at one address. Raises `SourceUnfit` where its description can no longer be read."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> None:
        connection = system.connection
        self._descriptors = _again(system, definitions, ports)
        self._system = system
        self._definitions = definitions
        self._credentials = Credentials(connection, ports.secrets)
        self._target = target_of(connection["target"])
        self._security: Security = security_of(connection.get("tls"), ports.root, ports.secrets)
        self._most_sent = request_size(connection)
        self._most_read = system.limits.response
        self._line = Line(self._target, self._security, self._most_read)

    async def open(self) -> None:
        """The first call connects."""
        self._line.open()

    async def close(self) -> None:
        await self._line.close()

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        deadline = time.monotonic() + timeout * (1 - _MARGIN)
        declared = self._system.operations[operation]
        binding = Binding.of(self._definitions[operation].binding)
        method = self._descriptors.method(binding.path)
        try:
            content = written(self._descriptors.pool, method.input_type, arguments, wrapped=binding.wrapped)
        except MessageUnfit:
            return failed("argument_unsendable", "the arguments do not fit the message", sent=False)
        if len(content) > self._most_sent:
            return failed("argument_unsendable", "the message is larger than `max_request`", sent=False)
        extra = {declared.idempotency_header: key} if key and declared.idempotency_header else {}
        request = Request(
            binding.path,
            content,
            most=binding.messages or 1,
            size=self._most_read,
            settled=not binding.messages or declared.effect is not Effect.read,
        )
        sent = await self._send(request, extra, deadline)
        if isinstance(sent, Answer):
            return sent
        return await self._result(sent, method, binding, declared.effect)

    async def probe(self, *, timeout: float) -> Answer:
        """Ask for the system's health, which has no effect; one that offers no such service is reached by that too."""
        sent = await self._send(Request(HEALTH, b""), {}, time.monotonic() + timeout)
        if isinstance(sent, Answer):
            return sent
        if sent.status == "UNIMPLEMENTED":
            return Answer(SUCCEEDED)
        if sent.messages and sent.messages[0] in _NOT_SERVING:
            return failed("system_error", "the system says that it does not serve", transient=True)
        return interpret(sent, Effect.read) or Answer(SUCCEEDED)

    async def definitions(self) -> Mapping[str, Definition] | None:
        """Return what the declared methods are by the live system; None where it does not tell.

        Comments are not told, so they stay as they were described.
        """
        names = {one.binding["method"].strip("/").partition("/")[0] for one in self._definitions.values()}
        line = Line(self._target, self._security, LARGEST)
        try:
            live = await reflect(line, self._credentials.pairs({})[0], names)
        except ReflectionFailed as error:
            raise SystemUnreachable("the system cannot be asked for its services", why=error.why) from error
        except MetadataUnfit as error:
            raise SystemUnreachable("the system cannot be asked for its services", why=_UNSENDABLE) from error
        except InterlockError as error:
            raise SystemUnreachable("the system cannot be asked for its services", why=error.what) from error
        finally:
            await line.close()
        return None if live is None else await asyncio.to_thread(self._live, live)

    def _live(self, live: Descriptors) -> dict[str, Definition]:
        found: dict[str, Definition] = {}
        for name in self._definitions:
            try:
                found[name] = define(live, self._system.operations[name], self._descriptors.comments)
            except (DescriptorsInvalid, OptionsInvalid):
                continue  # as good as gone
        return found

    async def _send(self, request: Request, extra: Mapping[str, str], deadline: float) -> Reply | Answer:
        """Return what came of *request*, sent with *extra* metadata; an answer where it was not sent."""
        try:
            metadata, hidden = self._credentials.pairs(extra)
            async with self._line.channel(deadline) as channel:
                left = max(deadline - time.monotonic(), 0.001)
                reply = await exchange(channel, replace(request, metadata=metadata), left)
        except LineDown as error:
            detail = f"the system cannot be reached: {error.why}"
            more = (
                {"fix": "Write `tls: none`, if the system is to be spoken to without."} if error.why == NO_TLS else {}
            )
            return failed("unreachable", detail, sent=False, transient=error.transient, **more)
        except MetadataUnfit:
            return failed("argument_unsendable", _UNSENDABLE, sent=False)
        except InterlockError as error:
            return unsent(error)
        return replace(reply, messages=tuple(_without(one, hidden) for one in reply.messages))

    async def _result(self, reply: Reply, method: MethodDescriptor, binding: Binding, effect: Effect) -> Answer:
        answer = None if reply.more else interpret(reply, effect)
        if answer is not None:
            return answer
        if not binding.messages and (reply.more or len(reply.messages) != 1):
            return broken(effect)
        if reply.more and effect is not Effect.read:
            detail = "the system had more to say than is read, so how it ended is not known"
            return unanswered(effect, "stream_unfinished", detail)
        large = sum(len(one) + _EACH for one in reply.messages) > _LARGE
        try:
            shown = await asyncio.to_thread(self._shown, reply, method) if large else self._shown(reply, method)
        except MessageVast:
            return too_large(effect)
        except MessageUnfit:
            return broken(effect)
        if not binding.messages:
            return Answer(SUCCEEDED, shown[0])
        return Answer(SUCCEEDED, {"messages": shown, "complete": not reply.more})

    def _shown(self, reply: Reply, method: MethodDescriptor) -> list[Any]:
        shown, left = [], MOST_MEMBERS
        for one in reply.messages:
            value, members = read(self._descriptors.pool, method.output_type, one, left)
            shown.append(value)
            left -= members
        return shown


_UNSENDABLE = "a secret, or the key of the call, holds signs that metadata cannot"


def _without(message: bytes, hidden: list[bytes]) -> bytes:
    """Return *message* with our credentials masked, sign by sign, so that it can still be read."""
    for credential in hidden:
        message = message.replace(credential, b"*" * len(credential))
    return message


def _again(system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Descriptors:
    """Return the system's descriptors, which are those that *definitions* were made of. Raises `SourceUnfit`."""
    try:
        found = described(system.connection, ports.root)
        for name, definition in definitions.items():
            if define(found, system.operations[name], found.comments).binding != definition.binding:
                raise SourceUnfit("what describes the system changed while it was read", fix="read it again")
    except PlaceInvalid as error:
        raise SourceUnfit("what describes the system cannot be read any more", why=error.why) from error
    except (DescriptorsInvalid, OptionsInvalid) as error:
        raise SourceUnfit("what describes the system cannot be read any more", why=str(error)) from error
    return found

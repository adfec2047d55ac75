"""Asking a live system which services it has, by gRPC's server reflection (v1, and v1alpha before it)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.grpc.descriptors import (
    LARGEST,
    MOST_FILES,
    SERVING,
    Descriptors,
    DescriptorsInvalid,
)
from interlock.integration.connectors.grpc.exchange import OK, Request, exchange
from interlock.integration.connectors.grpc.line import Line, LineDown

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

PATIENCE = 30.0
_PATHS = tuple(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha"))
_SILENT = frozenset({"UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"})
_NOT_FOUND = 5


class ReflectionFailed(Exception):
    """The system cannot be asked, or answers what cannot be used; *why* is in our own words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def reflect(
    line: Line, metadata: tuple[tuple[str, str], ...], wanted: Collection[str] | None = None
) -> Descriptors | None:
    """Return the descriptors of the services *wanted* (None: of all) that the system has, None where it tells none.

    Raises `ReflectionFailed`, and errors of the line's secrets.
    """
    deadline = time.monotonic() + PATIENCE
    try:
        async with line.channel(deadline) as channel:
            for path in _PATHS:
                try:
                    files = await _Questions(channel, path, metadata, deadline).files(wanted)
                except _Silent:
                    continue
                return await asyncio.to_thread(Descriptors, files)
    except LineDown as error:
        raise ReflectionFailed(error.why) from error
    except DescriptorsInvalid as error:
        raise ReflectionFailed(f"what it tells {error}") from error
    return None


class _Silent(Exception):
    """The system has no such service of reflection, or not for us."""


class _Questions:
    """Questions to the service of reflection, each a call of its own, so that none waits for another's end."""

    def __init__(self, channel: Any, path: str, metadata: tuple[tuple[str, str], ...], deadline: float) -> None:
        self._channel = channel
        self._path = path
        self._metadata = metadata
        self._deadline = deadline
        self._size = 0
        self._files: dict[str, FileDescriptorProto] = {}

    async def files(self, wanted: Collection[str] | None) -> list[FileDescriptorProto]:
        """Return the files of the *wanted* services, and those that they import."""
        if wanted is None:
            answer = await self._ask(list_services="*")
            names = {one.name for one in answer.list_services_response.service}
            wanted = [name for name in names if not name.startswith(SERVING)][:MOST_FILES]
        for name in sorted(wanted):
            self._take(await self._ask(file_containing_symbol=name))
        while lacking := self._lacking():
            self._take(await self._ask(file_by_filename=lacking))
            if lacking not in self._files:
                raise ReflectionFailed("it does not tell a file that another imports")
        return list(self._files.values())

    def _lacking(self) -> str:
        return next(
            (
                one
                for file in self._files.values()
                for one in file.dependency
                if one not in self._files and not one.startswith("google/protobuf/")
            ),
            "",
        )

    def _take(self, answer: Any) -> None:
        from google.protobuf.descriptor_pb2 import FileDescriptorProto
        from google.protobuf.message import DecodeError

        for content in answer.file_descriptor_response.file_descriptor_proto:
            try:
                file = FileDescriptorProto.FromString(content)
            except DecodeError as error:
                raise ReflectionFailed("it tells a file that cannot be read") from error
            self._files.setdefault(file.name, file)
        if len(self._files) > MOST_FILES:
            raise ReflectionFailed(f"it tells more than {MOST_FILES} files")

    async def _ask(self, **question: str) -> Any:
        """Return the answer; one without content for what the system does not know."""
        from google.protobuf.message import DecodeError
        from grpc_reflection.v1alpha import reflection_pb2

        content = reflection_pb2.ServerReflectionRequest(**question).SerializeToString()
        left = max(self._deadline - time.monotonic(), 0.01)
        reply = await exchange(self._channel, Request(self._path, content, self._metadata, size=LARGEST), left)
        if reply.status in _SILENT:
            raise _Silent
        if reply.status != OK and not reply.more:
            raise ReflectionFailed(f"it ended the conversation with {reply.status}")
        if not reply.messages:
            raise ReflectionFailed("it ended the conversation without a word")
        self._size += len(reply.messages[0])
        if self._size > LARGEST:
            raise ReflectionFailed(f"it tells more than {LARGEST >> 20} MiB")
        try:
            answer = reflection_pb2.ServerReflectionResponse.FromString(reply.messages[0])
        except DecodeError as error:
            raise ReflectionFailed("it answers what is no message of reflection") from error
        code = answer.error_response.error_code
        if code not in {0, _NOT_FOUND}:
            raise ReflectionFailed(f"it answers a question with status {code}")
        return answer

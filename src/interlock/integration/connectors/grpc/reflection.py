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
                files = await _asked(channel, path, metadata, wanted, deadline)
                if files is not None:
                    return await asyncio.to_thread(Descriptors, files)
    except LineDown as error:
        raise ReflectionFailed(error.why) from error
    except DescriptorsInvalid as error:
        raise ReflectionFailed(f"what it tells {error}") from error
    return None


async def _asked(
    channel: Any,
    path: str,
    metadata: tuple[tuple[str, str], ...],
    wanted: Collection[str] | None,
    deadline: float,
) -> list[FileDescriptorProto] | None:
    from grpc import aio

    call = channel.stream_stream(path)(timeout=max(deadline - time.monotonic(), 0.01), metadata=metadata)
    try:
        return await _Questions(call).files(wanted)
    except (aio.AioRpcError, asyncio.InvalidStateError) as error:
        code = (await call.code()).name
        if code in _SILENT:
            return None
        raise ReflectionFailed(f"it ended the conversation with {code}") from error
    finally:
        call.cancel()


class _Questions:
    """One conversation with the service of reflection."""

    def __init__(self, call: Any) -> None:
        self._call = call
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
        from grpc import aio
        from grpc_reflection.v1alpha import reflection_pb2

        await self._call.write(reflection_pb2.ServerReflectionRequest(**question).SerializeToString())
        content = await self._call.read()
        if content is aio.EOF:
            raise ReflectionFailed("it ended the conversation too early")
        self._size += len(content)
        if self._size > LARGEST:
            raise ReflectionFailed(f"it tells more than {LARGEST >> 20} MiB")
        try:
            answer = reflection_pb2.ServerReflectionResponse.FromString(content)
        except DecodeError as error:
            raise ReflectionFailed("it answers what is no message of reflection") from error
        code = answer.error_response.error_code
        if code not in {0, _NOT_FOUND}:
            raise ReflectionFailed(f"it answers a question with status {code}")
        return answer

"""Services and messages as Protocol Buffers describe them, in a pool that nothing else of the process shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

LARGEST = 16 << 20
MOST_FILES = 2000
OWN = "google.protobuf"
"""The package whose types have a JSON form of their own; they are taken from the library, never from a description."""
SERVING = ("grpc.reflection.", "grpc.health.", "grpc.channelz.")
"""How the names of services begin by which servers describe themselves."""


class DescriptorsInvalid(ValueError):
    """Descriptors cannot be used, or lack something; the text says what."""


class Descriptors:
    """The files of one descriptor set. Raises `DescriptorsInvalid` when made.

    *content* is the set (a `FileDescriptorSet`), in order and without what the library has itself; *comments* are by
    full names.
    """

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        from google.protobuf.descriptor_pb2 import FileDescriptorSet
        from google.protobuf.descriptor_pool import DescriptorPool

        self.pool: Any = DescriptorPool()
        self.comments: dict[str, str] = {}
        self._services: list[str] = []
        kept = FileDescriptorSet()
        for file in _ordered(list(files)):
            try:
                self.pool.AddSerializedFile(file.SerializeToString())
            except (TypeError, ValueError) as error:
                raise DescriptorsInvalid(f"cannot be used: {_first_line(error)}") from error
            if file.package == OWN:
                continue
            kept.file.append(file)
            self.comments.update(_comments(file))
            prefix = f"{file.package}." if file.package else ""
            self._services += [f"{prefix}{service.name}" for service in file.service]
        self.content: bytes = kept.SerializeToString(deterministic=True)

    def services(self) -> list[ServiceDescriptor]:
        """Return the services of the system's own, by name; not those by which servers describe themselves."""
        names = sorted(name for name in self._services if not name.startswith(SERVING))
        return [self.pool.FindServiceByName(name) for name in names]

    def method(self, origin: str) -> MethodDescriptor:
        """Return the method that `package.Service/Method` names. Raises `DescriptorsInvalid`."""
        name, _, called = origin.strip("/").partition("/")
        if not called:
            raise DescriptorsInvalid("must be written as package.Service/Method")
        try:
            service = self.pool.FindServiceByName(name)
        except KeyError:
            known = ", ".join(one.full_name for one in self.services()) or "none"
            raise DescriptorsInvalid(
                f"names the service {name!r}, which is not described; there are: {known}"
            ) from None
        method: MethodDescriptor | None = service.methods_by_name.get(called)
        if method is None:
            known = ", ".join(sorted(service.methods_by_name))
            raise DescriptorsInvalid(f"names the method {called!r}, which {name} does not have; there are: {known}")
        return method


def descriptors_of(content: bytes) -> Descriptors:
    """Return what the bytes of a `FileDescriptorSet` describe. Raises `DescriptorsInvalid`."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.message import DecodeError

    if len(content) > LARGEST:
        raise DescriptorsInvalid(f"is larger than {LARGEST >> 20} MiB")
    try:
        files = FileDescriptorSet.FromString(content).file
    except DecodeError as error:
        raise DescriptorsInvalid("is no descriptor set, as protoc --descriptor_set_out writes it") from error
    if not files:
        raise DescriptorsInvalid("holds no description")
    return Descriptors(files)


def _ordered(files: list[FileDescriptorProto]) -> list[FileDescriptorProto]:
    """Return *files*, each after those that it imports, with the library's own. Raises `DescriptorsInvalid`."""
    if len(files) > MOST_FILES:
        raise DescriptorsInvalid(f"has more than {MOST_FILES} files")
    own = _own()
    known = {file.name: file for file in files if file.package != OWN} | own
    done: dict[str, FileDescriptorProto] = {}
    begun: set[str] = set()
    # Depth first without recursion: what is described by a stranger may import itself, or very far.
    # The library's own go first, so that nothing else can take their names.
    waiting = [*(file.name for file in reversed(files) if file.package != OWN), *own]
    while waiting:
        name = waiting[-1]
        missing = [one for one in known[name].dependency if one not in done] if name not in done else []
        lacking = [one for one in missing if one not in known]
        if lacking:
            raise DescriptorsInvalid(f"lacks {lacking[0]}, which {name} imports; describe it too (--include_imports)")
        if name in begun and missing and name not in done:
            raise DescriptorsInvalid(f"has {name} import itself")
        begun.add(name)
        if missing:
            waiting += missing
        else:
            done.setdefault(name, known[name])
            waiting.pop()
    return list(done.values())


def _own() -> dict[str, FileDescriptorProto]:
    """Return the library's own files, by name."""
    from google.protobuf import (
        any_pb2,
        api_pb2,
        descriptor_pb2,
        duration_pb2,
        empty_pb2,
        field_mask_pb2,
        source_context_pb2,
        struct_pb2,
        timestamp_pb2,
        type_pb2,
        wrappers_pb2,
    )

    modules: tuple[Any, ...] = (
        any_pb2,
        api_pb2,
        descriptor_pb2,
        duration_pb2,
        empty_pb2,
        field_mask_pb2,
        source_context_pb2,
        struct_pb2,
        timestamp_pb2,
        type_pb2,
        wrappers_pb2,
    )
    found: dict[str, FileDescriptorProto] = {}
    for module in modules:
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        found[file.name] = file
    return found


def _comments(file: FileDescriptorProto) -> Mapping[str, str]:
    texts = {
        tuple(one.path): text
        for one in file.source_code_info.location
        if (text := " ".join(one.leading_comments.split()))
    }
    return {name: texts[path] for path, name in _names(file) if path in texts} if texts else {}


def _names(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the path (as in `SourceCodeInfo`) and full name of everything that a comment is wanted of."""
    prefix = f"{file.package}." if file.package else ""
    for number, service in enumerate(file.service):
        for index, method in enumerate(service.method):
            yield (6, number, 2, index), f"{prefix}{service.name}.{method.name}"
    waiting: list[tuple[tuple[int, ...], str, Any]] = [
        ((4, number), prefix, message) for number, message in enumerate(file.message_type)
    ]
    while waiting:
        path, before, message = waiting.pop()
        name = f"{before}{message.name}"
        for index, field in enumerate(message.field):
            yield (*path, 2, index), f"{name}.{field.name}"
        waiting += [((*path, 3, index), f"{name}.", inner) for index, inner in enumerate(message.nested_type)]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]

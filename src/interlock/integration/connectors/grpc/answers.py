"""What the end of a call means: done, certainly not done, or not known.

By its status alone a call was certainly not executed where the status says so (gRPC's "Status codes and their use")
and only the system can have said it. gRPC's core says some of them itself, for a stream that was reset or an answer
that is too large, and these settle nothing. Nor does a status that comes after a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.grpc.exchange import CANCELLED, OK, TOO_LARGE, Reply
from interlock.integration.connectors.interface import Answer, failed, unanswered
from interlock.integration.connectors.wording import said
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool

BROKEN = "result_breaks_contract"
LONGEST_WAIT = 3600.0
_REFUSALS = {
    "INVALID_ARGUMENT": ("refused", "the system refused the arguments"),
    "OUT_OF_RANGE": ("refused", "the system says that an argument is out of range"),
    "NOT_FOUND": ("not_found", "the system does not know what was asked for"),
    "ALREADY_EXISTS": ("conflict", "the system says that this exists already"),
    "FAILED_PRECONDITION": ("conflict", "the system says that its present state does not allow this"),
    "ABORTED": ("conflict", "the system says that this met another change, and took it back"),
    "UNAUTHENTICATED": ("access_denied", "the system does not accept our credentials"),
    "PERMISSION_DENIED": ("access_denied", "the system does not let us do this"),
    "UNIMPLEMENTED": ("method_unknown", "the system does not have this method; it may have changed"),
    "RESOURCE_EXHAUSTED": ("rate_limited", "the system asks us to slow down"),
}
_DOUBTS = {
    "DEADLINE_EXCEEDED": ("timed_out", "the system did not answer in time", True),
    CANCELLED: ("connection_lost", "the call was broken off before the answer came", True),
    "UNAVAILABLE": ("connection_lost", "the connection was lost, or the system says that it is not available", True),
    "INTERNAL": ("system_error", "the system failed, or broke the rules of gRPC", False),
    "UNKNOWN": ("system_error", "the system failed, and does not say how", False),
    "DATA_LOSS": ("system_error", "the system says that data was lost", False),
}
_OTHER = ("system_error", "the system ended the call with a status that gRPC does not know", False)
_NOT_THE_SYSTEM = (
    "Stream removed",
    "RST_STREAM",
    "metadata size exceeds",
)  # how the core's own words begin for a broken stream
_SIZES = ("essage larger than max", "exceeds maximum size")
_DETAILS, _PUSHBACK = "grpc-status-details-bin", "grpc-retry-pushback-ms"


def interpret(reply: Reply, effect: Effect) -> Answer | None:
    """Return what it means that the call ended so; None where it ended well, and its messages count."""
    if reply.status == OK:
        return None
    if reply.status == TOO_LARGE:
        return too_large(effect)
    if any(words in reply.details for words in _SIZES):
        # If it is said of what we sent, nothing was done; if of what the system was about to answer, everything.
        return unanswered(effect, "response_too_large", "a message is larger than one of the two sides allows")
    told: dict[str, Any] = {"status": reply.status} if reply.status in _REFUSALS or reply.status in _DOUBTS else {}
    refusal = _REFUSALS.get(reply.status)
    if refusal is not None and not any(words in reply.details for words in _NOT_THE_SYSTEM):
        reason, wait = _told(reply)
        if reply.messages:
            detail = "the system answered, and then said that it refuses"
            return unanswered(effect, "partly_done", detail, **told, **reason)
        answer = failed(refusal[0], refusal[1], transient=reply.status == "RESOURCE_EXHAUSTED", **told, **reason)
        return _later(answer, wait) if answer.transient else answer
    code, detail, transient = _DOUBTS.get(reply.status, _OTHER)
    if refusal is not None:
        code, detail, transient = "connection_lost", "the call was broken off before the answer came", True
    reason, wait = _told(reply)
    answer = unanswered(effect, code, detail, transient=transient, **told, **reason)
    return _later(answer, wait) if reply.status == "UNAVAILABLE" else answer


def too_large(effect: Effect) -> Answer:
    """Return what it means that an answer came which is larger than is read."""
    return unanswered(effect, "response_too_large", "the answer is larger than allowed")


def broken(effect: Effect) -> Answer:
    """Return what it means that a message came which is none."""
    return unanswered(effect, BROKEN, "the answer is no message as the description has it")


def _later(answer: Answer, wait: float) -> Answer:
    if not wait:
        return answer
    return Answer(answer.status, problem=answer.problem, transient=True, retry_after=min(wait, LONGEST_WAIT))


def _told(reply: Reply) -> tuple[dict[str, Any], float]:
    """Return the system's own code, as far as it may be shown, and the seconds that it asks us to wait."""
    reason, wait = "", 0.0
    for key, value in reply.trailing:
        if key == _DETAILS and isinstance(value, bytes):
            reason, wait = _details(value)
        elif key == _PUSHBACK and isinstance(value, str) and value.isdigit() and len(value) < 10:
            wait = max(wait, int(value) / 1000)
    return said(reason), wait


def _details(content: bytes) -> tuple[str, float]:
    """Return what a `google.rpc.Status` tells: the reason of an `ErrorInfo`, the delay of a `RetryInfo`."""
    from google.protobuf.message import DecodeError
    from google.protobuf.message_factory import GetMessageClass

    kinds = {name: GetMessageClass(_pool().FindMessageTypeByName(f"google.rpc.{name}")) for name in _FIELDS}
    reason, wait = "", 0.0
    try:
        for one in kinds["Status"].FromString(content).details[:20]:
            name = one.type_url.rpartition("/")[2]
            if name == "google.rpc.ErrorInfo":
                reason = kinds["ErrorInfo"].FromString(one.value).reason
            elif name == "google.rpc.RetryInfo":
                delay = kinds["RetryInfo"].FromString(one.value).retry_delay
                wait = max(delay.seconds + delay.nanos / 1e9, 0.0)
    except DecodeError:
        return "", 0.0
    return reason, wait


_STRING, _MESSAGE = 9, 11  # `FieldDescriptorProto.Type`
_FIELDS: dict[str, tuple[tuple[str, int, int, bool, str], ...]] = {
    "Status": (("details", 3, _MESSAGE, True, ".google.protobuf.Any"),),
    "ErrorInfo": (("reason", 1, _STRING, False, ""),),
    "RetryInfo": (("retry_delay", 1, _MESSAGE, False, ".google.protobuf.Duration"),),
}
"""The members of `google.rpc` messages that are looked at: name, number, type, whether repeated, type's name."""


def _pool() -> DescriptorPool:
    from google.protobuf import any_pb2, descriptor_pb2, duration_pb2
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="told.proto", package="google.rpc", syntax="proto3")
    for module in (any_pb2, duration_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        file.dependency.append(module.DESCRIPTOR.name)
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for label, number, kind, repeated, referred in fields:
            message.field.add(
                name=label, number=number, type=kind, label=3 if repeated else 1, type_name=referred or None
            )
    pool.AddSerializedFile(file.SerializeToString())
    return pool

"""Spans: nothing at all unless traces are sent somewhere, and then OpenTelemetry's."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

Value = str | bool | int | float
"""What an attribute may hold."""


class SpanKind(StrEnum):
    """Which side of a call a span shows."""

    internal = "internal"
    server = "server"
    client = "client"


class Span(Protocol):
    """One piece of work, to be used in a `with` statement. What is raised inside marks it as failed."""

    def set(self, name: str, value: Value) -> None:
        """Add an attribute."""
        ...

    def fail(self, code: str) -> None:
        """Mark the work as failed, by a stable code; texts and values are never recorded."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Tracing(Protocol):
    """Where spans go. While *enabled* is false, a caller need not even put attributes together."""

    @property
    def enabled(self) -> bool:
        """Whether anybody listens."""
        ...

    def span(
        self,
        name: str,
        attributes: Mapping[str, Value] | None = None,
        *,
        kind: SpanKind = SpanKind.internal,
        traceparent: str = "",
    ) -> Span:
        """Return a span under the current one, or under the caller's *traceparent* (W3C Trace Context)."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Return the `traceparent` (and `tracestate`) of the current span, for a call onwards."""
        ...

    def close(self) -> None:
        """Send what is still held; blocks for a few seconds at most."""
        ...


class _NoSpan:
    """Does nothing."""

    __slots__ = ()

    def set(self, name: str, value: Value) -> None: ...

    def fail(self, code: str) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


NO_SPAN: Span = _NoSpan()
"""The span of those who do not trace."""

_NO_HEADERS: Mapping[str, str] = {}


class NoTracing:
    """Traces nothing; every span is the same object."""

    __slots__ = ()

    @property
    def enabled(self) -> bool:
        return False

    def span(self, name: str, attributes: object = None, *, kind: object = "", traceparent: str = "") -> Span:  # noqa: ARG002 - it does nothing
        return NO_SPAN

    def headers(self) -> Mapping[str, str]:
        return _NO_HEADERS

    def close(self) -> None: ...

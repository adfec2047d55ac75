"""What a dialect is to the surface: one interface of models, with shapes of its own for the same request and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from interlock.experience.openai.completion import Completion
from interlock.experience.openai.shapes import ChatRequest
from interlock.intelligence.gateway import Delta
from interlock.values.errors import InterlockError


class Rendering(Protocol):
    """One answer that is passed on while it comes, as the bytes of its events."""

    def parts(self, deltas: Sequence[Delta]) -> bytes:
        """Return the events for what came together; with the first of them those that open the stream."""
        ...

    def ending(self, answer: Completion) -> bytes:
        """Return the events that say that the answer is complete. Nothing comes after them."""
        ...

    def broken(self, error: InterlockError) -> bytes:
        """Return the event that says that the answer is not complete, and why. Nothing comes after it."""
        ...


class Dialect(Protocol):
    """One interface of models."""

    @property
    def path(self) -> str:
        """Where it is spoken."""
        ...

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Return what a request identifies its caller by, as the value of an `Authorization` header; may be empty."""
        ...

    def request(self, body: Any) -> ChatRequest:
        """Return the request that *body* is. Raises `RequestInvalid` and `ParameterUnsupported`."""
        ...

    def whole(self, answer: Completion) -> bytes:
        """Return an answer that is not streamed."""
        ...

    def stream(self, request: ChatRequest, created: int) -> Rendering:
        """Return what renders one answer while it comes; *created* is in seconds of the Unix epoch."""
        ...

    def error(self, error: InterlockError) -> bytes:
        """Return an error in the interface's own shape, with our code."""
        ...

    def models(self, routes: Sequence[str], created: int) -> bytes:
        """Return the project's routes as a list of models."""
        ...

    def model(self, route: str, created: int) -> bytes:
        """Return one route as a model."""
        ...

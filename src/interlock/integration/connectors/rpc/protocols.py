"""The seam between the connector and a way of writing calls and replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.integration.connectors.rpc.templates import Kind


class ReplyUnfit(ValueError):
    """What came back is no reply to the call; the text says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The method's result, as JSON."""

    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error instead of a result. *number* is its numeric code, None where it has none.

    *words* may be its codes, most telling first; they are *certain* to be codes only where the protocol has a place for
    them, else they may be any text.
    """

    number: int | None = None
    words: tuple[str, ...] = field(default=(), repr=False)
    certain: bool = True


class RpcProtocol(Protocol):
    """Writes calls and reads replies; knows nothing of HTTP, effects or accounts."""

    @property
    def media_type(self) -> str:
        """The `Content-Type` of a call."""
        ...

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What only this protocol has values for, by the member that marks it in a template."""
        ...

    @property
    def inquiry(self) -> str:
        """A method that a system has to itself and that changes nothing; one that lacks it answers with a fault."""
        ...

    def usual(self, names: list[str]) -> Any:
        """Return the template of parameters for arguments of these *names*, where the declaration has none."""
        ...

    def unfit_method(self, method: str) -> str:
        """Return what keeps a method of this name from being called; empty for nothing."""
        ...

    def unfit_params(self, params: Any) -> str:
        """Return what keeps a template, a list or object or one place, from being parameters; empty for nothing."""
        ...

    def write(self, method: str, params: Any, number: int) -> bytes:
        """Return the call as it goes over the wire; *number* tells it from others. Raises `Unsendable`."""
        ...

    def read(self, body: bytes, number: int) -> Returned | Fault:
        """Return what *body* says of the call *number*. Raises `ReplyUnfit`."""
        ...

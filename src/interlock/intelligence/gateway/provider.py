"""What a model provider is to the gateway: the interface that ours and strangers' plug-ins implement."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import orjson

from interlock.foundation.documents import Document, Finding
from interlock.foundation.http import HttpRequest, HttpResponse, HttpStream
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway.messages import CallPart, Delta, ModelReply, ModelRequest


class HttpSender(Protocol):
    """The part of `foundation.http` that a provider uses."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the whole answer, whatever its status. Raises a kind of `HttpFailure`."""
        ...

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """Return the answer while it comes, as a context. Raises a kind of `HttpFailure`."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderPorts:
    """What a provider may reach: the project's folder, the HTTP client, the secrets."""

    root: Path
    http: HttpSender
    secrets: SecretStore


@dataclass(frozen=True, slots=True)
class Target:
    """One target of a route as it stands in models.yaml: *data* is the mapping at *pointer*."""

    document: Document
    pointer: str
    data: Mapping[str, Any]

    def finding(self, key: str, message: str) -> Finding:
        """Return a problem of the target's member *key*."""
        return self.document.finding(f"{self.pointer}/{key}" if key else self.pointer, message)


Streamed = AsyncGenerator[Sequence[Delta] | ModelReply, None]
"""An answer under way: what came together, then the whole."""


class Provider(Protocol):
    """One model of one provider, ready to be called by many tasks at once. It keeps no conversation."""

    @property
    def name(self) -> str:
        """The provider's name as shown wherever a model is named, such as `rules`."""
        ...

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    def missing(self) -> str:
        """Return what is not configured, in words without secrets, or the empty string if it can be called."""
        ...

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        """Return the model's answer within *timeout* seconds. Raises a kind of `ProviderFailure`."""
        ...

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        """Return the model's answer while it comes: deltas, each list of them as it came, and last the whole of it.

        The whole is a `ModelReply` as `complete` returns it, with the usage that the provider counted, and comes only
        where the provider said that the answer is complete. All takes at most *timeout* seconds and there are at most
        *idle* between two events. Nothing is sent before the first step; closing it early ends the request at the
        provider. Raises a kind of `ProviderFailure`: `ModelCutOff` for all that breaks after the answer has begun.
        """
        ...


@runtime_checkable
class Configured(Protocol):
    """The part of a provider that a target's declaration gives members of every request, such as `max_tokens`."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What is sent beside the request's own parameters, which override it."""
        ...


class ProviderPlugin(Protocol):
    """What an entry point of the group `interlock.providers` names."""

    @property
    def name(self) -> str:
        """The word after `provider:` in models.yaml."""
        ...

    @property
    def target_schema(self) -> dict[str, Any]:
        """The JSON Schema of a target's own keys (beside `provider`, `when_configured`, `timeout`)."""
        ...

    def build(self, target: Target, ports: ProviderPorts) -> Provider:
        """Return the provider for *target*, without contacting anything. Raises `ProjectInvalid`."""
        ...


async def in_one_piece(provider: Provider, request: ModelRequest, timeout: float) -> Streamed:
    """Stream the answer of a *provider* that has no stream of its own: all of it at once."""
    reply = await provider.complete(request, timeout=timeout)
    yield [as_delta(reply)]
    yield reply


def as_delta(reply: ModelReply) -> Delta:
    """Return the whole of a reply as what one event adds."""
    calls = tuple(
        CallPart(at, call.id, call.name, call.raw or orjson.dumps(dict(call.arguments)).decode())
        for at, call in enumerate(reply.tool_calls)
    )
    return Delta(reply.text, reply.reasoning, calls, reply.reported, reply.extras)

"""What a model provider is to the gateway: the interface that ours and strangers' plug-ins implement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from interlock.foundation.documents import Document, Finding
from interlock.foundation.http import HttpRequest, HttpResponse
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest


class HttpSender(Protocol):
    """The part of `foundation.http` that a provider uses."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Return the whole answer, whatever its status. Raises a kind of `HttpFailure`."""
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

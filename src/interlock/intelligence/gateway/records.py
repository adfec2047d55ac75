"""What is told of one call to a provider: counts and names for the record's body, and what was said beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import Provider

METADATA = ("session", "agent", "tenant", "actor", "use_case", "label")
"""What of a request's metadata is recorded with the call; *label* is that of all that the messages say."""


def on_behalf_of(request: ModelRequest) -> dict[str, Any]:
    """Return what is recorded of for whom a request is made."""
    return {name: request.metadata[name] for name in METADATA if name in request.metadata}


def record(
    body: Mapping[str, Any],
    request: ModelRequest,
    provider: Provider,
    reply: ModelReply | None,
    said: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what `OnModelCall` is told, with *body* about the attempt; *said* is what came of a broken answer."""
    counts, fields = request.recorded()
    whole = {**body, **on_behalf_of(request), "provider": provider.name, "model": provider.model, **counts}
    if reply is not None:
        counts, told = reply.recorded()
        whole |= {"model": reply.model, "usage": reply.usage.to_json(), **counts}
        fields |= told
    elif said:
        fields["reply"] = {"text": "".join(said), "tool_calls": []}
    return {"body": whole, "fields": fields}

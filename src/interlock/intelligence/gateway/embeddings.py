"""Embeddings: what is asked for, the vectors that come back, and the part of a provider that makes them."""

from __future__ import annotations

import asyncio
import sys
from array import array
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, ClassVar, Protocol, runtime_checkable

from interlock.intelligence.gateway.begun import Begun, Patience, Unchecked, late
from interlock.intelligence.gateway.errors import ModelDenied, ModelUnreadable
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest, RouteKind
from interlock.intelligence.gateway.provider import Provider

Input = str | Sequence[int]
"""What one vector is made of: a text, or its tokens."""

Vector = str | Sequence[float]
"""A vector as it came: numbers, or their 32-bit floats, little-endian, in base64."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest(ModelRequest):
    """Texts of which vectors are wanted: each is the content of one message, as if a person had said it.

    So conditions, bounds and guards see them as they see all that is sent to a model.
    """

    kind: ClassVar[RouteKind] = RouteKind.embeddings

    @property
    def inputs(self) -> list[Input]:
        """The texts, or lists of tokens, in order."""
        return [message["content"] for message in self.messages]

    def recorded(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"inputs": len(self.messages)}, {}


def embedding_request(
    inputs: Sequence[Input], *, metadata: Mapping[str, Any], parameters: Mapping[str, Any]
) -> EmbeddingRequest:
    """Return the request for the vectors of *inputs*."""
    return EmbeddingRequest([{"role": "user", "content": one} for one in inputs], (), metadata, parameters)


@dataclass(frozen=True, slots=True)
class Embeddings(ModelReply):
    """What a model answered: one vector for each input, in order, all of one length."""

    vectors: tuple[Vector, ...] = field(default=(), repr=False)

    def recorded(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"vectors": len(self.vectors)}, {}


@runtime_checkable
class Embedder(Protocol):
    """The part of a provider that makes embeddings; one that has none lacks it."""

    async def embed(self, request: EmbeddingRequest, *, timeout: float) -> Embeddings:
        """Return a vector for each input within *timeout* seconds. Raises a kind of `ProviderFailure`."""
        ...


class Embedding(Unchecked):
    """A way of asking: for all vectors at once."""

    async def begin(self, provider: Provider, request: ModelRequest, patience: Patience) -> Begun:
        if not isinstance(provider, Embedder) or not isinstance(request, EmbeddingRequest):
            raise ModelDenied("the provider makes no embeddings")
        try:
            async with asyncio.timeout(patience.whole):
                reply = await provider.embed(request, timeout=patience.whole)
        except TimeoutError as error:
            raise late(f"no answer within {patience.whole:.3g} s", patience.whole) from error
        if len(reply.vectors) != len(request.messages):
            raise ModelUnreadable("there are not as many vectors as inputs", vectors=len(reply.vectors))
        return Begun(reply.reported, reply=reply)


def numbers(vector: Vector) -> Sequence[float]:
    """Return a vector as numbers. Raises `ModelUnreadable` where it is none."""
    if not isinstance(vector, str):
        return vector
    found = array("f")
    try:
        found.frombytes(b64decode(vector, validate=True))
    except (NotBase64, ValueError) as error:
        raise ModelUnreadable("a vector cannot be read") from error
    if sys.byteorder == "big":
        found.byteswap()
    if not found or not all(map(isfinite, found)):
        raise ModelUnreadable("a vector is empty, or not of numbers")
    return found.tolist()


def packed(vector: Vector) -> str:
    """Return a vector as base64. Raises `ModelUnreadable` for a number that is too large for it."""
    if isinstance(vector, str):
        return vector
    try:
        found = array("f", vector)
    except (OverflowError, TypeError) as error:
        raise ModelUnreadable("a vector is not of 32-bit numbers") from error
    if sys.byteorder == "big":
        found.byteswap()
    return b64encode(found.tobytes()).decode()

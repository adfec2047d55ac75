"""Reads the answer of an embeddings endpoint strictly enough to trust its shape, whatever a server sends."""

from __future__ import annotations

from typing import Any

import orjson

from interlock.intelligence.gateway.embeddings import Embeddings, Vector
from interlock.intelligence.gateway.errors import ModelUnreadable
from interlock.intelligence.gateway.messages import Extras
from interlock.intelligence.providers.openai.replies import but, usage_of

TOP = frozenset({"object", "data", "model", "usage"})


def read_vectors(body: bytes, *, provider: str, model: str) -> Embeddings:
    """Return the vectors in the order of their inputs. Raises `ModelUnreadable` without quoting the body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ModelUnreadable("the model server's answer is not JSON", bytes=len(body)) from error
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise ModelUnreadable("the answer has no list of vectors")
    places = [one.get("index", at) for at, one in enumerate(data)]
    if any(type(place) is not int for place in places) or sorted(places) != list(range(len(data))):
        raise ModelUnreadable("the answer does not say which vector is for which input")
    vectors = [_vector(one.get("embedding")) for _, one in sorted(zip(places, data, strict=True), key=_place)]
    if len({(type(vector), len(vector)) for vector in vectors}) > 1:
        raise ModelUnreadable("the vectors are not of one length")
    reported = document.get("model")
    reported = reported if isinstance(reported, str) else ""
    return Embeddings(
        provider=provider,
        model=reported or model,
        usage=usage_of(document.get("usage")),
        reported=reported,
        extras=Extras(top=but(document, TOP)),
        vectors=tuple(vectors),
    )


def _place(one: tuple[int, Any]) -> int:
    return one[0]


def _vector(found: Any) -> Vector:
    if isinstance(found, str) and found:
        return found
    if isinstance(found, list) and found and all(type(number) in (float, int) for number in found):
        return found
    raise ModelUnreadable("a vector is empty, or not of numbers")

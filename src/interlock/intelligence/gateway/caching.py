"""What a route declares of its cache: for how long answers are kept, how many, and when a like question is the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.settings.quantities import duration, size


@dataclass(frozen=True, slots=True)
class Likeness:
    """When a question is near enough to one that was answered: *route* makes the vectors, their cosine is at least
    *threshold*, and the answer is not older than *ttl* seconds.
    """

    route: str
    threshold: float = 0.95
    ttl: float = 600.0


@dataclass(frozen=True, slots=True)
class CachePlan:
    """For how many seconds answers are kept, at most so many *entries* and *size* bytes of them.

    Beyond *ttl* they are kept for *stale* seconds more, for a latency budget that falls back on them. *knowledge* names
    what the answers are drawn from: where it changes, all of them are thrown away.
    """

    ttl: float
    stale: float = 0.0
    entries: int = 1000
    size: int = 16 << 20
    knowledge: str = ""
    semantic: Likeness | None = None


def cache_plan(declared: Mapping[str, Any] | None) -> CachePlan | None:
    """Return the plan that a route's `cache` declares."""
    if declared is None:
        return None
    ttl, like = duration(declared["ttl"]), declared.get("semantic")
    return CachePlan(
        ttl,
        duration(declared.get("stale", "0s")),
        declared.get("entries", 1000),
        size(declared.get("size", "16MiB")),
        declared.get("knowledge", ""),
        None
        if like is None
        else Likeness(like["route"], like.get("threshold", 0.95), duration(like["ttl"]) if "ttl" in like else ttl),
    )

"""A shelf of kept answers: bounded in number and bytes, the least lately used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from operator import mul

import orjson

from interlock.intelligence.cache.key import Question
from interlock.intelligence.gateway import ModelReply
from interlock.intelligence.gateway.caching import CachePlan

OVERHEAD = 1000
"""What an answer takes beyond its words, in bytes, about."""

MOST_COMPARED = 256
"""How many questions of one scope are remembered for being like the next; the newest are."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer with its age in seconds; *alike* is the cosine by which it was found, 1 for the same request."""

    reply: ModelReply
    age: float
    alike: float = 1.0


@dataclass(slots=True)
class _Entry:
    reply: ModelReply
    at: float
    size: int
    scope: bytes = b""
    direction: Sequence[float] = field(default=(), repr=False)


class Shelf:
    """The answers of one route. Not for several threads. *now* gives seconds that never run backwards."""

    def __init__(self, plan: CachePlan, now: Callable[[], float]) -> None:
        self._plan = plan
        self._now = now
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._scopes: dict[bytes, OrderedDict[bytes, None]] = {}
        self.size = 0
        """How many bytes are kept, about."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, *, stale: bool = False) -> Kept | None:
        """Return what is kept under *key*, where it is not too old; with *stale*, what is longer kept as well."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = self._now() - entry.at
        if age >= self._plan.ttl + self._plan.stale:
            self._drop(key)
            return None
        if age >= self._plan.ttl and not stale:
            return None
        self._entries.move_to_end(key)
        return Kept(entry.reply, age)

    def like(self, question: Question, vector: Sequence[float]) -> Kept | None:
        """Return the answer to the question of the same scope that is most like *question*, if it is enough so."""
        plan, wanted = self._plan.semantic, direction(vector)
        if plan is None:
            return None
        best: tuple[float, bytes] | None = None
        for key in self._scopes.get(question.scope, ()):
            entry = self._entries[key]
            if self._now() - entry.at >= min(plan.ttl, self._plan.ttl) or len(entry.direction) != len(wanted):
                continue
            alike = sum(map(mul, wanted, entry.direction))
            if alike >= plan.threshold and (best is None or alike > best[0]):
                best = (alike, key)
        if best is None:
            return None
        self._entries.move_to_end(best[1])
        found = self._entries[best[1]]
        return Kept(found.reply, self._now() - found.at, min(best[0], 1.0))

    def put(
        self, key: bytes, reply: ModelReply, question: Question | None = None, vector: Sequence[float] = ()
    ) -> None:
        """Keep *reply*, and let go of what there is no room for any more. With *vector*, like questions find it too."""
        if key in self._entries:
            self._drop(key)
        kept = replace(reply, attempts=(), cost="", rest=0.0)
        entry = _Entry(kept, self._now(), _size(kept) + 8 * len(vector))
        if entry.size > self._plan.size:
            return
        if question is not None and vector:
            entry.scope, entry.direction = question.scope, direction(vector)
            self._remember(entry.scope, key)
        self._entries[key] = entry
        self.size += entry.size
        while len(self._entries) > self._plan.entries or self.size > self._plan.size:
            self._drop(next(iter(self._entries)))

    def _remember(self, scope: bytes, key: bytes) -> None:
        keys = self._scopes.setdefault(scope, OrderedDict())
        keys[key] = None
        if len(keys) > MOST_COMPARED:
            keys.popitem(last=False)

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key)
        self.size -= entry.size
        keys = self._scopes.get(entry.scope)
        if keys is not None:
            keys.pop(key, None)
            if not keys:
                del self._scopes[entry.scope]


def direction(vector: Sequence[float]) -> Sequence[float]:
    """Return *vector* with the length 1; one without a length is like nothing, not even itself."""
    length = sqrt(sum(map(mul, vector, vector)))
    return [number / length for number in vector] if length > 0 else [0.0] * len(vector)


def _size(reply: ModelReply) -> int:
    extras = reply.extras
    said = [reply.text, reply.reasoning, dict(extras.top), dict(extras.choice), dict(extras.message)]
    return len(orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS)) + OVERHEAD

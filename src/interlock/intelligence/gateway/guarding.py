"""The guards of a route at work on one call: what goes out is hidden, what comes back is restored and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from interlock.foundation.contracts import SchemaInvalid
from interlock.governance.guards import PhraseSaid, Shape, Vault
from interlock.intelligence.gateway.attempts import GUARDED, OnModelCall
from interlock.intelligence.gateway.begun import Way
from interlock.intelligence.gateway.calls import Answers
from interlock.intelligence.gateway.checks import Check, Fitting, Grounded, Unsaid, forbidden
from interlock.intelligence.gateway.concealing import hidden, restored
from interlock.intelligence.gateway.errors import AnswerForbidden, FormatInvalid, ModelObjected, RouteExhausted
from interlock.intelligence.gateway.formats import RESPONSE_FORMAT, bare, schema_of
from interlock.intelligence.gateway.guards import OBSERVE
from interlock.intelligence.gateway.holding import Checked, Held, Overheard, Words
from interlock.intelligence.gateway.messages import Answering, Extras, ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import as_delta
from interlock.intelligence.gateway.records import on_behalf_of
from interlock.intelligence.gateway.routes import Route
from interlock.values.clearances import Clearance

GUARDED_WHY = "guarded"
"""What is noted of an answer with restored values, so that it is not kept for others."""

DECLARED, REQUESTED = "declared", "requested"


def guarded_call(route: Route, request: ModelRequest, told: OnModelCall | None) -> Guarded | None:
    """Return the guards of one call on *route*; None where nothing is asked of what goes out or comes back.

    Raises `FormatInvalid` where *request* asks for a shape that is none.
    """
    shape = _requested(request)
    return Guarded(route, request, told, shape) if route.guards or shape is not None else None


class Guarded:
    """The guards of one call. `request` is what may go out; what comes back is taken through `whole` or `stream`."""

    def __init__(self, route: Route, request: ModelRequest, told: OnModelCall | None, requested: Shape | None) -> None:
        guards = route.guards
        self._route = route.name
        self._told = told
        self._observes = guards.mode == OBSERVE
        self._seals = bool(guards) and not self._observes
        self._vault = Vault(guards.detector)
        self._phrases = guards.phrases
        self._findings: Counter[tuple[str, str, str]] = Counter()
        shapes = [(shape, kind) for shape, kind in ((guards.shape, DECLARED), (requested, REQUESTED)) if shape]
        self._shaped = bool(shapes)
        self._whole = self._shaped or guards.grounded
        self._bares = self._shaped and not self._observes
        self._checks: list[Check] = [Unsaid(self._phrases)] if self._phrases.longest else []
        self._checks += [Fitting(shape, kind) for shape, kind in shapes]
        self._checks += [Grounded(request)] if guards.grounded else []
        self._guards, self._plain = guards, request
        if guards.redact:
            concealed = hidden(request, self._vault)
            request = request if self._observes else concealed
        self.request = guards.shown(request)
        if request.lowered is not None:
            self.request = replace(self.request, lowered=self._lowered)

    # --- within a call ----------------------------------------------------------------------------------------

    def way(self, way: Way) -> Way:
        """Return *way* for an answer that is waited for as a whole."""
        return Checked(way, self)

    def streamed(self, way: Way) -> Way:
        """Return *way* for an answer that is passed on as it comes, as far as its guards let it."""
        if self._seals and self._whole:
            return Held(way, self)
        self._bares = False
        return Overheard(way, self) if self._seals and self._phrases.longest else Checked(way, self)

    def words(self) -> Words:
        """Return what lets through the words of a stream, from its beginning."""
        return Words(self._vault, self._phrases)

    def objection(self, reply: ModelReply) -> ModelObjected | None:
        """Return why *reply* may not be passed on, and take note of it; where it is only observed, None."""
        given = self._given(reply)
        if self._observes:  # what would have been taken off is no fault
            given = replace(given, text=bare(given.text))
        for check in self._checks:
            objected = check.objection(given)
            if objected is not None:
                self.found(objected)
                if not self._observes:
                    return objected
        return None

    def found(self, objected: ModelObjected) -> None:
        """Take note of what a guard found in an answer."""
        self._findings[objected.guard, objected.kind, "observed" if self._observes else "refused"] += 1

    def _lowered(self, _request: ModelRequest, clearance: Clearance) -> ModelRequest | None:
        """Lower what the client sent, and guard what is left as the whole of it is."""
        plain = self._plain
        less = plain.lowered(plain, clearance) if plain.lowered is not None else None
        if less is None:
            return None
        if self._guards.redact and not self._observes:
            less = hidden(less, self._vault)
        return self._guards.shown(less)

    # --- around a call ----------------------------------------------------------------------------------------

    async def whole(self, answer: Awaitable[ModelReply]) -> ModelReply:
        """Return *answer* as the client gets it. Raises what it raises."""
        try:
            reply = await answer
        except RouteExhausted:
            await self._report()
            raise
        await self._report()
        return self._marked(self._given(reply), reply)

    async def stream(self, pieces: Answers) -> Answers:
        """Yield *pieces* as the client gets them. Raises `AnswerForbidden` before any part of a phrase is yielded.

        Words are passed on as they come, unless the answer was held until it was whole. Calls wait for the whole of
        the reply: a phrase can be written in their arguments in more ways than a piece of them shows.
        """
        try:
            async with aclosing(pieces), aclosing(self._passed(pieces) if self._seals else pieces) as passed:
                async for piece in passed:
                    if isinstance(piece, ModelReply):
                        await self._report()
                    yield piece
        except PhraseSaid as error:
            self.found(forbidden(error.name))
            await self._report()
            raise self._forbidden(error.name) from None
        except RouteExhausted:
            await self._report()
            raise

    async def _passed(self, pieces: Answers) -> Answers:
        words = self.words()
        async for piece in pieces:
            if isinstance(piece, ModelReply):
                reply = self._given(piece)
                whole = as_delta(reply)
                yield [whole if self._whole else replace(words.finish(), calls=whole.calls)]
                yield self._marked(reply, piece)
            elif isinstance(piece, Answering):
                yield piece
            elif not self._whole:
                yield [words.passed(delta) for delta in piece]

    def _given(self, reply: ModelReply) -> ModelReply:
        """Return *reply* with its values, without what nobody here can read, and as JSON alone where that is asked."""
        if self._seals:
            reply = replace(reply, extras=Extras(top=reply.extras.top))
            reply = restored(reply, self._vault, as_json=self._shaped and not reply.tool_calls)
        return replace(reply, text=bare(reply.text)) if self._bares and not reply.tool_calls else reply

    def _marked(self, given: ModelReply, reply: ModelReply) -> ModelReply:
        """Return what is *given* of *reply*, marked where it has values of somebody's and must not be kept."""
        if not self._vault.hidden or given == reply or not reply.attempts:
            return given
        *before, last = reply.attempts
        return replace(given, attempts=(*before, replace(last, why=GUARDED_WHY)))

    async def _report(self) -> None:
        """Tell what was found, in names and counts, where anything was."""
        done = "observed" if self._observes else "replaced"
        found: Sequence[Mapping[str, Any]] = [
            *({"guard": "redact", "kind": kind, "count": n, "done": done} for kind, n in self._vault.hidden.items()),
            *({"guard": g, "kind": kind, "count": n, "done": so} for (g, kind, so), n in self._findings.items()),
        ]
        if found and self._told is not None:
            body = {"route": self._route, "findings": found, **on_behalf_of(self.request)}
            await self._told({"kind": GUARDED, "body": body, "fields": {}})

    def _forbidden(self, name: str) -> AnswerForbidden:
        objected = forbidden(name)
        what = f"the model said what an answer of the route {self._route!r} may not say"
        return AnswerForbidden(what, why=objected.why, fix=AnswerForbidden.fixed_by)


def _requested(request: ModelRequest) -> Shape | None:
    schema = schema_of(request)
    if schema is None:
        return None
    try:
        return Shape(schema)
    except SchemaInvalid as error:
        raise FormatInvalid(
            "no answer can be held against the schema of `response_format`",
            why=str(error),
            fix="write it as JSON Schema, with all that it refers to within it",
            param=RESPONSE_FORMAT,
        ) from error

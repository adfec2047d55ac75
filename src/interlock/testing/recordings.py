"""Recorded traffic: what a request must become on the wire, and what the wire's answer must mean, as files.

    class TestAcmeTraffic(RecordedTraffic):
        plugin = "acme_interlock:plugin"
        target = {"model": "m", "key": "secret:acme"}
        folder = Path(__file__).parent / "recordings" / "acme"

Each `*.json` in the folder is one recording:

    {"about": "what it shows",
     "request": {"messages": [...], "tools": [...], "parameters": {...}},
     "sends": {"url": "https://...", "headers": {...}, "body": {...}},
     "answers": {"status": 200, "headers": {...}, "body": {...}},
     "means": {"text": "...", "tool_calls": [...], "finish": "stop", "usage": {...}, ...}}

An answer with `events` instead of a `body` is a stream, each a text as it stands between two empty lines. It is played
cut at every byte, and has to mean the same each time; cut off after any event but the last it must be no answer.
Instead of `means`, `fails` names the code of the failure. No socket is opened. The suite needs no plug-in of pytest.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

from interlock.foundation.documents import Document
from interlock.foundation.http import HttpRequest, HttpResponse, HttpStream
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway import (
    Delta,
    ModelReply,
    ModelRequest,
    Provider,
    ProviderFailure,
    ProviderPlugin,
    ProviderPorts,
    Target,
)

SECRET = "k-recorded"
EVENTS = "text/event-stream"
LIMIT = 30.0


class Recording:
    """One file; its events are *encode*d as a stream of the media type *kind* has them."""

    def __init__(self, path: Path, kind: str = EVENTS, encode: Callable[[Any], bytes] | None = None) -> None:
        document = json.loads(path.read_text("utf-8"))
        self.name = path.stem
        self.sends: Mapping[str, Any] = document["sends"]
        self.means: Mapping[str, Any] = document.get("means", {})
        self.fails: str = document.get("fails", "")
        asked, answer = document["request"], document["answers"]
        self.request = ModelRequest(asked["messages"], asked.get("tools", ()), {}, asked.get("parameters", {}))
        self.status: int = answer.get("status", 200)
        self.headers: Mapping[str, str] = answer.get("headers", {})
        self.events: Sequence[Any] | None = answer.get("events")
        self.frames = [(encode or sent_event)(event) for event in self.events or ()]
        """The events as they come over the wire."""
        self.kind = kind if self.events is not None else "application/json"
        self.body = json.dumps(answer["body"]).encode() if "body" in answer else b"".join(self.frames)


def sent_event(event: Any) -> bytes:
    """Return a server-sent event, given as its lines."""
    return f"{event}\n\n".encode()


class Played:
    """An `HttpSender` that answers with one recording, its body in *parts*, and keeps what was sent."""

    def __init__(self, recording: Recording, parts: Sequence[bytes]) -> None:
        self._recording = recording
        self._parts = parts
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        return self._response()

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpStream]:
        self.sent.append(request)
        yield cast("HttpStream", _Stream(self._response(), self._parts))

    def _response(self) -> HttpResponse:
        recording = self._recording
        return HttpResponse(recording.status, recording.kind, recording.headers, b"".join(self._parts))


class _Stream:
    def __init__(self, response: HttpResponse, parts: Sequence[bytes]) -> None:
        self.status, self.headers, self.media_type = response.status, response.headers, response.media_type
        self._response = response
        self._parts = parts

    async def parts(self) -> AsyncGenerator[bytes, None]:
        for part in self._parts:
            yield part

    async def whole(self) -> HttpResponse:
        return self._response


class RecordedTraffic:
    """The suite. *plugin* is `module:object`, *target* the provider's own keys of a target, *folder* the recordings.

    Keys that *target* names as `secret:NAME` are all `SECRET`. *kind* is the media type of streams, `encode` how an
    event of a recording is written in one.
    """

    kind: ClassVar[str] = EVENTS

    plugin: ClassVar[str] = ""
    target: ClassVar[Mapping[str, Any]] = {}
    folder: ClassVar[Path]

    def test_there_are_recordings_of_answers_of_streams_and_of_failures(self) -> None:
        found = list(self._recordings())
        assert [one for one in found if one.events is None and one.means]
        assert [one for one in found if one.events is not None and one.means]
        assert [one for one in found if one.fails]

    def test_a_request_becomes_what_was_recorded(self) -> None:
        for recording in self._recordings():
            sent = self._played(recording, [recording.body])[1]
            wanted = recording.sends
            assert sent.url == wanted["url"], recording.name
            assert json.loads(sent.body or b"null") == wanted["body"], recording.name
            headers = {name.lower(): value for name, value in sent.headers.items()}
            for name, value in wanted.get("headers", {}).items():
                assert headers.get(name.lower()) == value, f"{recording.name}: {name}"
            assert SECRET not in sent.url, "a key stands in an address"

    def test_an_answer_means_what_was_recorded(self) -> None:
        for recording in self._recordings():
            reply, _, deltas = self._played(recording, [recording.body])
            self._holds(recording, reply, deltas)

    def test_a_stream_means_the_same_wherever_it_is_cut(self) -> None:
        for recording in self._recordings():
            if recording.events is None:
                continue
            for at in range(1, len(recording.body)):
                reply, _, deltas = self._played(recording, [recording.body[:at], recording.body[at:]])
                self._holds(recording, reply, deltas)
            single = [recording.body[at : at + 1] for at in range(len(recording.body))]
            reply, _, deltas = self._played(recording, single)
            self._holds(recording, reply, deltas)

    def test_a_stream_that_ends_early_is_no_answer(self) -> None:
        for recording in self._recordings():
            if recording.events is None or recording.fails:
                continue
            for end in range(1, self._needed(recording)):
                outcome, _, _ = self._played(recording, [b"".join(recording.frames[:end])])
                assert isinstance(outcome, ProviderFailure), f"{recording.name}, ended after {end} events"

    # --- how ---------------------------------------------------------------------------------------------------------

    def encode(self, event: Any) -> bytes:
        """Return an event of a recording as it stands in a stream."""
        return sent_event(event)

    def _needed(self, recording: Recording) -> int:
        """Return how many events a complete answer needs; the last ones of some interfaces add nothing any more."""
        return len(recording.events or ())

    def _recordings(self) -> Iterator[Recording]:
        for path in sorted(self.folder.glob("*.json")):
            yield Recording(path, self.kind, self.encode)

    def _holds(self, recording: Recording, outcome: ModelReply | ProviderFailure, deltas: Sequence[Delta]) -> None:
        where = recording.name
        if recording.fails:
            assert isinstance(outcome, ProviderFailure), where
            assert outcome.code == recording.fails, f"{where}: {outcome.code}"
            assert SECRET not in str(outcome.problem()), where
            return
        assert isinstance(outcome, ModelReply), f"{where}: {outcome}"
        found = _told(outcome)
        for name, value in recording.means.items():
            assert found[name] == value, f"{where}: {name} is {found[name]!r}"
        if recording.events is not None:
            assert "".join(delta.text for delta in deltas) == outcome.text, where
            assert "".join(delta.reasoning for delta in deltas) == outcome.reasoning, where
            parts: dict[int, str] = {}
            for part in (part for delta in deltas for part in delta.calls):
                parts[part.index] = parts.get(part.index, "") + part.arguments
            written = [json.loads(text or "{}") for _, text in sorted(parts.items())]
            assert written == [dict(call.arguments) for call in outcome.tool_calls], where

    def _played(
        self, recording: Recording, parts: Sequence[bytes]
    ) -> tuple[ModelReply | ProviderFailure, HttpRequest, Sequence[Delta]]:
        played = Played(recording, parts)

        async def ask(provider: Provider) -> tuple[ModelReply | ProviderFailure, list[Delta]]:
            deltas: list[Delta] = []
            try:
                if recording.events is None:
                    return await provider.complete(recording.request, timeout=LIMIT), deltas
                reply: ModelReply | None = None
                async for piece in provider.stream(recording.request, timeout=LIMIT, idle=LIMIT):
                    if isinstance(piece, ModelReply):
                        reply = piece
                    else:
                        deltas += piece
                assert reply is not None, "the stream ended without the whole answer"
                return reply, deltas
            except ProviderFailure as failure:
                return failure, deltas

        with self._provider(played) as provider:
            outcome, deltas = asyncio.run(ask(provider))
        return outcome, played.sent[0], deltas

    @contextmanager
    def _provider(self, played: Played) -> Iterator[Provider]:
        module, _, name = self.plugin.partition(":")
        plugin: ProviderPlugin = getattr(importlib.import_module(module), name)
        named = [str(value) for value in self.target.values() if str(value).startswith("secret:")]
        environment = {f"INTERLOCK_SECRET_{one.removeprefix('secret:').upper()}": SECRET for one in named}
        with tempfile.TemporaryDirectory() as folder:
            ports = ProviderPorts(Path(folder), played, SecretStore.standard(environment=environment))
            document = Document("models", Path(folder) / "models.yaml", "models.yaml", {})
            yield plugin.build(Target(document, "", dict(self.target)), ports)


def _told(reply: ModelReply) -> dict[str, Any]:
    calls = [{"id": call.id, "name": call.name, "arguments": dict(call.arguments)} for call in reply.tool_calls]
    return {
        "text": reply.text,
        "tool_calls": calls,
        "finish": reply.finish,
        "reported": reply.reported,
        "declined": reply.declined,
        "reasoning": reply.reasoning,
        "usage": reply.usage.to_json(),
    }

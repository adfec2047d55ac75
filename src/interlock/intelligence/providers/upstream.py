"""A model behind an HTTP server, whatever it speaks: asked whole or streamed, with every failure told apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, NoReturn, Protocol

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.http import (
    Event,
    EventReader,
    HttpFailure,
    HttpRequest,
    HttpResponse,
    HttpTimedOut,
    ResponseTooLarge,
    ResponseUnreadable,
)
from interlock.foundation.secrets import is_reference
from interlock.intelligence.gateway.errors import (
    ModelBusy,
    ModelCutOff,
    ModelDenied,
    ModelFailed,
    ModelRefused,
    ModelTimedOut,
    ModelUnreadable,
    ProviderFailure,
)
from interlock.intelligence.gateway.messages import Delta, ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender, ProviderPorts, Streamed, Target, as_delta
from interlock.intelligence.providers.rests import rest, retry_after
from interlock.values.secrets import Secret

EVENTS, JSON = "text/event-stream", "application/json"
MOST_BYTES = 8 << 20
MOST_STREAMED = 64 << 20
MOST_EVENT = 1 << 20

OVERLOADED = 529
"""What some servers answer where others answer 429 or 503; no status of RFC 9110."""


class Reader(Protocol):
    """Cuts a body into events as it comes."""

    @property
    def rest(self) -> bytes:
        """What has come of an event that is not complete."""
        ...

    def feed(self, part: bytes) -> Sequence[Event]:
        """Return the events that *part* completes."""
        ...


class Assembly(Protocol):
    """One answer while it comes."""

    @property
    def ended(self) -> bool:
        """Whether the server has said that the answer is complete; nothing more is then read."""
        ...

    @property
    def finished(self) -> bool:
        """Whether a stream that ends here is complete all the same."""
        ...

    def take(self, events: Iterable[Event]) -> Sequence[Delta]:
        """Return what *events* add. Raises `ModelUnreadable`, and `ModelCutOff` for an error in place of an event."""
        ...

    def reply(self) -> ModelReply:
        """Return the whole answer. Raises `ModelUnreadable` where it is none."""
        ...


class Upstream(ABC):
    """Sends requests for answers. Neither the key nor any text of a message is in an error."""

    streamed_as = EVENTS
    """The media type of a stream."""

    def __init__(self, http: HttpSender) -> None:
        self._http = http

    @abstractmethod
    def _sent(self, request: ModelRequest, *, streamed: bool, timeout: float) -> HttpRequest:
        """Return the HTTP request for an answer."""

    @abstractmethod
    def _read(self, body: bytes) -> ModelReply:
        """Return the answer in *body*. Raises `ModelUnreadable` without quoting it."""

    @abstractmethod
    def _assembly(self) -> Assembly:
        """Return what puts the events of a streamed answer together."""

    def _reader(self) -> Reader:
        """Return what cuts a stream into events."""
        return EventReader(MOST_EVENT)

    def _quiet(self, headers: Mapping[str, str]) -> float:
        """Return the seconds for which the server wants no more requests."""
        return rest(headers)

    def _fail(self, answer: HttpResponse) -> NoReturn:
        """Raise what an answer with a status other than 200 means."""
        raise_for(answer)

    async def complete(self, request: ModelRequest, *, timeout: float) -> ModelReply:
        try:
            answer = await self._http.send(self._sent(request, streamed=False, timeout=timeout))
        except HttpFailure as error:
            raise failure_of(error) from error
        return self._whole(answer)

    def stream(self, request: ModelRequest, *, timeout: float, idle: float) -> Streamed:
        return self._streamed(request, timeout, idle)

    async def _streamed(self, request: ModelRequest, timeout: float, idle: float) -> Streamed:
        sent = self._sent(request, streamed=True, timeout=timeout)
        assembly = self._assembly()
        try:
            async with self._http.stream(replace(sent, idle=idle)) as answer:
                if answer.status != 200 or answer.media_type != self.streamed_as:
                    reply = self._whole(await answer.whole())  # an error, or a server that does not stream
                    yield [as_delta(reply)]
                    yield reply
                    return
                reader, quiet = self._reader(), self._quiet(answer.headers)
                async with aclosing(answer.parts()) as parts:
                    async for part in parts:
                        deltas = assembly.take(reader.feed(part))
                        if deltas:
                            yield deltas
                        if assembly.ended:
                            break
        except HttpFailure as error:
            raise failure_of(error) from error
        if not assembly.ended and (reader.rest.strip() or not assembly.finished):
            raise ModelCutOff("the model server's answer broke off", why="its stream ended before the answer did")
        reply = assembly.reply()
        yield replace(reply, rest=quiet) if quiet else reply

    def _whole(self, answer: HttpResponse) -> ModelReply:
        if answer.status != 200:
            self._fail(answer)
        reply = self._read(answer.body)
        quiet = self._quiet(answer.headers)
        return replace(reply, rest=quiet) if quiet else reply


def failure_of(error: HttpFailure) -> ProviderFailure:
    """Return what *error* says of the model server; only what it had not begun to answer may be asked again."""
    if isinstance(error, HttpTimedOut) and error.sent:
        return ModelTimedOut(f"the model server gave {error.what}")
    if isinstance(error, (ResponseTooLarge, ResponseUnreadable)):
        return ModelUnreadable(f"the model server's answer cannot be used: {error.what}")
    if error.begun:
        return ModelCutOff("the model server's answer broke off", why=error.why or error.what)
    return ModelFailed("the model server cannot be reached", why=error.why or error.what)


def raise_for(answer: HttpResponse, *, wait: float = 0.0) -> NoReturn:
    """Raise what a status means. The body is not quoted: it may repeat the key or the messages.

    *wait* are the seconds that the body asks to wait; the longer of it and what the headers ask counts.
    """
    status = answer.status
    if status in (429, OVERLOADED):
        raise ModelBusy("the model server has too many requests", status=status, **_wait(answer, wait))
    if status in (408, 425) or status >= 500:
        raise ModelFailed(f"the model server answered with status {status}", status=status, **_wait(answer, wait))
    if status in (401, 403):
        raise_denied(status)
    if status == 404:
        fix = "see the target's `base_url` and `model` in models.yaml"
        raise ModelDenied("the model server does not know the address or the model", fix=fix, status=status)
    raise ModelRefused(f"the model server answered with status {status}", status=status)


def raise_denied(status: int) -> NoReturn:
    """Raise that the key is not accepted."""
    raise ModelDenied(
        "the model server does not accept the key", fix="see the target's `key` in models.yaml", status=status
    )


def _wait(answer: HttpResponse, told: float) -> dict[str, Any]:
    seconds = max(retry_after(answer.headers), told)
    return {"retry_after": int(seconds) if seconds.is_integer() else seconds} if seconds > 0 else {}


Key = Callable[[], Secret | None]
"""Returns the key as it is now, or None where there is none."""

KEY_SCHEMA: dict[str, Any] = {
    "type": "string",
    "description": "secret:NAME, or a variable of the environment such as ${MODEL_KEY:-}",
}
CONNECT_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?(ms|s|m)$",
    "description": "how long the making of a connection may take, such as 500ms or 2s",
}


def key_of(target: Target, ports: ProviderPorts, member: str = "key") -> Key:
    """Return the key that *member* of a target names. Raises `ProjectInvalid` for one that stands in the file."""
    key = target.data.get(member, "")
    if key and not is_reference(key) and f"{target.pointer}/{member}" not in target.document.interpolated:
        message = "must be secret:NAME or come from the environment; a key does not belong in a file"
        raise ProjectInvalid([target.finding(member, message)])
    return _Referred(key, ports) if is_reference(key) else _Given(key)


class _Referred:
    """A key looked up at each use, so that a rotated one counts at once."""

    def __init__(self, reference: str, ports: ProviderPorts) -> None:
        self._reference = reference
        self._secrets = ports.secrets

    def __call__(self) -> Secret | None:
        return self._secrets.get(self._reference) if self._secrets.has(self._reference) else None


class _Given:
    """A key from the environment as it was when the project was loaded."""

    def __init__(self, text: str) -> None:
        self._secret = Secret(text, name="key") if text else None

    def __call__(self) -> Secret | None:
        return self._secret

"""How calls say who they are from: by what is known beforehand, or by a session that a login begins."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.foundation.http import HttpFailure, HttpResponse
from interlock.integration.connectors import masking
from interlock.integration.connectors.authentication import AUTHENTICATION_SCHEMA, REFERENCE, Authentication
from interlock.integration.connectors.interface import Answer, SecretSource, failed
from interlock.integration.connectors.openapi.answers import broken
from interlock.integration.connectors.rpc.answers import BROKEN, Meaning, declared, interpret
from interlock.integration.connectors.rpc.definitions import PARAMS, POINTER, SESSION, found_at
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned
from interlock.integration.connectors.rpc.templates import Template, Unsendable
from interlock.values.operations import Effect
from interlock.values.secrets import Secret

PAUSE = 30.0
"""For how many seconds credentials that were refused are not tried again: systems lock accounts that keep trying."""
LONGEST = 4096
_PROTOCOLS_OWN = range(-32768, -31999)  # codes that say that a call could not be made, not what came of it
_TEXT = {"type": "string", "minLength": 1, "maxLength": 300}
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"}
_INSERT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}")
SESSION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A login whose answer calls are made with, made again once where the system says it has expired.",
    "properties": {
        "username": _TEXT,
        "password": REFERENCE,
        "login": {
            "type": "object",
            "properties": {
                "method": _TEXT,
                "params": {**PARAMS, "description": "parameters, with the places {username} and {password}"},
                "url": {"type": "string", "pattern": "^https?://", "description": "where, if not where calls go"},
            },
            "required": ["method", "params"],
            "additionalProperties": False,
        },
        "keep": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,62}$"},
            "additionalProperties": POINTER,
            "minProperties": 1,
            "description": "names for parts of the answer, by pointers; params have places {session.NAME} for them",
        },
        "header": {
            "type": "object",
            "properties": {
                "name": _NAME,
                "scheme": {**_NAME, "description": "the word before the text"},
                "text": {**_TEXT, "description": "such as {token}, of what is kept and {username}"},
                "base64": {**_TEXT, "description": "the same, sent in base64"},
            },
            "required": ["name"],
            "oneOf": [{"required": ["text"]}, {"required": ["base64"]}],
            "additionalProperties": False,
        },
        "expired": {
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "description": "codes of faults by which the system says that it did not look at a call: log in again",
        },
    },
    "required": ["username", "password", "login", "keep"],
    "additionalProperties": False,
}
AUTH_SCHEMA: dict[str, Any] = {
    **AUTHENTICATION_SCHEMA,
    "description": "How calls say who they are from: none, or one of bearer, api_key, basic and session.",
    "properties": {**AUTHENTICATION_SCHEMA["properties"], "session": SESSION_SCHEMA},
}
"""The JSON Schema of `auth:`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who one call is from: *headers*, *values* for places, and what must never be shown again."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hidden: tuple[bytes, ...] = field(default=(), repr=False)


class AccessDenied(Exception):
    """There is no identity to call with; *answer* says why, for a call that was not sent."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Access(Protocol):
    """Gives calls their identity."""

    async def identity(self, limit: float) -> Identity:
        """Return who to call as, within *limit* seconds. Raises `AccessDenied`, and errors of the secrets."""
        ...

    def expired(self, identity: Identity, response: HttpResponse, reply: Returned | Fault | ReplyUnfit) -> bool:
        """Return whether the system did not look at the call because *identity* has run out; forgets it then."""
        ...


class Lasting:
    """What is known beforehand never runs out."""

    def __init__(self, authentication: Authentication) -> None:
        self._authentication = authentication

    async def identity(self, limit: float) -> Identity:  # noqa: ARG002 - it takes no time
        headers: dict[str, str] = {}
        self._authentication.sign(headers)
        return Identity(headers, hidden=tuple(masking.credentials(headers.values())))

    def expired(self, identity: Identity, response: HttpResponse, reply: Returned | Fault | ReplyUnfit) -> bool:  # noqa: ARG002 - see above
        return False


@dataclass(frozen=True, slots=True)
class Login:
    """One call to log in: its *method* with *params*, at *url*."""

    method: str
    params: Template
    url: str


Ask = Callable[[Login, Mapping[str, Any], float], Awaitable[tuple[HttpResponse, Returned | Fault | ReplyUnfit]]]
"""Makes the call of a login with values for its places, in a time. Raises `HttpFailure` and `Unsendable`."""


class Session:
    """One session for all calls, begun by the first. Of many calls at once one logs in, and the others wait for it."""

    def __init__(
        self,
        declaration: Mapping[str, Any],
        login: Login,
        ask: Ask,
        secrets: SecretSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._declared = declaration
        self._login = login
        self._ask = ask
        self._secrets = secrets
        self._clock = clock
        self._ends: frozenset[str | int] = frozenset(declaration.get("expired", ()))
        self._lock = asyncio.Lock()
        self._held: tuple[Secret, Identity] | None = None
        self._refused: tuple[Secret, float] | None = None

    async def identity(self, limit: float) -> Identity:
        password = self._secrets.get(self._declared["password"])
        try:
            async with asyncio.timeout(limit), self._lock:
                if self._held is None or self._held[0] != password:
                    self._held = (password, await self._begun(password, limit))
                return self._held[1]
        except TimeoutError:
            raise AccessDenied(failed("timed_out", "logging in took too long", sent=False, transient=True)) from None

    def expired(self, identity: Identity, response: HttpResponse, reply: Returned | Fault | ReplyUnfit) -> bool:
        coded = isinstance(reply, Fault) and declared(reply, self._ends) is not None
        # A result beside this status would mean that the call was made after all.
        if not coded and (response.status != 401 or isinstance(reply, Returned)):
            return False
        if self._held is not None and self._held[1] is identity:
            self._held = None
        return True

    async def _begun(self, password: Secret, limit: float) -> Identity:
        if self._refused is not None and self._refused[0] == password and self._clock() < self._refused[1]:
            detail = "the system refused our credentials a moment ago; they are not tried again yet"
            raise AccessDenied(failed("access_denied", detail, sent=False))
        known = {"username": self._declared["username"], "password": password.reveal()}
        try:
            response, reply = await self._ask(self._login, known, limit)
        except HttpFailure as failure:
            raise AccessDenied(_before(broken(failure, Effect.read))) from None
        except Unsendable:
            raise AccessDenied(failed("argument_unsendable", "the credentials cannot be sent", sent=False)) from None
        if response.status in {401, 403} or _denied(reply):
            self._refused = (password, self._clock() + PAUSE)
            raise AccessDenied(failed("access_denied", "the system does not let us log in", sent=False))
        answer = interpret(response, reply, Meaning(Effect.read))
        if not answer.succeeded:
            raise AccessDenied(_before(answer))
        return self._kept(answer.output, known)

    def _kept(self, output: Any, known: Mapping[str, Any]) -> Identity:
        values = dict(known)
        for name, pointer in self._declared["keep"].items():
            found, value = found_at(output, pointer)
            if not found or isinstance(value, bool) or not isinstance(value, (str, int)) or len(str(value)) > LONGEST:
                detail = f"the answer to the login has no text or number at {pointer or 'its top'}"
                raise AccessDenied(failed(BROKEN, detail, sent=False))
            values[name] = value
        headers = self._header(values)
        secret = [str(value) for name, value in values.items() if name != "username" and isinstance(value, str)]
        hidden = (*masking.credentials(headers.values()), *masking.credentials(secret))
        return Identity(headers, {SESSION + name: value for name, value in values.items()}, tuple(hidden))

    def _header(self, values: Mapping[str, Any]) -> dict[str, str]:
        written = self._declared.get("header")
        if written is None:
            return {}
        text = _INSERT.sub(lambda match: str(values[match[1]]), written.get("text") or written["base64"])
        if "base64" in written:
            text = base64.b64encode(text.encode()).decode()
        if not text.isascii() or not text.isprintable():
            raise AccessDenied(failed(BROKEN, "what the login returned does not fit into a header", sent=False))
        return {written["name"]: f"{written['scheme']} {text}" if "scheme" in written else text}


def _denied(reply: Returned | Fault | ReplyUnfit) -> bool:
    """Return whether *reply* to a login says no: by a result that is none, or a fault of the system's own."""
    if isinstance(reply, Returned):
        return not reply.value
    return isinstance(reply, Fault) and (reply.number is None or reply.number not in _PROTOCOLS_OWN)


def inserts(text: str) -> frozenset[str]:
    """Return the names of what a header's *text* takes in."""
    return frozenset(_INSERT.findall(text))


def _before(answer: Answer) -> Answer:
    """Return *answer*, about a login, as that of the call that was to follow."""
    problem = answer.problem or {}
    more = {name: value for name, value in problem.items() if name not in {"code", "detail"}}
    return failed(
        problem.get("code", BROKEN),
        f"logging in failed: {problem.get('detail', '')}",
        sent=False,
        transient=answer.transient,
        **more,
    )

"""How requests of a REST system say who they are from: headers, a query, a cookie, or a token by OAuth 2.0."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import orjson

from interlock.foundation.http import HttpClient, HttpFailure, HttpRequest
from interlock.foundation.http.rests import asked, number_in
from interlock.integration.connectors.authentication import (
    AUTHENTICATION_SCHEMA,
    REFERENCE,
    Authentication,
    authentication,
)
from interlock.integration.connectors.errors import TokenDelayed, TokenRefused
from interlock.integration.connectors.interface import SecretSource
from interlock.integration.connectors.templates import Unsendable
from interlock.values.secrets import Secret

TOKEN_BYTES = 64 << 10
EARLY = 30.0
"""Seconds before its end at which a token is not used any more; half of its life where that is less."""
PATIENCE = 30.0
"""Seconds that the server of tokens is waited for, whoever began to."""
LONGEST_REST = 300.0
_LATER = frozenset({429, 500, 502, 503, 504})
USUAL_LIFE = 300.0
"""Seconds that a token is used whose server does not say for how long it is good."""
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9_.~\\[\\]-]{1,64}$"}

SIGNING_SCHEMA: dict[str, Any] = {
    **AUTHENTICATION_SCHEMA,
    "description": "How calls say who they are from: none, or one of bearer, api_key, basic and oauth2.",
    "properties": {
        **AUTHENTICATION_SCHEMA["properties"],
        "api_key": {
            "type": "object",
            "properties": {
                **AUTHENTICATION_SCHEMA["properties"]["api_key"]["properties"],
                "query": {**_NAME, "description": "a parameter's name; some servers log addresses"},
                "cookie": {**_NAME, "description": "a cookie's name"},
            },
            "required": ["value"],
            "oneOf": [{"required": ["header"]}, {"required": ["query"]}, {"required": ["cookie"]}],
            "additionalProperties": False,
        },
        "oauth2": {
            "type": "object",
            "properties": {
                "token_url": {"type": "string", "pattern": "^https?://[^\\s?#]+(\\?[^\\s#]*)?$"},
                "client_id": {"type": "string", "minLength": 1, "maxLength": 500},
                "client_secret": REFERENCE,
                "refresh_token": {**REFERENCE, "description": "for a user's own access, instead of the client's"},
                "scope": {"type": "string", "maxLength": 2000},
                "audience": {"type": "string", "maxLength": 500},
                "client_in": {"enum": ["header", "body"], "description": "where the client says who it is; header"},
            },
            "required": ["token_url", "client_id", "client_secret"],
            "additionalProperties": False,
        },
    },
}
"""The JSON Schema of `auth:` in a connection whose connector signs by this module."""


class Signer(Protocol):
    """Signs the requests of one system."""

    async def ready(self, timeout: float, /) -> None:
        """Get what is needed to sign, within *timeout* seconds. Raises an `InterlockError` where it cannot be had."""
        ...

    def sign(self, headers: dict[str, str]) -> None:
        """Set headers. Raises an `InterlockError` where a secret is missing."""
        ...

    def address(self, url: str) -> str:
        """Return *url* as it is asked. Raises an `InterlockError` where a secret is missing, `Unsendable` for a *url*
        that says already who it is from.
        """
        ...

    def refused(self, headers: Mapping[str, str]) -> bool:
        """Take note that the system did not accept *headers* as signed; return whether something newer can be had."""
        ...


class Standing:
    """Signs with secrets as they are: nothing has to be fetched, and nothing newer can be had."""

    __slots__ = ()

    async def ready(self, _timeout: float) -> None:
        return

    def sign(self, headers: dict[str, str]) -> None:
        """Leave *headers* as they are."""

    def address(self, url: str) -> str:
        return url

    def refused(self, _headers: Mapping[str, str]) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class InHeaders(Standing):
    """What is in headers alone."""

    authentication: Authentication

    def sign(self, headers: dict[str, str]) -> None:
        self.authentication.sign(headers)


@dataclass(frozen=True, slots=True)
class InQuery(Standing):
    """A key in the query."""

    secrets: SecretSource
    name: str
    reference: str

    def address(self, url: str) -> str:
        name, query = quote(self.name, safe=""), urlsplit(url).query
        if any(part.partition("=")[0] == name for part in query.split("&")):
            raise Unsendable(f"an argument would be sent as {self.name}, which says who we are")
        return f"{url}{'&' if query else '?'}{name}={quote(self.secrets.get(self.reference).reveal(), safe='')}"


@dataclass(frozen=True, slots=True)
class InCookie(Standing):
    """A key in a cookie (RFC 6265), beside those of the operation."""

    secrets: SecretSource
    name: str
    reference: str

    def sign(self, headers: dict[str, str]) -> None:
        own = f"{self.name}={quote(self.secrets.get(self.reference).reveal(), safe='')}"
        known = headers.pop("Cookie", "")
        headers["Cookie"] = f"{known}; {own}" if known else own


class AccessToken:
    """A token of OAuth 2.0 (RFC 6749), by client credentials (4.4) or a refresh token (6).

    It is fetched when it is first needed and again before its end, once for all who wait, and lives in memory alone. A
    refresh token that the server replaces is kept in memory too, for as long as the secret stays what it was: after a
    restart the one of the secret is used again. A fetch that was begun goes on when those who wait for it give up,
    for what it brings may be the only copy of a refresh token.
    """

    def __init__(
        self, settings: Mapping[str, Any], secrets: SecretSource, http: HttpClient, now: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._http = http
        self._now = now
        self._token: Secret | None = None
        self._refresh: tuple[Secret, Secret] | None = None
        """The secret that was exchanged, and what the server gave for the next time."""
        self._until = 0.0
        self._not_before = 0.0
        self._fetch: asyncio.Task[None] | None = None

    async def ready(self, timeout: float) -> None:
        if self._token is not None and self._now() < self._until:
            return
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._fetched())
            self._fetch.add_done_callback(self._over)
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._fetch)
        except TimeoutError as error:
            raise TokenDelayed("no access token could be fetched in time", why="its server has not answered") from error

    def sign(self, headers: dict[str, str]) -> None:
        if self._token is None:
            raise TokenRefused("there is no access token", fix="fetch one first")
        headers["Authorization"] = f"Bearer {self._token.reveal()}"

    def address(self, url: str) -> str:
        return url

    def refused(self, headers: Mapping[str, str]) -> bool:
        if self._token is not None and headers.get("Authorization") == f"Bearer {self._token.reveal()}":
            self._token = None  # another one may have been fetched while the system looked at this one
        return True

    def _over(self, fetch: asyncio.Task[None]) -> None:
        self._fetch = None
        if not fetch.cancelled():
            fetch.exception()  # told to those who wait; that nobody does is no fault

    async def _fetched(self) -> None:
        if self._now() < self._not_before:
            raise TokenDelayed("the server of access tokens asks us to slow down", why="it said for how long")
        settings = self._settings
        (fields, exchanged), headers = self._asked(), {"Accept": "application/json"}
        secret = self._secrets.get(settings["client_secret"]).reveal()
        if settings.get("client_in", "header") == "header":
            pair = f"{quote(settings['client_id'], safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": settings["client_id"], "client_secret": secret}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body, url = urlencode(fields).encode(), settings["token_url"]
        try:
            answer = await self._http.send(HttpRequest("POST", url, headers, body, PATIENCE, max_bytes=TOKEN_BYTES))
        except HttpFailure as error:
            raise TokenDelayed("the server of access tokens does not answer", why=error.what) from error
        if answer.status in _LATER:
            self._not_before = self._now() + min(asked(answer.headers) or 0.0, LONGEST_REST)
            why = f"it answered {answer.status}"
            raise TokenDelayed("the server of access tokens gives none at present", why=why)
        self._take(answer.status, answer.body, exchanged)

    def _asked(self) -> tuple[dict[str, str], Secret | None]:
        """Return what is asked with, and the secret that it comes from."""
        settings = self._settings
        more = {name: settings[name] for name in ("scope", "audience") if name in settings}
        if "refresh_token" not in settings:
            return {"grant_type": "client_credentials", **more}, None
        first = self._secrets.get(settings["refresh_token"])
        token = self._refresh[1] if self._refresh is not None and self._refresh[0] == first else first
        return {"grant_type": "refresh_token", "refresh_token": token.reveal(), **more}, first

    def _take(self, status: int, body: bytes, exchanged: Secret | None) -> None:
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        told: Mapping[str, Any] = said if isinstance(said, dict) else {}
        token, kind = told.get("access_token"), str(told.get("token_type", "bearer")).lower()
        if status != 200 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            code = told.get("error")
            known = code if isinstance(code, str) and code.replace("_", "").isalpha() and len(code) < 50 else ""
            raise TokenRefused(
                "the server of access tokens gives none",
                why=f"it answered {status}{f', {known}' if known else ''}",
                fix="compare `client_id`, `scope` and the secrets with what is registered there",
            )
        if kind != "bearer":
            raise TokenRefused("the access token is of a kind that is not supported", fix="only bearer tokens are")
        life = told.get("expires_in", USUAL_LIFE)
        life = number_in(life) if isinstance(life, str) else life  # some write a text
        seconds = float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) else USUAL_LIFE
        self._token, self._until = Secret(token), self._now() + max(seconds - min(EARLY, seconds / 2), 0.0)
        replaced = told.get("refresh_token")
        if exchanged is not None and isinstance(replaced, str) and replaced:
            self._refresh = exchanged, Secret(replaced)


def signer(settings: Mapping[str, Any] | str | None, secrets: SecretSource, http: HttpClient) -> Signer:
    """Return what `auth:` (as `SIGNING_SCHEMA` allows it) asks for."""
    found = settings if isinstance(settings, Mapping) else {}
    key = found.get("api_key", {})
    if "query" in key:
        return InQuery(secrets, key["query"], key["value"])
    if "cookie" in key:
        return InCookie(secrets, key["cookie"], key["value"])
    if "oauth2" in found:
        return AccessToken(found["oauth2"], secrets, http, asyncio.get_running_loop().time)
    return InHeaders(authentication(settings, secrets))

"""From an `Authorization` header to a principal."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from interlock.foundation.clock import Clock
from interlock.governance.credentials.directory import Directory, Member
from interlock.governance.credentials.errors import KeyExpired, Refusal, ScopeMissing, Unauthenticated
from interlock.governance.credentials.key import SCOPES, Key
from interlock.governance.credentials.keys import Keys
from interlock.governance.credentials.tokens import Token, Tokens, claim_at
from interlock.values.principals import Kind, Principal

MAX_HEADER = 16_500
REMEMBERED = 4096
TOKEN_AGE = 60.0
"""Seconds for which a checked token is not checked again."""
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@|:-]{0,127}")
_TOKEN_SCOPES = frozenset({"act", "approve"})


class _Known(NamedTuple):
    principal: Principal
    starts: float
    until: float
    revision: int

    def holds(self, revision: int, now: float) -> bool:
        return self.revision == revision and self.starts <= now < self.until


class Authenticator:
    """Says who is calling.

    A credential is checked once and then remembered by its digest, until it ends, any key changes, or the
    project does. Roles, attributes and tenants are those of the directory in use, never frozen in a
    credential. *refused* hears of every refusal, for the operator's log.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        keys: Keys,
        tokens: Tokens | None,
        clock: Clock,
        refused: Callable[[Unauthenticated], None] | None = None,
    ) -> None:
        self._directory = directory
        self._keys = keys
        self._tokens = tokens
        self._clock = clock
        self._refused = refused
        self._known: dict[bytes, _Known] = {}

    def use(self, directory: Directory, tokens: Tokens | None) -> None:
        """Take a changed project over: its directory and its issuers. What was remembered is forgotten."""
        self._directory = directory
        self._tokens = tokens
        self._known = {}

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return who sent this `Authorization` header (`Bearer` and a key or token, RFC 6750).

        Raises `Unauthenticated` (of which `KeyExpired` and `TokenExpired` are kinds), or
        `IdentityUnavailable` if a token cannot be checked at the moment.
        """
        try:
            return await self._authenticate(authorization)
        except Unauthenticated as error:
            if self._refused is not None:
                self._refused(error)
            raise

    async def _authenticate(self, authorization: str | None) -> Principal:
        if not authorization:
            raise Unauthenticated(Refusal.absent)
        if len(authorization) > MAX_HEADER:
            raise Unauthenticated(Refusal.malformed)
        await self._keys.refresh()
        digest = hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None and known.holds(self._keys.revision, self._clock.now()):
            return known.principal
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text.isascii():
            raise Unauthenticated(Refusal.malformed)
        directory = self._directory
        known = await (self._by_key(text, directory) if text.startswith("ik_") else self._by_token(text, directory))
        if directory is self._directory:
            self._remember(digest, known)
        return known.principal

    def _remember(self, digest: bytes, known: _Known) -> None:
        self._known.pop(digest, None)
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[digest] = known

    async def _by_key(self, text: str, directory: Directory) -> _Known:
        revision = self._keys.revision
        key = await self._keys.find(text)
        if isinstance(key, Refusal):
            raise Unauthenticated(key)
        now = self._clock.now()
        state = key.state(now)
        if state == "expired":
            raise KeyExpired(credential=key.id)
        if state != "active":
            refusal = Refusal.key_revoked if state == "revoked" else Refusal.key_not_yet
            raise Unauthenticated(refusal, credential=key.id)
        until = float("inf") if key.expires is None else key.expires
        return _Known(_key_holder(key, directory), now if key.starts is None else key.starts, until, revision)

    async def _by_token(self, text: str, directory: Directory) -> _Known:
        if self._tokens is None:
            raise Unauthenticated(Refusal.malformed)
        revision = self._keys.revision
        token = await self._tokens.verify(text)
        now = self._clock.now()
        until = min(token.expires, now + TOKEN_AGE)
        return _Known(_token_holder(token, directory), now, until, revision)


def demand_scope(principal: Principal, scope: str) -> None:
    """Return if the principal's credential covers *scope*. Raises `ScopeMissing`."""
    if not principal.may(scope):
        raise ScopeMissing(
            f"the credential does not cover {scope!r}",
            why=f"it covers {', '.join(sorted(principal.scopes)) or 'nothing'}",
            fix=f"use a credential with the scope {scope!r}",
        )


def _key_holder(key: Key, directory: Directory) -> Principal:
    member = directory.find(key.kind, key.principal)
    if member is None:
        raise Unauthenticated(Refusal.principal_unknown, credential=key.id)
    if key.tenant not in directory.tenants or member.tenant not in {"", key.tenant}:
        raise Unauthenticated(Refusal.tenant_mismatch, credential=key.id)
    return Principal(
        kind=key.kind,
        id=key.principal,
        tenant=key.tenant,
        roles=member.roles,
        attributes=member.attributes,
        scopes=key.scopes,
        present=key.kind is Kind.person,
        credential=key.id,
    )


def _token_holder(token: Token, directory: Directory) -> Principal:
    issuer, claims = token.issuer, token.claims
    subject = claim_at(claims, issuer.subject_claim)
    if not isinstance(subject, str) or _SUBJECT.fullmatch(subject) is None:
        raise Unauthenticated(Refusal.token_claims, credential=issuer.issuer)
    member = directory.people.get(subject, Member())
    roles = frozenset(_words(claim_at(claims, issuer.roles_claim)) if issuer.roles_claim else ())
    named = {name: claim_at(claims, path) for name, path in issuer.attributes.items()}
    attributes = {name: value for name, value in named.items() if isinstance(value, str)}
    scopes = _TOKEN_SCOPES
    if issuer.scopes_claim:
        scopes = frozenset(_words(claim_at(claims, issuer.scopes_claim))) & frozenset(SCOPES)
    return Principal(
        kind=Kind.person,
        id=subject,
        tenant=_token_tenant(token, member, directory),
        roles=member.roles | (roles & directory.roles),
        attributes={**attributes, **member.attributes},
        scopes=scopes,
        present=True,
        credential=issuer.issuer,
    )


def _token_tenant(token: Token, member: Member, directory: Directory) -> str:
    """Return the one tenant that everything known agrees on; a choice between several is not made here."""
    issuer = token.issuer
    claimed = claim_at(token.claims, issuer.tenant_claim) if issuer.tenant_claim else None
    if claimed is not None and not isinstance(claimed, str):
        raise Unauthenticated(Refusal.token_claims, credential=issuer.issuer)
    only = directory.tenants[0] if len(directory.tenants) == 1 else ""
    tenant = claimed or member.tenant or only
    if tenant not in directory.tenants or member.tenant not in {"", tenant}:
        raise Unauthenticated(Refusal.tenant_mismatch, credential=issuer.issuer)
    return tenant


def _words(value: Any) -> list[str]:
    """Return a claim's words: those of a list, or those that spaces separate (RFC 8693)."""
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []

"""OpenID Connect bearer tokens: signature, issuer, audience and times checked, claims returned."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from interlock.foundation.clock import Clock
from interlock.foundation.settings.identity import Issuer
from interlock.governance.credentials.errors import Refusal, TokenExpired, Unauthenticated
from interlock.governance.credentials.jwks import Fetch, KeySet, PublicKey

MAX_LENGTH = 16_384


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was checked: who issued it, what it claims, until when it counts (Unix seconds)."""

    issuer: Issuer
    claims: Mapping[str, Any]
    expires: float


class Tokens:
    """Checks tokens (JWS compact form, RFC 7515 and 7519) of the issuers that the project lists."""

    def __init__(self, issuers: Sequence[Issuer], fetch: Fetch, *, clock: Clock) -> None:
        self._clock = clock
        self._issuers = {issuer.issuer: (issuer, KeySet(issuer.jwks_url, fetch, clock=clock)) for issuer in issuers}

    async def verify(self, text: str) -> Token:
        """Return the checked token. Raises `Unauthenticated`, `TokenExpired` or `IdentityUnavailable`."""
        header, unproven = _read(text)
        issuer, keys = self._issuers.get(str(unproven.get("iss")), (None, None))
        if issuer is None or keys is None:
            raise Unauthenticated(Refusal.token_issuer)
        algorithm = header.get("alg")
        # The list holds no `none` and no HMAC, with which a public key could be used as a shared secret.
        if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
            raise Unauthenticated(Refusal.token_algorithm, credential=issuer.issuer)
        kid = header.get("kid", "")
        if "crit" in header or not isinstance(kid, str):
            raise Unauthenticated(Refusal.malformed, credential=issuer.issuer)
        key = await keys.find(kid, algorithm)
        if key is None:
            raise Unauthenticated(Refusal.token_key, credential=issuer.issuer)
        return self._check_claims(issuer, _proven(text, key, algorithm, issuer))

    def _check_claims(self, issuer: Issuer, claims: dict[str, Any]) -> Token:
        now, name = self._clock.now(), issuer.issuer
        if claims.get("iss") != name:
            raise Unauthenticated(Refusal.token_issuer, credential=name)
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not set(map(str, audiences)).intersection(issuer.audience):
            raise Unauthenticated(Refusal.token_audience, credential=name)
        for claim in ("nbf", "iat"):
            moment = _moment(claims, claim, name)
            if moment is not None and moment > now + issuer.leeway:
                raise Unauthenticated(Refusal.token_not_yet, credential=name)
        expires = _moment(claims, "exp", name)
        if expires is None:
            raise Unauthenticated(Refusal.token_claims, credential=name)
        if now >= expires + issuer.leeway:
            raise TokenExpired(credential=name)
        return Token(issuer, claims, expires + issuer.leeway)


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim called *path*, else the one its dots lead to (`realm_access.roles`), or None."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _moment(claims: Mapping[str, Any], name: str, issuer: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unauthenticated(Refusal.token_claims, credential=issuer)
    return float(value)


def _read(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims as they stand there, proven by nothing yet."""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MAX_LENGTH:
        raise Unauthenticated(Refusal.malformed)
    try:
        header, claims = (orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated(Refusal.malformed) from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unauthenticated(Refusal.malformed)
    return header, claims


def _proven(text: str, key: PublicKey, algorithm: str, issuer: Issuer) -> dict[str, Any]:
    """Return the claims once the signature has been checked."""
    import jwt

    try:
        decoded = jwt.PyJWS().decode_complete(text, key.key, algorithms=[algorithm])
        claims = orjson.loads(decoded["payload"])
    except (jwt.PyJWTError, ValueError) as error:
        raise Unauthenticated(Refusal.token_signature, credential=issuer.issuer) from error
    if not isinstance(claims, dict):
        raise Unauthenticated(Refusal.token_claims, credential=issuer.issuer)
    return claims

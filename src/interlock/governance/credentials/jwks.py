"""An issuer's published keys (JWK set, RFC 7517), fetched when needed and kept for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from interlock.foundation.clock import Clock
from interlock.governance.credentials.errors import IdentityUnavailable
from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    import jwt

FRESH = 600.0
"""Seconds after which the keys are fetched again."""
USABLE = 3600.0
"""Seconds for which they are used where fetching them again fails."""
PAUSE = 10.0
"""Least seconds between two fetches, whatever tokens ask for."""
MAX_BYTES = 262_144
MAX_KEYS = 64
_FAMILIES = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("EdDSA",)}
_LEAST_RSA_BITS = 2048


class Fetch(Protocol):
    """Gets what an address holds."""

    async def __call__(self, url: str) -> bytes:
        """Return the body of a successful answer. Raises `InterlockError` or `OSError` if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key: its id, the algorithm it is bound to (or empty), its family, and the key itself."""

    kid: str
    algorithm: str
    family: str
    key: jwt.PyJWK

    def fits(self, algorithm: str) -> bool:
        """Return whether the key may check a signature by *algorithm*."""
        if self.algorithm:
            return self.algorithm == algorithm
        return algorithm.startswith(_FAMILIES[self.family])


class KeySet:
    """The keys of one issuer.

    They are fetched anew when they are old and when a token names a key that is not among them (rotation),
    but never more often than every `PAUSE` seconds, so that invented key ids do not become requests.
    """

    def __init__(self, url: str, fetch: Fetch, *, clock: Clock) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, kid: str, algorithm: str) -> PublicKey | None:
        """Return the key with this id, or, if a token names none, the only one that fits its algorithm.

        Returns None if there is none. Raises `IdentityUnavailable` if the keys cannot be had.
        """
        if self._clock.monotonic() - self._fetched >= FRESH:
            await self._renew(self._fetched)
        found = self._pick(kid, algorithm)
        if found is None and kid:
            await self._renew(self._fetched)
            found = self._pick(kid, algorithm)
        return found

    def _pick(self, kid: str, algorithm: str) -> PublicKey | None:
        fitting = [key for key in self._keys if key.fits(algorithm) and kid in {"", key.kid}]
        return fitting[0] if len(fitting) == 1 else None

    async def _renew(self, seen: float) -> None:
        """Fetch the keys, unless somebody has since *seen* or it is too early."""
        async with self._turn:
            now = self._clock.monotonic()
            if self._fetched > seen:
                return
            if now - self._tried < PAUSE:
                self._demand_usable(now, None)
                return
            try:
                self._keys = parse_keys(await self._fetch(self._url))
                self._fetched = self._tried = now
            except (InterlockError, OSError, ValueError) as error:
                self._tried = now
                self._demand_usable(now, error)

    def _demand_usable(self, now: float, cause: Exception | None) -> None:
        if now - self._fetched < USABLE:
            return
        raise IdentityUnavailable(
            "the keys of the token's issuer cannot be had",
            why="its key address does not answer with a set of keys",
            fix="try again shortly; check `jwks_url` in interlock.yaml",
        ) from cause


def parse_keys(body: bytes) -> tuple[PublicKey, ...]:
    """Return the keys of a JWK set that can check signatures; others in it are passed over.

    Symmetric keys, keys for encryption, keys of unknown kinds and RSA keys under 2048 bits are among those.
    Raises `ValueError` if *body* is no JWK set or has no such key.
    """
    if len(body) > MAX_BYTES:
        raise ValueError("the set of keys is too large")
    document = orjson.loads(body)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("there is no set of keys")
    found = tuple(key for entry in entries[:MAX_KEYS] if (key := _parse(entry)) is not None)
    if not found:
        raise ValueError("there is no key that checks signatures")
    return found


def _parse(entry: Any) -> PublicKey | None:
    import jwt

    if not isinstance(entry, dict) or entry.get("kty") not in _FAMILIES or entry.get("use", "sig") != "sig":
        return None
    algorithm = entry.get("alg", "")
    kid = entry.get("kid", "")
    family = str(entry["kty"])
    if not isinstance(kid, str) or not isinstance(algorithm, str):
        return None
    if algorithm and not algorithm.startswith(_FAMILIES[family]):
        return None
    public = {name: value for name, value in entry.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}}
    try:
        key = jwt.PyJWK.from_dict(public)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    bits = getattr(key.key, "key_size", _LEAST_RSA_BITS)
    if family == "RSA" and bits < _LEAST_RSA_BITS:
        return None
    return PublicKey(kid, algorithm, family, key)

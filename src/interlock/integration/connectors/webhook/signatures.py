"""How a sender proves that it sent something: one object for each way of signing. All compare in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.integration.connectors.errors import DeliveryUnproven
from interlock.integration.connectors.receiving import Delivery
from interlock.integration.connectors.webhook.keys import KeyUnfit, key_of, signed_message
from interlock.values.secrets import Secret

MOST_SIGNATURES = 10
"""How many signatures of one delivery are looked at."""
_ENCODINGS: dict[str, Callable[[bytes], str]] = {"hex": bytes.hex, "base64": lambda raw: base64.b64encode(raw).decode()}


class Signature(Protocol):
    """A way of signing."""

    def prove(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> str:
        """Return the id that was signed with the body, or the empty string where the way of signing has none.

        Any of *secrets* will do, so that one can be replaced while both are in use. Raises `DeliveryUnproven`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Standard:
    """Standard Webhooks 1.0: id, time and body are signed, by a shared secret or by the sender's own key."""

    tolerance: float

    def prove(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> str:
        headers = delivery.headers
        identifier, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        _fresh(moment, self.tolerance, now)
        message = signed_message(identifier, moment, delivery.body)
        given = headers.get("webhook-signature", "").split()[:MOST_SIGNATURES]
        try:
            proven = [key_of(secret).proves(given, message) for secret in secrets]
        except KeyUnfit as error:
            raise _unproven(f"our own secret {error}") from None
        if not any(proven):
            raise _unproven("its signature is missing or wrong")
        if not identifier:
            raise _unproven("it has no id")
        return identifier


@dataclass(frozen=True, slots=True)
class Stripe:
    """Stripe: HMAC-SHA256 over time and body, in hexadecimal digits, both in one header."""

    tolerance: float

    def prove(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> str:
        pairs = [part.partition("=") for part in delivery.headers.get("stripe-signature", "").split(",")]
        moment = next((value for name, _, value in pairs if name == "t"), "")
        _fresh(moment, self.tolerance, now)
        signed = moment.encode() + b"." + delivery.body
        given = [value for name, _, value in pairs if name == "v1"]
        _matching(given, [_hmac(_key(secret), signed, "sha256", "hex") for secret in secrets])
        return ""


@dataclass(frozen=True, slots=True)
class Hmac:
    """HMAC over the body alone. It says nothing of when; that the same body counts once is what keeps replays out."""

    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""

    def prove(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> str:  # noqa: ARG002 - the seam's
        given = delivery.headers.get(self.header.lower(), "")
        if not given.startswith(self.prefix):
            raise _unproven("its signature is not of the declared form")
        made = [_hmac(_key(secret), delivery.body, self.algorithm, self.encoding) for secret in secrets]
        _matching([given.removeprefix(self.prefix)], made)
        return ""


@dataclass(frozen=True, slots=True)
class Token:
    """No signature: a header that holds the secret itself, which whoever sees a request can use for another."""

    header: str

    def prove(self, delivery: Delivery, secrets: Sequence[Secret], now: float) -> str:  # noqa: ARG002 - the seam's
        given = delivery.headers.get(self.header.lower(), "")
        _matching([given.removeprefix("Bearer ")], [secret.reveal() for secret in secrets])
        return ""


def signature_of(declared: Mapping[str, Any], tolerance: float) -> Signature:
    """Return the way of signing that a connection's `signature` declares, which fits the schema."""
    match declared["scheme"]:
        case "standard":
            return Standard(tolerance)
        case "stripe":
            return Stripe(tolerance)
        case "github":
            return Hmac("x-hub-signature-256", prefix="sha256=")
        case "token":
            return Token(declared["header"])
        case _:
            options = {name: declared[name] for name in ("algorithm", "encoding", "prefix") if name in declared}
            return Hmac(declared["header"], **options)


def _fresh(moment: str, tolerance: float, now: float) -> None:
    if not moment.isascii() or not moment.isdigit() or len(moment) > 12:
        raise _unproven("it does not say when it was signed")
    if abs(now - int(moment)) > tolerance:
        raise _unproven("it was signed too long ago, or in the future")


def _key(secret: Secret) -> bytes:
    return secret.reveal().encode()


def _hmac(key: bytes, signed: bytes, algorithm: str, encoding: str) -> str:
    return _ENCODINGS[encoding](hmac.digest(key, signed, getattr(hashlib, algorithm)))


def _matching(given: Sequence[str], made: Sequence[str]) -> None:
    """Raise unless one of *given* is one of *made*; how long it takes does not depend on which."""
    looked_at = given[:MOST_SIGNATURES]
    pairs = [hmac.compare_digest(one.encode(), other.encode()) for one in looked_at for other in made if other]
    if not any(pairs):
        raise _unproven("its signature is missing or wrong")


def _unproven(why: str) -> DeliveryUnproven:
    fix = "compare the secret, the way of signing and the clocks on both sides"
    return DeliveryUnproven("the delivery is refused", why=why, fix=fix)

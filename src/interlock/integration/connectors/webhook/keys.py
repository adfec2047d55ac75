"""The keys of Standard Webhooks 1.0: a shared secret (`v1`), and a pair of Ed25519 keys (`v1a`).

A text of `whsec_` and base64 is a shared secret, `whsk_` the sender's own key, which only signs, and `whpk_` the public
one to it, which only proves; any other text is a shared secret as it stands.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

from interlock.values.secrets import Secret

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
_SEED = 32
"""Bytes of an Ed25519 key (RFC 8032); some write the public one behind the private one."""


class KeyUnfit(ValueError):
    """A key is not of the form that its beginning promises, or cannot do what is asked of it; never says its text."""


class Key(Protocol):
    """What signs a message, or proves who signed it, or both."""

    def sign(self, message: bytes) -> str:
        """Return the signature with its version, as one word of `webhook-signature`. Raises `KeyUnfit`."""
        ...

    def proves(self, given: Sequence[str], message: bytes) -> bool:
        """Return whether one of the *given* words signs *message*. Raises `KeyUnfit`."""
        ...


class Shared:
    """HMAC-SHA256 with a secret that both sides know."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if not key:
            raise KeyUnfit("is empty")
        self._key = key

    def sign(self, message: bytes) -> str:
        return "v1," + base64.b64encode(hmac.digest(self._key, message, hashlib.sha256)).decode()

    def proves(self, given: Sequence[str], message: bytes) -> bool:
        made = self.sign(message).encode()
        matches = [hmac.compare_digest(one.encode(), made) for one in given]  # all, however early one is right
        return any(matches)


class Private:
    """Ed25519, the sender's side."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) not in {_SEED, 2 * _SEED}:
            raise KeyUnfit("is no Ed25519 key of 32 or 64 bytes")
        self._key = key[:_SEED]

    def sign(self, message: bytes) -> str:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        signature = Ed25519PrivateKey.from_private_bytes(self._key).sign(message)
        return "v1a," + base64.b64encode(signature).decode()

    def proves(self, given: Sequence[str], message: bytes) -> bool:  # noqa: ARG002 - the seam's
        raise KeyUnfit("is the sender's own, which proves nothing; the public one to it begins with whpk_")


class Public:
    """Ed25519, the receiver's side."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != _SEED:
            raise KeyUnfit("is no public Ed25519 key of 32 bytes")
        self._key = key

    def sign(self, message: bytes) -> str:  # noqa: ARG002 - the seam's
        raise KeyUnfit("is a public key, which signs nothing; the sender's own begins with whsk_")

    def proves(self, given: Sequence[str], message: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key = Ed25519PublicKey.from_public_bytes(self._key)
        for one in given:
            version, _, text = one.partition(",")
            if version == "v1a":
                try:
                    key.verify(base64.b64decode(text, validate=True), message)
                except (InvalidSignature, ValueError):
                    continue
                return True
        return False


_KINDS: dict[str, Callable[[bytes], Key]] = {SHARED: Shared, PRIVATE: Private, PUBLIC: Public}


def key_of(secret: Secret) -> Key:
    """Return the key that *secret* is. Raises `KeyUnfit`."""
    text = secret.reveal()
    for prefix, kind in _KINDS.items():
        if text.startswith(prefix):
            try:
                return kind(base64.b64decode(text.removeprefix(prefix), validate=True))
            except binascii.Error:
                raise KeyUnfit(f"begins with {prefix} and is no base64") from None
    return Shared(text.encode())


def signed_message(identifier: str, moment: str, body: bytes) -> bytes:
    """Return what is signed of a message."""
    return b".".join((identifier.encode(), moment.encode(), body))

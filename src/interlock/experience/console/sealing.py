"""Sealed cookies: who is signed in, encrypted and authenticated, so that a browser holds no credential in the clear."""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from pathlib import Path

from interlock.foundation.secrets.kept import derived_key, kept_key

KEY_FILE = "surfaces.key"
_NONCE = 12
_PURPOSE = b"interlock console session 1"


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the cookie holds. *authorization* is empty before signing in; *token* stands in every form.

    *issued* is when the cookie was last written, *until* when the sign-in ends whatever happens (Unix seconds).
    """

    authorization: str
    token: str
    issued: float
    until: float


def new_token() -> str:
    """Return an unguessable token for forms."""
    return secrets.token_urlsafe(24)


class Seal:
    """Seals and opens sign-ins with AES-256-GCM (NIST SP 800-38D) under one key."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)

    def close(self, sign_in: SignIn) -> str:
        """Return the cookie's text."""
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, json.dumps(asdict(sign_in)).encode(), _PURPOSE)
        return urlsafe_b64encode(nonce + sealed).decode()

    def open(self, text: str) -> SignIn | None:
        """Return the sign-in that *text* holds, or None if it was not made with this key or was changed."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
            return SignIn(**json.loads(self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _PURPOSE)))
        except (InvalidTag, ValueError, TypeError):
            return None


def seal_in(folder: Path) -> Seal:
    """Return the seal whose key is in *folder*, shared by all processes there; made at first use.

    Raises `KeptKeyUnsafe`.
    """
    return Seal(derived_key(kept_key(folder / KEY_FILE), "console"))

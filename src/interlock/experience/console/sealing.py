"""Sealed cookies: who is signed in, encrypted and authenticated, so that a browser holds no credential in the clear."""

from __future__ import annotations

import json
import os
import secrets
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from pathlib import Path

from interlock.experience.console.errors import ConsoleKeyUnsafe

KEY_FILE = "console.key"
KEY_BYTES = 32
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
    """Return the seal whose key is in *folder*, shared by all processes there; make the key if there is none.

    Raises `ConsoleKeyUnsafe` if others than its owner may read it, or it is no key.
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConsoleKeyUnsafe(f"{KEY_FILE} may be read by others than its owner", fix=f"chmod 600 {KEY_FILE}")
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConsoleKeyUnsafe(f"{KEY_FILE} holds no key", fix="remove it; a new one is made, and people sign in again")
    return Seal(key)


def _make(path: Path) -> None:
    """Write a new key at once and whole, or leave the one that another process just made."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()

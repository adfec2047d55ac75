"""Keys that an installation makes for itself and keeps in its state folder, shared by all its processes."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path

from interlock.foundation.secrets.errors import KeptKeyUnsafe

KEY_BYTES = 32


def kept_key(path: Path) -> bytes:
    """Return the key that the file at *path* holds (32 bytes); make it at first use, readable by its owner only.

    Raises `KeptKeyUnsafe` if others than its owner may read it, or it is no key.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeptKeyUnsafe(f"{path.name} may be read by others than its owner", fix=f"chmod 600 {path.name}")
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeptKeyUnsafe(f"{path.name} holds no key", fix="remove it; a new one is made, and what it sealed is void")
    return key


def derived_key(key: bytes, purpose: str) -> bytes:
    """Return a key for one *purpose*, from which neither *key* nor another purpose's key can be found."""
    return hmac.digest(key, purpose.encode(), "sha256")


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

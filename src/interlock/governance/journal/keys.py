"""The key that signs checkpoints: Ed25519 (RFC 8032), made at first use, readable by its owner only."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.governance.journal.errors import SigningKeyUnsafe
from interlock.values.digests import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE = "journal.key"
PUBLIC_FILE = "journal.pub"


class Signer:
    """Signs statements. *public* is the public key's 32 bytes in hex."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()

    def signed(self, statement: Mapping[str, Any]) -> bytes:
        """Return the canonical JSON of *statement* with `key` and `signature` added."""
        document = {**statement, "key": self.public}
        return canonical({**document, "signature": self._key.sign(canonical(document)).hex()})


def signer_in(folder: Path) -> Signer:
    """Return the signer whose key is in *folder*; make the key if there is none.

    `journal.key` holds the private key in hex, `journal.pub` the public one, which is all that verifying
    takes. Raises `SigningKeyUnsafe` if others than its owner may read the private key, or it is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _made(path, Ed25519PrivateKey.generate().private_bytes_raw().hex())
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SigningKeyUnsafe(f"{KEY_FILE} may be read by others than its owner", fix=f"chmod 600 {KEY_FILE}")
    try:
        signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip())))
    except ValueError:
        raise SigningKeyUnsafe(f"{KEY_FILE} holds no key", fix="restore it from the backup") from None
    if not (folder / PUBLIC_FILE).exists():
        (folder / PUBLIC_FILE).write_text(signer.public + "\n")
    if public_key_in(folder) != signer.public:
        raise SigningKeyUnsafe(f"{PUBLIC_FILE} is not the public key of {KEY_FILE}", fix="restore both from the backup")
    return signer


def public_key_in(folder: Path) -> str:
    """Return the public key in *folder*, in hex, or the empty string if there is none."""
    path = folder / PUBLIC_FILE
    return path.read_text(errors="replace").strip() if path.exists() else ""


def signature_holds(public: str, signature: str, data: bytes) -> bool:
    """Return whether *signature* of *data* was made with the private key of *public*; both in lower-case hex."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key, proof = bytes.fromhex(public), bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(key).verify(proof, data)
    except (InvalidSignature, ValueError):
        return False
    return proof.hex() == signature  # one way to write each, so that no byte can be changed unseen


def _made(path: Path, text: str) -> None:
    """Write *text* into a new file at once, or leave the one that another process just made."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()

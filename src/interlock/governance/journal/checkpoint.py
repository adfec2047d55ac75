"""Signed checkpoints: statements, signed with this installation's key, of how far each chain reached.

They stand in a file of one JSON line each, beside the database: `opened` when a process begins to write,
`checkpoint` for a chain's head, `seal` for the bytes of a database file that was closed cleanly. Each line
holds the digest of the line before it, so that the last line's signature vouches for all of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from interlock.governance.journal.errors import JournalDamaged, JournalUnavailable
from interlock.governance.journal.keys import Signer, signature_holds
from interlock.governance.journal.walk import Damage
from interlock.values.digests import canonical

FILE = "checkpoints.jsonl"
NOTHING = "0" * 64
_TAIL = 65536
_POINTS = 10_000


class Sidecar:
    """The file of signed lines. Several processes may append to it."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.path = folder / FILE
        self._signer = signer

    def append(self, statements: Sequence[Mapping[str, Any]]) -> list[str]:
        """Sign *statements* and append a line for each, durable on return; return the lines.

        It blocks, for as long as another process appends and the disk takes. Raises `JournalUnavailable`.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                return self._appended(descriptor, statements)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalUnavailable(
                f"{FILE} cannot be written", why=error.strerror or "", fix="check disk and permissions"
            ) from error

    def _appended(self, descriptor: int, statements: Sequence[Mapping[str, Any]]) -> list[str]:
        previous, size = _last_line(descriptor)
        if previous is not None and statement_of(previous, self._signer.public) is None:
            raise JournalDamaged(
                f"the last line of {FILE} is not signed with this installation's key",
                why="the file or the key was changed from outside",
                fix="verify the journal; restore both from the backup",
            )
        os.ftruncate(descriptor, size)  # what a dying process left of a line was never relied upon
        lines = []
        for statement in statements:
            line = self._signer.signed({**statement, "previous": line_digest(previous)})
            lines.append(line.decode())
            previous = line
        data = b"".join(line.encode() + b"\n" for line in lines)
        if os.write(descriptor, data) != len(data):
            os.ftruncate(descriptor, size)
            raise OSError(None, "no space left")
        os.fsync(descriptor)
        if not size:
            _sync_folder(self.path.parent)
        return lines


def line_digest(line: bytes | None) -> str:
    """Return what the line after *line* holds as `previous`."""
    return hashlib.sha256(line).hexdigest() if line is not None else NOTHING


def read_lines(path: Path) -> Iterator[bytes]:
    """Return the lines of a sidecar file with their ends; the last one may be torn. No file has no lines."""
    if path.exists():
        with path.open("rb") as file:
            yield from file


def statement_of(line: bytes, public: str) -> dict[str, Any] | None:
    """Return what *line* says if it is signed by the key *public*, else None."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or canonical(document) != line:
        return None
    signature = document.pop("signature", None)
    holds = isinstance(signature, str) and signature_holds(public, signature, canonical(document))
    return document if holds else None


def head_statement(at: str, chain: str, seq: int, digest: bytes) -> dict[str, Any]:
    """Return the statement that *chain* had reached record *seq* with this hash."""
    return {"at": at, "chain": chain, "hash": digest.hex(), "kind": "checkpoint", "seq": seq}


def seal_statement(at: str, file: Path) -> dict[str, Any]:
    """Return the statement of what bytes *file* has."""
    digest, size = file_digest(file)
    return {"at": at, "bytes": size, "file": file.name, "kind": "seal", "sha256": digest}


def file_digest(file: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file in hex, and its size."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()


def _last_line(descriptor: int) -> tuple[bytes | None, int]:
    """Return the last whole line without its end, and where it ends."""
    size = os.fstat(descriptor).st_size
    window = _TAIL
    while True:
        start = max(0, size - window)
        tail = os.pread(descriptor, size - start, start)
        end = tail.rfind(b"\n")
        begin = tail.rfind(b"\n", 0, max(end, 0))
        if start == 0 or begin >= 0:
            return (tail[begin + 1 : end] if end >= 0 else None), start + end + 1
        window *= 8


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class SidecarCheck:
    """What a sidecar file holds: per chain the signed hashes by number, the seal if that is its last line."""

    points: dict[str, dict[int, str]] = field(default_factory=dict)
    lines: int = 0
    seal: dict[str, Any] | None = None
    damage: Damage | None = None


def check_sidecar(path: Path, public: str) -> SidecarCheck:
    """Read the sidecar file at *path*; check that its lines follow each other and that *public* signed the last."""
    check = SidecarCheck()
    line: bytes | None = None
    document: dict[str, Any] = {}
    for raw in read_lines(path):
        if not raw.endswith(b"\n"):
            break  # a process died while it wrote this line
        previous, line = line, raw[:-1]
        document = _document(line)
        if document.get("previous") != line_digest(previous):
            check.damage = Damage(path.name, max(check.lines, 1), "the line or the one after it was changed")
            return check
        check.lines += 1
        chain, seq, digest = document.get("chain"), document.get("seq"), document.get("hash")
        if isinstance(chain, str) and isinstance(seq, int) and isinstance(digest, str):
            _keep(check.points.setdefault(chain, {}), seq, digest)
    if line is not None and statement_of(line, public) is None:
        check.damage = Damage(path.name, check.lines, "the last line is not signed with the known key")
    elif document.get("kind") == "seal":
        check.seal = document
    return check


def _document(line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) and canonical(document) == line else {}


def _keep(points: dict[int, str], seq: int, digest: str) -> None:
    """Add a point; of very many, keep every other one and the last, which is enough to find any change."""
    points[seq] = digest
    if len(points) > _POINTS:
        for number in list(points)[-2::-2]:
            del points[number]

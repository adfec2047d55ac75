"""The wire to a Firebird server: what is sent and heard within a time limit, encrypted by the password where agreed."""

from __future__ import annotations

import hashlib
import socket
import time
from typing import Any

_READ = 1 << 14
_MOMENT = 0.15
_SPARE = 16 << 20
_STEP = 16  # octets on the wire, at most, for one of a result: texts of a fixed length come with all their blanks
_CANCEL = (91).to_bytes(4, "big") + (3).to_bytes(4, "big")  # op_cancel, fb_cancel_raise


class Line:
    """A socket as the driver wants it. Whatever ends it is raised as an error of the driver's own.

    *most* is the largest answer in octets; a server that says far more is not heard to its end.
    """

    def __init__(self, sock: socket.socket, seconds: float, most: int) -> None:
        self._sock = sock
        self._most = most * _STEP + _SPARE
        self._ready = bytearray()
        self._reading: Any = None
        self._writing: Any = None
        self.cancels = False
        """Whether the server can be told to stop what it is doing."""
        self.stopped = False
        """Whether it was told to. Then nothing more is asked of it."""
        self.closed = False
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Let everything until the next `allow` take *seconds* at most, all in all."""
        self._until = time.monotonic() + seconds
        self._left = self._most

    def encrypt(self, cipher: str, key: bytes, nonce: bytes) -> None:
        """Encrypt from here on with *cipher*: `Arc4`, or `ChaCha` and `ChaCha64`, whose key is the hash of *key*."""
        self._writing, self._reading = (_stream(cipher, key, nonce) for _ in range(2))

    @property
    def encrypted(self) -> bool:
        return self._writing is not None

    def recv(self, nbytes: int) -> bytes:
        if not self._ready:
            self._ready += self._read()
        taken = bytes(self._ready[:nbytes])
        del self._ready[:nbytes]
        return taken

    def send(self, data: bytes) -> None:
        from firebirdsql import InterfaceError

        if self._writing is not None:
            data = self._writing.update(data)
        try:
            self._sock.settimeout(max(self._until - time.monotonic(), 0.001))
            self._sock.sendall(data)
        except OSError as error:
            self.close()
            raise InterfaceError(type(error).__name__) from error

    def close(self) -> None:
        self.closed = True
        self._sock.close()

    def _read(self) -> bytes:
        from firebirdsql import InterfaceError

        try:
            data = self._waited()
        except OSError as error:
            self.close()
            raise InterfaceError(type(error).__name__) from error
        self._left -= len(data)
        if not data or self._left < 0:
            self.close()
            raise InterfaceError("the server says no more, or too much")
        return bytes(self._reading.update(data)) if self._reading is not None else data

    def _waited(self) -> bytes:
        """Return what comes next. When the time has passed, the server is told to stop, and has a moment to say so."""
        while True:
            left = self._until - time.monotonic()
            if left > 0:
                self._sock.settimeout(left)
                try:
                    return self._sock.recv(_READ)
                except TimeoutError:
                    pass
            if self.stopped or not self.cancels:
                raise TimeoutError
            self.stopped = True
            self.allow(_MOMENT)
            self.send(_CANCEL)


def _stream(cipher: str, key: bytes, nonce: bytes) -> Any:
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

    if cipher == "Arc4":
        algorithm: Any = ARC4(key)
    else:
        algorithm = ChaCha20(hashlib.sha256(key).digest(), nonce.rjust(16, b"\0"))
    return Cipher(algorithm, mode=None).encryptor()

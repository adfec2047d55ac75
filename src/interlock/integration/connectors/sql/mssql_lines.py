"""The wire to a SQL Server: whole packets within a time limit, and TLS as [MS-TDS] has it, inside PRELOGIN.

The driver's own TLS would need another package, and compares the certificate's name loosely; Python's own is used here.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from typing import Any

_HEADER = struct.Struct(">BBHHBB")
_PRELOGIN, _REPLY, _ATTENTION = 0x12, 0x04, 0x06
_ENCRYPTION = 1
_ON, _NOT_SUPPORTED, _REQUIRED = 1, 2, 3
_LAST = 1  # the status of a message's last packet
_DONE = struct.Struct("<BHHQ")
_DONES = frozenset({0xFD, 0xFE, 0xFF})
_STOPPED = 0x20  # the flag of a DONE that answers an attention
_READ = 1 << 16
STOPPED = -2
"""The number of the error that says that the time limit passed; the server has none for it."""


class Line:
    """A socket as the driver wants it. Whatever ends it is raised as an error of the driver's own.

    The driver gets whole packets, so that a time limit never leaves it in the middle of one.
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._raw, self._ready = bytearray(), bytearray()
        self._swallow = False
        self.stopped = False
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Let everything until the next `allow` take *seconds* at most, all in all."""
        self._until = time.monotonic() + seconds

    def gettimeout(self) -> float | None:
        return self._until - time.monotonic()

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing: `allow` says how long things may take."""

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ARG002 - the driver's protocol
        if self._swallow:  # the driver's own PRELOGIN, which was answered already
            self._swallow = False
            return
        self._guarded(self._send, bytes(data))

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, flags: int = 0) -> int:  # noqa: ARG002 - the driver's protocol
        if not self._ready:
            self._ready += self._guarded(self._packet)
        taken = min(size or len(buffer), len(self._ready))
        buffer[:taken] = self._ready[:taken]
        del self._ready[:taken]
        return taken

    def recv(self, bufsize: int, flags: int = 0) -> bytes:  # noqa: ARG002 - the driver's protocol
        buffer = bytearray(bufsize)
        return bytes(buffer[: self.recv_into(buffer)])

    def close(self) -> None:
        self._sock.close()

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Agree on TLS for the whole connection. Raises the driver's errors; nothing secret was sent before.

        The driver is told that there is no encryption, so that it adds none of its own.
        """
        self._guarded(self._encrypt, context, host)

    def _encrypt(self, context: ssl.SSLContext, host: str) -> None:
        self._send(_framed(_PRELOGIN, _prelogin(_ON)))
        reply = self._packet()
        if _encryption(reply[_HEADER.size :]) not in {_ON, _REQUIRED}:
            raise ConnectionError("the server does not encrypt")
        tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send(_framed(_PRELOGIN, self._out.read()))
                self._in.write(self._packet()[_HEADER.size :])
            else:
                break
        if self._out.pending:
            self._send(_framed(_PRELOGIN, self._out.read()))
        self._tls, self._swallow = tls, True
        self._ready += _framed(_REPLY, _prelogin(_NOT_SUPPORTED))

    def _guarded(self, work: Any, *given: Any) -> Any:
        from pytds import InterfaceError, OperationalError  # type: ignore[import-untyped]  # it has no types

        try:
            return work(*given)
        except TimeoutError as error:
            if not self._stop():
                raise InterfaceError("the server does not answer") from error
            late = OperationalError("the time limit passed")
            late.msg_no = late.number = STOPPED
            raise late from error
        except OSError as error:
            self.close()
            raise InterfaceError(type(error).__name__) from error

    def _stop(self) -> bool:
        """Tell the server to stop, wait a moment for its word that it did, and close; return whether it gave it."""
        if self.stopped:
            return False
        self.allow(_MOMENT)
        try:
            self._send(_framed(_ATTENTION, b""))
            while not _answers_attention(self._packet()):
                pass
        except OSError:
            return False  # closing ends the statement as well, when the server notices
        finally:
            self.close()
        self.stopped = True
        return True

    def _send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._out.read()
        self._sock.settimeout(self._left())
        self._sock.sendall(data)

    def _packet(self) -> bytes:
        while True:
            if len(self._raw) >= _HEADER.size:
                size = _HEADER.unpack_from(self._raw)[2]
                if size < _HEADER.size:
                    raise ConnectionError("this is no packet")
                if len(self._raw) >= size:
                    packet = bytes(self._raw[:size])
                    del self._raw[:size]
                    return packet
            self._raw += self._read()

    def _read(self) -> bytes:
        while True:
            if self._tls is not None:
                try:
                    return self._tls.read(_READ)
                except ssl.SSLWantReadError:
                    pass
            self._sock.settimeout(self._left())
            data = self._sock.recv(_READ)
            if not data:
                raise ConnectionError("the server closed the connection")
            if self._tls is None:
                return data
            self._in.write(data)

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


_MOMENT = 0.1


def _framed(kind: int, content: bytes) -> bytes:
    return _HEADER.pack(kind, _LAST, _HEADER.size + len(content), 0, 1, 0) + content


def _prelogin(encryption: int) -> bytes:
    """Return a PRELOGIN: our version, and what we want of encryption."""
    version = bytes((1, 0, 0, 0, 0, 0))
    first = 2 * 5 + 1
    table = struct.pack(">BHHBHHB", 0, first, len(version), _ENCRYPTION, first + len(version), 1, 0xFF)
    return table + version + bytes((encryption,))


def _encryption(content: bytes) -> int:
    for place in range(0, len(content) - 5, 5):
        kind = content[place]
        offset: int = struct.unpack_from(">H", content, place + 1)[0]
        if kind == _ENCRYPTION and offset < len(content):
            return content[offset]
        if kind == 0xFF:
            break
    return _NOT_SUPPORTED


def _answers_attention(packet: bytes) -> bool:
    """Return whether *packet* ends with the DONE that says that the statement was stopped."""
    if len(packet) < _HEADER.size + _DONE.size or packet[1] & _LAST == 0:
        return False
    kind, status, _command, _count = _DONE.unpack_from(packet, len(packet) - _DONE.size)
    return kind in _DONES and status & _STOPPED != 0

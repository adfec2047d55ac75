"""Lines to mail servers: those of the standard library, bounded in bytes, and cut from outside when time is over."""

from __future__ import annotations

import imaplib
import select
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from io import BufferedIOBase, BufferedReader
from threading import Lock
from typing import Any, cast

from interlock.foundation.http.sockets import connected_now
from interlock.integration.connectors.errands import end
from interlock.integration.connectors.mail.accounts import Login, Server, bearer, bearer_base64
from interlock.values.secrets import Secret

_LONGEST_LINE = 1 << 20
_SMTP_BYTES = 256 << 10
_LOGOUT = b"BYE1 LOGOUT\r\n"


class LineTooLong(Exception):
    """A server said more than it may."""


class TimeOver(Exception):
    """The time of a call is over."""


class AccessDenied(Exception):
    """A server does not accept who we are, or that we say so without TLS."""


class Refused(Exception):
    """A server said no; *code* is its status, None for IMAP, which has none."""

    def __init__(self, what: str, code: int | None = None) -> None:
        super().__init__(what)
        self.code = code


class Errand:
    """One call, as seen from both sides: the thread that runs it, and the loop that ends it.

    *committed* is true from the moment on at which the server may have taken what we want.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.connected = False
        self.committed = False
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._over = False

    def left(self) -> float:
        """Return the seconds that are left. Raises `TimeOver`."""
        left = self.deadline - time.monotonic()
        if self._over or left <= 0:
            raise TimeOver
        return left

    def connect(self, server: Server) -> socket.socket:
        """Return a connection to *server*, with TLS if it is implicit.

        Raises `HttpForbidden`, `OSError` and `TimeOver`.
        """
        self.connected = False
        plain = connected_now(server.host, server.port, self.left())
        self.take(plain)
        return self.secure(plain, server) if server.tls == "implicit" else plain

    def secure(self, plain: socket.socket, server: Server) -> socket.socket:
        """Return *plain* with TLS. Raises `OSError`."""
        try:
            made = server.context().wrap_socket(plain, server_hostname=server.host)
        except BaseException:
            plain.close()
            raise
        self.take(made)
        return made

    def take(self, one: socket.socket) -> None:
        """Use the connection *one* from now on. Raises `TimeOver`, and then it is closed."""
        with self._lock:
            self._sockets.append(one)
            over = self._over
        if over:
            one.close()
            raise TimeOver
        self.connected = True

    def let_go(self) -> bool:
        """Use no connection any more; return whether those it had are as they were, for others to use."""
        with self._lock:
            self._sockets = []
            return not self._over

    def cut(self) -> None:
        """End it: whoever waits for a server stops waiting."""
        with self._lock:
            self._over = True
            sockets, self._sockets = self._sockets, []
            for one in sockets:
                end(one)


class _Reader:
    """The reading end of a connection, for at most so many bytes."""

    def __init__(self, connection: socket.socket, most: int) -> None:
        self._file = cast(BufferedIOBase, connection.makefile("rb"))
        self._left = most

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise LineTooLong
        self._left -= size
        return self._file.read(size)

    def readline(self, limit: int = _LONGEST_LINE) -> bytes:
        line = self._file.readline(limit)
        self._left -= len(line)
        whole = line.endswith(b"\n")
        if self._left < 0 or (len(line) == limit and not whole):
            raise LineTooLong
        if line and not whole:  # `250` may have been meant to be the first of many signs
            raise ConnectionResetError("the line breaks off")
        return line

    def allow(self, most: int) -> None:
        """Read at most *most* bytes from now on."""
        self._left = most

    def holds(self) -> bool:
        """Return whether there is something to read, or the end, without waiting for it. Raises `OSError`."""
        return bool(cast(BufferedReader, self._file).peek())

    def close(self) -> None:
        self._file.close()


class ImapLine(imaplib.IMAP4):
    """A line to an IMAP server (RFC 3501), not yet logged in. It reads at most *most* bytes for an errand."""

    def __init__(self, server: Server, errand: Errand, most: int) -> None:
        self._server = server
        self._errand = errand
        self._most = most
        self._reader: _Reader | None = None
        self._secret = ""
        super().__init__()
        if server.tls == "starttls":
            self._start_tls()

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:  # noqa: ARG002 - the base class's
        """Connect."""
        self._use(self._errand.connect(self._server))

    def _use(self, connection: socket.socket) -> None:
        self.sock = connection
        self._reader = _Reader(connection, self._most)  # what the plain line had still to say is dropped

    def _start_tls(self) -> None:
        try:
            status, _ = self.xatom("STARTTLS")
            if status != "OK":
                raise AccessDenied("the server offers no TLS")
            self._use(self._errand.secure(self.sock, self._server))
        except BaseException:
            self.shutdown()
            raise

    def read(self, size: int) -> bytes:
        """Read what a literal holds."""
        assert self._reader is not None
        return self._reader.read(size)

    def readline(self) -> bytes:
        """Read a line."""
        assert self._reader is not None
        return self._reader.readline()

    def send(self, data: bytes) -> None:  # type: ignore[override]  # of any kind of buffer, which nobody passes
        """Write *data*."""
        self.sock.settimeout(self._errand.left())
        self.sock.sendall(data)

    def shutdown(self) -> None:
        """Close the connection, whatever state it is in."""
        if self._reader is not None:
            self._reader.close()
            self.sock.close()

    def take(self, errand: Errand) -> None:
        """Work for *errand* from now on. Raises `TimeOver`."""
        assert self._reader is not None
        self._errand = errand
        self._reader.allow(self._most)
        errand.take(self.sock)

    def fresh(self, secret: Secret | None) -> bool:
        """Return whether it can still be used: logged in with today's *secret*, and nothing said that nobody asked for.

        A server that says something by itself has ended the session, or we have lost the thread.
        """
        assert self._reader is not None
        if (secret.reveal() if secret is not None else "") != self._secret:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        if poll.poll(0):
            return False
        try:
            self.sock.settimeout(0)
            return not self._reader.holds()
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False

    def part(self) -> None:
        """Say goodbye and close; nobody waits for the answer."""
        with suppress(OSError):
            self.sock.settimeout(0.1)
            self.sock.sendall(_LOGOUT)
        self.shutdown()

    def enter(self, login: Login, secret: Secret) -> None:
        """Log in. Raises `AccessDenied`."""
        try:
            if login.token:
                self.authenticate("XOAUTH2", lambda _: bearer(login, secret))
            else:
                self.login(login.username, secret.reveal())
        except (imaplib.IMAP4.error, UnicodeEncodeError) as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            raise AccessDenied("the server does not accept our credentials") from None
        self._secret = secret.reveal()
        _, said = self.capability()  # what is offered to somebody who is known may be more
        self.capabilities = tuple(b" ".join(said).decode("ascii", "replace").upper().split())


class SmtpLine(smtplib.SMTP):
    """A line to an SMTP server (RFC 5321) that has greeted us, with TLS where it is wanted; not yet logged in."""

    def __init__(self, server: Server, errand: Errand, name: str) -> None:
        super().__init__(local_hostname=name)
        self._errand = errand
        self._use(errand.connect(server))
        try:
            code, _ = self.getreply()
            if code != 220:
                raise Refused("greeted us with a refusal", code)
            self._hello()
            if server.tls == "starttls":
                code, _ = self.docmd("STARTTLS")
                if code != 220:
                    raise AccessDenied("the server offers no TLS")
                assert self.sock is not None
                self._use(errand.secure(self.sock, server))
                self._hello()
        except BaseException:
            self.close()
            raise

    def _use(self, connection: socket.socket) -> None:
        self.sock = connection
        self.file = _Reader(connection, _SMTP_BYTES)

    def _hello(self) -> None:
        code, _ = self.ehlo()
        if not 200 <= code <= 299:
            raise Refused("does not speak ESMTP", code)

    def send(self, s: Any) -> None:
        """Write *s*."""
        assert self.sock is not None
        self.sock.settimeout(self._errand.left())
        super().send(s)

    def enter(self, login: Login, secret: Secret) -> None:
        """Log in. Raises `AccessDenied`."""
        try:
            if login.token:
                code, _ = self.docmd("AUTH", f"XOAUTH2 {bearer_base64(login, secret)}")
                if code != 235:
                    raise AccessDenied("the server does not accept our credentials")
            else:
                self.login(login.username, secret.reveal())
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, UnicodeEncodeError):
            raise AccessDenied("the server does not accept our credentials") from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:  # no mechanism in common
            raise AccessDenied("the server offers no way to log in that we know") from None

"""Sessions with a directory: `ldap3` speaks the protocol, over sockets of ours that are bounded in bytes and time.

`ldap3` itself connects to nothing, follows no referral and reads no schema.
"""

from __future__ import annotations

import importlib
import select
import socket
import sys
import time
import warnings
from contextlib import suppress
from threading import Lock
from typing import Any

from interlock.foundation.http.sockets import connected_now
from interlock.integration.connectors.errands import end
from interlock.integration.connectors.interface import SecretSource
from interlock.integration.connectors.kept import Kept
from interlock.integration.connectors.ldap.results import PASSWORD_POLICY, SUCCESS, reason_of
from interlock.integration.connectors.ldap.servers import Server
from interlock.values.secrets import Secret

GARBLED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What `ldap3` raises for octets that are no message."""
_PIECE = 1 << 16
_START_TLS = "1.3.6.1.4.1.1466.20037"
_UNBIND = b"\x30\x05\x02\x01\x7f\x42\x00"


class TimeOver(Exception):
    """The time of a call is over."""


class TooMuch(Exception):
    """A server said more than it may."""


class AccessDenied(Exception):
    """A server does not let us in; *reason* is its reason in one word, or empty."""

    def __init__(self, what: str, reason: str = "") -> None:
        super().__init__(what)
        self.reason = reason


class Refused(Exception):
    """A server answers a login with neither yes nor no; *result* is what it says."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__("the directory did not log us in")
        self.result = result


def load_driver() -> Any:
    """Return the package `ldap3`, in whose import old names of another package are used."""
    if "ldap3" in sys.modules:  # filters of warnings are everybody's, so they are touched once
        return importlib.import_module("ldap3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("ldap3")


class Errand:
    """One call, as seen from both sides: the thread that runs it, and the loop that ends it.

    Once it is *ready*, whatever is sent may reach the directory as the request: from then on it is *asked*, and with
    *writes* the change may have been made. *most* is how many bytes may be read.
    """

    def __init__(self, deadline: float, most: int, *, writes: bool) -> None:
        self.deadline = deadline
        self.most = most
        self.writes = writes
        self.ready = False
        self.asked = False
        self._lock = Lock()
        self._wire: Wire | None = None
        self._over = False

    @property
    def committed(self) -> bool:
        """Whether the directory may have made the change."""
        return self.asked and self.writes

    def left(self) -> float:
        """Return the seconds that are left. Raises `TimeOver`."""
        left = self.deadline - time.monotonic()
        if self._over or left <= 0:
            raise TimeOver
        return left

    def send(self) -> None:
        """Say that something is sent now. Raises `TimeOver`: once `cut` returned, nothing is."""
        with self._lock:
            if self._over:
                raise TimeOver
            self.asked = self.asked or self.ready

    def let_go(self) -> bool:
        """Use no wire any more; return whether the one it had is as it was, for others to use."""
        with self._lock:
            self._wire = None
            return not self._over

    def hold(self, wire: Wire) -> None:
        """Use *wire* from now on. Raises `TimeOver`."""
        with self._lock:
            self._wire = wire
            if self._over:
                raise TimeOver

    def cut(self) -> None:
        """End it: whoever waits for the directory stops waiting."""
        with self._lock:
            self._over = True
            wire, self._wire = self._wire, None
            if wire is not None:
                end(wire.socket)


class Wire:
    """A socket as `ldap3` uses one, for the errand of the moment."""

    def __init__(self, plain: socket.socket, errand: Errand) -> None:
        self.socket = plain
        self.errand = errand

    def recv(self, _size: int) -> bytes:
        """Return what comes, of which the caller wants any number of bytes."""
        self.socket.settimeout(self.errand.left())
        data = self.socket.recv(_PIECE)
        self.errand.most -= len(data)
        if self.errand.most < 0:
            raise TooMuch
        return data

    def sendall(self, data: bytes) -> None:
        """Send *data*."""
        self.socket.settimeout(self.errand.left())
        self.errand.send()
        self.socket.sendall(data)

    def shutdown(self, how: int) -> None:
        """End the connection in one or both ways."""
        self.socket.shutdown(how)

    def close(self) -> None:
        """Close it."""
        self.socket.close()


class Session:
    """A connection to a server that has let us in. Used by one errand at a time."""

    def __init__(self, server: Server, secret: Secret | None, errand: Errand) -> None:
        driver = load_driver()
        self.secret = secret.reveal() if secret is not None else ""
        self.server = server
        self.driver = driver
        user = {"user": server.user, "password": self.secret} if secret is not None else {}
        self.line = driver.Connection(
            driver.Server("127.0.0.1", get_info=driver.NONE),  # a name that it does not look up: it connects to nothing
            **user,
            client_strategy=driver.SYNC,
            auto_referrals=False,
            auto_range=False,
            auto_escape=False,
            check_names=False,
            return_empty_attributes=False,
        )
        self._wire = Wire(_connected(server, errand), errand)
        try:
            self._begin()
            if server.tls == "starttls":
                self._start_tls(server, errand)
            if secret is not None and not self.secret:
                raise AccessDenied("our password is empty, and the directory would take us for nobody")
            if secret is not None:
                self._log_in()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._wire.errand.hold(self._wire)
        self.line.socket = self._wire
        self.line.strategy._outstanding = {}  # it has no door for a socket that is connected already
        self.line.closed, self.line.listening = False, True

    def _start_tls(self, server: Server, errand: Errand) -> None:
        self.line.extended(_START_TLS)
        if self.result("extendedResp")["result"] != SUCCESS:
            raise AccessDenied("the directory offers no TLS")
        self._wire = Wire(_secured(self._wire.socket, server, errand), errand)
        self._begin()

    def _log_in(self) -> None:
        self.line.bind(read_server_info=False, controls=[(PASSWORD_POLICY, False, None)])
        result = self.result("bindResponse")
        if result["result"] in {7, 8, 13, 48, 49, 53}:
            raise AccessDenied("the directory does not accept our credentials", reason_of(result))
        if result["result"] != SUCCESS:
            raise Refused(result)

    def result(self, kind: str) -> dict[str, Any]:
        """Return the result of what was asked last. Raises `ValueError` if the answer is of another *kind*."""
        found: dict[str, Any] = self.line.result
        if found["type"] != kind:
            raise ValueError(kind)
        return found

    def take(self, errand: Errand) -> None:
        """Work for *errand* from now on. Raises `TimeOver`."""
        self._wire.errand = errand
        errand.hold(self._wire)

    def fresh(self, secret: Secret | None) -> bool:
        """Return whether it can still be used: logged in with today's password, and not ended over there."""
        if (secret.reveal() if secret is not None else "") != self.secret:
            return False
        poll = select.poll()
        poll.register(self._wire.socket, select.POLLIN)
        return not poll.poll(0)  # nobody has asked anything, so whatever there is to read is bad news

    def part(self) -> None:
        """Say goodbye and close."""
        with suppress(OSError):
            self._wire.socket.settimeout(0.1)
            self._wire.socket.sendall(_UNBIND)
        self.close()

    def close(self) -> None:
        """Close, whatever state it is in."""
        with suppress(OSError):
            self._wire.close()


class Sessions:
    """Sessions with one server, kept for whoever comes next."""

    def __init__(self, server: Server, secrets: SecretSource, most: int) -> None:
        self._server = server
        self._secrets = secrets
        self._kept: Kept[Session] = Kept(most)

    def take(self, errand: Errand) -> Session:
        """Return a session for *errand*, a kept one if there is one. Raises what the making of one raises."""
        secret = self._server.secret(self._secrets)
        while (kept := self._kept.take()) is not None:
            if kept.fresh(secret):
                kept.take(errand)
                break
            kept.part()
        session = kept or Session(self._server, secret, errand)
        errand.ready = True
        return session

    def give_back(self, session: Session, errand: Errand) -> None:
        """Keep *session*, with which all went well for *errand*."""
        if errand.let_go():
            self._kept.put(session)
        else:
            session.close()

    def sweep(self) -> bool:
        """Close those that were idle for too long; return whether any is left."""
        return self._kept.sweep()

    def close(self) -> None:
        """Close all that nobody uses, and those in use when they are given back."""
        self._kept.close()


def _connected(server: Server, errand: Errand) -> socket.socket:
    """Return a connection to *server*, with TLS if it is implicit. Raises `HttpForbidden`, `OSError`, `TimeOver`."""
    plain = connected_now(server.host, server.port, errand.left())
    return _secured(plain, server, errand) if server.tls == "implicit" else plain


def _secured(plain: socket.socket, server: Server, errand: Errand) -> socket.socket:
    """Return *plain* with TLS. Raises `OSError` and `TimeOver`."""
    try:
        errand.hold(Wire(plain, errand))
        plain.settimeout(errand.left())
        return server.context().wrap_socket(plain, server_hostname=server.host)
    except BaseException:
        plain.close()
        raise

"""A session with a Firebird server: the driver firebirdsql's protocol, with a sign-in and a hearing of our own.

The driver's own sign-in tells the server of this machine and its user, falls back to ways that give the password away,
and draws its secret once for the whole process. Its own hearing takes any length that is told, and texts of the server
with the values in them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1, sha256
from typing import Any

import firebirdsql
from firebirdsql import consts, srp
from firebirdsql.utils import guess_wire_crypt
from firebirdsql.wireprotocol import Packer
from firebirdsql.xsqlvar import calc_blr

from interlock.foundation.http.sockets import connected_now
from interlock.integration.connectors.sql.firebird_lines import Line
from interlock.integration.connectors.sql.firebird_values import Unsendable, heard
from interlock.integration.connectors.sql.results import TooMuch

_PORT = 3050
_PING = 5.0
_PARTING = 0.5
BATCH = 100
"""How many rows are asked for at once."""
_MOST = 1 << 17  # octets of one value, or of one answer about a statement
_EXPECTED, _RELATED = 335544517, 335544382  # an exception that was declared, and its words
STOPPED, UNSENDABLE = 335544794, 1
"""The numbers of a statement that was stopped, and (our own) of a parameter that cannot be sent."""
_PROTOCOLS = (13, 14, 15, 16, 17)
_FLAG, _SENDS, _GENERIC = 0x8000, 3, 1
_ACCEPT_DATA, _COND_ACCEPT, _CONT_AUTH = 94, 98, 92
_PLUGINS = {b"Srp256": sha256, b"Srp": sha1}
_GARBLED = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class FirebirdError(firebirdsql.DatabaseError):  # type: ignore[misc]  # it has no types
    """What the server said by numbers: *codes* in its order, and the words of an exception that somebody declared."""

    def __init__(self, codes: Sequence[int], words: str = "") -> None:
        super().__init__("the server reports an error", set(codes))
        self.codes = tuple(codes)
        self.words = words


@contextmanager
def hearing() -> Iterator[None]:
    """Raise what the driver makes of a broken answer as an error of its own. Raises `firebirdsql.Error`."""
    try:
        yield
    except Unsendable as error:
        raise FirebirdError((UNSENDABLE,)) from error
    except (UnicodeError, *_GARBLED) as error:
        raise firebirdsql.InterfaceError(type(error).__name__) from error


class _Other(firebirdsql.InterfaceError):  # type: ignore[misc]  # it has no types
    """The server begins only with another way of signing in: *plugin*."""

    def __init__(self, plugin: bytes) -> None:
        super().__init__("the server wants another way of signing in")
        self.plugin = plugin


class _Work:
    """A transaction, as the driver's statements want it."""

    def __init__(self, connection: Session, handle: int) -> None:
        self.connection = connection
        self.trans_handle = handle


class Session(firebirdsql.Connection):  # type: ignore[misc]  # it has no types
    """A connection that is signed in. *most* is the largest answer in octets."""

    buffer_length = 32_000

    def __init__(self, line: Line, options: dict[str, Any], plugin: bytes) -> None:
        super().__init__(
            host=options.get("host") or "localhost",
            user=options.get("user") or "",
            password=options.get("password") or "",
            database=options.get("database") or "",
            port=options.get("port") or _PORT,
            wire_crypt=options.get("encryption") != "off",
        )
        self.line = self.sock = line
        self._plugin = plugin
        self.lazy_response_count = 0
        self.most: int = options["most"]
        self.work: _Work | None = None

    def __del__(self) -> None:
        """Say nothing more: whoever is done with it closes it."""

    # --- signing in --------------------------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Agree on a protocol and on encryption, prove the password, and attach to the database."""
        public, private = srp.client_seed(secrets.randbits(srp.SRP_KEY_SIZE))
        self._greet(public)
        plugin, told, asks = self._accepted()
        if plugin not in _PLUGINS:
            raise firebirdsql.InterfaceError("the server wants another way of signing in")
        if not asks and self.wire_crypt:
            raise firebirdsql.InterfaceError("the server does not encrypt")
        if not asks and not told:
            raise _Other(plugin)
        if not told:
            self._op_cont_auth(srp.long2bytes(public), plugin, b",".join(_PLUGINS), b"")
            told = self._continued()
        self._prove(plugin, told, (public, private), asks=asks)
        if self.wire_crypt and not self.line.encrypted:
            raise firebirdsql.InterfaceError("the server does not encrypt")
        self._op_attach(None)
        self.db_handle = self._op_response()[0]
        self.line.cancels = True

    def _greet(self, public: int) -> None:
        hello = Packer()
        for number in (self.op_connect, self.op_attach, 3, _GENERIC):
            hello.pack_int(number)
        hello.pack_bytes(self.filename.encode())
        hello.pack_int(len(_PROTOCOLS))
        hello.pack_bytes(self._identity(public))
        for weight, version in enumerate(_PROTOCOLS, 1):
            offered = (0xFFFF0000 | _FLAG | version, _GENERIC, 0, _SENDS, 2 * weight)
            hello.buf += b"".join(number.to_bytes(4, "big") for number in offered)
        self.line.send(hello.get_buffer())

    def _identity(self, public: int) -> bytes:
        """Return who we are: the user of the database, and nothing of this machine."""
        proof = srp.long2bytes(public).hex().encode()
        pieces = [proof[place : place + 254] for place in range(0, len(proof), 254)]
        told = [
            (consts.CNCT_login, self.user.encode()),
            (consts.CNCT_plugin_name, self._plugin),
            (consts.CNCT_plugin_list, b",".join(_PLUGINS)),
            *((consts.CNCT_specific_data, bytes((number,)) + piece) for number, piece in enumerate(pieces)),
            (consts.CNCT_client_crypt, int(self.wire_crypt).to_bytes(4, "little")),
            (consts.CNCT_user, b"interlock"),
            (consts.CNCT_host, b"interlock"),
            (consts.CNCT_user_verification, b""),
        ]
        return b"".join(bytes((key, len(value))) + value for key, value in told)

    def _accepted(self) -> tuple[bytes, bytes, bool]:
        """Return the way of signing in, what the server says for it, and whether it waits for our proof now."""
        code = self._number()
        if code == self.op_response:
            self._parse_op_response()
        if code not in {_ACCEPT_DATA, _COND_ACCEPT}:
            raise firebirdsql.InterfaceError("the server does not take this protocol")
        self.accept_version = self._number() & 0xFF
        self._number()
        self.accept_type = self._number() & 0xFF
        if self.accept_version not in _PROTOCOLS or self.accept_type > _SENDS:
            raise firebirdsql.InterfaceError("the server takes a protocol that was not offered")
        told, plugin = self._octets(), self._octets()
        self._number()
        self._octets()
        return plugin, told, code == _COND_ACCEPT

    def _continued(self) -> bytes:
        code = self._number()
        if code == self.op_response:
            self._parse_op_response()
        if code != _CONT_AUTH:
            raise firebirdsql.InterfaceError("the server does not go on with signing in")
        told = self._octets()
        for _ in range(3):
            self._octets()
        return told

    def _prove(self, plugin: bytes, told: bytes, keys: tuple[int, int], *, asks: bool) -> None:
        """Prove the password without telling it (SRP-6a), and encrypt with what both sides know from it."""
        size = int.from_bytes(told[:2], "little")
        salt, theirs = told[2 : 2 + size], srp.bytes2long(bytes.fromhex(told[4 + size :].decode().zfill(256)))
        if theirs % srp.get_prime()[0] == 0:
            raise firebirdsql.InterfaceError("the server knows no password")
        user = self.user[1:-1].replace('""', '"') if self.user[:1] == '"' else self.user.upper()
        proof, key = srp.client_proof(
            user.encode(), self.password.encode(), salt, keys[0], theirs, keys[1], _PLUGINS[plugin]
        )
        if not asks:
            self.auth_data = proof
            return
        self._op_cont_auth(proof, plugin, b",".join(_PLUGINS), b"")
        cipher, nonce = guess_wire_crypt(self._op_response()[2])
        if cipher and self.wire_crypt:
            self._op_crypt(cipher)
            self.line.encrypt(cipher.decode(), key, nonce or b"")
            self._op_response()

    def _op_attach(self, timezone: Any) -> None:  # noqa: ARG002 - the driver's interface
        told = [
            (consts.isc_dpb_utf8_filename, b""),
            (consts.isc_dpb_lc_ctype, b"UTF8"),
            (consts.isc_dpb_user_name, self.user.encode()),
            (consts.isc_dpb_process_name, b"interlock"),
        ]
        if self.auth_data:
            told.append((consts.isc_dpb_specific_auth_data, self.auth_data.hex().encode()))
        asked = Packer()
        asked.pack_int(self.op_attach)
        asked.pack_int(0)
        asked.pack_bytes(self.filename.encode())
        asked.pack_bytes(bytes((1,)) + b"".join(bytes((key, len(value))) + value for key, value in told))
        self.line.send(asked.get_buffer())

    # --- hearing -----------------------------------------------------------------------------------------------------

    def _recv_channel(self, nbytes: int, word_alignment: bool = False) -> bytes:  # noqa: FBT001, FBT002 - the driver's
        if not 0 <= nbytes <= _MOST:
            raise firebirdsql.InterfaceError("the server tells a length that cannot be")
        octets: bytes = super()._recv_channel(nbytes, word_alignment)
        return octets

    def _number(self) -> int:
        while (number := self._length()) == self.op_dummy:
            pass
        return number

    def _length(self) -> int:
        return int.from_bytes(self._recv_channel(4), "big", signed=True)

    def _octets(self) -> bytes:
        return self._recv_channel(self._length(), word_alignment=True)

    def _parse_op_response(self) -> tuple[int, bytes, bytes]:
        handle, number = self._length(), self._recv_channel(8)
        told = self._octets()
        codes, words = self._reported()
        if codes:
            raise FirebirdError(codes, words)
        return handle, number, told

    def _reported(self) -> tuple[list[int], str]:
        """Return the numbers of errors, and the words of an exception that somebody declared in the database."""
        codes: list[int] = []
        words = ""
        while (kind := self._length()) != consts.isc_arg_end:
            if kind == consts.isc_arg_gds:
                codes.append(self._length())
            elif kind in {consts.isc_arg_number, consts.isc_arg_warning}:
                self._length()
            else:
                text = self._octets()
                if codes[-1:] == [_RELATED] and _EXPECTED in codes:
                    words = text.decode(errors="replace")  # its name comes first
        return [code for code in codes if code], words

    def _row(self, described: Sequence[Any]) -> list[Any]:
        size = (len(described) + 7) // 8
        nulls = int.from_bytes(self._recv_channel(size, word_alignment=True), "little")
        row: list[Any] = []
        for place, kind in enumerate(described):
            if nulls >> place & 1:
                row.append(None)
                continue
            length = kind.io_length()
            raw = self._recv_channel(self._length() if length < 0 else length, word_alignment=True)
            row.append(raw if kind.sqltype == consts.SQL_TYPE_BLOB else heard(raw, kind))
        return row

    def single(self, described: Sequence[Any]) -> list[Any] | None:
        """Return the one row that a statement gave at once, None for none."""
        code = self._number()
        if code == self.op_response:
            self._parse_op_response()
        if code != self.op_sql_response:
            raise firebirdsql.InterfaceError("the server answers something else")
        row = self._row(described) if self._length() else None
        self._op_response()
        return row

    def fetch(self, handle: int, described: Sequence[Any]) -> tuple[list[list[Any]], bool]:
        """Return the next rows of a statement, and whether there are more."""
        self._op_fetch(handle, calc_blr(described), BATCH)
        rows: list[list[Any]] = []
        while len(rows) <= BATCH:
            code = self._number()
            if code == self.op_response:
                self._parse_op_response()
            if code != self.op_fetch_response:
                break
            done, count = self._length(), self._length()
            if not count:
                return rows, done == 0
            rows.append(self._row(described))
        raise firebirdsql.InterfaceError("the server answers something else")

    def filled(self, row: list[Any], described: Sequence[Any]) -> tuple[Any, ...]:
        """Return *row* with what its long values (BLOB) hold. Raises `TooMuch`."""
        for place, kind in enumerate(described):
            if kind.sqltype == consts.SQL_TYPE_BLOB and row[place] is not None:
                content = self._long(row[place])
                row[place] = content.decode() if kind.sqlsubtype == 1 else content
        return tuple(row)

    def _long(self, number: bytes) -> bytes:
        assert self.work is not None
        self._op_open_blob2(number, self.work.trans_handle)
        handle, content, more = self._op_response()[0], bytearray(), True
        while more:
            self._op_get_segment(handle)
            state, _, told = self._op_response()
            more = state != 2
            while told:
                size = int.from_bytes(told[:2], "little")
                content += told[2 : 2 + size]
                told = told[2 + size :]
            if len(content) > self.most:
                raise TooMuch("response_too_large", f"it is larger than {self.most} bytes", self.most)
        self._op_close_blob(handle)
        self._op_response()
        return bytes(content)

    def touched(self, handle: int) -> int:
        """Return how many rows a statement itself has inserted, updated and deleted."""
        self._op_info_sql(handle, bytes((consts.isc_info_sql_records, consts.isc_info_end)))
        told = self._op_response()[2]
        place, total = 3, 0
        while place + 3 <= len(told) and told[place] != consts.isc_info_end:
            size = int.from_bytes(told[place + 1 : place + 3], "little")
            if told[place] != consts.isc_info_req_select_count:
                total += int.from_bytes(told[place + 3 : place + 3 + size], "little")
            place += 3 + size
        return total

    # --- transactions ------------------------------------------------------------------------------------------------

    def begin(self, parameters: bytes) -> None:
        """Begin a transaction with these *parameters*, as the protocol has them (TPB)."""
        with hearing():
            self._op_transaction(parameters)
            self.work = _Work(self, self._op_response()[0])

    def commit(self) -> None:
        self._end(self._op_commit)

    def rollback(self) -> None:
        self._end(self._op_rollback)

    def _end(self, request: Any) -> None:
        if self.work is None:
            return
        with hearing():
            request(self.work.trans_handle)
            self._op_response()
        self.work = None

    def ping(self, reconnect: bool = False) -> bool:  # noqa: ARG002, FBT001, FBT002 - the driver's interface
        """Ask for a sign of life. Raises `firebirdsql.InterfaceError`."""
        if self.line.stopped:
            raise firebirdsql.InterfaceError("the server was told to stop")
        self.line.allow(_PING)
        try:
            with hearing():
                self._op_ping()
                self._op_response()
        except FirebirdError as error:
            raise firebirdsql.InterfaceError("the server ended the session") from error
        return True

    def close(self) -> None:
        if self.line.closed:
            return
        self.line.allow(_PARTING)
        self.line.cancels = False
        try:
            with hearing():
                self._op_detach()
                self._op_response()
        except firebirdsql.Error:
            pass
        finally:
            self.line.close()


def signed_in(options: dict[str, Any]) -> Session:
    """Return a session by *options*: host, port, user, password, database, encryption, seconds, most.

    Raises `HttpForbidden`, `OSError` and the driver's errors.
    """
    try:
        return _signed_in(options, b"Srp256")
    except _Other as other:
        return _signed_in(options, other.plugin)


def _signed_in(options: dict[str, Any], plugin: bytes) -> Session:
    seconds = options["seconds"]
    sock = connected_now(options.get("host") or "localhost", options.get("port") or _PORT, seconds)
    line = Line(sock, seconds, options["most"])
    try:
        with hearing():
            made = Session(line, options, plugin)
            made.sign_in()
    except BaseException:
        line.close()
        raise
    return made

"""A server that speaks TDS 7.4, after [MS-TDS], over a SQLite database: what SQL Server's driver is tested with.

It is no SQL Server: the little T-SQL that tests need is rewritten for SQLite, settings are noted and nothing more, and
what SQLite has not (types, numbers of errors, statements that last) is scripted.
"""

from __future__ import annotations

import re
import socketserver
import sqlite3
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlglot

from tests.integration.connectors.sql.tds_values import COLLATION, Row, b_varchar, table

SQL_BATCH, RPC, REPLY, ATTENTION, LOGIN7, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x10, 0x12
ON, NOT_SUPPORTED = 0x01, 0x02
EXECUTESQL = 10
MORE, ERROR, COUNT, STOPPED = 0x01, 0x02, 0x10, 0x20
TRANSACTION = struct.pack("<Q", 7)


@dataclass(frozen=True)
class Fault(Exception):
    """What the server says instead of a result."""

    number: int
    text: str = "a message with a value in it"


@dataclass
class Script:
    """What happens at a statement that holds a piece of text, and what was heard."""

    faults: dict[str, Fault] = field(default_factory=dict)
    results: dict[str, tuple[list[str], list[Row]]] = field(default_factory=dict)
    procedures: dict[str, list[str]] = field(default_factory=dict)  # statements in SQLite's words, COMMIT, THROW number
    trailing: dict[str, Fault] = field(default_factory=dict)  # said after the statement's own count
    before: dict[str, int] = field(default_factory=dict)  # a count that a trigger gives before the statement's own
    silent: set[str] = field(default_factory=set)  # until it is told to stop
    mute: set[str] = field(default_factory=set)  # even then
    slow: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    cut_after: set[str] = field(default_factory=set)
    truncated: set[str] = field(default_factory=set)
    garbled: set[str] = field(default_factory=set)
    endless: set[str] = field(default_factory=set)
    reroute: bool = False
    statements: list[str] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    logins: list[dict[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    def found(self, where: Any, text: str) -> Any:
        return next((piece for piece in where if piece in text), None)


class TdsServer:
    """One running server over the SQLite database in *file*."""

    def __init__(self, file: Path, *, password: str = "hidden-password", tls: ssl.SSLContext | None = None) -> None:
        self.file = file
        self.password = password
        self.tls = tls
        self.script = Script()
        self.port = 0

    def look(self, text: str) -> list[Row]:
        """Return what a statement of the test's own gives, past the wire."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            return list(connection.execute(text))

    @property
    def url(self) -> str:
        return f"mssql://clerk@localhost:{self.port}/shop"


@contextmanager
def running(server: TdsServer) -> Iterator[TdsServer]:
    """Serve as long as the block runs."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError, EOFError):
                Conversation(server, self.request).run()

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Listener(("127.0.0.1", 0), Handler) as listener:
        server.port = listener.server_address[1]
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown()


class Wire:
    """Messages of packets, in the clear or within TLS."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.waiting = b""
        self.pause = 0.0  # between the pieces of an answer that comes slowly

    def read(self, size: int) -> bytes:
        while len(self.waiting) < size:
            self.waiting += self._more()
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken

    def _more(self) -> bytes:
        while True:
            if self.tls is not None:
                with suppress(ssl.SSLWantReadError):
                    return self.tls.read(4096)
            data: bytes = self.sock.recv(4096)
            if not data:
                raise EOFError
            if self.tls is None:
                return data
            self.incoming.write(data)

    def message(self) -> tuple[int, bytes]:
        content = b""
        while True:
            kind, status, size = struct.unpack(">BBHxxxx", self.read(8))
            content += self.read(size - 8)
            if status & 1:
                return kind, content

    def send(self, content: bytes, kind: int = REPLY) -> None:
        """Send *content* in packets of 4096 bytes."""
        pieces = [content[place : place + 4088] for place in range(0, len(content), 4088)] or [b""]
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            self.raw(struct.pack(">BBHHBB", kind, last, len(piece) + 8, 1, number % 256, 0) + piece)

    def raw(self, data: bytes) -> None:
        if self.tls is not None:
            self.tls.write(data)
            data = self.outgoing.read()
        if self.pause:
            for place in range(0, len(data), 8):
                self.sock.sendall(data[place : place + 8])
                time.sleep(self.pause)
            return
        self.sock.sendall(data)

    def encrypt(self, context: ssl.SSLContext) -> None:
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                if self.outgoing.pending:
                    self.send(self.outgoing.read(), PRELOGIN)
                self.incoming.write(self.message()[1])
            else:
                break
        if self.outgoing.pending:
            self.send(self.outgoing.read(), PRELOGIN)
        self.tls = tls


class Conversation:
    """One client, from its PRELOGIN to its end."""

    def __init__(self, server: TdsServer, sock: Any) -> None:
        self.server = server
        self.script = server.script
        self.wire = Wire(sock)
        self.database = sqlite3.connect(server.file, isolation_level=None, timeout=0.05)
        self.begun = False
        self.marked = self.kept = False  # whether the session has a temporary table, and had one before it began

    def run(self) -> None:
        try:
            kind, content = self.wire.message()
            assert kind == PRELOGIN
            wanted = _option(content, 1)
            encrypts = self.server.tls is not None and wanted == bytes((ON,))
            self.wire.send(_prelogin(ON if encrypts else NOT_SUPPORTED))
            if encrypts and self.server.tls is not None:
                self.wire.encrypt(self.server.tls)
            self.script.encrypted.append(encrypts)
            kind, content = self.wire.message()
            assert kind == LOGIN7
            if self._sign_in(content):
                while True:
                    self._request(*self.wire.message())
        finally:
            self.database.close()

    def _sign_in(self, content: bytes) -> bool:
        said = _login(content)
        self.script.logins.append(said)
        if said["password"] != self.server.password:
            self.wire.send(_error(Fault(18456, f"Login failed for user '{said['user']}'.")) + _done(ERROR))
            return False
        if self.script.reroute:
            there = "127.0.0.1".encode("utf-16-le")
            route = struct.pack("<BHH", 0, 1, len(there) // 2) + there
            change = b"\x14" + struct.pack("<H", len(route)) + route + b"\x00\x00"
            self.wire.send(_token(0xE3, change) + _acknowledged() + _done(0))
            return True
        shop = _changed(1, b_varchar(said["database"]) + b_varchar("master"))
        collation = _changed(7, bytes((5,)) + COLLATION + b"\x00")
        size = _changed(4, b_varchar("4096") + b_varchar("4096"))
        self.wire.send(shop + collation + _acknowledged() + size + _done(0))
        return True

    def _request(self, kind: int, content: bytes) -> None:
        if kind == ATTENTION:
            self.wire.send(_done(STOPPED))
            return
        content = content[struct.unpack_from("<I", content)[0] :]  # ALL_HEADERS
        if kind == SQL_BATCH:
            text, values, ends = content.decode("utf-16-le"), dict[str, Any](), (0xFD, b"")
        else:
            assert kind == RPC
            text, values = _executed(content)
            ends = (0xFF, b"\x79" + struct.pack("<i", 0) + _done(0, kind=0xFE))
        self.script.statements.append(text)
        self.script.values.append(values)
        self._answer(text, values, ends)

    def _answer(self, text: str, values: dict[str, Any], ends: tuple[int, bytes]) -> None:
        kind, tail = ends
        script = self.script
        more = MORE if tail else 0
        if self._misbehaves(text):
            return
        try:
            answer = self._ran(text, values)
        except Fault as fault:
            self._roll_back()  # XACT_ABORT
            self.wire.send(_error(fault) + _done(ERROR | more, kind=kind) + tail)
            return
        if script.found(script.cut_after, text):
            raise EOFError
        parts = b""
        if (piece := script.found(script.before, text)) is not None:
            parts += _done(COUNT | MORE, script.before[piece], kind=0xFF)
        parts += answer.parts + _done(more | (COUNT if answer.count >= 0 else 0), max(answer.count, 0), kind=kind)
        if (piece := script.found(script.trailing, text)) is not None:
            self._roll_back()
            parts += _error(script.trailing[piece]) + _done(ERROR | more, kind=kind)
        if script.found(script.truncated, text):
            self.wire.raw(struct.pack(">BBHHBB", REPLY, 1, len(parts) + 8, 1, 1, 0) + parts[: len(parts) // 2])
            raise EOFError
        if script.found(script.slow, text):
            self.wire.pause = 0.02
        self.wire.send(parts + tail)
        self.wire.pause = 0.0

    def _misbehaves(self, text: str) -> bool:
        """Do instead of answering what the script says, if it says so."""
        script = self.script
        if script.found(script.cut, text):
            raise EOFError
        if script.found(script.silent, text):
            assert self.wire.message()[0] == ATTENTION
            self._roll_back()
            self.wire.send(_done(STOPPED))
            script.stopped.set()
            return True
        if script.found(script.mute, text):
            self._roll_back()
            while True:
                self.wire.message()
        if script.found(script.garbled, text):
            self.wire.send(b"\x81\xff\x7f\x00\x01\x02")
            return True
        if script.found(script.endless, text):
            self._endless()
        return False

    def _endless(self) -> None:
        names, rows = ["n"], [(number,) for number in range(500)]
        head, body = table(names, rows)
        packet = head
        while True:
            piece = packet + body
            for place in range(0, len(piece), 4088):
                part = piece[place : place + 4088]
                self.wire.raw(struct.pack(">BBHHBB", REPLY, 0, len(part) + 8, 1, 1, 0) + part)
            packet = b""

    def _roll_back(self) -> None:
        if self.begun:
            self.database.execute("ROLLBACK")
            self.marked = self.kept
        self.begun = False

    def _ran(self, text: str, values: dict[str, Any]) -> Answered:
        script = self.script
        if (piece := script.found(script.faults, text)) is not None:
            raise script.faults[piece]
        if (piece := script.found(script.results, text)) is not None:
            names, rows = script.results[piece]
            return Answered(b"".join(table(names, rows)), len(rows))
        word = text.split()[0].upper()
        if word == "SET":
            return Answered(b"", -1)
        if text == "BEGIN TRANSACTION":
            self.database.execute("BEGIN")
            self.begun, self.kept = True, self.marked
            return Answered(_changed(8, b"\x08" + TRANSACTION + b"\x00"), -1)
        if text == "COMMIT":
            if not self.begun:
                raise Fault(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
            self.database.execute("COMMIT")
            self.begun = False
            return Answered(_changed(9, b"\x00\x08" + TRANSACTION), -1)
        if text == "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION":
            begun = self.begun
            self._roll_back()
            return Answered(_changed(10, b"\x00\x08" + TRANSACTION) if begun else b"", -1)
        if word == "EXEC":
            return self._called(text, values)
        if "#interlock_call" in text:
            return self._marks(text)
        return self._on_sqlite(text, values)

    def _marks(self, text: str) -> Answered:
        """Keep account of the one temporary table there is."""
        if text.startswith("SELECT"):
            return Answered(b"".join(table(["committed"], [(int(self.marked),)])), 1)
        self.marked = text.startswith("CREATE")
        return Answered(b"", -1)

    def _called(self, text: str, values: dict[str, Any]) -> Answered:
        name, _, given = text.removeprefix("EXEC ").partition(" ")
        arguments = [values[one.strip().removeprefix("@")] for one in given.split(",")] if given else []
        parts, begun = b"", self.begun
        for step in self.script.procedures[name]:
            if step == "COMMIT":
                self.database.execute("COMMIT")
                self.begun = False
            elif step.startswith("THROW"):
                raise Fault(int(step.split()[1]), "not today")
            else:
                cursor = self.database.execute(step, arguments[: step.count("?")])
                if cursor.description:
                    rows = cursor.fetchall()
                    parts += b"".join(table([one[0] for one in cursor.description], rows))
                    parts += _done(COUNT | MORE, len(rows), kind=0xFF)
        if self.begun != begun:
            raise Fault(266, "Transaction count after EXECUTE indicates a mismatching number")
        return Answered(parts, -1)

    def _on_sqlite(self, text: str, values: dict[str, Any]) -> Answered:
        statement = sqlglot.transpile(text, read="tsql", write="sqlite")[0]
        statement = re.sub(r"\binserted\.", "", statement)
        try:
            cursor = self.database.execute(statement, values)
            rows = cursor.fetchall() if cursor.description else []
        except sqlite3.IntegrityError as error:
            said = str(error)
            number = next((n for word, n in (("UNIQUE", 2627), ("NOT NULL", 515), ("CHECK", 547)) if word in said), 547)
            raise Fault(number, said) from error
        except sqlite3.OperationalError as error:
            raise Fault(1222 if "locked" in str(error) else 208, str(error)) from error
        if cursor.description:
            return Answered(b"".join(table([one[0] for one in cursor.description], rows)), len(rows))
        return Answered(b"", cursor.rowcount)


@dataclass(frozen=True)
class Answered:
    """The tokens of an answer, and the count that its DONE holds; -1 for none."""

    parts: bytes
    count: int


def _option(content: bytes, wanted: int) -> bytes:
    place = 0
    while content[place] != 0xFF:
        kind, offset, size = struct.unpack_from(">BHH", content, place)
        if kind == wanted:
            return content[offset : offset + size]
        place += 5
    return b""


def _prelogin(encryption: int) -> bytes:
    options = {0: b"\x10\x00\x03\xe8\x00\x00", 1: bytes((encryption,)), 2: b"\x00", 4: b"\x00"}
    table, data, offset = b"", b"", 5 * len(options) + 1
    for kind, value in options.items():
        table += struct.pack(">BHH", kind, offset + len(data), len(value))
        data += value
    return table + b"\xff" + data


def _login(content: bytes) -> dict[str, str]:
    """Return what LOGIN7 says, by name; each of its fields has an offset and a length in characters."""
    names = ("host", "user", "password", "app", "server", "extension", "library", "language", "database")
    said = {}
    for number, name in enumerate(names):
        offset, size = struct.unpack_from("<HH", content, 36 + 4 * number)
        raw = content[offset : offset + 2 * size]
        if name == "password":  # each byte: halves swapped, then XOR with A5, undone in the other order
            raw = bytes(((one ^ 0xA5) << 4 & 0xF0) | ((one ^ 0xA5) >> 4) for one in raw)
        said[name] = raw.decode("utf-16-le")
    return said


def _token(kind: int, content: bytes) -> bytes:
    return bytes((kind,)) + struct.pack("<H", len(content)) + content


def _changed(kind: int, content: bytes) -> bytes:
    return _token(0xE3, bytes((kind,)) + content)


def _us_varchar(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _acknowledged() -> bytes:
    return _token(0xAD, b"\x01\x74\x00\x00\x04" + b_varchar("Microsoft SQL Server") + b"\x10\x00\x03\xe8")


def _error(fault: Fault) -> bytes:
    head = struct.pack("<IBB", fault.number, 1, 16)
    return _token(0xAA, head + _us_varchar(fault.text) + b_varchar("there") + b_varchar("") + struct.pack("<I", 1))


def _done(status: int, count: int = 0, *, kind: int = 0xFD) -> bytes:
    return struct.pack("<BHHQ", kind, status, 0xC1, count)


def _executed(content: bytes) -> tuple[str, dict[str, Any]]:
    """Return the statement of an RPC request for sp_executesql, and its parameters by their names without the sign."""
    mark, procedure = struct.unpack_from("<HH", content)
    assert (mark, procedure) == (0xFFFF, EXECUTESQL)
    place, found = 6, []
    while place < len(content):
        size = content[place]
        name = content[place + 1 : place + 1 + 2 * size].decode("utf-16-le")
        value, place = _parameter(content, place + 1 + 2 * size + 1)
        found.append((name.removeprefix("@"), value))
    return found[0][1], dict(found[2:])


def _parameter(content: bytes, place: int) -> tuple[Any, int]:
    kind = content[place]
    place += 1
    if kind in {0x26, 0x68, 0x6D}:
        size = content[place + 1]
        raw, place = content[place + 2 : place + 2 + size], place + 2 + size
        if not raw:
            return None, place
        if kind == 0x6D:
            return struct.unpack("<d" if size == 8 else "<f", raw)[0], place
        return int.from_bytes(raw, "little", signed=kind == 0x26), place
    assert kind == 0xE7, f"type {kind:#x} is not known here"
    most = struct.unpack_from("<H", content, place)[0]
    place += 2 + len(COLLATION)
    if most == 0xFFFF:
        return _long(content, place)
    size = struct.unpack_from("<H", content, place)[0]
    place += 2
    if size == 0xFFFF:
        return None, place
    return content[place : place + size].decode("utf-16-le"), place + size


def _long(content: bytes, place: int) -> tuple[str | None, int]:
    """Return a text that comes in chunks (PLP), and where it ends."""
    total = struct.unpack_from("<Q", content, place)[0]
    place += 8
    if total == 0xFFFFFFFFFFFFFFFF:
        return None, place
    data = b""
    while size := struct.unpack_from("<I", content, place)[0]:
        data += content[place + 4 : place + 4 + size]
        place += 4 + size
    return data.decode("utf-16-le"), place + 4

"""Real mail servers on loopback (pymap for IMAP, aiosmtpd for SMTP), and ones that break off where they are told to."""

from __future__ import annotations

import asyncio
import imaplib
import subprocess
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from interlock.testing.servers import free_port

USER, PASSWORD = "demouser", "a-hidden-password"
_PYMAP = """
from pymap.main import main
from pysasl.hashing import BuiltinHash
BuiltinHash.__init__.__kwdefaults__["rounds"] = 1  # each call logs in; half a million rounds are not what is tested
main()
"""


@contextmanager
def imap_server() -> Iterator[int]:
    """Run an IMAP server with an empty inbox and a folder `Done`; give its port."""
    port = free_port()
    command = [sys.executable, "-c", _PYMAP, "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    command += ["dict", "--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with imap(port) as line:
            line.create("Done")
            line.create("Entw&APw-rfe")
        yield port
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def imap(port: int) -> Iterator[imaplib.IMAP4]:
    """Look at a server that is starting, or runs, as its user."""
    for _ in range(200):
        try:
            line = imaplib.IMAP4("127.0.0.1", port, timeout=10)
            break
        except OSError:
            time.sleep(0.05)
    else:
        raise AssertionError("the IMAP server does not start")
    line.login(USER, PASSWORD)
    try:
        yield line
    finally:
        line.logout()


def emptied(port: int, *folders: str) -> None:
    """Take everything out of *folders*."""
    with imap(port) as line:
        for folder in folders:
            _, found = line.select(folder.replace("ü", "&APw-"))
            if found != [b"0"]:
                line.store("1:*", "+FLAGS", "\\Deleted")
                line.expunge()


def put(port: int, content: bytes, folder: str = "INBOX", flags: str = "") -> None:
    """Let a message arrive."""
    with imap(port) as line:
        status, said = line.append(folder, flags, "", content)
        assert status == "OK", said


class Kept:
    """Takes mail and keeps it; refuses addresses that begin with `nobody`, and for now those with `later`."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[str] = []
        self.answer = "250 taken"

    async def handle_RCPT(  # noqa: N802 - the name that the server calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later"):
            return "451 4.7.1 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer


@contextmanager
def smtp_server(kept: Kept, **more: Any) -> Iterator[int]:
    """Run an SMTP server that wants a login; give its port."""

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        kept.logins.append(mechanism)
        known = getattr(data, "login", b"") == USER.encode() and getattr(data, "password", b"") == PASSWORD.encode()
        return AuthResult(success=known, handled=False)

    port = free_port()
    settings: dict[str, Any] = {"auth_require_tls": False, "auth_required": True, "authenticator": authenticate}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a login without TLS is unsafe
        controller = Controller(kept, hostname="127.0.0.1", port=port, **settings, **more)
        controller.start()
        try:
            yield port
        finally:
            controller.stop()


@asynccontextmanager
async def broken_imap(ending: str, at: bytes = b"") -> AsyncIterator[int]:
    """Run an IMAP server that lets anybody in and gives up, in the way of *ending*, when it is asked for *at*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS] ready\r\n")
        while line := await reader.readline():
            tag, _, rest = line.partition(b" ")
            verb = rest.split()[0].upper()
            if verb == b"CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n")
            elif verb in {b"SELECT", b"EXAMINE"}:
                writer.write(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n")
            elif verb == b"UID" and at in rest.upper():
                await _end(ending, writer, b"* 1 FETCH (UID 1 FLAGS ())\r\n", b"* SEARCH " + b"1 " * 200_000 + b"\r\n")
                return
            elif b"FETCH" in rest.upper():
                writer.write(b"* 1 FETCH (UID 1 RFC822.SIZE 10 FLAGS ())\r\n")
            writer.write(tag + b" OK done\r\n")

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def broken_smtp(ending: str, at: bytes = b".") -> AsyncIterator[int]:
    """Run an SMTP server that takes everything up to the line *at*, and gives up there in the way of *ending*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        content = False
        while line := await reader.readline():
            if line.rstrip().upper().startswith(at) and (content or at != b"."):
                await _end(ending, writer, b"250-and more\r\n")
                return
            if content:
                content = line != b".\r\n"
                if content:
                    continue
            verb = line[:4].upper()
            if verb == b"DATA":
                content = True
                writer.write(b"354 go on\r\n")
            elif verb == b"AUTH":
                writer.write(b"235 known\r\n")
            elif verb == b"EHLO":
                writer.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            else:
                writer.write(b"250 fine\r\n")

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _end(ending: str, writer: asyncio.StreamWriter, *pieces: bytes) -> None:
    try:
        if ending == "silent":
            await asyncio.sleep(30)
        while ending == "endless":
            writer.writelines(pieces)
            await writer.drain()
        writer.close()
    except (OSError, asyncio.CancelledError):
        writer.close()

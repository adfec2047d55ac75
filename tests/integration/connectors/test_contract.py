"""Connectors that ship keep the contract that a stranger's would be held to; some do so in folders of their own."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from interlock.integration.systems import OperationExternal
from interlock.testing.connectors import BASIC, Condition, ConnectorContract, Rig, over_http
from interlock.testing.servers import Received, ScriptedServer, answers, free_port
from tests.integration.connectors.edi.samples import ORDER, x12
from tests.integration.connectors.files import rigs as file_rigs
from tests.integration.connectors.files import servers as file_servers
from tests.integration.connectors.mail import servers as mail_servers
from tests.integration.connectors.relay import Relay

OBJECT = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
GOOD = {"200": {"description": "ok", "content": {"application/json": {"schema": OBJECT}}}}
LIST = {"type": "array", "items": OBJECT}
PAGE = {"type": "object", "properties": {"items": LIST, "next": {"type": "string"}}}
PAGES = {"pages": {"items": "/items", "cursor": {"parameter": "after", "next": "/next"}, "follow": 5}}
AFTER = {"type": "object", "properties": {"after": {"type": "string"}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/notes": {
            "get": {"responses": GOOD},
            "post": {"requestBody": {"content": {"application/json": {"schema": OBJECT}}}, "responses": GOOD},
        },
        "/pages": {
            "get": {
                "parameters": [{"name": "after", "in": "query", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": PAGE}}}},
            }
        },
    },
}


class Counting:
    """Answers well and counts the writes; there is always a further page."""

    effects = 0
    pages = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.effects += request.method == "POST"
        if request.target.startswith("/pages"):
            self.pages += 1
            page = {"items": [{"id": self.pages}], "next": f"page-{self.pages}"}
            await answers(200, page)(request, writer)
            return
        await answers(200, {"id": 1})(request, writer)


class TestOpenApi(ConnectorContract):
    plugin = "interlock.integration.connectors.openapi:plugin"
    conditions = frozenset(Condition)

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        counting = Counting()
        (root / "spec.json").write_bytes(orjson.dumps(DOCUMENT))
        async with ScriptedServer(over_http(condition, counting)) as listener:
            port = free_port() if condition is Condition.refused else listener.port
            connection = {"spec": "spec.json", "base_url": f"http://127.0.0.1:{port}", "auth": {"bearer": "secret:api"}}
            operations = {
                "read": {"from": "GET /pages", "effect": "read", "options": PAGES}
                if condition is Condition.unending
                else {"from": "GET /notes", "effect": "read"},
                "write": {"from": "POST /notes", "effect": "write"},
            }
            system = {"system": "notes", "connector": "openapi", "connection": connection, "operations": operations}
            yield Rig(system, {}, {"id": 1}, {"api": "hidden-token"}, lambda: counting.effects)


class TestHttp(ConnectorContract):
    plugin = "interlock.integration.connectors.http:plugin"
    conditions = frozenset(Condition)

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        counting = Counting()
        async with ScriptedServer(over_http(condition, counting)) as listener:
            port = free_port() if condition is Condition.refused else listener.port
            connection = {"base_url": f"http://127.0.0.1:{port}", "auth": {"bearer": "secret:api"}}
            shape = {"output_schema": OBJECT}
            operations = {
                "read": {
                    "from": "GET /pages",
                    "effect": "read",
                    "options": PAGES,
                    "input": AFTER,
                    "output_schema": LIST,
                }
                if condition is Condition.unending
                else {"from": "GET /notes", "effect": "read", **shape},
                "write": {"from": "POST /notes", "effect": "write", "input": OBJECT, **shape},
            }
            system = {"system": "notes", "connector": "http", "connection": connection, "operations": operations}
            yield Rig(system, {}, {"id": 1}, {"api": "hidden-token"}, lambda: counting.effects)


class TestWebhook(ConnectorContract):
    """What is sent; what comes is read from the installation's own store. What a receiver says is not read."""

    plugin = "interlock.integration.connectors.webhook:plugin"
    conditions = frozenset(Condition) - {
        Condition.garbled,
        Condition.mistyped,
        Condition.changed,
        Condition.unending,
        Condition.partial,
    }

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        counting = Counting()
        async with ScriptedServer(over_http(condition, counting)) as listener:
            port = free_port() if condition is Condition.refused else listener.port
            to = {"url": f"http://127.0.0.1:{port}/in", "sign": {"secret": "secret:hook"}}
            write = {"from": "send", "effect": "write", "options": {"type": "noted"}, "input": OBJECT}
            system = {
                "system": "partner",
                "connector": "webhook",
                "connection": {"to": to},
                "operations": {"write": write},
            }
            yield Rig(system, None, {"id": 1}, {"hook": "whsec_aGlkZGVuLWtleQ=="}, lambda: counting.effects)


MAIL_FAULTS = {Condition.slow: "slow", Condition.truncated: "truncated", Condition.garbled: "garbled"}


class TestMail(ConnectorContract):
    plugin = "interlock.integration.connectors.mail:plugin"
    drivers = ("aiosmtpd",)
    conditions = BASIC | {Condition.expired, *MAIL_FAULTS}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        kept = mail_servers.Kept()
        async with AsyncExitStack() as stack:
            if condition in {Condition.working, Condition.expired, *MAIL_FAULTS}:
                imap = await asyncio.to_thread(stack.enter_context, mail_servers.imap_server())
                await asyncio.to_thread(mail_servers.put, imap, b"Subject: one\r\n\r\ntext\r\n")
                smtp = stack.enter_context(mail_servers.smtp_server(kept))
                if condition in MAIL_FAULTS:
                    fault = MAIL_FAULTS[condition]
                    imap = (await stack.enter_async_context(Relay(imap, b"UID SEARCH", fault))).port
                    smtp = (await stack.enter_async_context(Relay(smtp, b"\r\n.\r\n", fault))).port
            elif condition is Condition.refused:
                imap, smtp = free_port(), free_port()
            else:
                imap = await stack.enter_async_context(mail_servers.broken_imap(condition))
                smtp = await stack.enter_async_context(mail_servers.broken_smtp(condition))
            connection = {
                "imap": {"host": "127.0.0.1", "port": imap, "tls": "none"},
                "smtp": {"host": "127.0.0.1", "port": smtp, "tls": "none"},
                "auth": {"username": mail_servers.USER, "password": "secret:mail"},
                "from": {"address": "house@acme.example"},
            }
            operations = {
                "read": {"from": "list inbox", "effect": "read"},
                "write": {"from": "send", "effect": "write"},
            }
            system = {"system": "mail", "connector": "mail", "connection": connection, "operations": operations}
            letter = {"to": ["ann@there.example"], "subject": "one", "text": "text"}
            password = mail_servers.PASSWORD if condition is not Condition.expired else "yesterday's"
            yield Rig(system, {}, letter, {"mail": password}, lambda: len(kept.envelopes))


PROGRAM = """
import os, signal, sys, time
condition, what = sys.argv[1:]
if condition == "expired":
    sys.exit(77)
if what == "write":
    open("effects", "a").write("x")
if condition == "partial":
    sys.exit(3)
if condition == "lost":
    os.kill(os.getpid(), signal.SIGKILL)
if condition == "silent":
    time.sleep(60)
while condition == "endless":
    sys.stdout.write("y" * 65536)
said = {
    "truncated": b'{"id": 1',
    "garbled": b'{"id": "\\xff\\xfe"}',
    "mistyped": b'{"id": ["of", "another", "shape"]}',
    "changed": b'{"number": 1}',
}.get(condition, b'{"id": 1}')
for place in range(len(said)):
    os.write(1, said[place : place + 1])
    time.sleep(0.02 if condition == "slow" else 0)
"""


class TestProgram(ConnectorContract):
    plugin = "interlock.integration.connectors.program:plugin"
    conditions = BASIC | {
        Condition.slow,
        Condition.truncated,
        Condition.garbled,
        Condition.mistyped,
        Condition.changed,
        Condition.partial,
        Condition.expired,
    }

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        (root / "program.py").write_text(PROGRAM)
        program = "bin/nothing" if condition is Condition.refused else f"{sys.executable} program.py"
        operations = {
            name: {
                "from": f"{program} {condition} {name}",
                "effect": name,
                "options": {"stdout": {"json": True}, "exit": {77: "access_denied"}},
                "output_schema": OBJECT,
            }
            for name in ("read", "write")
        }
        connection = {"env": {"KEY": "secret:key"}}
        system = {"system": "old", "connector": "program", "connection": connection, "operations": operations}
        effects = root / "effects"
        yield Rig(
            system,
            secrets={"key": "hidden-key"},
            effects=lambda: len(effects.read_text()) if effects.exists() else 0,
        )


SCREEN = """
import os, signal, sys, time
condition = sys.argv[1]
what = input("COMMAND? ")
if what == "WRITE":
    open("effects", "a").write("x")
if condition == "lost":
    os.kill(os.getpid(), signal.SIGKILL)
if condition == "silent":
    time.sleep(60)
while condition == "endless":
    sys.stdout.write("y" * 65536)
ended = {"truncated": "DO", "garbled": "\\udcff\\udcfe", "changed": "FINISHED 1"}
if condition in ended:
    os.write(1, ended[condition].encode(errors="surrogateescape"))
    sys.exit(0)
for letter in "DONE" if condition == "slow" else ():
    sys.stdout.write(letter)
    sys.stdout.flush()
    time.sleep(0.02)
print("" if condition == "slow" else "\\x1b[1mDONE\\x1b[0m", 1)
"""


class TestTerminal(ConnectorContract):
    plugin = "interlock.integration.connectors.terminal:plugin"
    conditions = BASIC | {Condition.slow, Condition.truncated, Condition.garbled, Condition.changed}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        (root / "screen.py").write_text(SCREEN)
        program = "bin/nothing" if condition is Condition.refused else f"{sys.executable} screen.py"
        expected = {"expect": "DONE {number}", "confirms": True}
        operations = {
            name: {
                "from": f"{program} {condition}",
                "effect": name,
                "options": {"dialogue": [{"expect": "COMMAND?"}, {"send": name.upper()}, expected]},
            }
            for name in ("read", "write")
        }
        connection = {"env": {"KEY": "secret:key"}}
        system = {"system": "old", "connector": "terminal", "connection": connection, "operations": operations}
        effects = root / "effects"
        yield Rig(
            system,
            secrets={"key": "hidden-key"},
            effects=lambda: len(effects.read_text()) if effects.exists() else 0,
        )


COPYBOOK = "01 NOTE. 05 ID PIC 9(4). 05 AMOUNT PIC S9(5)V99 COMP-3. 05 TEXT-OF PIC X(20)."


NOTE = "0001".encode("cp037") + b"\x00\x01\x23\x4d" + b"\x40" * 20
NOTES = {
    Condition.truncated: NOTE + NOTE[:11],
    Condition.garbled: b"\x01\x02\x03\x04" + NOTE[4:],
    Condition.changed: NOTE + b"\x40" * 3,
}
"""Files of records that are not as the copybook says; nothing is read from them, and nothing is put behind them.
A single field that cannot be read is said in its record.
"""


class TestFixed(ConnectorContract):
    plugin = "interlock.integration.connectors.fixed:plugin"
    conditions = frozenset({Condition.working, Condition.refused, *NOTES})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        file = root / "notes.dat"
        (root / "note.cpy").write_text(COPYBOOK)
        content = NOTES.get(condition, NOTE)
        if condition is not Condition.refused:
            file.write_bytes(content)
        connection = {
            "file": "notes.dat",
            "copybook": "note.cpy",
            "source": "free",
            "encoding": "cp1047",
            "records": {"note": {"key": ["ID"]}},
        }
        operations = {
            "read": {"from": "get note", "effect": "read"},
            "write": {"from": "append note", "effect": "write"},
        }
        system = {"system": "notes", "connector": "fixed", "connection": connection, "operations": operations}

        def grown() -> int:
            return (file.stat().st_size - len(content)) // len(NOTE) if file.exists() else 0

        yield Rig(system, {"id": 1}, {"id": 2, "amount": 1.5}, effects=grown, undone=True)


INTERCHANGES = {
    Condition.truncated: x12(ORDER)[:-40].encode(),
    Condition.garbled: x12(ORDER).replace("ST*", "S\xff*").encode("latin-1"),
    Condition.changed: x12(ORDER).replace("ST*850", "ST*852").encode(),
}
"""Interchanges that are not as the standard and the declaration say: the message that is asked for is not in them."""
GIVEN = {"sender": "NORTHWIND", "interchange": "000000007", "control": "0001"}


class TestEdi(ConnectorContract):
    plugin = "interlock.integration.connectors.edi:plugin"
    conditions = frozenset({Condition.working, Condition.refused, *INTERCHANGES})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        if condition is not Condition.refused:
            (root / "in").mkdir()
            (root / "out").mkdir()
            (root / "in" / "a.edi").write_bytes(INTERCHANGES.get(condition, x12(ORDER).encode()))
        connection: dict[str, Any] = {"standard": "x12", "inbox": "in", "outbox": "out", "state": "state"}
        connection |= {"us": {"id": "ACME"}, "partner": {"id": "NORTHWIND"}}
        operations = {
            "read": {"from": "get 850", "effect": "read"},
            "write": {"from": "send 855", "effect": "write"},
        }
        write = {"purpose": "00", "answer": "AC", "order_number": "1", "order_date": "2024-02-29"}
        if condition in INTERCHANGES:
            del operations["write"]
        system = {"system": "orders", "connector": "edi", "connection": connection, "operations": operations}
        given = write if "write" in operations else None
        yield Rig(system, GIVEN, given, effects=lambda: len(list((root / "out").glob("*.edi"))))


CSV = b"id,name,amount\n1,one,1.5\n"
CONTENTS = {
    Condition.truncated: b'id,name,amount\n1,"on',
    Condition.garbled: b"id,name,amount\n1,\xff\xfe,1.5\n",
    Condition.mistyped: b"id,name,amount\none,one,1.5\n",
    Condition.changed: b"id,title,amount\n1,one,1.5\n",
    Condition.endless: CSV + bytes(1 << 16),
    Condition.unending: b"id,name,amount\n" + b"".join(b"%d,one,1.5\n" % number for number in range(5_000)),
}
"""What is in a file in each condition that a file can be in. What writes is not told by it."""


def filed(condition: Condition, root: Path, place: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a system over a folder with one file, which is in *condition*."""
    inbox = root / "files" / "in"
    for folder in (inbox, root / "files" / "done"):
        folder.mkdir(parents=True, exist_ok=True)
    (inbox / "a.csv").write_bytes(CONTENTS.get(condition, CSV))
    if condition is Condition.endless:
        with (inbox / "a.csv").open("r+b") as file:
            file.truncate(1 << 36)
    made = file_rigs.system(file_rigs.folder(), "rows", "write", place=place)
    made["operations"] = {"read": made["operations"]["rows"], "write": made["operations"]["write"]}
    if condition in CONTENTS:
        del made["operations"]["write"]
    return made


class TestFiles(ConnectorContract):
    """There is no network, and a disk that does not answer stops the whole process."""

    plugin = "interlock.integration.connectors.files:plugin"
    drivers = ("asyncssh", "fsspec", "openpyxl", "pyarrow")
    conditions = frozenset({Condition.working, Condition.refused, *CONTENTS})

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        system = filed(condition, root)
        inbox = root / "files" / "in"
        if condition is Condition.refused:
            shutil.rmtree(root / "files")
        write = {"file": "b.csv", "rows": [{"id": 2, "name": "two"}]} if "write" in system["operations"] else None
        yield Rig(system, {"file": "a.csv"}, write, effects=lambda: len(list(inbox.glob("*.csv"))) - 1)


class TestFilesBySftp(ConnectorContract):
    plugin = "interlock.integration.connectors.files:plugin"
    drivers = ("asyncssh", "fsspec", "openpyxl", "pyarrow")
    conditions = BASIC | {Condition.slow, Condition.expired, *CONTENTS}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        inbox = root / "files" / "in"
        (root / "files").mkdir()
        with file_servers.sftp_server(root / "files") as server:
            if condition in {Condition.lost, Condition.silent, Condition.slow}:
                server.fates = dict.fromkeys(("read", "write", "rename"), str(condition))
            if condition in {Condition.lost, Condition.silent}:
                del server.fates["write"]  # a part of a file has no name yet
            place = file_rigs.sftp(server)
            if condition is Condition.refused:
                place["sftp"]["port"] = free_port()
            system = filed(condition, root, place)
            secrets = {"sftp": file_servers.PASSWORD if condition is not Condition.expired else "yesterday's"}
            write = {"file": "b.csv", "rows": [{"id": 2, "name": "two"}]} if "write" in system["operations"] else None
            yield Rig(system, {"file": "a.csv"}, write, secrets, lambda: len(list(inbox.glob("*.csv"))) - 1)


class TestExternal(ConnectorContract):
    plugin = "interlock.integration.connectors.external:plugin"
    conditions = frozenset()

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        operations = {name: {"effect": name, "input": OBJECT, "output_schema": OBJECT} for name in ("read", "write")}
        yield Rig({"system": "fax", "connector": "external", "operations": operations})

    def test_it_never_calls(self) -> None:
        async def check(rig: Rig, root: Path) -> None:
            async with self._connector(rig, root) as (connector, _):
                with pytest.raises(OperationExternal):
                    await connector.call("write", {}, key="", timeout=1.0)

        self._with_rig(Condition.working, check)

    def test_closing_releases_everything_and_may_be_done_twice(self) -> None:
        """There is nothing to call, so nothing to hold."""

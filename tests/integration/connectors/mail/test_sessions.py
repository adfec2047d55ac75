"""IMAP sessions are kept between calls, and whatever happens to one, no call hears of another or is made twice."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.connectors import errands, kept
from interlock.integration.connectors.errands import end
from interlock.integration.connectors.kept import Kept
from interlock.integration.systems import Systems
from interlock.testing.resources import until
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.mail import dovecot
from tests.integration.connectors.mail.servers import PASSWORD, USER, emptied, imap, put
from tests.integration.connectors.relay import Relay

LIMITS = {"timeout": "10s", "retries": 0, "failures": 1000, "concurrency": 2}
OPERATIONS: dict[str, Any] = {
    "list": {"from": "list inbox", "effect": "read"},
    "get": {"from": "get inbox", "effect": "read"},
    "done": {"from": "list done", "effect": "read"},
    "get_done": {"from": "get done", "effect": "read"},
    "lost": {"from": "list lost", "effect": "read"},
    "move": {"from": "move inbox done", "effect": "write"},
    "mark": {"from": "mark inbox", "effect": "write"},
}
ANY = b"\r\n"


def system(port: int) -> dict[str, Any]:
    connection = {
        "imap": {"host": "127.0.0.1", "port": port, "tls": "none"},
        "auth": {"username": USER, "password": "secret:mail"},
        "folders": {"inbox": "INBOX", "done": "Done", "lost": "Lost"},
    }
    return {
        "system": "mail",
        "connector": "mail",
        "connection": connection,
        "operations": OPERATIONS,
        "limits": LIMITS,
    }


class Leaving(Relay):
    """One that can say `bye` in the server's place, once."""

    def refusal(self, request: bytes) -> bytes:
        if self.fault != "bye":
            return b""
        self.fault = ""
        return b"* BYE restarting\r\n"


def letter(number: int) -> bytes:
    return f"Subject: Number {number}\r\n\r\nThis is letter {number}.\r\n".encode()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with dovecot.running() as port:
        yield port


@pytest.fixture
async def relay(server: int) -> AsyncIterator[Relay]:
    emptied(server, "INBOX", "Done")
    async with Leaving(server, ANY) as relay:
        yield relay


@pytest.fixture
async def mail(bench: Workbench, relay: Relay) -> Systems:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    return await bench.serve(system(relay.port))


async def listed(mail: Systems, operation: str = "list") -> list[dict[str, Any]]:
    answer = await mail.call(f"mail.{operation}", {})
    assert answer.succeeded, answer.problem
    messages: list[dict[str, Any]] = answer.output["messages"]
    return messages


# --- keeping ---------------------------------------------------------------------------------------------------------


async def test_a_second_read_takes_half_the_round_trips_and_no_connection(
    mail: Systems, relay: Relay, server: int
) -> None:
    put(server, letter(1))
    trips = []
    for _ in range(4):
        before = relay.requests
        assert len(await listed(mail)) == 1
        trips.append(relay.requests - before)
    assert trips[1:] == [3, 3, 3]  # the folder, the search and the headers
    assert trips[0] >= 2 * trips[1]
    assert relay.connections == 1


async def test_what_others_do_between_two_calls_is_seen(mail: Systems, relay: Relay, server: int) -> None:
    put(server, letter(1))
    (first,) = await listed(mail)
    put(server, letter(2))
    with imap(server) as other:
        other.select("INBOX")
        other.store("1", "+FLAGS", "\\Flagged")
    assert [(one["subject"], one["flagged"]) for one in await listed(mail)] == [("Number 2", False), ("Number 1", True)]
    with imap(server) as other:
        other.select("INBOX")
        other.store("1", "+FLAGS", "\\Deleted")
        other.expunge()
    assert [one["subject"] for one in await listed(mail)] == ["Number 2"]
    gone = await mail.call("mail.get", {"id": first["id"]})
    assert gone.problem is not None
    assert gone.problem["code"] == "not_found"
    assert relay.connections == 1


async def test_calls_on_several_folders_share_a_session_and_do_not_mix(
    mail: Systems, relay: Relay, server: int
) -> None:
    put(server, letter(1))
    put(server, letter(2), "Done")
    for _ in range(3):
        assert [one["subject"] for one in await listed(mail)] == ["Number 1"]
        assert [one["subject"] for one in await listed(mail, "done")] == ["Number 2"]
    (one,) = await listed(mail)
    marked = await mail.call("mail.mark", {"id": one["id"], "flagged": True})
    assert marked.output["flagged"]
    assert [one["seen"] for one in await listed(mail)] == [False]
    assert relay.connections == 1


async def test_a_folder_made_anew_has_new_ids(mail: Systems, relay: Relay, server: int) -> None:
    put(server, letter(1), "Done")
    (old,) = await listed(mail, "done")
    with imap(server) as other:
        other.delete("Done")
        other.create("Done")
    put(server, letter(2), "Done")
    answer = await mail.call("mail.get_done", {"id": old["id"]})
    assert answer.problem is not None
    assert answer.problem["code"] == "not_found"
    (new,) = await listed(mail, "done")
    assert (new["subject"], new["id"].partition(".")[0] != old["id"].partition(".")[0]) == ("Number 2", True)


async def test_a_session_in_which_the_server_said_no_goes_on(mail: Systems, relay: Relay, server: int) -> None:
    put(server, letter(1))
    for _ in range(3):
        answer = await mail.call("mail.lost", {})
        assert answer.problem is not None
        assert answer.problem["code"] == "refused"
        assert (await mail.call("mail.get", {"id": "1.1"})).status == "failed"
        assert len(await listed(mail)) == 1
    assert relay.connections == 1


async def test_no_more_sessions_than_calls_at_once(mail: Systems, relay: Relay, server: int) -> None:
    put(server, letter(1))
    found = await asyncio.gather(*(listed(mail) for _ in range(12)))
    assert [len(one) for one in found] == [1] * 12
    assert relay.connections <= 2


async def test_a_session_that_nobody_uses_is_closed_after_a_while(
    mail: Systems, relay: Relay, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "IDLE", 0.2)
    monkeypatch.setattr(errands, "IDLE", 0.1)
    await listed(mail)
    await until(lambda: relay.live == 0)
    await listed(mail)
    assert relay.connections == 2


async def test_closing_ends_all_and_may_be_done_twice(
    bench: Workbench, mail: Systems, relay: Relay, server: int
) -> None:
    await asyncio.gather(listed(mail), listed(mail))
    assert relay.live >= 1
    await bench.systems.close()
    await until(lambda: relay.live == 0)
    await bench.systems.close()


async def test_sessions_with_tls_are_kept_too(bench: Workbench, tmp_path: Path) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    shown = certificate(bench.root)
    with dovecot.running(shown) as port:
        for tls, there in (("starttls", port), ("implicit", port + 1)):
            async with Relay(there, ANY) as relay:
                told = system(relay.port)
                told["connection"]["imap"] |= {"tls": tls, "ca": shown.name}
                mail = await bench.serve(told)
                for _ in range(4):
                    await listed(mail)
                assert relay.connections == 1
                await relay.cut()
                await listed(mail)
                assert relay.connections == 2


def test_what_comes_back_after_the_end_is_parted_with() -> None:
    class Session:
        parted = 0

        def part(self) -> None:
            self.parted += 1

    pool, sessions = Kept[Session](1), [Session() for _ in range(3)]
    pool.put(sessions[0])
    pool.put(sessions[1])  # one is enough
    assert pool.take() is sessions[0]
    pool.close()
    pool.close()
    pool.put(sessions[2])
    assert [one.parted for one in sessions] == [0, 1, 1]
    assert pool.take() is None


# --- losing ----------------------------------------------------------------------------------------------------------


async def test_a_session_that_ended_meanwhile_is_made_anew(mail: Systems, relay: Relay, server: int) -> None:
    put(server, letter(1))
    await listed(mail)
    await relay.cut()
    assert len(await listed(mail)) == 1
    assert relay.connections == 2


@pytest.mark.parametrize(("operation", "command"), [("list", b"EXAMINE"), ("move", b"SELECT"), ("mark", b"SELECT")])
async def test_one_that_turns_out_to_be_lost_is_made_anew_once(
    mail: Systems, relay: Relay, server: int, operation: str, command: bytes
) -> None:
    put(server, letter(1))
    (one,) = await listed(mail)
    arguments = {"list": {}, "move": {"id": one["id"]}, "mark": {"id": one["id"], "seen": True}}[operation]
    for fault in ("before", "after"):
        await listed(mail)
        relay.arm(command, fault)
        before = relay.connections
        answer = await mail.call(f"mail.{operation}", arguments)
        assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", "connection_lost")
        assert relay.connections == before + 1  # the new one was lost as well, which is told
        relay.arm(command, "")
    await listed(mail)
    relay.arm(command, "bye")
    before = relay.connections
    answer = await mail.call(f"mail.{operation}", arguments)
    assert answer.succeeded, answer.problem
    assert relay.connections == before + 1


@pytest.mark.parametrize("fault", ["before", "after", "silent", "garbled", "truncated", "endless"])
async def test_a_change_in_doubt_is_not_made_again_and_ends_its_session(
    bench: Workbench, mail: Systems, relay: Relay, server: int, fault: str
) -> None:
    put(server, letter(1))
    (one,) = await listed(mail)
    relay.requests = 0
    relay.arm(b"UID MOVE", fault)
    answer = await mail.call("mail.move", {"id": one["id"]}, timeout=2.0)
    assert answer.status == "unknown", answer
    assert relay.requests == 1
    relay.arm(b"UID MOVE", "")
    moved = len(await listed(mail, "done"))
    assert moved + len(await listed(mail)) == 1
    assert moved == (fault != "before")
    assert relay.connections == 2


@pytest.mark.parametrize("command", [b"EXAMINE", b"UID SEARCH", b"UID FETCH"], ids=bytes.decode)
async def test_a_call_that_is_cancelled_leaves_no_session_half_read(
    mail: Systems, relay: Relay, server: int, command: bytes
) -> None:
    put(server, letter(1))
    await listed(mail)
    for number in range(2, 4):
        relay.requests = 0
        relay.arm(command, "silent")
        call = asyncio.create_task(mail.call("mail.list", {}))
        await until(lambda: relay.requests)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        relay.arm(command, "")
        assert [one["subject"] for one in await listed(mail)] == ["Number 1"]
        assert relay.connections == number


async def test_another_password_is_said_at_once(bench: Workbench, mail: Systems, relay: Relay, server: int) -> None:
    await listed(mail)
    bench.secrets["INTERLOCK_SECRET_MAIL"] = "quite-another"
    answer = await mail.call("mail.list", {})
    assert answer.problem is not None
    assert answer.problem["code"] == "access_denied"
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    await listed(mail)
    assert relay.connections == 3


# --- what servers say by themselves ----------------------------------------------------------------------------------

TALK = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n",
    b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
    b"SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
    b"UID SEARCH": b"* SEARCH 1\r\n",
}


@asynccontextmanager
async def talking(answers: dict[bytes, bytes], *, after: bytes = b"") -> AsyncIterator[tuple[int, list[int]]]:
    """Run a server that lets anybody in, answers commands with *answers*, and says *after* behind each of `UID FETCH`.

    An answer that begins with NO is a refusal, one with PERHAPS is none. Gives the port, and a list that grows
    by one with each connection.
    """
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        writer.write(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS] ready\r\n")
        while line := await reader.readline():
            tag, _, rest = line.partition(b" ")
            said = next((text for verb, text in answers.items() if rest.upper().startswith(verb)), b"")
            if said.startswith((b"NO", b"PERHAPS")):
                writer.write(tag + b" " + said + b"\r\n")
            else:
                writer.write(said + tag + b" OK done\r\n" + (after if rest.startswith(b"UID FETCH") else b""))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1], seen


async def test_news_of_marks_are_no_message(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    header, news = b"Subject: one\r\n\r\n", b"* 1 FETCH (UID 1 FLAGS (\\Flagged))\r\n"
    whole = b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 20 BODY[] {%d}\r\n%s)\r\n" % (len(header), header)
    for fetched in (news + whole, whole + news):
        async with talking({**TALK, b"UID FETCH": fetched}) as (port, _):
            mail = await bench.serve(system(port))
            assert [one["subject"] for one in await listed(mail)] == ["one"]
            assert (await mail.call("mail.get", {"id": "7.1"})).output["subject"] == "one"


async def test_a_session_in_which_something_was_said_that_nobody_asked_is_not_used(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    header = b"Subject: one\r\n\r\n"
    whole = b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 20 BODY[] {%d}\r\n%s)\r\n" % (len(header), header)
    async with talking({**TALK, b"UID FETCH": whole}, after=b"* BYE too long\r\n") as (port, seen):
        mail = await bench.serve(system(port))
        for number in range(1, 4):
            assert len(await listed(mail)) == 1
            assert len(seen) == number


@pytest.mark.parametrize(
    ("operation", "command", "status"),
    [("move", b"UID COPY", "unknown"), ("move", b"SELECT", "failed"), ("mark", b"UID STORE", "unknown")],
)
async def test_an_answer_that_is_neither_yes_nor_no_is_none(
    bench: Workbench, operation: str, command: bytes, status: str
) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    size = b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 20)\r\n"
    async with talking({**TALK, b"UID FETCH": size, command: b"PERHAPS so"}) as (port, seen):
        mail = await bench.serve(system(port))
        for number in range(1, 3):
            marks = {"seen": True} if operation == "mark" else {}
            answer = await mail.call(f"mail.{operation}", {"id": "7.1", **marks})
            assert answer.status == status, answer
            assert len(seen) == number  # and the session is not used again


@pytest.mark.parametrize(
    ("operation", "refused", "detail"),
    [
        ("move", b"UID STORE", "stands in its old folder as well"),
        ("move", b"UID EXPUNGE", "only marked as deleted"),
        ("mark", b"UID STORE 1 -", "others not taken away"),
    ],
)
async def test_a_change_of_which_a_part_was_refused_is_no_success(
    bench: Workbench, operation: str, refused: bytes, detail: str
) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    size = b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 20)\r\n"
    async with talking({refused: b"NO not today", **TALK, b"UID FETCH": size}) as (port, _):
        mail = await bench.serve(system(port))
        marks = {"seen": True, "flagged": False} if operation == "mark" else {}
        answer = await mail.call(f"mail.{operation}", {"id": "7.1", **marks})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == ("unknown", "partly_done")
    assert detail in answer.problem["detail"]


async def test_a_folder_that_may_only_be_read_is_no_lost_connection(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    answers = {**TALK, b"SELECT": TALK[b"SELECT"] + b"* OK [READ-ONLY] as you are\r\n"}
    async with talking(answers) as (port, seen):
        mail = await bench.serve(system(port))
        for _ in range(2):
            answer = await mail.call("mail.move", {"id": "7.1"})
            assert answer.problem is not None
            assert (answer.status, answer.problem["code"], answer.transient) == ("failed", "refused", False)
        assert len(seen) == 1


async def test_a_folder_whose_ids_do_not_last_is_not_used(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    async with talking({**TALK, b"EXAMINE": b"* 1 EXISTS\r\n"}) as (port, _):
        mail = await bench.serve(system(port))
        answer = await mail.call("mail.get", {"id": "0.1"})
    assert answer.problem is not None
    assert answer.problem["code"] == "refused"


async def test_a_connection_that_is_ended_keeps_its_tls(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as listener:
        trust = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
        plain = await asyncio.to_thread(socket.create_connection, listener.sockets[0].getsockname())
        line = await asyncio.to_thread(trust.wrap_socket, plain, server_hostname="127.0.0.1")
        end(line)
        assert line.version() is not None  # so whoever writes at this moment writes nothing in the clear
        with pytest.raises((ssl.SSLError, BrokenPipeError)):
            line.sendall(b"a password")
        line.close()

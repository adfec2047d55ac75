"""Whatever a directory or the way to it does, a call ends in time and says what is known: never more, never less."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.ldap.servers import Server
from interlock.integration.connectors.ldap.sessions import Errand, Sessions, TimeOver
from interlock.integration.systems import Answer, Systems
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.ldap.desk import system
from tests.integration.connectors.ldap.relay import Relay, head, result, tlv
from tests.integration.connectors.ldap.slapd import BASE, PASSWORD, Directory, running

ANN = {"uid": "ann", "cn": "Ann", "sn": "Example"}
LIMITS = {"timeout": "500ms", "retries": 0, "failures": 1000}
LATE = "the connector did not hold its time limit"
ENDINGS = {
    "before": "connection_lost",
    "after": "connection_lost",
    "silent": "timed_out",
    "garbled": "response_unreadable",
    "truncated": "connection_lost",
    "endless": "response_too_large",
    "dripping": "timed_out",
}


async def through(bench: Workbench, relay: Relay) -> Systems:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    return await bench.serve({**system(relay.port), "limits": LIMITS})


@pytest.mark.parametrize(("fault", "code"), ENDINGS.items(), ids=list(ENDINGS))
async def test_a_write_whose_answer_is_lost_is_in_doubt_and_a_read_has_failed(
    bench: Workbench, directory: Directory, fault: str, code: str
) -> None:
    async with Relay(directory.port, b"ou=people", fault) as relay:
        desk = await through(bench, relay)
        for operation, arguments, status in (("add", ANN, "unknown"), ("find", {}, "failed")):
            answer = await desk.call(f"directory.{operation}", arguments)
            assert answer.problem is not None
            assert (answer.status, answer.problem["code"], answer.sent) == (status, code, True)
            assert answer.problem["detail"] != LATE
        assert ("uid: ann" in directory.find("(uid=ann)")) is (fault != "before")
        relay.fault = ""
        assert (await desk.call("directory.find", {})).succeeded
        again = await desk.call("directory.add_again", ANN)
        assert again.output == {"dn": f"uid=ann,ou=people,{BASE}", "added": fault == "before"}


@pytest.mark.parametrize("fault", ["before", "silent", "garbled", "truncated", "endless"])
async def test_a_login_that_breaks_off_was_no_call(bench: Workbench, directory: Directory, fault: str) -> None:
    async with Relay(directory.port, b"cn=service", fault) as relay:
        desk = await through(bench, relay)
        answer = await desk.call("directory.add", ANN)
        assert (answer.status, answer.sent) == ("failed", False), answer
        assert directory.find("(uid=ann)", base=f"ou=people,{BASE}") == ""


async def test_a_search_that_is_reset_between_two_pages_has_failed(bench: Workbench, directory: Directory) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    direct = await bench.serve(system(directory.port))
    for one in range(18):
        assert (await direct.call("directory.add", {"uid": f"p{one}", "cn": "x", "sn": "x"})).succeeded

    async with Relay(directory.port, b"ou=people", "before", first=2) as relay:
        desk = await through(bench, relay)
        answer = await desk.call("directory.find", {})
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"]) == ("failed", "connection_lost")
        assert relay.requests == 2


async def test_sessions_are_kept_and_one_that_ended_is_not_used(bench: Workbench, directory: Directory) -> None:
    async with Relay(directory.port, b"ou=people") as relay:
        desk = await through(bench, relay)
        for _ in range(5):
            assert (await desk.call("directory.find", {})).succeeded
        assert relay.connections == 1
        await relay.cut()
        assert (await desk.call("directory.add", ANN)).succeeded
        assert relay.connections == 2
        await asyncio.gather(*(desk.call("directory.find", {}) for _ in range(20)))
        assert relay.connections <= 2 + 8


async def test_a_directory_that_goes_and_comes_back_is_found_again(bench: Workbench) -> None:
    with running(certificate(bench.root)) as own:
        bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
        desk = await bench.serve({**system(own.port), "limits": LIMITS})
        assert (await desk.call("directory.find", {})).succeeded
        own.stop()
        answer = await desk.call("directory.add", ANN)
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"], answer.sent) == ("failed", "unreachable", False)
        own.start()
        assert (await desk.call("directory.add", ANN)).succeeded


# --- anything at all -------------------------------------------------------------------------------------------------


NUMBER = b"\x02\x04\xee\xee\xee\xee"  # stands for that of the request


@asynccontextmanager
async def saying(words: bytes, *, stays: bool = False) -> AsyncIterator[int]:
    """A server that lets anybody in, answers with *words* under a request's number, and hangs up unless it *stays*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            login = b"cn=service" in data
            writer.write(
                result(data, 0) if login else words.replace(NUMBER, b"\x02\x04" + head(data)[0][2:].rjust(4, b"\0"))
            )
            await writer.drain()
            if not login and not stays:
                break
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


MESSAGES = st.builds(
    lambda tag, content: tlv(0x30, NUMBER + tlv(tag, content)),
    st.sampled_from([0x61, 0x64, 0x65, 0x67, 0x69, 0x73, 0x78, 0x79, 0x30, 0x00]),
    st.binary(max_size=60)
    | st.builds(
        lambda code, rest: tlv(0x0A, bytes([code])) + tlv(4, b"") + tlv(4, rest),
        st.integers(0, 255),
        st.binary(max_size=20),
    )
    | st.builds(lambda name, rest: tlv(4, name) + tlv(0x30, rest), st.binary(max_size=9), st.binary(max_size=30)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.binary(min_size=1, max_size=80) | MESSAGES)
async def test_whatever_is_said_is_an_answer_in_time(bench: Workbench, words: bytes) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    async with saying(words) as port:
        desk = await bench.serve({**system(port), "limits": {**LIMITS, "timeout": "200ms"}})
        asked = 0
        for operation, arguments in (("find", {}), ("add", ANN), ("is_member", {"group": "g", "value": "x"})):
            answer: Answer = await desk.call(f"directory.{operation}", arguments)
            assert LATE not in repr(answer)
            asked += answer.sent
            assert answer.status in (
                {"failed", "succeeded"} if operation != "add" else {"failed", "succeeded", "unknown"}
            )
            assert PASSWORD not in repr(answer)
        assert asked == 3


async def test_a_result_with_a_number_that_nobody_knows_leaves_a_write_in_doubt(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    for code in (80, 200):
        async with saying(tlv(0x30, NUMBER + tlv(0x69, tlv(0x0A, bytes([code])) + tlv(4, b"") + tlv(4, b"")))) as port:
            desk = await bench.serve({**system(port), "limits": LIMITS})
            answer = await desk.call("directory.add", ANN)
            assert answer.status == "unknown", answer


async def test_an_answer_to_something_else_is_none(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    succeeded = tlv(0x0A, b"\0") + tlv(4, b"") + tlv(4, b"")
    async with saying(tlv(0x30, NUMBER + tlv(0x67, succeeded))) as port:
        desk = await bench.serve({**system(port), "limits": LIMITS})
        for operation, arguments, status in (("add", ANN, "unknown"), ("find", {}, "failed")):
            answer = await desk.call(f"directory.{operation}", arguments)
            assert answer.problem is not None
            assert (answer.status, answer.problem["code"]) == (status, "response_unreadable")


async def test_a_part_of_an_attributes_values_is_not_taken_for_all(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    part = tlv(4, b"member;range=0-1499") + tlv(0x31, tlv(4, b"cn=x"))
    entry = tlv(0x64, tlv(4, b"cn=g") + tlv(0x30, tlv(0x30, part)))
    ending = tlv(0x65, tlv(0x0A, b"\0") + tlv(4, b"") + tlv(4, b""))
    async with saying(tlv(0x30, NUMBER + entry) + tlv(0x30, NUMBER + ending)) as port:
        desk = await bench.serve({**system(port), "limits": LIMITS})
        answer = await desk.call("directory.get_group", {"group": "g"})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == ("failed", "limit_exceeded")


@pytest.mark.parametrize("name", [b"cn=g", b""], ids=["the same entry", "no entry"])
async def test_pages_without_end_are_no_list(bench: Workbench, name: bytes) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    entry = tlv(0x30, NUMBER + tlv(0x64, tlv(4, name) + tlv(0x30, b""))) if name else b""
    ending = tlv(0x65, tlv(0x0A, b"\0") + tlv(4, b"") + tlv(4, b""))
    further = tlv(0x30, b"\x02\x01\x00" + tlv(4, b"further"))
    control = tlv(0xA0, tlv(0x30, tlv(4, b"1.2.840.113556.1.4.319") + tlv(4, further)))
    async with saying(entry + tlv(0x30, NUMBER + ending + control), stays=True) as port:
        desk = await bench.serve({**system(port), "limits": {**LIMITS, "timeout": "10s"}})
        answer = await desk.call("directory.find", {})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == ("failed", "result_breaks_contract")
    assert "do not come to an end" in answer.problem["detail"]


def test_a_call_that_is_given_up_sends_nothing_more() -> None:
    errand = Errand(time.monotonic() + 60, 10, writes=True)
    errand.ready = True
    errand.cut()
    for step in (errand.send, errand.left):
        with pytest.raises(TimeOver):
            step()
    assert not errand.committed


def test_a_session_whose_call_was_cut_at_its_end_is_nobodys(directory: Directory) -> None:
    """Else the next call would be cut by the end of this one, and a change of it be in doubt."""
    server = Server("127.0.0.1", directory.port, "none")
    sessions = Sessions(server, SecretStore.standard(environment={}), 4)
    errands = [Errand(time.monotonic() + 60, 1 << 20, writes=True) for _ in range(3)]
    first = sessions.take(errands[0])
    sessions.give_back(first, errands[0])
    assert sessions.take(errands[1]) is first
    errands[1].cut()
    sessions.give_back(first, errands[1])
    second = sessions.take(errands[2])
    assert second is not first
    second.close()
    sessions.close()

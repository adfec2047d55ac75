"""Tools of a real MCP server, over both transports, as operations."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from mcp.server import MCPServer
from mcp_types import ListToolsResult

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import (
    FAILED,
    SUCCEEDED,
    UNKNOWN,
    Ports,
    Systems,
    SystemUnreachable,
    discover,
)
from interlock.testing.servers import ScriptedServer, answers, free_port, hangs, resets, streams
from tests.integration.conftest import Workbench
from tests.integration.connectors.mcp.upstream import server

UPSTREAM = Path(__file__).with_name("upstream.py")
TICKET = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "text": {"type": "string"}},
    "required": ["id", "text"],
}
OPERATIONS = {
    "make": {"from": "make_ticket", "effect": "write"},
    "get": {"from": "get_ticket", "effect": "read"},
    "motd": {"effect": "read"},
}


@asynccontextmanager
async def listening(made: MCPServer, port: int = 0, **more: Any) -> AsyncIterator[str]:
    app = made.streamable_http_app(**more)
    running = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="critical", lifespan="on", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - the server offers no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        running.should_exit = True
        await task


async def pinned(made: MCPServer) -> dict[str, Any]:
    tools = await made.list_tools()
    return {"tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]}


def helpdesk(connection: dict[str, Any], operations: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "system": "helpdesk",
        "connector": "mcp",
        "connection": {"tools": "tools.json"} | connection,
        "limits": {"timeout": "60s", "retries": 0, "response": "64KiB", "failures": 100},
        "operations": operations or OPERATIONS,
    }


def by_stdio(bench: Workbench, **more: Any) -> dict[str, Any]:
    return {"command": [sys.executable, str(UPSTREAM), str(bench.root / "effects")]} | more


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if str(UPSTREAM) in " ".join(child.cmdline())]


@pytest.fixture(params=["stdio", "http", "http-json", "http-stateless"])
async def systems(bench: Workbench, request: pytest.FixtureRequest) -> AsyncIterator[Systems]:
    made = server(bench.root / "effects")
    bench.write("tools.json", await pinned(made))
    if request.param == "stdio":
        yield await bench.serve(helpdesk(by_stdio(bench)))
        return
    more = {"http-json": {"json_response": True}, "http-stateless": {"stateless_http": True}}.get(request.param, {})
    async with listening(made, **more) as url:
        yield await bench.serve(helpdesk({"url": url}))
        await bench.systems.close()


async def test_structured_results_and_text(systems: Systems) -> None:
    answer = await systems.call("helpdesk.get", {"id": 3})
    assert (answer.status, answer.output) == (SUCCEEDED, {"id": 3, "text": "x"})
    assert (await systems.call("helpdesk.motd", {})).output == {"text": "all is well, nobody knows"}


async def test_many_calls_share_one_session(systems: Systems) -> None:
    calls = (systems.call("helpdesk.get", {"id": n}) for n in range(20))
    assert [answer.output["id"] for answer in await asyncio.gather(*calls)] == list(range(20))


async def test_a_tools_own_error_is_a_refusal_that_repeats_no_data(systems: Systems) -> None:
    answer = await systems.call("helpdesk.get", {"id": 404})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (FAILED, "refused")
    assert "Maria" not in str(answer.problem)


async def test_a_write_without_an_answer_is_unknown(systems: Systems, bench: Workbench) -> None:
    assert (await systems.call("helpdesk.get", {"id": 1})).succeeded, "the server runs"
    answer = await systems.call("helpdesk.make", {"text": "slow"}, timeout=1.0)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (UNKNOWN, "timed_out")
    assert (bench.root / "effects").read_text() == "slow\n"
    assert (await systems.call("helpdesk.get", {"id": 1})).succeeded, "the session is still of use"


async def test_a_result_that_is_too_large_is_no_answer(systems: Systems) -> None:
    answer = await systems.call("helpdesk.get", {"id": 999})
    assert (answer.status, answer.output) == (FAILED, None)
    assert (await systems.call("helpdesk.get", {"id": 1})).succeeded


async def test_nothing_differs_and_it_can_be_probed(systems: Systems) -> None:
    assert await systems.drift("helpdesk") == []
    assert (await systems.probe("helpdesk")).succeeded


async def test_what_the_live_server_changed_is_told(bench: Workbench) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    async with listening(server(bench.root / "effects", extra=True)) as url:
        systems = await bench.serve(helpdesk({"url": url}))
        found = {difference.pointer: difference.change for difference in await systems.drift("helpdesk")}
        await systems.close()
    assert found["/get/description"] == "changed"
    assert found["/get/input/properties/deep"] == "added"
    assert found["/motd"] == "removed"
    assert not [pointer for pointer in found if pointer.startswith("/make")]


class Endless(MCPServer):
    """Names a further page of its tools whatever it is asked."""

    async def _handle_list_tools(self, ctx: Any, params: Any) -> ListToolsResult:
        listed = await super()._handle_list_tools(ctx, params)
        return listed.model_copy(update={"next_cursor": "the same"})


async def test_a_list_of_tools_without_end_is_no_list(bench: Workbench) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    async with listening(Endless("helpdesk")) as url:
        systems = await bench.serve(helpdesk({"url": url}))
        with pytest.raises(SystemUnreachable, match="does not come to the end"):
            await systems.drift("helpdesk")
        await systems.close()


async def test_what_a_live_server_publishes_can_be_written_down(bench: Workbench) -> None:
    ports = Ports(HttpClient(), SecretStore.standard(environment={}), bench.root)
    made = server(bench.root / "effects")
    found = await discover("mcp", {"tools": "tools.json"} | by_stdio(bench), ports)
    assert found == await pinned(made)
    with pytest.raises(SystemUnreachable):
        await discover("mcp", {"tools": "tools.json", "command": ["./none"]}, ports)
    with pytest.raises(SystemUnreachable):
        await discover("external", {}, ports)


async def test_a_server_that_dies_during_a_write_leaves_it_unknown_and_is_started_anew(bench: Workbench) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    systems = await bench.serve(helpdesk(by_stdio(bench)))
    answer = await systems.call("helpdesk.make", {"text": "die"})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (UNKNOWN, "connection_lost")
    assert (await systems.call("helpdesk.make", {"text": "again"})).succeeded
    assert (bench.root / "effects").read_text() == "die\nagain\n"


async def test_a_server_that_was_restarted_is_found_again(bench: Workbench) -> None:
    made, port = server(bench.root / "effects"), free_port()
    bench.write("tools.json", await pinned(made))
    systems = await bench.serve(helpdesk({"url": f"http://127.0.0.1:{port}/mcp"}))
    away = await systems.call("helpdesk.make", {"text": "away"})
    assert away.problem is not None
    assert (away.status, away.sent, away.problem["code"]) == (FAILED, False, "unreachable")
    for _ in range(2):
        async with listening(server(bench.root / "effects"), port):
            states = [(await systems.call("helpdesk.make", {"text": "here"})).status for _ in range(2)]
            assert states[-1] == SUCCEEDED
        gone = await systems.call("helpdesk.make", {"text": "gone"})
        assert gone.status == FAILED
    assert "away" not in (bench.root / "effects").read_text()


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (answers(401, {}), "access_denied"),
        (answers(500, {}), "system_error"),
        (resets(), "connection_lost"),
        (hangs(), "unreachable"),
        (streams(), "response_too_large"),
        (answers(200, b"<html>", media_type="text/html"), "result_breaks_contract"),
    ],
)
async def test_a_server_that_is_none_gets_no_call(bench: Workbench, behaviour: Any, code: str) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    async with ScriptedServer(behaviour) as listener:
        systems = await bench.serve(helpdesk({"url": listener.url}))
        answer = await systems.call("helpdesk.make", {"text": "x"}, timeout=1.0)
        await systems.close()
    assert answer.problem is not None
    assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, code)
    assert not [request for request in listener.received if b"tools/call" in request.body]


async def test_credentials_are_looked_up_at_each_call_and_never_shown(bench: Workbench) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    bench.secrets["INTERLOCK_SECRET_CRM"] = "hidden-token"
    async with ScriptedServer(answers(401, {})) as listener:
        systems = await bench.serve(helpdesk({"url": listener.url, "auth": {"bearer": "secret:crm"}}))
        answer = await systems.call("helpdesk.motd", {})
        bench.secrets.clear()
        missing = await systems.call("helpdesk.motd", {})
        await systems.close()
    assert listener.received[0].headers["authorization"] == "Bearer hidden-token"
    assert "hidden" not in repr(answer)
    assert missing.problem is not None
    assert (missing.problem["code"], missing.sent) == ("secret_missing", False)


async def test_a_program_sees_only_the_environment_it_is_given(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOOD", "leaked")
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    systems = await bench.serve(helpdesk(by_stdio(bench)))
    assert "nobody knows" in (await systems.call("helpdesk.motd", {})).output["text"]
    bench.secrets["INTERLOCK_SECRET_MOOD"] = "fine"
    await systems.apply(bench.catalog(helpdesk(by_stdio(bench, env={"MOOD": "secret:mood"}))))
    assert "fine" in (await systems.call("helpdesk.motd", {})).output["text"]


async def test_closing_ends_the_program(bench: Workbench) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    systems = await bench.serve(helpdesk(by_stdio(bench)))
    assert (await systems.call("helpdesk.motd", {})).succeeded
    assert len(children()) == 1
    await systems.close()
    assert not children()


async def test_a_program_that_does_not_exist_is_a_failure(bench: Workbench) -> None:
    bench.write("tools.json", await pinned(server(bench.root / "effects")))
    systems = await bench.serve(helpdesk({"command": ["./no-such-program"]}))
    for answer in (await systems.call("helpdesk.make", {"text": "x"}), await systems.probe("helpdesk")):
        assert answer.problem is not None
        assert (answer.status, answer.sent, answer.problem["code"]) == (FAILED, False, "unreachable")
    with pytest.raises(SystemUnreachable):
        await systems.drift("helpdesk")


@pytest.mark.parametrize(
    ("tools", "change", "expected"),
    [
        ({"tools": []}, {}, "hold no 'make_ticket'"),
        ({"tools": [{"name": "make_tickets", "inputSchema": {"type": "object"}}]}, {}, "did you mean 'make_tickets'?"),
        ({"tools": [{"name": "make_ticket"}]}, {}, "no input schema of type object"),
        ({"tools": [{}]}, {}, "a tool without a name"),
        ("{", {}, "is not valid JSON"),
        ({"tools": 3}, {}, "holds no list of tools"),
        ({"tools": []}, {"tools": "../tools.json"}, "must be a file of the project"),
        ({"tools": []}, {"tools": "none.json"}, "cannot be read"),
        ({"tools": []}, {"url": "ftp://x"}, "begins with http"),
        ({"tools": []}, {"url": "http://me:hidden@x/"}, "must not hold credentials"),
    ],
)
async def test_declarations_are_checked(bench: Workbench, tools: Any, change: dict[str, Any], expected: str) -> None:
    bench.write("tools.json", tools)
    declared = helpdesk({"url": "http://127.0.0.1:1/mcp"} | change, {"make": OPERATIONS["make"]})
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(declared)
    assert expected in "; ".join(map(str, invalid.value.findings))
    assert "hidden" not in str(invalid.value)

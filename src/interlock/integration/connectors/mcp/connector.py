"""Calls to the tools of an MCP server over one warm session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any

from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.interface import SUCCEEDED, Answer, SystemDeclaration, failed, unanswered
from interlock.integration.connectors.mcp.messages import NoAnswer
from interlock.integration.connectors.mcp.session import Connect, SessionRefused, WarmSession
from interlock.integration.connectors.mcp.tools import ToolsInvalid, definition
from interlock.integration.connectors.wording import said
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

MOST_PAGES = 100
_NOT_DONE = frozenset({-32600, -32601, -32602, -32700})  # JSON-RPC: refused before the tool was reached


class McpConnector:
    """One MCP server. The session is opened at first use, so that the server may be away when we start."""

    def __init__(self, system: SystemDeclaration, definitions: Mapping[str, Definition], connect: Connect) -> None:
        self._session = WarmSession(connect)
        self._operations = {name: (system.operations[name].effect, one.binding) for name, one in definitions.items()}

    async def open(self) -> None:
        """Nothing to do: the session is opened at first use."""

    async def close(self) -> None:
        await self._session.close()

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:  # noqa: ARG002 - a tool takes no key
        from mcp import MCPError

        effect, binding = self._operations[operation]
        sent = False
        try:
            async with asyncio.timeout(timeout):
                session = await self._session.get()
                sent = True
                result = await _request(session, binding["tool"], dict(arguments))
        except TimeoutError:
            if not sent:
                return failed("unreachable", "no session could be opened in time", sent=False, transient=True)
            return unanswered(effect, "timed_out", "the tool did not answer in time", transient=True)
        except SessionRefused as refused:
            return _unsent(refused.reason)
        except MCPError as error:
            return _failure(error, effect)
        except ValueError:  # of the protocol's validation
            return unanswered(effect, "result_breaks_contract", "the server's answer is not of the protocol")
        return _result(result, effect, structured=binding["structured"])

    async def probe(self, *, timeout: float) -> Answer:
        """Open the session if it is not, and ask for the first page of tools."""
        from mcp import MCPError

        try:
            async with asyncio.timeout(timeout):
                await (await self._session.get()).list_tools()
        except TimeoutError:
            return failed("timed_out", "the server did not answer in time", transient=True)
        except SessionRefused as refused:
            return _unsent(refused.reason)
        except MCPError as error:
            return _failure(error, Effect.read)
        return Answer(SUCCEEDED)

    async def definitions(self) -> Mapping[str, Definition]:
        tools = {tool["name"]: tool for tool in await self.tools()}
        live: dict[str, Definition] = {}
        for name, (_, binding) in self._operations.items():
            tool = tools.get(binding["tool"])
            try:
                if tool is not None:
                    live[name] = definition(tool)
            except ToolsInvalid:
                continue  # as good as gone
        return live

    async def tools(self) -> list[dict[str, Any]]:
        """Return the server's tools as it lists them now. Raises `SystemUnreachable`."""
        from mcp import MCPError

        try:
            return await self._listed()
        except SessionRefused as refused:
            raise SystemUnreachable("the server cannot be asked for its tools", why=refused.reason.detail) from refused
        except MCPError as error:
            raise SystemUnreachable("the server does not list its tools") from error

    async def _listed(self) -> list[dict[str, Any]]:
        from mcp_types import PaginatedRequestParams

        session = await self._session.get()
        tools: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
            tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                return tools
        raise SystemUnreachable(
            "the server does not come to the end of its tools",
            why=f"after {MOST_PAGES} pages it names another; what is missing from a list that broke off looks removed",
        )


async def _request(session: Any, tool: str, arguments: dict[str, Any]) -> Any:
    """Send one `tools/call` and return its result; our own contracts check it, so the client need not."""
    from mcp_types import CallToolRequest, CallToolRequestParams

    request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
    return await session.send_request(request, _results())


@cache
def _results() -> Any:
    """Return the form of what a tool may answer."""
    from mcp_types import CallToolResult, InputRequiredResult
    from pydantic import TypeAdapter

    return TypeAdapter(CallToolResult | InputRequiredResult)


def _result(result: Any, effect: Effect, *, structured: bool) -> Answer:
    content = getattr(result, "content", None)
    if content is None:
        return failed("input_required", "the tool asks a question that a connector cannot answer")
    text = "\n".join(block.text for block in content if block.type == "text")
    if result.is_error:
        return failed("refused", "the tool reported an error", **said(None, text))
    if structured:
        return Answer(SUCCEEDED, result.structured_content)
    if not text and content:
        return unanswered(effect, "result_breaks_contract", "the tool answered with something that is not text")
    return Answer(SUCCEEDED, {"text": text})


def _unsent(reason: NoAnswer) -> Answer:
    more = {"fix": reason.fix} if reason.fix else {}
    answer = failed(reason.code, reason.detail, sent=False, transient=reason.transient, **more)
    return answer.after(reason.retry_after) if reason.retry_after else answer


def _failure(error: Any, effect: Effect) -> Answer:
    reason = error.data
    if isinstance(reason, NoAnswer):
        if not reason.sent:
            return _unsent(reason)
        return unanswered(effect, reason.code, reason.detail, transient=reason.transient)
    if error.code in _NOT_DONE:
        return failed("refused", "the server refused the call", system={"code": str(error.code)})
    if error.code == -32000:
        return unanswered(effect, "connection_lost", "the session ended before the answer came", transient=True)
    return unanswered(effect, "system_error", "the server failed", system={"code": str(error.code)})

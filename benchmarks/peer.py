"""Interlock as one peer of a benchmark: its project, its keys, and the calls that are sent to it.

`entry` returns the description that the gateway harness expects of a peer: command, environment, paths, headers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.load import request_bytes
from benchmarks.processes import PYTHON

HERE = Path(__file__).parent
CALLS = {
    "read": ("crm.get_customer", {"id": "42"}),
    "write": ("crm.create_refund", {"order_id": "4711", "amount": 25.0, "reason": "damaged"}),
}
CHAT = "/v1/chat/completions"
REVISION = "2026-07-28"


def prepare(folder: Path, upstream: int) -> dict[str, str]:
    """Copy the project into *folder*, create the agent's key, and return the environment to serve it with."""
    shutil.copytree(HERE / "project", folder / "project", dirs_exist_ok=True)
    environment = {
        "BENCH_UPSTREAM": f"http://127.0.0.1:{upstream}",
        "INTERLOCK_SECRET_CRM": "upstream-token",
        "BENCH_MODEL_KEY": "model-token",
        "INTERLOCK_STATE": str(folder / "state"),
        "INTERLOCK_PROJECT": str(folder / "project"),
    }
    words = [
        PYTHON,
        "-m",
        "interlock.app.main",
        "keys",
        "create",
        "--local",
        "--kind",
        "agent",
        "--id",
        "bench",
        "--json",
    ]
    made = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    return {**environment, "BENCH_KEY": str(json.loads(made.stdout)["text"])}


def rest_call(base: str, environment: dict[str, str], effect: str) -> bytes:
    """Return the bytes of one proposal over REST, in a session of its own."""
    body = _rest_body(base, environment["BENCH_KEY"], effect)
    return request_bytes("POST", "/v1/actions", _headers(environment["BENCH_KEY"]), body)


def mcp_call(base: str, environment: dict[str, str], effect: str) -> bytes:
    """Return the bytes of one `tools/call` over MCP, in a session of its own."""
    name = CALLS[effect][0]
    headers = {**_headers(environment["BENCH_KEY"]), **_mcp_headers(name)}
    return request_bytes("POST", "/mcp", headers, _mcp_body(base, environment["BENCH_KEY"], effect))


def chat_call(key: str = "", *, stream: bool = False) -> bytes:
    """Return the bytes of one chat completion; without a key as the relay is sent it."""
    headers = _headers(key) if key else {"content-type": "application/json"}
    return request_bytes("POST", CHAT, headers, _chat_body(stream=stream))


def _chat_body(*, stream: bool) -> bytes:
    words = "Please check whether the refund for order 4711 can be paid out, and write one sentence to the customer."
    messages = [{"role": "system", "content": "You answer for the desk."}, {"role": "user", "content": words}]
    body: dict[str, Any] = {"model": "chat", "messages": messages, "temperature": 0}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


def entry(folder: str, upstream: int, port: int) -> dict[str, Any]:
    """Return the peer's entry for a harness that knows `get` (a read), `rpc` (an MCP tool call), `chat`, `stream`."""
    environment = prepare(Path(folder), upstream)
    base, key = f"http://127.0.0.1:{port}", environment["BENCH_KEY"]
    name = CALLS["read"][0]

    def setup(_: str) -> dict[str, Any]:
        bodies = {"get": _rest_body(base, key, "read"), "rpc": _mcp_body(base, key, "read")}
        bodies |= {"chat": _chat_body(stream=False), "stream": _chat_body(stream=True)}
        return {"raw_body": bodies, "headers": {**_headers(key), **_mcp_headers(name)}}

    return {
        "cmd": [PYTHON, "-m", "interlock.app.main", "serve", "--port", str(port)],
        "env": environment,
        "base": base,
        "paths": {"get": "/v1/actions", "rpc": "/mcp", "chat": CHAT, "stream": CHAT},
        "headers": _headers(key),
        "ready": f"{base}/readyz",
        "setup": setup,
    }


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "content-type": "application/json"}


def _mcp_headers(tool: str) -> dict[str, str]:
    return {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": REVISION,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }


def _session(base: str, key: str) -> str:
    request = urllib.request.Request(f"{base}/v1/sessions", b"{}", _headers(key), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["id"])


def _rest_body(base: str, key: str, effect: str) -> bytes:
    name, arguments = CALLS[effect]
    return json.dumps({"session": _session(base, key), "operation": name, "input": arguments}).encode()


def _mcp_body(base: str, key: str, effect: str) -> bytes:
    name, arguments = CALLS[effect]
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.interlock/session": _session(base, key),
    }
    params = {"name": name, "arguments": arguments, "_meta": meta}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()

"""An MCP server over stdio that opens its session well, and answers calls of tools in the condition that it is told."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

PIECE = 16
BETWEEN = 0.002  # seconds

CONDITION = sys.argv[1]
EFFECTS = Path(sys.argv[2])
OPENED = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}


def say(content: bytes, piece: int = 0) -> None:
    """Write *content*, in pieces of *piece* octets that are apart."""
    for start in range(0, len(content), piece or len(content)):
        sys.stdout.buffer.write(content[start : start + (piece or len(content))])
        sys.stdout.buffer.flush()
        time.sleep(BETWEEN if piece else 0)


def answer(number: Any, result: Any) -> bytes:
    """Return the line that answers request *number*."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode() + b"\n"


def called(message: dict[str, Any]) -> None:
    """Do what the tool does, and answer in the condition."""
    given = message["params"]["arguments"]
    if "text" in given:
        with EFFECTS.open("a") as file:
            file.write(f"{given['text']}\n")
    ticket: dict[str, Any] = {"id": given.get("id", 7), "text": "x"}
    if CONDITION == "mistyped":
        ticket = {"id": ["of", "another", "shape"]}
    text = [{"type": "text", "text": json.dumps(ticket)}]
    line = answer(message["id"], {"content": text, "structuredContent": ticket, "isError": False})
    if CONDITION == "lost":
        os._exit(1)
    if CONDITION == "truncated":
        say(line[: len(line) // 2])
        os._exit(1)
    if CONDITION == "garbled":
        say(line.replace(b'"x"', b'"\xff\xfe"'))
    elif CONDITION == "slow":
        say(line, PIECE)
    elif CONDITION == "mistyped":
        say(line)
    while CONDITION == "endless":
        say(b"y" * (1 << 16))


for heard in sys.stdin.buffer:
    asked = json.loads(heard)
    if asked.get("method") == "initialize":
        say(answer(asked["id"], OPENED))
    elif asked.get("method") == "tools/call":
        called(asked)
    elif "id" in asked:
        refusal = {"code": -32601, "message": "Method not found"}
        say(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": refusal}).encode() + b"\n")

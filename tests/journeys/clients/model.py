"""A model of OpenAI's interface on HTTP, which says what a function makes of each request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_WISH = re.compile(r"credit (\d+) on order (\d+)")


def reply_to(body: dict[str, Any]) -> dict[str, Any]:
    """Return the message: a call of the tool for each credit that is wished for, or what came of them.

    The calls have the same ids in every reply, as those of upstreams have that give theirs none.
    """
    messages = body["messages"]
    results = [message["content"] for message in messages if message["role"] == "tool"]
    wishes = _WISH.findall(str(messages[-1]["content"])) if messages[-1]["role"] == "user" else []
    names = [tool["function"]["name"] for tool in body.get("tools", ())]
    name = next((name for name in names if name in ("give_credit", "billing__credit")), None)
    if not wishes or name is None:
        return {"role": "assistant", "content": f"It stands so: {' '.join(results)}" if results else "I give credits."}
    calls = [
        {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": _arguments(*wish)}}
        for at, wish in enumerate(wishes)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _arguments(amount: str, order: str) -> str:
    given = {"order_id": int(order), "customer_id": "ALFKI", "amount": float(amount), "reason": "A broken jar"}
    return json.dumps(given)


Reply = Callable[[dict[str, Any]], dict[str, Any]]
"""Returns the message that answers the body of a request."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reply: Reply

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = type(self).reply(body)
        finish = "tool_calls" if "tool_calls" in message else "stop"
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        }
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Keep silent."""


@contextmanager
def model(reply: Reply = reply_to) -> Iterator[str]:
    """Serve the model that answers by *reply*, and yield its address."""
    handler = type("Handler", (_Handler,), {"reply": staticmethod(reply)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

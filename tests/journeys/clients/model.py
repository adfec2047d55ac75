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
    """Return the message: a call of the tool for the credit that a person asks for, or what came of it."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return {"role": "assistant", "content": f"It came to this: {last['content']}"}
    wish = _WISH.search(str(last["content"]))
    names = [tool["function"]["name"] for tool in body.get("tools", ())]
    name = next((name for name in names if name in ("give_credit", "billing__credit")), None)
    if wish is None or name is None:
        return {"role": "assistant", "content": "I give credits."}
    arguments = {
        "order_id": int(wish[2]),
        "customer_id": "ALFKI",
        "amount": float(wish[1]),
        "reason": "A broken jar",
    }
    function = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"id": f"call_{wish[2]}", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


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

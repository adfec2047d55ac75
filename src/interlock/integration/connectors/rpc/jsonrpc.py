"""JSON-RPC: version 2.0, and version 1.0 with what its servers make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from interlock.integration.connectors.bodies import NumberTooLarge, whole
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned
from interlock.integration.connectors.templates import Kind, Unsendable

_NONE: Mapping[str, Kind] = {}


class JsonRpc:
    """JSON-RPC 2.0 (the specification of 2010, revised 2013): one call per request, never a notification."""

    media_type = "application/json"
    kinds = _NONE
    inquiry = "rpc.discover"

    def usual(self, names: list[str]) -> Any:
        """By name."""
        return {name: f"{{{name}}}" for name in names}

    def unfit_method(self, method: str) -> str:
        return "begins with `rpc.`, which the protocol keeps for itself" if method.startswith("rpc.") else ""

    def unfit_params(self, params: Any) -> str:  # noqa: ARG002 - they may have either form
        return ""

    def write(self, method: str, params: Any, number: int) -> bytes:
        content = {"jsonrpc": "2.0", "id": number, "method": method}
        return _dumped(content | ({"params": params} if params else {}))

    def read(self, body: bytes, number: int) -> Returned | Fault:
        reply = _object(body)
        if reply.get("jsonrpc") != "2.0":
            raise ReplyUnfit("the answer is not one of JSON-RPC 2.0")
        if ("result" in reply) == ("error" in reply):
            raise ReplyUnfit("the answer has neither a result nor an error, or both")
        ours = _is(reply.get("id"), number)
        if "error" not in reply:
            if not ours:
                raise ReplyUnfit("the answer belongs to another call")
            return Returned(reply["result"])
        # What could not be read has no id that could be repeated.
        if not ours and reply.get("id") is not None:
            raise ReplyUnfit("the answer belongs to another call")
        fault = _fault(reply["error"])
        if fault is None or fault.number is None:
            raise ReplyUnfit("the answer's error is not one of JSON-RPC 2.0")
        return fault


class JsonRpcOne:
    """JSON-RPC 1.0: parameters by position, an error of any form, `null` (or nothing) where there is none."""

    media_type = "application/json"
    kinds = _NONE
    inquiry = "system.listMethods"

    def usual(self, names: list[str]) -> Any:
        """By position, in the order of their declaration."""
        return [f"{{{name}}}" for name in names]

    def unfit_method(self, method: str) -> str:  # noqa: ARG002 - any method may be called
        return ""

    def unfit_params(self, params: Any) -> str:
        return "" if isinstance(params, (list, str)) else "must be a list: parameters come by position"

    def write(self, method: str, params: Any, number: int) -> bytes:
        # No member more than these three: some systems answer in another form then.
        return _dumped({"id": number, "method": method, "params": params})

    def read(self, body: bytes, number: int) -> Returned | Fault:
        reply = _object(body)
        error = reply.get("error")
        if error is None and "result" not in reply:
            raise ReplyUnfit("the answer has neither a result nor an error")
        if not _is(reply.get("id"), number):
            raise ReplyUnfit("the answer belongs to another call")
        if error is None:
            return Returned(reply["result"])
        if reply.get("result") is not None:
            raise ReplyUnfit("the answer has both a result and an error")
        fault = _fault(error)
        if fault is not None:
            return fault
        first = error[0] if isinstance(error, list) and error else error
        return Fault(words=(first,) if isinstance(first, str) else (), certain=False)


def _fault(error: Any) -> Fault | None:
    """Return the fault that an error object is; None for an error of another form."""
    if not isinstance(error, dict):
        return None
    code, data = error.get("code"), error.get("data")
    inner = [data.get(name) for name in ("name", "code", "type")] if isinstance(data, dict) else []
    words = tuple(word for word in (*inner, code) if isinstance(word, str))
    return Fault(code if isinstance(code, int) and not isinstance(code, bool) else None, words)


def _is(value: Any, number: int) -> bool:
    return value == number and type(value) is int


def _object(body: bytes) -> dict[str, Any]:
    try:
        reply = whole(body)
    except NumberTooLarge as error:
        raise ReplyUnfit(f"the answer {error}") from None
    except ValueError:
        raise ReplyUnfit("the answer is not JSON") from None
    if not isinstance(reply, dict):
        raise ReplyUnfit("the answer is not one of JSON-RPC")
    return reply


def _dumped(content: Any) -> bytes:
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        raise Unsendable("an argument cannot be written as JSON") from None

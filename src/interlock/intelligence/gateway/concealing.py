"""What a vault does to whole requests and replies: values out of sight on the way out, back in place on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interlock.governance.guards import Vault
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest, ToolCall


def hidden(request: ModelRequest, vault: Vault) -> ModelRequest:
    """Return *request* with tokens in place of what *vault* finds in its messages."""
    return replace(request, messages=[_hidden_message(message, vault) for message in request.messages])


def restored(reply: ModelReply, vault: Vault, *, as_json: bool) -> ModelReply:
    """Return *reply* with the values of *vault* in place of their tokens; its text *as_json* where that is JSON."""
    return replace(
        reply,
        text=vault.restore(reply.text, within_json=as_json),
        reasoning=vault.restore(reply.reasoning),
        tool_calls=tuple(_restored_call(call, vault) for call in reply.tool_calls),
    )


def _hidden_message(message: Mapping[str, Any], vault: Vault) -> Mapping[str, Any]:
    changed = dict(message)
    content = message.get("content")
    if isinstance(content, str):
        changed["content"] = vault.hide(content)
    elif isinstance(content, list):
        changed["content"] = [
            {**part, "text": vault.hide(part["text"])} if isinstance(part.get("text"), str) else part
            for part in content
        ]
    if message.get("tool_calls"):
        changed["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": vault.hide(call["function"]["arguments"])}}
            for call in message["tool_calls"]
        ]
    return changed


def _restored_call(call: ToolCall, vault: Vault) -> ToolCall:
    arguments = _restored_value(dict(call.arguments), vault)
    return replace(call, arguments=arguments, raw=vault.restore(call.raw, within_json=True))


def _restored_value(value: Any, vault: Vault) -> Any:
    if isinstance(value, str):
        return vault.restore(value)
    if isinstance(value, dict):
        return {key: _restored_value(item, vault) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored_value(item, vault) for item in value]
    return value

"""`interlock call`: one use of one operation, as an action of the caller's own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from interlock.experience.cli.actions import exit_code
from interlock.experience.cli.client import Connection, connect, segment
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import note, parse_json, show
from interlock.experience.cli.rendering import action_text


def call(arguments: argparse.Namespace) -> int:
    """Propose an action; without `--session`, in a session of its own that stays open only while it waits."""
    client = connect(arguments)
    body = {"operation": arguments.operation, "input": _input(arguments, client)}
    headers = {"idempotency_key": arguments.idempotency_key} if arguments.idempotency_key else {}
    session = arguments.session or client.post("/v1/sessions", {"channel": "cli"})["id"]
    action = client.post("/v1/actions", {"session": session, **body}, **headers)
    if not arguments.session and action["state"] not in ("waiting", "executing"):
        client.post(f"/v1/sessions/{segment(session)}/close")
    show(arguments, action, action_text)
    if action["state"] == "waiting":
        note(f"it waits in the session {session}")
    return exit_code(action)


def _input(arguments: argparse.Namespace, client: Connection) -> dict[str, Any]:
    if arguments.input:
        value = parse_json(arguments.input, "--input")
        if not isinstance(value, dict):
            raise UsageInvalid("--input is no JSON object", fix="write it like '{\"id\": 7}'")
        if arguments.inputs:
            raise UsageInvalid("--input and NAME=VALUE exclude each other")
        return value
    if not arguments.inputs:
        return {}
    contract = client.get(f"/v1/operations/{segment(arguments.operation)}")
    return typed(arguments.inputs, contract["input_schema"].get("properties", {}))


def typed(inputs: Sequence[str], properties: dict[str, Any]) -> dict[str, Any]:
    """Return the values of `NAME=VALUE`, each read as its declared type asks, and of `NAME:=JSON` as they are.

    Raises `UsageInvalid` for one that is neither.
    """
    found: dict[str, Any] = {}
    for text in inputs:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageInvalid("an argument is not NAME=VALUE", fix="write it like id=7 or lines:='[1, 2]'")
        if name.endswith(":"):
            name = name[:-1]
            found[name] = parse_json(value, name)
        else:
            found[name] = _typed(value, properties.get(name, {}))
    return found


def _typed(value: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type", "string")
    kinds = kind if isinstance(kind, list) else [kind]
    if "string" in kinds:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value  # the server says what it should have been

"""`interlock operations`: what a key may use, and each operation's contract."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import fields, indented, show, table


def list_operations(arguments: argparse.Namespace) -> int:
    """List the operations that the key's policies can allow."""
    page = connect(arguments).get("/v1/operations")
    show(arguments, page, _rows)
    return OK


def show_operation(arguments: argparse.Namespace) -> int:
    """Show an operation's contract."""
    show(arguments, connect(arguments).get(f"/v1/operations/{segment(arguments.operation)}"), operation_text)
    return OK


def operation_text(operation: dict[str, Any]) -> str:
    """Return an operation's contract."""
    hints = ", ".join(name.removesuffix("Hint") for name, value in operation["hints"].items() if value)
    rows = [
        ("operation", operation["id"]),
        ("what", operation["description"]),
        ("effect", operation["effect"]),
        ("hints", hints),
        ("digest", operation["digest"]),
    ]
    return f"{fields(rows)}\n\ninput\n{indented(schema_text(operation['input_schema']))}"


def schema_text(schema: dict[str, Any]) -> str:
    """Return the members of an object's schema as a table."""
    required = schema.get("required", ())
    rows = [
        (name, _kind(member), "required" if name in required else "", member.get("description", ""))
        for name, member in schema.get("properties", {}).items()
    ]
    return table(("NAME", "TYPE", "", "MEANING"), rows, empty="takes no arguments")


def _rows(page: dict[str, Any]) -> str:
    rows = [(operation["id"], operation["effect"], operation["description"]) for operation in page["items"]]
    return table(("OPERATION", "EFFECT", "WHAT IT DOES"), rows)


def _kind(member: dict[str, Any]) -> str:
    if "enum" in member:
        return " | ".join(str(value) for value in member["enum"])
    kind = member.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)

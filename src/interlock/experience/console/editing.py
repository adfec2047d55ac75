"""An action's arguments as fields of a form, and a form's fields as arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.experience.console.errors import FormInvalid
from interlock.experience.words import visible

PREFIX = "input."
_WORDS = {"number": "a number", "integer": "a whole number", "boolean": "yes or no"}


@dataclass(frozen=True, slots=True)
class EditField:
    """One argument as a field. *kind* is `text`, `number`, `integer`, `boolean`, `choice` or `json`."""

    name: str
    kind: str
    text: str
    required: bool
    choices: tuple[str, ...] = ()
    description: str = ""


def edit_fields(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> list[EditField]:
    """Return a field for each argument that *schema* declares, filled in with what *arguments* holds."""
    required = schema.get("required", ())
    declared: dict[str, Any] = {**schema.get("properties", {})}
    for name in arguments:
        declared.setdefault(name, {})
    return [_field(name, member, arguments, required=name in required) for name, member in declared.items()]


def edited(form: Mapping[str, str], arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that *form* asks for; an optional field left empty is left out.

    A field whose text was not changed keeps its value exactly. Raises `FormInvalid` naming the field.
    """
    found: dict[str, Any] = {}
    for one in edit_fields(arguments, schema):
        text = form.get(PREFIX + one.name, "").replace("\r\n", "\n")
        if text in (one.text, visible(one.text)):
            if one.name in arguments:
                found[one.name] = arguments[one.name]
        elif text.strip() or (one.kind == "text" and one.name in arguments):
            found[one.name] = _value(one, text)
        elif one.required:
            raise FormInvalid(f"{one.name} must not be empty", field=one.name)
    return found


def _field(name: str, member: Mapping[str, Any], arguments: Mapping[str, Any], *, required: bool) -> EditField:
    given = name in arguments
    value = arguments.get(name)
    choices = _choices(member, value, given=given)
    kind = "choice" if choices else _kind(member, value, given=given)
    if kind in ("text", "choice"):
        text = str(value) if given else ""
    else:
        text = json.dumps(value, ensure_ascii=False) if given else ""
    if kind == "boolean":
        choices = ("true", "false")
    return EditField(name, kind, text, required, choices, str(member.get("description", "")))


def _choices(member: Mapping[str, Any], value: Any, *, given: bool) -> tuple[str, ...]:
    """Return the texts that a member may be, unless its present value is none of them."""
    choices = member.get("enum")
    if not choices or not all(isinstance(choice, str) for choice in choices) or (given and value not in choices):
        return ()
    return tuple(choices)


def _kind(member: Mapping[str, Any], value: Any, *, given: bool) -> str:
    """Return how a value is edited: as its one declared type says, unless the present value is of another."""
    declared = member.get("type", ())
    names = {declared} if isinstance(declared, str) else {name for name in declared if name != "null"}
    only = names.pop() if len(names) == 1 else ""
    if not given:
        return only if only in _WORDS else "text" if only == "string" else "json"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "boolean" if only == "boolean" else "json"
    return only if only in ("number", "integer") and isinstance(value, (int, float)) else "json"


def _value(one: EditField, text: str) -> Any:
    if one.kind in ("text", "choice"):
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        wanted = _WORDS.get(one.kind, "JSON")
        raise FormInvalid(
            f"{one.name} must be {wanted}", fix="correct the field and try again", field=one.name
        ) from error
    fits = {
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
    }
    if not fits.get(one.kind, True):
        raise FormInvalid(
            f"{one.name} must be {_WORDS[one.kind]}", fix="correct the field and try again", field=one.name
        )
    return value

"""What arguments and fields probably are, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.assessment.declarations.guesses import distrusts, risk_guesses, role_guess, words_of
from interlock.values.operations import Effect, Operation, Risk

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}
PERSON = {"type": "object", "properties": {"name": TEXT, "email": {"type": "string", "format": "email"}}}
LETTER = {"type": "object", "properties": {"subject": TEXT, "body": TEXT}}
ROOT = {"$defs": {"uuid": {"type": "string", "format": "uuid"}}}

ROLES = [
    ("order_id", WHOLE, "target"),
    ("orderId", TEXT, "target"),
    ("ID", TEXT, "target"),
    ("invoiceIDs", {"type": "array", "items": WHOLE}, "target"),
    ("x", {"$ref": "#/$defs/uuid"}, "target"),
    ("x", {"anyOf": [{"type": "null"}, {"type": "string", "format": "email"}]}, "target"),
    ("order_number", WHOLE, "target"),
    ("to", TEXT, "target"),
    ("ship_to", TEXT, "target"),
    ("bcc", {"type": "array", "items": TEXT}, "target"),
    ("iban", TEXT, "target"),
    ("callbackUrl", TEXT, "target"),
    ("recipient", PERSON, "target"),
    ("payer", PERSON, "target"),
    ("delivery_address", {"type": "object", "properties": {"line": TEXT}}, "target"),
    ("subject", TEXT, "content"),
    ("email_body", TEXT, "content"),
    ("note_to_driver", TEXT, "content"),
    ("letter", LETTER, "content"),
    ("answer", {"type": "string", "maxLength": 4000}, "content"),
    ("amount", NUMBER, "control"),
    ("account_limit", WHOLE, "control"),
    ("number_of_guests", WHOLE, "control"),
    ("email", {"type": "boolean"}, "control"),
    ("message_id", {"enum": ["first", "second"]}, "control"),
    ("answer", {"type": "string", "maxLength": 40}, "control"),
    ("code_words", {"type": "array", "items": TEXT}, "control"),
    ("options", {"type": "object"}, "control"),
    ("body", {"type": "object"}, "control"),
    ("details", {"type": "object", "properties": {"iban": TEXT, "note": TEXT}}, "target"),
    ("body", {"type": "object", "properties": {"text": TEXT, "note": TEXT}}, "content"),
    ("after", {"type": "string", "maxLength": 4000}, "control"),
    ("kundennummer", TEXT, "control"),
    ("Kunden-Nummer", TEXT, "target"),
    ("anything", {}, "control"),
    ("", TEXT, "control"),
    ("schema", True, "control"),
]


@pytest.mark.parametrize(("name", "schema", "role"), ROLES)
def test_roles_are_guessed_from_name_and_schema(name: str, schema: Any, role: str) -> None:
    guess = role_guess(name, schema, ROOT)
    assert guess.word == role
    assert guess.why


DISTRUSTED = [
    (("body",), TEXT, True),
    (("items", "*", "name"), TEXT, True),
    (("tags", "*"), TEXT, True),
    ((), TEXT, True),
    (("id",), TEXT, False),
    (("orderId",), TEXT, False),
    (("items", "*", "status"), TEXT, False),
    (("created_at",), TEXT, False),
    (("kind",), {"enum": ["a", "b"]}, False),
    (("code",), {"type": "string", "pattern": "^[A-Z]+$"}, False),
    (("day",), {"type": "string", "format": "date"}, False),
    (("total",), NUMBER, False),
    (("done",), {"type": "boolean"}, False),
]


@pytest.mark.parametrize(("path", "schema", "expected"), DISTRUSTED)
def test_free_text_that_no_system_issues_is_distrusted(
    path: tuple[str, ...], schema: dict[str, Any], expected: bool
) -> None:
    assert distrusts(path, schema) is expected


RISKS = [
    ("create_payment", Effect.write, {Risk.spends}),
    ("delete_file", Effect.irreversible, {Risk.destructive}),
    ("cancel_order", Effect.write, {Risk.destructive, Risk.spends}),
    ("grantRole", Effect.write, {Risk.critical}),
    ("find_payment", Effect.read, set()),
    ("rename_file", Effect.write, set()),
]


@pytest.mark.parametrize(("name", "effect", "risks"), RISKS)
def test_risks_are_guessed_for_what_changes_something(name: str, effect: Effect, risks: set[Risk]) -> None:
    assert set(risk_guesses(Operation("vendor", name, effect))) == risks


def test_names_fall_apart_into_words() -> None:
    assert words_of("shipTo_URL-v2") == ["ship", "to", "url", "v", "2"]

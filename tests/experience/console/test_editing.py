"""Arguments as form fields: what was not touched comes back exactly, what was is of the declared type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.experience.console.editing import PREFIX, edit_fields, edited
from interlock.experience.console.errors import FormInvalid
from interlock.experience.words import visible

SCHEMA = {
    "required": ["order", "amount"],
    "properties": {
        "order": {"type": "integer"},
        "amount": {"type": "number"},
        "urgent": {"type": "boolean"},
        "reason": {"type": "string"},
        "way": {"enum": ["bank", "card"]},
        "lines": {"type": "array"},
        "limit": {"type": ["integer", "null"]},
    },
}
ARGUMENTS: dict[str, Any] = {"order": 7, "amount": 20.5, "urgent": True, "reason": "late", "way": "card", "lines": [1]}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def _form(arguments: dict[str, Any], **changes: str) -> dict[str, str]:
    filled = {PREFIX + one.name: one.text for one in edit_fields(arguments, SCHEMA)}
    return {**filled, **{PREFIX + name: text for name, text in changes.items()}}


@given(st.dictionaries(st.sampled_from(["order", "amount", "urgent", "reason", "lines", "limit", "other"]), values))
def test_untouched_fields_come_back_exactly(arguments: dict[str, Any]) -> None:
    sent = {name: visible(text) for name, text in _form(arguments).items()}
    assert edited(sent, arguments, {"properties": SCHEMA["properties"]}) == arguments


def test_changed_fields_are_of_their_declared_type() -> None:
    form = _form(
        ARGUMENTS, order="8", amount="19", urgent="false", reason="too\r\nlate", way="bank", lines='[{"a": 1}]'
    )
    assert edited(form, ARGUMENTS, SCHEMA) == {
        "order": 8,
        "amount": 19,
        "urgent": False,
        "reason": "too\nlate",
        "way": "bank",
        "lines": [{"a": 1}],
    }


def test_an_optional_field_left_empty_is_left_out_and_one_filled_in_is_added() -> None:
    found = edited(_form(ARGUMENTS, urgent="", lines="", limit="3"), ARGUMENTS, SCHEMA)
    assert "urgent" not in found
    assert "lines" not in found
    assert found["limit"] == 3


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("order", "seven", "order must be a whole number"),
        ("order", "7.5", "order must be a whole number"),
        ("order", "true", "order must be a whole number"),
        ("amount", '"20"', "amount must be a number"),
        ("amount", " ", "amount must not be empty"),
        ("urgent", "1", "urgent must be yes or no"),
        ("lines", "[1", "lines must be JSON"),
    ],
)
def test_a_field_that_does_not_fit_is_named_without_its_value(name: str, text: str, told: str) -> None:
    with pytest.raises(FormInvalid) as caught:
        edited(_form(ARGUMENTS, **{name: text}), ARGUMENTS, SCHEMA)
    assert caught.value.what == told

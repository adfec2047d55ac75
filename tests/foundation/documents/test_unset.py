"""Which variables a file needs that the environment does not have."""

from __future__ import annotations

import pytest

from interlock.foundation.documents import unset


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("url: ${DATABASE}", {"DATABASE"}),
        ("url: ${HOST}:${PORT}", {"PORT"}),
        ("url: ${DATABASE:-sqlite:///here.db}", set()),
        ("sign: $${DATABASE}", set()),
        ("nothing", set()),
        ("unfinished: ${", set()),
    ],
)
def test_variables_without_a_value_or_a_default_are_named(text: str, names: set[str]) -> None:
    assert unset(text, {"HOST": "localhost"}) == names

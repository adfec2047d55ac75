"""JSON pointers: what is written is read back, and the examples of RFC 6901 hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import pointer_of, steps_of


@pytest.mark.parametrize(
    ("pointer", "steps"),
    [("", ()), ("/", ("",)), ("/foo/0", ("foo", "0")), ("/a~1b", ("a/b",)), ("/m~0n", ("m~n",)), ("/~01", ("~1",))],
)
def test_the_examples_of_the_standard(pointer: str, steps: tuple[str, ...]) -> None:
    assert steps_of(pointer) == steps
    assert pointer_of(steps) == pointer


@given(st.lists(st.text(alphabet="~01/a#", max_size=6)))
def test_what_is_written_is_read_back(steps: list[str]) -> None:
    assert steps_of(pointer_of(steps)) == tuple(steps)

"""Files are cut into records exactly, put together as they were, and refused where they break."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.fixed.framing import (
    Blocked,
    Fixed,
    Format,
    FrameBroken,
    Lines,
    RecordTooLong,
    Variable,
)

UNIX = Lines(b"\n", b" ", b"\n")
MAINFRAME = Lines(b"\x15", b"\x40", b"\x15")
FORMATS: dict[str, Format] = {
    "fixed": Fixed(4),
    "variable": Variable(),
    "gnucobol": Variable(includes_word=0),
    "blocked": Blocked(),
    "lines": UNIX,
    "nel": MAINFRAME,
}
SAMPLES = {
    "fixed": b"aaaabbbbcccc",
    "variable": b"\0\x06\0\0ab\0\x05\0\0c\0\x04\0\0",
    "gnucobol": b"\0\x02\0\0ab\0\x01\0\0c",
    "blocked": b"\0\x0f\0\0\0\x06\0\0ab\0\x05\0\0c\0\x09\0\0\0\x05\0\0d",
    "lines": b"one\r\ntwo\n\nlast",
    "nel": b"\xd6\x15\xd7\x15",
}


def bodies(form: Format, data: bytes) -> list[bytes]:
    return [frame.body for block in form.blocks(io.BytesIO(data), 0, 1) for frame in block.frames]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fixed", [b"aaaa", b"bbbb", b"cccc"]),
        ("variable", [b"ab", b"c", b""]),
        ("gnucobol", [b"ab", b"c"]),
        ("blocked", [b"ab", b"c", b"d"]),
        ("lines", [b"one", b"two", b"", b"last"]),
        ("nel", [b"\xd6", b"\xd7"]),
    ],
)
def test_records_are_found(name: str, expected: Sequence[bytes]) -> None:
    assert bodies(FORMATS[name], SAMPLES[name]) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_put_together_is_what_was_there(name: str) -> None:
    form, data = FORMATS[name], SAMPLES[name]
    blocks = list(form.blocks(io.BytesIO(data), 0, 1))
    assert b"".join(form.render(block, {}) for block in blocks) == data
    assert [frame.number for block in blocks for frame in block.frames] == list(range(1, len(bodies(form, data)) + 1))


@pytest.mark.parametrize("name", FORMATS)
def test_reading_goes_on_from_any_block(name: str) -> None:
    form, data = FORMATS[name], SAMPLES[name]
    blocks = list(form.blocks(io.BytesIO(data), 0, 1))
    later = list(form.blocks(io.BytesIO(data), blocks[1].offset, blocks[1].frames[0].number))
    assert later == blocks[1:]


@pytest.mark.parametrize(
    ("name", "data", "number", "offset"),
    [
        ("fixed", b"aaaabb", 2, 4),
        ("variable", b"\0\x06\0\0ab\0\x08\0\0a", 2, 6),
        ("variable", b"\0\x06\0", 1, 0),
        ("variable", b"\0\x03\0\0", 1, 0),
        ("variable", b"\0\x06\x01\0ab", 1, 0),
        ("variable", b"text that is no descriptor", 1, 0),
        ("gnucobol", b"\0\x09\0\0a", 1, 0),
        ("gnucobol", b"\0\x09\0\x07a", 1, 0),
        ("blocked", b"\0\x0f\0\0\0\x06\0\0ab\0\x05\0\0", 2, 10),
        ("blocked", b"\0\x08\0\0\0\x06\0\0ab", 1, 4),
        ("blocked", b"\0\x0f", 1, 0),
    ],
    ids=str,
)
def test_a_broken_file_is_refused_with_the_record_and_its_offset(
    name: str, data: bytes, number: int, offset: int
) -> None:
    with pytest.raises(FrameBroken) as caught:
        bodies(FORMATS[name], data)
    assert (caught.value.number, caught.value.offset) == (number, offset)


def test_a_line_without_end_is_not_gathered_for_ever() -> None:
    with pytest.raises(FrameBroken, match="longer than"):
        bodies(UNIX, b"x" * (2 << 20))


def test_a_record_that_no_frame_can_hold_is_refused() -> None:
    with pytest.raises(RecordTooLong):
        Variable().added(b"x" * 40_000, None)
    with pytest.raises(RecordTooLong):
        Fixed(3).added(b"four", None)
    with pytest.raises(RecordTooLong):
        UNIX.added(b"a\nb", None)


@pytest.mark.parametrize("name", ["variable", "gnucobol", "blocked"])
@given(st.lists(st.binary(max_size=50), max_size=8))
def test_added_records_are_found_again(name: str, records: list[bytes]) -> None:
    form = FORMATS[name]
    assert bodies(form, b"".join(form.added(record, None) for record in records)) == records


@pytest.mark.parametrize("name", FORMATS)
@given(st.binary(max_size=80))
def test_any_bytes_are_records_or_refused(name: str, data: bytes) -> None:
    form = FORMATS[name]
    try:
        blocks = list(form.blocks(io.BytesIO(data), 0, 1))
    except FrameBroken as error:
        assert 0 <= error.offset <= len(data)  # noqa: PT017 - both ends are right ones
    else:
        assert b"".join(data[block.offset : block.offset + block.size] for block in blocks) == data

"""Fields are read exactly or not at all, and bytes change only where values do."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.fixed.copybook import (
    CHARSETS,
    CopybookInvalid,
    Finding,
    Layout,
    RecordUnfit,
    decode,
    encode,
)
from tests.integration.connectors.fixed.copybooks import field, layout, read, written

ASCII = {"encoding": "ascii", "dialect": "gnucobol"}


@pytest.mark.parametrize(
    ("picture", "value", "data", "more"),
    [
        ("PIC S9(3)", "-123", "f1f2d3", {}),
        ("PIC S9(3)", "123", "f1f2c3", {}),
        ("PIC 9(3)", "7", "f0f0f7", {}),
        ("PIC S9(3) LEADING", "-123", "d1f2f3", {}),
        ("PIC S9(3) SIGN TRAILING SEPARATE", "-123", "f1f2f360", {}),
        ("PIC S9(3) SIGN LEADING SEPARATE CHARACTER", "123", "4ef1f2f3", {}),
        ("PIC S9(3)", "-123", "313273", ASCII),
        ("PIC S9(3)", "123", "313233", ASCII),
        ("PIC S9(3)", "-120", "31327d", {**ASCII, "sign": "letters"}),
        ("PIC S9(3)", "123", "313243", {**ASCII, "sign": "letters"}),
        ("PIC S9(3) LEADING", "-123", "713233", ASCII),
        ("PIC S9(5)V99 COMP-3", "-1234.56", "0123456d", {}),
        ("PIC 9(4) COMP-3", "1234", "01234f", {}),
        ("PIC 9(4) COMP-6", "1234", "1234", {}),
        ("PIC S9(4) COMP", "-2", "fffe", {}),
        ("PIC S9(4) COMP-5", "-2", "feff", ASCII),
        ("PIC 9(4) COMP-5", "65535", "ffff", ASCII),
        ("PIC S9(3)V9(2) COMP", "1.25", "0000007d", {}),
        ("PIC 9(2)P(3) COMP-3", "12000", "012f", {}),
        ("PIC P(3)9(2)", "0.00012", "f1f2", {}),
        ("PIC S9(18) COMP-3", "-999999999999999999", "0999999999999999999d", {}),
    ],
)
def test_numbers_are_written_as_the_field_writes_them(
    picture: str, value: str, data: str, more: dict[str, str]
) -> None:
    made = field(picture, **more)
    assert written(made, Decimal(value)).hex() == data
    assert read(made, bytes.fromhex(data)) == Decimal(value)


@pytest.mark.parametrize(
    ("picture", "value", "data", "more"),
    [
        ("COMP-1", 1.0, "41100000", {}),
        ("COMP-1", -118.625, "c276a000", {}),
        ("COMP-2", 0.15625, "4028000000000000", {}),
        ("COMP-1", 1.5, struct.pack("<f", 1.5).hex(), ASCII),
        ("COMP-2", -2.25, struct.pack(">d", -2.25).hex(), {"floats": "ieee-big"}),
    ],
)
def test_floating_point_numbers_come_in_two_forms(picture: str, value: float, data: str, more: dict[str, str]) -> None:
    made = field(picture, **more)
    assert written(made, value).hex() == data
    assert read(made, bytes.fromhex(data)) == value


@pytest.mark.parametrize(
    ("picture", "data", "more"),
    [
        ("PIC 9(3)", "404040", {}),
        ("PIC 9(3)", "f1faf2", {}),
        ("PIC S9(3)", "f1f243", {}),
        ("PIC S9(3)", "31327a", ASCII),
        ("PIC S9(3)", "7a3231", {**ASCII}),
        ("PIC S9(3) SIGN LEADING SEPARATE", "40f1f2f3", {}),
        ("PIC S9(3) COMP-3", "1231", {}),
        ("PIC S9(3) COMP-3", "1a3c", {}),
        ("PIC 9(3) COMP-3", "123d", {}),
        ("PIC S9(4) COMP-3", "91234c", {}),
        ("PIC X(2)", "41ff", ASCII),
        ("COMP-1", "ffffffff", {"floats": "ieee-big"}),
        ("PIC S9(15) COMP", "7fffffffffffffff", {}),
        ("PIC N(1)", "d800", {}),
    ],
)
def test_what_cannot_be_read_is_named_and_kept(picture: str, data: str, more: dict[str, str]) -> None:
    made, raw = field(picture, **more), bytes.fromhex(data)
    found = decode(made, raw)
    assert found.values == {"f": None}
    assert [(one.field, one.offset) for one in found.unread] == [("f", 0)]
    assert encode(made, found.values, raw) == raw


@pytest.mark.parametrize(
    ("picture", "value"),
    [
        ("PIC 9(3)", 1000),
        ("PIC 9(3)", -1),
        ("PIC 9(3)", 1.5),
        ("PIC 9(3)", "x"),
        ("PIC 9(3)", True),
        ("PIC S9(3)V99 COMP-3", 0.001),
        ("PIC 9(2)P(3)", 12001),
        ("PIC S9(4) COMP", 10000),
        ("PIC S9(4) COMP-5", 40000),
        ("PIC 9(3)", float("nan")),
        ("PIC 9(3)", Decimal("1e400")),
        ("PIC X(3)", "four"),
        ("PIC X(3)", "€"),
        ("PIC X(3)", 5),
        ("COMP-1", 1e300),
        ("COMP-1", float("inf")),
        ("PIC N(1)", "ab"),
        ("PIC X(3)", None),
    ],
)
def test_what_does_not_fit_is_refused_without_being_repeated(picture: str, value: Any) -> None:
    with pytest.raises(RecordUnfit) as caught:
        written(field(picture), value)
    assert [path for path, _ in caught.value.problems] == ["f"]
    assert str(value) not in str(caught.value) or len(str(value)) < 3


def test_blank_when_zero_is_blank() -> None:
    made = field("PIC 9(3) BLANK WHEN ZERO")
    assert written(made, 0).hex() == "404040"
    assert (read(made, b"\x40\x40\x40"), read(made, b"\xf0\xf0\xf0")) == (0, 0)


def test_justified_texts_stand_right() -> None:
    made = field("PIC X(4) JUSTIFIED RIGHT", encoding="ascii")
    assert written(made, "ab") == b"  ab"
    assert read(made, b"  ab") == "ab"


def test_initial_values_are_those_of_the_copybook() -> None:
    made = layout(
        """01 R. 05 A PIC X(3) VALUE 'ab'. 05 B PIC 9(2) VALUE 7. 05 C PIC X(2) VALUE LOW-VALUES.
           05 D PIC X(4) VALUE ALL '*'. 05 E PIC S9(3) COMP-3. 05 FILLER PIC X(2) VALUE X'0102'. 05 F PIC X(2).""",
        encoding="ascii",
    )
    assert encode(made, {}) == b"ab 07\0\0****\x00\x0c\x01\x02  "


def test_views_of_the_same_bytes_are_all_shown_and_the_changed_one_counts() -> None:
    made = layout("01 R. 05 D PIC 9(6). 05 P REDEFINES D. 10 Y PIC 9(4). 10 M PIC 9(2). 05 T REDEFINES D PIC X(6).")
    old = encode(made, {"d": 202401})
    values = decode(made, old).values
    assert values == {"d": 202401, "p": {"y": 2024, "m": 1}, "t": "202401"}
    new = encode(made, values | {"p": {"y": 2025, "m": 1}}, old)
    assert decode(made, new).values["d"] == 202501
    with pytest.raises(RecordUnfit, match="shares bytes"):
        encode(made, {"d": 202502, "t": "abcdef"}, old)


NESTED = """
01 R.
  05 N PIC 9(2).
  05 T OCCURS 0 TO 4 DEPENDING ON N.
     10 M PIC 9.
     10 U OCCURS 0 TO 3 DEPENDING ON M.
        15 V PIC S9(3) COMP-3.
        15 FILLER PIC X.
     10 W PIC X(2).
  05 Z PIC X(3).
"""


def test_tables_of_changing_length_slide_and_nest() -> None:
    made = layout(NESTED)
    values = {"t": [{"u": [{"v": 1}, {"v": -2}], "w": "ab"}, {"u": [], "w": "cd"}], "z": "end"}
    data = encode(made, values)
    assert len(data) == 2 + (1 + 6 + 2) + (1 + 2) + 3
    found = decode(made, data)
    assert (found.unread, found.values["n"], found.values["t"][0]["u"][1]["v"]) == ([], 2, -2)
    shorter = encode(made, {"t": found.values["t"][:1]}, data)
    assert decode(made, shorter).values["t"] == found.values["t"][:1]
    assert decode(made, shorter).values["z"] == "end"


def test_a_counter_that_lies_makes_what_follows_unknown() -> None:
    made = layout(NESTED)
    data = bytearray(encode(made, {"t": [{"u": [], "w": "ab"}], "z": "end"}))
    data[0:2] = CHARSETS["cp037"].encode("77")
    found = decode(made, bytes(data))
    assert (found.values["t"], found.values["z"]) == (None, None)
    assert [one.field for one in found.unread] == ["t"]
    assert encode(made, found.values, bytes(data)) == bytes(data)


def test_a_counter_and_its_table_must_agree() -> None:
    made = layout(NESTED)
    with pytest.raises(RecordUnfit, match="how often"):
        encode(made, {"n": 3, "t": []})
    with pytest.raises(RecordUnfit, match="0 to 4 times"):
        encode(made, {"t": [{}] * 5})


def test_where_tables_stay_what_follows_does_too() -> None:
    text = "01 R. 05 N PIC 9. 05 T PIC X(2) OCCURS 1 TO 3 DEPENDING ON N. 05 Z PIC X."
    made = layout(text, **ASCII)
    data = encode(made, {"t": ["ab"], "z": "!"})
    assert data == b"1ab    !"
    longer = encode(made, {"t": ["ab", "cd"]}, b"1abxxyy!")
    assert longer == b"2abcdyy!"


def test_short_and_long_records_say_so() -> None:
    made = layout("01 R. 05 A PIC X(2). 05 B PIC X(2).", encoding="ascii")
    assert [(one.field, one.offset) for one in decode(made, b"abc").unread] == [("b", 2)]
    assert [(one.field, one.offset) for one in decode(made, b"abcdef").unread] == [("", 4)]
    with pytest.raises(RecordUnfit, match="beyond the end"):
        encode(made, {"b": "x"}, b"abc")
    assert encode(made, {"a": "x"}, b"abcdef") == b"x cdef"


ALL = """
01 R.
  05 TX PIC X(5).
  05 ZD PIC S9(5)V99.
  05 ZL PIC S9(3) LEADING.
  05 ZS PIC S9(4)V9 SIGN TRAILING SEPARATE.
  05 PK PIC S9(9)V99 COMP-3.
  05 P6 PIC 9(6) COMP-6.
  05 BI PIC S9(9) COMP.
  05 NA PIC 9(4) COMP-5.
  05 F1 COMP-1.
  05 F2 COMP-2.
  05 FILLER PIC X(3).
  05 JU PIC X(4) JUST.
  05 TB OCCURS 2. 10 TV PIC 9(2). 10 TW PIC S9(3) COMP-3 SYNC.
  05 ED PIC ZZ9.99-.
  05 EX REDEFINES ED PIC X(7).
"""
MAKES = [("cp037", "ibm"), ("cp1047", "ibm"), ("cp273", "ibm"), ("cp500", "ibm"), ("cp1140", "ibm")]
MAKES += [("ascii", "gnucobol"), ("latin-1", "microfocus"), ("utf-8", "gnucobol")]
LAYOUTS: dict[tuple[str, str], Layout] = {make: layout(ALL, encoding=make[0], dialect=make[1]) for make in MAKES}


def decimals(digits: int, scale: int, *, signed: bool = True) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most if signed else 0, most).map(lambda whole: Decimal(whole).scaleb(-scale))


TEXTS = st.text("abcXYZ019 .-/{}", max_size=5).map(lambda text: text.rstrip(" "))
VALUES = st.fixed_dictionaries(
    {
        "tx": TEXTS,
        "zd": decimals(7, 2),
        "zl": decimals(3, 0),
        "zs": decimals(5, 1),
        "pk": decimals(11, 2),
        "p6": decimals(6, 0, signed=False),
        "bi": decimals(9, 0),
        "na": st.integers(0, 65535).map(Decimal),
        "f1": st.integers(-100_000, 100_000).map(lambda n: n / 64),
        "f2": st.floats(1e-60, 1e60),
        "ju": st.text("abc9", max_size=4),
        "tb": st.lists(
            st.fixed_dictionaries({"tv": decimals(2, 0, signed=False), "tw": decimals(3, 0)}), min_size=2, max_size=2
        ),
    }
)


@pytest.mark.parametrize("make", MAKES, ids="-".join)
@given(values=VALUES)
def test_what_is_written_is_read(make: tuple[str, str], values: dict[str, Any]) -> None:
    made = LAYOUTS[make]
    found = decode(made, encode(made, values))
    assert not found.unread
    assert {name: found.values[name] for name in values} == values


@pytest.mark.parametrize("make", MAKES, ids="-".join)
@given(data=st.data())
def test_any_bytes_are_read_and_written_back_as_they_were(make: tuple[str, str], data: st.DataObject) -> None:
    made = LAYOUTS[make]
    raw = data.draw(st.binary(min_size=0, max_size=made.size + 3))
    assert encode(made, decode(made, raw).values, raw) == raw


@given(raw=st.binary(max_size=60))
def test_any_bytes_of_tables_that_slide_are_written_back_as_they_were(raw: bytes) -> None:
    made = layout(NESTED)
    assert encode(made, decode(made, raw).values, raw) == raw


@given(raw=st.binary(min_size=LAYOUTS[MAKES[0]].size, max_size=LAYOUTS[MAKES[0]].size), value=decimals(11, 2))
def test_a_change_of_one_field_changes_no_other_byte(raw: bytes, value: Decimal) -> None:
    made = LAYOUTS[MAKES[0]]
    new = encode(made, {"pk": value}, raw)
    start = 5 + 7 + 3 + 6
    assert (new[:start], new[start + 6 :]) == (raw[:start], raw[start + 6 :])
    assert decode(made, new).values["pk"] == value


def findings_of(text: str) -> list[Finding]:
    try:
        layout(text)
    except CopybookInvalid as error:
        return error.findings or pytest.fail("it is refused without a reason")
    return []


@given(st.text(st.sampled_from("0159 .()XV9SPICOURSDENGT-'\"=:,*>\n"), max_size=120))
def test_any_text_is_a_copybook_or_says_what_is_wrong(text: str) -> None:
    assert all(finding.line >= 1 for finding in findings_of(text))


WORDS = """01 05 10 66 77 78 88 R A B PIC X(3) 9(2) S9 OCCURS 2 TO 3 TIMES DEPENDING ON . . . REDEFINES VALUE 'a' COMP-3
    COMP-1 SYNC COPY REPLACING ==A== BY RENAMES THRU FILLER SIGN LEADING""".split()


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words_are_a_copybook_or_say_what_is_wrong(words: list[str]) -> None:
    assert all(finding.line >= 1 for finding in findings_of("01 R. " + " ".join(words)))

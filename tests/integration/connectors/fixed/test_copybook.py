"""Copybooks are read as compilers read them; what is wrong is found at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.integration.connectors.fixed.copybook import (
    CHARSETS,
    DIALECTS,
    CopybookInvalid,
    decode,
    encode,
    lay_out,
    parse_copybook,
)
from tests.integration.connectors.fixed.copybooks import field, layout

FIXED = """\
000100******************************************************************ACCT
000200* AN ACCOUNT                                                      ACCT
000300 01  ACCOUNT-REC.                                                 ACCT
000400     05  ACCOUNT-ID          PIC 9(8).                            ACCT
000500     05  FILLER              PIC X(3) VALUE 'A.B'.                ACCT
000600     05  OWNER               PIC X(10)                            ACCT
000700-                                     .                           ACCT
000800D    05  DEBUG-ONLY          PIC X.                               ACCT
"""


def sizes(text: str, **more: str) -> dict[str, int]:
    return {leaf.cobol: leaf.size for leaf in layout(text, **more).leaves() if leaf.name}


def test_fixed_format_drops_numbers_marks_and_comments() -> None:
    record = parse_copybook(FIXED).records[0]
    assert [(item.name, item.line) for item in record.children] == [("ACCOUNT-ID", 4), ("", 5), ("OWNER", 6)]


def test_free_format_takes_any_column_and_comments_anywhere() -> None:
    record = parse_copybook("01 R.\n*> nothing\n05 A PIC X. *> a field\n    05 B PIC 9(3).\n").records[0]
    assert [item.name for item in record.children] == ["A", "B"]


def test_a_literal_goes_on_in_the_next_line() -> None:
    text = f"{'':6} 01  R.\n{'':6}     05  A  PIC X(62) VALUE '{'A' * 36}\n{'':6}-    'BBB'.\n"
    made = lay_out(parse_copybook(text).records[0], CHARSETS["ascii"], DIALECTS["gnucobol"])
    assert decode(made, encode(made, {})).values["a"].replace(" ", "") == "A" * 36 + "BBB"


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        ("PIC X(10)", 10),
        ("PIC A(3)X99", 6),
        ("PIC S9(7)V99", 9),
        ("PIC S9(7)V99 SIGN LEADING SEPARATE", 10),
        ("PIC S9(7)V99 COMP-3", 5),
        ("PIC S9(6) PACKED-DECIMAL", 4),
        ("PIC 9(6) COMP-6", 3),
        ("PIC S9(4) COMP", 2),
        ("PIC S9(5) BINARY", 4),
        ("PIC S9(10) COMP-4", 8),
        ("PIC 9(3)P(3)", 3),
        ("PIC P(3)9(2) COMP-3", 2),
        ("PIC VP(3)9(2)", 2),
        ("PIC $ZZ,ZZ9.99CR", 12),
        ("PIC -(5)9.9(2)", 9),
        ("PIC 99/99/9999", 10),
        ("COMP-1", 4),
        ("USAGE IS COMP-2", 8),
        ("PIC N(4)", 8),
        ("POINTER", 8),
    ],
)
def test_sizes_are_the_mainframes(picture: str, size: int) -> None:
    assert field(picture).size == size


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [("ibm", [2, 2, 4, 4, 8]), ("gnucobol", [1, 2, 4, 4, 8]), ("microfocus", [1, 2, 3, 4, 5])],
)
def test_binary_sizes_are_the_dialects(dialect: str, expected: list[int]) -> None:
    assert [field(f"PIC S9({n}) COMP", dialect=dialect).size for n in (2, 4, 6, 9, 10)] == expected


def test_synchronized_numbers_stand_on_their_boundaries() -> None:
    text = """01 R. 05 A PIC X. 05 B PIC S9(4) COMP SYNC. 05 C PIC X. 05 D PIC S9(9) COMP SYNC. 05 E PIC X.
              05 T OCCURS 2. 10 G PIC S9(9) COMP SYNC. 10 H PIC X."""
    made = layout(text)
    data = encode(made, {"b": 1, "d": 2, "t": [{"g": 3}, {"g": 4}]})
    assert len(data) == 13 + 2 * 8
    assert (data[2:4], data[8:12], data[16:20], data[24:28]) == tuple(
        n.to_bytes(size, "big") for n, size in ((1, 2), (2, 4), (3, 4), (4, 4))
    )


def test_a_constant_gives_sizes_and_times() -> None:
    made = layout("78 N VALUE 3. 01 R. 05 A PIC X(N). 05 B PIC 9 OCCURS N TIMES.")
    assert made.size == 6


def test_a_rename_shows_what_it_covers() -> None:
    made = layout("01 R. 05 A PIC X(2). 05 B PIC 9(3). 05 C PIC X. 66 AB RENAMES A THRU B. 66 D RENAMES C.")
    assert decode(made, encode(made, {"a": "xy", "b": 12, "c": "z"})).values["ab"] == "xy012"
    assert decode(made, encode(made, {"a": "xy", "b": 12, "c": "z"})).values["d"] == "z"


def test_copy_takes_in_another_copybook_with_its_words_replaced() -> None:
    library = {"PARTS": ("parts.cpy", "05 :P:-ID PIC 9(4).\n05 OLD-NAME PIC X(LENGTH-1).\n05 PRE-X PIC X.")}
    text = (
        "01 R. COPY PARTS REPLACING ==:P:== BY ==CUST== OLD-NAME BY NEW-NAME"
        " ==(LENGTH-1)== BY ==(7)== LEADING ==PRE== BY ==POST==."
    )
    record = parse_copybook(text, form="free", resolve=library.get).records[0]
    assert [item.name for item in record.children] == ["CUST-ID", "NEW-NAME", "POST-X"]
    assert record.children[1].picture is not None
    assert record.children[1].picture.size == 7
    assert record.children[1].file == "parts.cpy"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("01 R.\n05 A PIC Q(3).", 2, "no picture has"),
        ("01 R.\n05 A PIC X(3)\n", 2, "full stop"),
        ("01 R.\n05 A.", 2, "neither a PIC clause nor items"),
        ("01 R.\n05 A PIC X COMP-3.", 2, "must be a number"),
        ("01 R.\n05 A PIC 9(20) COMP.", 2, "at most 18 digits"),
        ("01 R.\n05 A PIC 9(99).", 2, "more than 38 digits"),
        ("01 R.\n05 A PIC X(999999999).", 2, "positions"),
        ("01 R.\n05 A PIC X.\n05 B REDEFINES C PIC X.", 3, "redefines C"),
        ("01 R.\n05 A PIC X.\n05 B REDEFINES A PIC X(2).", 3, "2 bytes long"),
        ("01 R.\n05 A PIC X OCCURS 1 TO 3 DEPENDING ON N.", 2, "no number of that name"),
        ("01 R.\n05 A PIC X OCCURS 1 TO 3.", 2, "DEPENDING"),
        ("01 R.\n05 A PIC X OCCURS 9999999.", 2, "OCCURS must be"),
        ("01 R.\n05 A PIC X.\n10 B PIC X.", 3, "has a PIC clause"),
        ("01 R.\n05 A PIC X.\n03 B PIC X.", 3, "level 03 does not fit"),
        ("01 R.\n50 A PIC X.", 2, "no level number"),
        ("01 R.\n05 A PIC X NONSENSE.", 2, "no clause that is known"),
        ("01 R.\n05 A PIC X.\n05 A PIC X.", 1, "two fields"),
        ("01 R.\n05 A PIC X SYNC RIGHT.", 2, "not supported"),
        ("01 R.\n05 A PIC 9 VALUE 'x'.", 2, "VALUE"),
        ("01 R.\nCOPY OTHER.", 2, "no such copybook"),
        ("88 X VALUE 1.", 1, "an item before it"),
        ("01 R.\n05 A PIC G(3).", 2, "not supported"),
        ("01 R.\n05 A PIC X.\n66 B RENAMES C.", 3, "renames"),
        ("01 R.\n05 A PIC 9V9P.", 2, "on one side"),
        ("", 1, "no record"),
        ("01 R.\n05 A PIC X(1 0).", 2, ""),
        ("01 R. {", 1, ""),
    ],
    ids=str,
)
def test_what_is_wrong_is_found_at_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(CopybookInvalid) as caught:
        layout(text)
    assert (caught.value.findings[0].line, words in str(caught.value)) == (line, True), caught.value


def test_every_finding_is_told() -> None:
    with pytest.raises(CopybookInvalid) as caught:
        layout("01 R.\n05 A PIC Q.\n05 B PIC X.\n05 C WRONG.")
    assert [finding.line for finding in caught.value.findings] == [2, 4]


def test_a_copybook_that_copies_itself_ends() -> None:
    with pytest.raises(CopybookInvalid, match="copy itself"):
        parse_copybook("COPY A.", form="free", resolve=lambda _: ("a.cpy", "COPY A."))


def test_a_nested_table_of_changing_length_needs_tables_that_slide() -> None:
    text = "01 R. 05 N PIC 9. 05 T OCCURS 0 TO 3 DEPENDING ON N. 10 M PIC 9. 10 U PIC X OCCURS 0 TO 2 DEPENDING ON M."
    assert layout(text).size == 10
    with pytest.raises(CopybookInvalid, match="do not slide"):
        layout(text, dialect="gnucobol")


def test_the_table_of_code_page_1047_is_the_published_one() -> None:
    """The places in which it differs from 037, as the code page's own definition has them."""
    expected = {0xAD: "[", 0xBD: "]", 0x5F: "^", 0xB0: "¬", 0xBA: "Ý", 0xBB: "¨", 0x4A: "¢", 0xC0: "{", 0x15: "\x85"}
    ours = CHARSETS["cp1047"].decode(bytes(range(256)))
    assert {at: ours[at] for at in expected} == expected
    assert sorted(ours) == [chr(n) for n in range(256)]
    assert CHARSETS["cp1047"].encode(ours) == bytes(range(256))


def test_a_copybook_without_a_record_of_its_own_is_one() -> None:
    assert [one.name for one in parse_copybook("05 A PIC X.\n05 B PIC 9.\n", form="free").records] == ["RECORD"]


def test_names_that_only_indent_are_grouped_by_level(tmp_path: Path) -> None:
    record = parse_copybook("01 R.\n02 A.\n03 B PIC X.\n03 C PIC X.\n02 D PIC X.", form="free").records[0]
    assert [[child.name for child in item.children] for item in record.children] == [["B", "C"], []]

"""Files that a COBOL compiler's program wrote are read, and written byte for byte as it writes them."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.connectors.fixed.copybook import (
    CHARSETS,
    DIALECTS,
    Layout,
    decode,
    encode,
    lay_out,
    parse_copybook,
)
from interlock.integration.connectors.fixed.framing import Format, Lines, Variable

pytestmark = pytest.mark.skipif(
    shutil.which("cobc") is None, reason="no GnuCOBOL compiler (cobc) on the PATH (hint: apt-get install gnucobol3)"
)

COPYBOOK = """\
       01  REC.
           05  ID-NO        PIC 9(5).
           05  NAME         PIC X(8).
           05  NAME-RIGHT   PIC X(6) JUSTIFIED RIGHT.
           05  ZD           PIC S9(5)V99.
           05  ZL           PIC S9(4) SIGN LEADING.
           05  ZS           PIC S9(4) SIGN TRAILING SEPARATE.
           05  ZLS          PIC S9(4) SIGN LEADING SEPARATE.
           05  PK           PIC S9(7)V99 COMP-3.
           05  PE           PIC 9(4) COMP-3.
           05  B1           PIC S9(2) COMP.
           05  B2           PIC S9(4) COMP.
           05  B4           PIC S9(9) COMP.
           05  B8           PIC S9(15) COMP.
           05  N2           PIC 9(4) COMP-5.
           05  N4           PIC S9(9) COMP-5.
           05  FL           COMP-1.
           05  DB           COMP-2.
           05  GAP          PIC X.
           05  SY           PIC S9(9) COMP SYNC.
           05  ED           PIC -ZZ9.99.
           05  BZ           PIC 9(3) BLANK WHEN ZERO.
           05  SCALED       PIC 9(2)P(2).
           05  DAY-NO       PIC 9(8).
           05  DAY-PARTS REDEFINES DAY-NO.
               10  YY       PIC 9(4).
               10  MM       PIC 9(2).
               10  DD       PIC 9(2).
           05  TB OCCURS 3 TIMES.
               10  TV       PIC S9(3) COMP-3.
               10  TX       PIC X(2).
"""
MOVES = """\
           MOVE 42 TO ID-NO
           MOVE "Ada" TO NAME
           MOVE "abc" TO NAME-RIGHT
           MOVE -123.45 TO ZD
           MOVE -12 TO ZL
           MOVE -7 TO ZS
           MOVE 9 TO ZLS
           MOVE -7654321.09 TO PK
           MOVE 1234 TO PE
           MOVE -12 TO B1
           MOVE -1234 TO B2
           MOVE 123456789 TO B4
           MOVE -123456789012345 TO B8
           MOVE 9999 TO N2
           MOVE -5 TO N4
           MOVE 1.5 TO FL
           MOVE -2.25 TO DB
           MOVE "g" TO GAP
           MOVE -77 TO SY
           MOVE -12.5 TO ED
           MOVE 0 TO BZ
           MOVE 1200 TO SCALED
           MOVE 20240229 TO DAY-NO
           MOVE 1 TO TV(1)
           MOVE -2 TO TV(2)
           MOVE 3 TO TV(3)
           MOVE "a" TO TX(1)
           MOVE "b" TO TX(2)
           MOVE "c" TO TX(3)
"""
VALUES: dict[str, Any] = {
    "id_no": 42, "name": "Ada", "name_right": "abc", "zd": Decimal("-123.45"), "zl": -12, "zs": -7, "zls": 9,
    "pk": Decimal("-7654321.09"), "pe": 1234, "b1": -12, "b2": -1234, "b4": 123456789, "b8": -123456789012345,
    "n2": 9999, "n4": -5, "fl": 1.5, "db": -2.25, "gap": "g", "sy": -77, "ed": "- 12.50", "bz": 0, "scaled": 1200,
    "day_no": 20240229, "day_parts": {"yy": 2024, "mm": 2, "dd": 29},
    "tb": [{"tv": 1, "tx": "a"}, {"tv": -2, "tx": "b"}, {"tv": 3, "tx": "c"}],
}  # fmt: skip
PROGRAM = """\
       IDENTIFICATION DIVISION.
       PROGRAM-ID. WRITER.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT F ASSIGN TO "out.dat" ORGANIZATION {organization}.
       DATA DIVISION.
       FILE SECTION.
       FD  F{description}.
       COPY "rec.cpy".
       PROCEDURE DIVISION.
           OPEN OUTPUT F
           INITIALIZE REC
{moves}
           WRITE REC
           CLOSE F
           STOP RUN.
"""


def run(folder: Path, copybook: str, moves: str, *, organization: str = "SEQUENTIAL", more: tuple[str, ...] = (),
        description: str = "") -> bytes:  # fmt: skip
    """Compile and run a program that writes one record, and return its file."""
    (folder / "rec.cpy").write_text(copybook)
    source = PROGRAM.format(organization=organization, moves=moves, description=description)
    (folder / "writer.cob").write_text(source)
    for command in (["cobc", "-x", *more, "writer.cob"], ["./writer"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    return (folder / "out.dat").read_bytes()


def laid_out(copybook: str, **changes: str) -> Layout:
    record = parse_copybook(copybook).records[0]
    return lay_out(record, CHARSETS["ascii"], DIALECTS["gnucobol"].changed(**changes))


def records(form: Format, folder: Path) -> list[bytes]:
    with (folder / "out.dat").open("rb") as stream:
        return [frame.body for block in form.blocks(stream, 0, 1) for frame in block.frames]


def test_every_kind_of_field_is_read_and_written_as_the_compiler_does(tmp_path: Path) -> None:
    made = laid_out(COPYBOOK)
    data = run(tmp_path, COPYBOOK, MOVES)
    assert len(data) == made.size
    found = decode(made, data)
    assert (found.values, found.unread) == (VALUES, [])
    gap = data.index(b"g", 40)
    slack = range(gap + 1, -(-(gap + 1) // 4) * 4)  # up to the boundary of SY; nobody says what stands there
    fresh = encode(made, VALUES)
    assert {at for at in range(len(data)) if fresh[at] != data[at]} <= set(slack)
    assert encode(made, found.values, data) == data


def test_signs_as_letters_are_the_compilers(tmp_path: Path) -> None:
    copybook = "       01  REC.\n           05  A PIC S9(3).\n           05  B PIC S9(3).\n"
    data = run(tmp_path, copybook, "           MOVE -120 TO A MOVE 123 TO B", more=("-fsign=EBCDIC",))
    made = laid_out(copybook, sign="letters")
    assert decode(made, data).values == {"a": -120, "b": 123}
    assert encode(made, {"a": -120, "b": 123}) == data


ODO = """\
       01  REC.
           05  N            PIC 9(2).
           05  T OCCURS 1 TO 5 DEPENDING ON N.
               10  V        PIC S9(3) COMP-3.
               10  W        PIC X.
"""


def test_variable_records_are_framed_as_the_compiler_does(tmp_path: Path) -> None:
    moves = "           MOVE 2 TO N MOVE 7 TO V(1) MOVE -8 TO V(2)\n           MOVE 'x' TO W(1) MOVE 'y' TO W(2)"
    description = " RECORD IS VARYING IN SIZE FROM 5 TO 17 CHARACTERS"
    data = run(tmp_path, ODO, moves, description=description)
    made = laid_out(ODO, tables="slide")
    form = Variable(includes_word=0)
    assert [decode(made, body).values for body in records(form, tmp_path)] == [
        {"n": 2, "t": [{"v": 7, "w": "x"}, {"v": -8, "w": "y"}]}
    ]
    assert form.added(encode(made, {"t": [{"v": 7, "w": "x"}, {"v": -8, "w": "y"}]}), None) == data


def test_lines_are_those_of_the_compiler(tmp_path: Path) -> None:
    copybook = "       01  REC.\n           05  A PIC X(4).\n           05  B PIC S9(3).\n           05  C PIC X(9).\n"
    moves = '           MOVE "ab" TO A MOVE -12 TO B MOVE "end" TO C'
    data = run(tmp_path, copybook, moves, organization="LINE SEQUENTIAL")
    form = Lines(b"\n", b" ", b"\n")
    made = laid_out(copybook)
    (body,) = records(form, tmp_path)
    assert decode(made, body.ljust(made.size)).values == {"a": "ab", "b": -12, "c": "end"}
    assert form.added(encode(made, {"a": "ab", "b": -12, "c": "end"}), None) == data

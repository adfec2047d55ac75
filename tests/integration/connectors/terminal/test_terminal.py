"""A dialogue with a screen says of a write only what was seen; no argument presses a key or makes up an outcome."""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.terminal.screen import Expected, Screen
from interlock.integration.systems import Answer
from tests.integration.conftest import Workbench

TILL = r"""
import os, sys, time
how = sys.argv[1]
assert os.isatty(0) and os.isatty(1) and "SECRET" not in os.environ
def say(text): sys.stdout.write(text + "\n"); sys.stdout.flush()
say("\x1b[2J\x1b[1;1HLAST: SAVED AS 1")
if input("PIN: ") != "4711": say("WRONG PIN"); sys.exit(1)
item = input("\x1b[5;10HITEM: ")
if how == "echoes": say("you typed " + item)
if item == "none": say("NO SUCH ITEM"); time.sleep(60)
if how == "dies early": sys.exit(3)
amount = input("AMOUNT: ")
open("booked", "a").write(item + "*" + amount + "\n")
if how == "dies": sys.exit(3)
if how == "waits": time.sleep(60)
if how == "talks": say("something else"); time.sleep(60)
if how == "lingers":
    import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)
say("\x1b[7mSAVED\x1b[0m AS 42 (4711)")
if how != "forgets": say("TOTAL: 9.50 EUR")
input()
"""
STEPS = [
    {"expect": "PIN:"},
    {"send": "secret:pin", "harmless": True},
    {"expect": "ITEM:", "refused": "WRONG PIN"},
    {"send": "{item}", "harmless": True},
    {"expect": "AMOUNT:", "refused": "NO SUCH ITEM", "within": "1s"},
    {"send": "{amount}"},
    {"expect": "SAVED AS {number} ({pin})", "confirms": True, "within": "1s"},
    {"expect": "TOTAL: {total} EUR", "within": "1s"},
]
INPUT = {
    "type": "object",
    "required": ["item", "amount"],
    "properties": {"item": {"type": "string"}, "amount": {"type": "integer"}},
}


def declared(how: str = "well", steps: Any = None, **more: Any) -> dict[str, Any]:
    book = {
        "from": f"{sys.executable} till.py '{how}'",
        "effect": "write",
        "input": INPUT,
        "options": {"dialogue": STEPS if steps is None else steps},
    }
    return {"system": "till", "connector": "terminal", "operations": {"book": {**book, **more}}}


class Till:
    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        bench.secrets["INTERLOCK_SECRET_PIN"] = "4711"
        bench.write("till.py", TILL)

    async def book(self, how: str = "well", *, steps: Any = None, **arguments: Any) -> Answer:
        systems = await self.bench.serve(declared(how, steps))
        return await systems.call("till.book", {"item": "A1", "amount": 3, **arguments})

    @property
    def booked(self) -> list[str]:
        file = self.bench.root / "booked"
        return file.read_text().splitlines() if file.exists() else []

    def left(self) -> list[psutil.Process]:
        return [one for one in psutil.Process().children(recursive=True) if "till.py" in " ".join(one.cmdline())]


@pytest.fixture
def till(bench: Workbench) -> Till:
    return Till(bench)


@pytest.mark.parametrize("how", ["well", "lingers", "echoes"])
async def test_what_was_confirmed_is_done(till: Till, how: str) -> None:
    answer = await till.book(how)
    assert answer.succeeded, answer.problem
    assert answer.output == {"number": "42", "pin": "********", "total": "9.50"}
    assert till.booked == ["A1*3"]
    assert till.left() == []


@pytest.mark.parametrize(
    ("how", "code"),
    [("dies", "connection_lost"), ("talks", "screen_unexpected"), ("waits", "screen_unexpected")],
)
async def test_a_write_without_its_confirmation_is_in_doubt(till: Till, how: str, code: str) -> None:
    answer = await till.book(how)
    assert (answer.status, (answer.problem or {})["code"]) == ("unknown", code)
    assert till.booked == ["A1*3"]
    assert till.left() == []


async def test_a_confirmed_write_without_its_result_is_in_doubt(till: Till) -> None:
    answer = await till.book("forgets")
    assert (answer.status, (answer.problem or {})["code"]) == ("unknown", "result_unread")


async def test_before_the_first_step_that_counts_nothing_was_done(till: Till) -> None:
    answer = await till.book("dies early")
    assert (answer.status, till.booked) == ("failed", [])
    till.bench.secrets["INTERLOCK_SECRET_PIN"] = "1"
    refused = await till.book()
    assert (refused.status, (refused.problem or {})["code"]) == ("failed", "refused")


async def test_a_refusal_on_the_screen_is_one(till: Till) -> None:
    started = time.monotonic()
    answer = await till.book(item="none")
    assert (answer.status, (answer.problem or {})["code"], till.booked) == ("failed", "refused", [])
    assert time.monotonic() - started < 30


async def test_what_was_shown_before_is_no_confirmation(till: Till) -> None:
    steps = [*STEPS[:-1]]
    steps[-1] = {"expect": "SAVED AS {number}", "confirms": True, "within": "1s"}
    answer = await till.book("talks", steps=steps)
    assert answer.status == "unknown"


@pytest.mark.parametrize(
    "item", ["A1\r3\r", "\x1b[A", "A\x03", "SAVED AS 42 (1)", "x NO SUCH ITEM", "A" * 1001, "\ud800"]
)
async def test_no_argument_presses_a_key_or_makes_up_an_outcome(till: Till, item: str) -> None:
    answer = await till.book("echoes", item=item)
    assert (answer.status, answer.sent, till.booked) == ("failed", False, [])
    assert "SAVED" not in str(answer.problem)


async def test_a_missing_secret_and_a_missing_program_are_not_sent(till: Till) -> None:
    del till.bench.secrets["INTERLOCK_SECRET_PIN"]
    assert (await till.book()).sent is False
    systems = await till.bench.serve(
        {**declared(), "operations": {"book": {**declared()["operations"]["book"], "from": "bin/no"}}}
    )
    assert (await systems.call("till.book", {"item": "A1", "amount": 3})).sent is False


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "dialogue"),
        ([{"say": "x"}], "dialogue"),
        ([{"expect": "DONE", "within": "soon"}], "no duration"),
        ([{"send": "{item}{amount}"}, {"expect": "DONE"}], "needs `confirms: true`"),
        ([{"expect": "DONE", "confirms": True}, {"send": "{item}{amount}"}], "needs `confirms: true`"),
        ([{"send": "{item}{amount}", "harmless": True}, {"expect": "DONE", "confirms": True}], "types nothing"),
        ([{"send": "{item}{amount}"}, {"expect": "OK", "confirms": True}], "less than 4 signs"),
        ([{"send": "DONE {item}{amount}"}, {"expect": "DONE", "confirms": True}], "types a text that decides"),
        ([{"send": "{item}{amount}"}, {"expect": "DONE {a}{b}", "confirms": True}], "beside each other"),
        ([{"send": "{item}{amount}"}, {"expect": "DONE {a}, {a}", "confirms": True}], "two things of one name"),
        ([{"send": "{item}"}, {"expect": "DONE", "confirms": True}], "nothing has a place"),
        ([{"send": "{item}{amount}{x}"}, {"expect": "DONE", "confirms": True}], "does not declare"),
        ([{"send": "{item}\r{amount}"}, {"expect": "DONE", "confirms": True}], "dialogue"),
    ],
)
def test_a_dialogue_that_could_not_tell_how_it_ended_is_a_finding(bench: Workbench, steps: Any, said: str) -> None:
    with pytest.raises(ProjectInvalid) as caught:
        bench.catalog(declared(steps=steps))
    assert said in str(caught.value.problem())


@pytest.mark.parametrize("connection", [{"folder": ".."}, {"encoding": "morse"}, {"command": "x"}])
def test_a_connection_that_cannot_be_is_a_finding(bench: Workbench, connection: dict[str, Any]) -> None:
    with pytest.raises(ProjectInvalid):
        bench.catalog({**declared(), "connection": connection})


def shown(*pieces: bytes) -> list[str]:
    screen = Screen("utf-8")
    for piece in pieces:
        screen.write(piece)
    return [line for line, _ in screen.lines() if line]


def test_colours_vanish_and_wherever_the_cursor_goes_a_line_begins() -> None:
    assert shown(b"\x1b[1mA\x1b[0mB\x1b[3;4HC\x1b]0;title\x07D\rE\r\nF\x1b(BG\x08") == ["AB", "CD", "E", "FG"]
    assert shown(b"\x1b[?25l\x1bMx\x1b=y") == ["xy"]


@given(st.lists(st.integers(0, 40), max_size=5))
def test_it_does_not_matter_where_the_stream_is_cut(cuts: list[int]) -> None:
    text = "\x1b[1mPrice\x1b[0m: 9,50 €\x1b[3;4HDone\x1b]0;t\x07!\r\n".encode()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert shown(*pieces) == ["Price: 9,50 €", "Done!"]


@given(st.binary(max_size=400))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    assert not [line for line in shown(data) if {"\x1b", "\r", "\x00"} & set(line)]


def test_a_place_at_the_end_of_a_line_waits_for_it_to_be_whole() -> None:
    assert Expected("Number: {number}").found("Number: 4", ended=False) is None
    assert Expected("Number: {number}").found("x Number: 42 ", ended=True) == ({"number": "42"}, 13)
    assert Expected("{").names == ()


def test_a_line_without_end_is_cut() -> None:
    screen = Screen("utf-8")
    screen.write(b"y" * 10_000)
    assert [len(line) for line, _ in screen.lines()] == [4000, 4000, 2000]


# --- what a screen shows, and what only looks like it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        pytest.param(b"12\x1b[3C34", ["12   34"], id="forward"),
        pytest.param(b"12\x1b[C34", ["12 34"], id="one forward"),
        pytest.param(b"12\x1b[2a34", ["12  34"], id="forward, relative"),
        pytest.param(b"12\x1b[999999999C34", ["12" + " " * 200 + "34"], id="forward beyond the edge"),
        pytest.param(b"5\x1b[3b", ["5555"], id="repeated"),
        pytest.param(b"12\x1b[1D3", ["12", "3"], id="back"),
        pytest.param(b"12\x083", ["12", "3"], id="a backspace"),
        pytest.param(b"12\x1b[10`3", ["12", "3"], id="to a column"),
        pytest.param(b"12\x1b[2e3", ["12", "3"], id="down, relative"),
        pytest.param(b"12\x1b83", ["12", "3"], id="back to where it was"),
        pytest.param(b"12\x1b[u3", ["12", "3"], id="back to where it was, otherwise"),
        pytest.param(b"12\x1bM3", ["12", "3"], id="up"),
        pytest.param(b"12\x1b[1P3", ["12", "3"], id="signs taken away"),
        pytest.param(b"12\x1b[1@3", ["12", "3"], id="signs put in"),
    ],
)
def test_what_stands_apart_is_not_read_as_one(written: bytes, lines: list[str]) -> None:
    assert shown(written) == lines
    for place in range(1, len(written)):
        assert shown(written[:place], written[place:]) == lines


@pytest.mark.parametrize("item", ["saved as 1 (", "Saved As 7 (x)", "SAVED  AS 9 (", "no such item"])
async def test_nor_does_an_argument_that_a_program_would_write_in_its_own_way(till: Till, item: str) -> None:
    answer = await till.book("echoes", item=item)
    assert (answer.status, answer.sent, (answer.problem or {})["code"]) == ("failed", False, "argument_unfit")
    assert till.booked == []


@pytest.mark.parametrize("secret", ["4711\n", "47\x1b[A11", "4711\ud800", "x" * 1001])
async def test_a_secret_that_presses_keys_is_not_typed(till: Till, secret: str) -> None:
    till.bench.secrets["INTERLOCK_SECRET_PIN"] = secret
    answer = await till.book()
    assert (answer.status, answer.sent) == ("failed", False)
    assert (answer.problem or {})["code"] == "access_denied"
    assert till.booked == []


async def test_a_word_of_the_command_that_is_no_text_is_refused(till: Till) -> None:
    step = {"from": f"{sys.executable} till.py {{item}} {{amount}}", "effect": "read"}
    steps = [{"expect": "PIN:"}]
    told = declared(steps=steps, **step)
    systems = await till.bench.serve(told)
    answer = await systems.call("till.book", {"item": "x\ud800", "amount": 1})
    assert (answer.status, answer.sent, (answer.problem or {})["code"]) == ("failed", False, "argument_unfit")

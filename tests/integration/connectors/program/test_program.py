"""A program gets exactly the words that were declared, says what it may, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.program.command import ArgumentUnfit, CommandInvalid, command_of
from interlock.integration.systems import Answer, Systems
from tests.integration.conftest import Workbench

ECHO = """
import json, os, sys
print(json.dumps({"words": sys.argv[1:], "given": sys.stdin.read(), "env": sorted(os.environ), "at": os.getcwd()}))
"""
NOTES = """
import sys, time
how = sys.argv[1]
open("notes.txt", "a").write("x")
if how == "exits": sys.exit(int(sys.argv[2]))
if how == "dies": import os, signal; os.kill(os.getpid(), signal.SIGSEGV)
if how == "hangs": time.sleep(60)
if how == "floods":
    while True: sys.stdout.write("y" * 65536)
if how == "leaves":
    import subprocess
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)  # left behind"])
    print("left")
if how == "eats": x = bytearray(1 << 30); print("ate")
if how == "closes": sys.stdout.close(); time.sleep(60)
print("done")
"""
PYTHON = sys.executable
NAMED = {"table": {"delimiter": ";", "columns": ["p", "q"]}}
NOWHERE = {"stdin": {"record": {"copybook": "no.cpy"}}}
COPYBOOK = """\
01  REPLY.
    05  ACCOUNT   PIC 9(6).
    05  OWNER     PIC X(10).
    05  BALANCE   PIC S9(5)V99 SIGN LEADING SEPARATE.
"""


def texts(*names: str, **more: Any) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in names} | more
    return {"type": "object", "properties": properties, "required": list(names)}


def system(operation: dict[str, Any], **connection: Any) -> dict[str, Any]:
    return {
        "system": "old",
        "connector": "program",
        "connection": connection,
        "limits": {"timeout": "5s", "retries": 0, "failures": 100, "response": "64KiB"},
        "operations": {"run": {"effect": "read", **operation}},
    }


async def answer(bench: Workbench, operation: dict[str, Any], arguments: dict[str, Any], **connection: Any) -> Answer:
    bench.write("echo.py", ECHO)
    bench.write("notes.py", NOTES)
    systems: Systems = await bench.serve(system(operation, **connection))
    return await systems.call("old.run", arguments)


@pytest.mark.parametrize(
    ("words", "arguments", "seen"),
    [
        pytest.param("{a}", {"a": "$(rm -rf /); `id` | x > y & 'q' \"d\""}, None, id="a shell's signs"),
        pytest.param("--name={a} 'two words' {b}", {"a": "x y", "b": "z"}, ["--name=x y", "two words", "z"], id="in"),
        pytest.param("{a} {list}", {"a": "", "list": ["p q", "r"]}, ["", "p q", "r"], id="a list"),
        pytest.param("{n} {f} {t}", {"n": 5, "f": 2.5, "t": True}, ["5", "2.5", "true"], id="numbers"),
        pytest.param("{a} --x={b} {c}", {"a": "only"}, ["only"], id="not given"),
        pytest.param("{n}", {"n": -5}, ["-5"], id="a negative number"),
    ],
)
async def test_an_argument_stays_one_word(
    bench: Workbench, words: str, arguments: dict[str, Any], seen: list[str] | None
) -> None:
    names: dict[str, Any] = {name: {} for name in command_of(f"x {words}").places}
    operation = {"from": f"{PYTHON} echo.py {words}", "input": texts(**names), "options": {"stdout": {"json": True}}}
    found = await answer(bench, operation, arguments)
    assert found.succeeded, found.problem
    assert found.output["words"] == ([arguments["a"]] if seen is None else seen)


@pytest.mark.parametrize("value", ["-rf", "--help", "a\0b"])
async def test_an_argument_that_would_be_an_option_is_refused(bench: Workbench, value: str) -> None:
    operation = {"from": f"{PYTHON} echo.py {{a}}", "input": texts("a"), "options": {"stdout": {"json": True}}}
    found = await answer(bench, operation, {"a": value})
    assert (found.status, found.sent, found.problem and found.problem["code"]) == ("failed", False, "argument_unfit")
    if "\0" not in value:
        operation["options"] = {"stdout": {"json": True}, "dashes": True}
        assert (await answer(bench, operation, {"a": value})).output["words"] == [value]


async def test_what_it_sees_of_us_is_what_was_declared(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_SECRET_OTHER", "hidden")
    bench.secrets["INTERLOCK_SECRET_PIN"] = "4711"
    (bench.root / "work").mkdir()
    (bench.root / "work" / "echo.py").write_text(ECHO, "utf-8")
    operation = {"from": f"{PYTHON} echo.py", "options": {"stdout": {"json": True}}}
    found = await answer(bench, operation, {}, folder="work", env={"PIN": "secret:pin", "MODE": "batch"})
    assert set(found.output["env"]) - {"LC_CTYPE"} <= {"LANG", "LC_ALL", "MODE", "PATH", "PIN", "TMPDIR", "TZ"}
    assert {"MODE", "PIN"} <= set(found.output["env"])
    assert found.output["at"] == str(bench.root / "work")
    missing = await answer(bench, operation, {}, folder="work", env={"PIN": "secret:nothing"})
    assert (missing.status, missing.sent, missing.problem and missing.problem["code"]) == (
        "failed",
        False,
        "secret_missing",
    )


@pytest.mark.parametrize(
    ("stdin", "given_to_it"),
    [
        pytest.param({"text": "POST {a} {b}\n"}, "POST x y \n", id="text"),
        pytest.param({"json": True}, '{"a":"x","b":"y "}', id="json"),
        pytest.param(None, "", id="nothing"),
    ],
)
async def test_it_is_given_what_was_declared(bench: Workbench, stdin: Any, given_to_it: str) -> None:
    places = "" if stdin else " {a} {b}"
    options = {"stdout": {"json": True}} | ({"stdin": stdin} if stdin else {})
    operation = {"from": f"{PYTHON} echo.py{places}", "input": texts("a", "b"), "options": options}
    assert (await answer(bench, operation, {"a": "x", "b": "y "})).output["given"] == given_to_it


@pytest.mark.parametrize(
    ("stdout", "said", "read"),
    [
        pytest.param({"text": True}, "a\nb\n\n", {"text": "a\nb"}, id="text"),
        pytest.param({"lines": True}, "a\r\nb", {"lines": ["a", "b"]}, id="lines"),
        pytest.param({"lines": True}, "", {"lines": []}, id="no lines"),
        pytest.param({"nothing": True}, "anything", {"done": True}, id="nothing"),
        pytest.param({"json": True}, '{"a": [1]}', {"a": [1]}, id="json"),
        pytest.param({"table": {}}, 'a,b\n1,"x,y"\n', {"rows": [{"a": "1", "b": "x,y"}]}, id="a table"),
        pytest.param(NAMED, "1;2\n", {"rows": [{"p": "1", "q": "2"}]}, id="columns"),
        pytest.param({"json": True}, "no json", None, id="no json"),
        pytest.param({"table": {}}, "a,b\n1\n", None, id="a row too short"),
        pytest.param({"table": {}}, 'a,b\n"1,2\n', None, id="a quote that does not close"),
        pytest.param({"table": {}}, "a,a\n1,2\n", None, id="two columns of one name"),
        pytest.param({"text": True}, "\udcff", None, id="another encoding"),
    ],
)  # fmt: skip
async def test_what_it_says_is_read_or_refused(bench: Workbench, stdout: Any, said: str, read: Any) -> None:
    (bench.root / "said").write_bytes(said.encode("utf-8", "surrogateescape"))
    program = f"{PYTHON} -c \"import sys; sys.stdout.buffer.write(open('said', 'rb').read())\""
    found = await answer(bench, {"from": program, "options": {"stdout": stdout}}, {})
    if read is None:
        assert (found.status, found.problem and found.problem["code"]) == ("failed", "result_breaks_contract")
        written = await answer(bench, {"from": program, "effect": "write", "options": {"stdout": stdout}}, {})
        assert written.status == "unknown"
    else:
        assert (found.output, found.problem) == (read, None)


async def test_records_of_a_copybook_go_in_and_out(bench: Workbench) -> None:
    bench.write("reply.cpy", COPYBOOK)
    record = {"copybook": "reply.cpy"}
    program = f'{PYTHON} -c "import sys; sys.stdout.write(sys.stdin.read() * 2)"'
    values = {"account": 42, "owner": "Ann", "balance": -12.5}
    operation: dict[str, Any] = {"from": program, "options": {"stdin": {"record": record}}}
    operation["options"]["stdout"] = {"records": record}
    assert (await answer(bench, operation, values)).output == {"records": [values] * 2}
    operation["options"]["stdout"] = {"record": record}
    assert (await answer(bench, operation, values)).status == "failed"  # two are not one
    echo = {"from": f"{PYTHON} echo.py", "options": {"stdin": {"record": record}, "stdout": {"json": True}}}
    assert (await answer(bench, echo, values)).output["given"] == "000042Ann       -0001250\n"
    too_long = await answer(bench, echo, values | {"owner": "x" * 11})
    assert too_long.problem is not None
    assert too_long.problem["code"] == "input_invalid"


@pytest.mark.parametrize(
    ("how", "effect", "status", "code"),
    [
        pytest.param("exits 4", "write", "failed", "not_found", id="a code that was declared"),
        pytest.param("exits 9", "read", "failed", "program_failed", id="a read that fails"),
        pytest.param("exits 9", "write", "unknown", "program_failed", id="a write that fails"),
        pytest.param("dies", "write", "unknown", "program_failed", id="a signal"),
        pytest.param("hangs", "write", "unknown", "timed_out", id="no end"),
        pytest.param("hangs", "read", "failed", "timed_out", id="no end of a read"),
        pytest.param("closes", "write", "unknown", "timed_out", id="output closed and no end"),
        pytest.param("floods", "write", "unknown", "response_too_large", id="output without end"),
        pytest.param("eats", "write", "unknown", "program_failed", id="memory"),
    ],
)
async def test_how_it_ends_is_what_is_known_of_it(
    bench: Workbench, how: str, effect: str, status: str, code: str
) -> None:
    operation = {"from": f"{PYTHON} notes.py {how}", "effect": effect, "options": {"exit": {"4": "not_found"}}}
    if how in {"hangs", "closes"}:
        operation["timeout"] = "1s"
    found = await answer(bench, operation, {}, memory="512MiB")
    assert (found.status, found.problem and found.problem["code"]) == (status, code)
    assert found.sent
    assert (bench.root / "notes.txt").read_text() == "x"
    assert not _children()


async def test_what_it_started_ends_with_it(bench: Workbench) -> None:
    found = await answer(bench, {"from": f"{PYTHON} notes.py leaves"}, {})
    assert found.output == {"text": "left\ndone"}
    assert not _children()


async def test_a_call_that_is_given_up_leaves_nothing(bench: Workbench) -> None:
    bench.write("notes.py", NOTES)
    systems = await bench.serve(system({"from": f"{PYTHON} notes.py hangs"}))
    call = asyncio.create_task(systems.call("old.run", {}))
    limit = time.monotonic() + 20
    while not (bench.root / "notes.txt").exists() and time.monotonic() < limit:  # noqa: ASYNC110 - no event for it
        await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert not _children()


def _children() -> list[str]:
    """Return the command lines of what this process, or nobody any more, still runs of these tests."""
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        line = " ".join(process.info["cmdline"] or ())
        mine = "left behind" in line or ("notes.py" in line and process.info["ppid"] == os.getpid())
        if mine and process.status() != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"from": ""}, "/operations/run/from", id="no command"),
        pytest.param({"from": "{a}", "input": texts("a")}, "/operations/run/from", id="a program that is an argument"),
        pytest.param({"from": "x 'y"}, "/operations/run/from", id="a quote that does not close"),
        pytest.param({"from": "x {a"}, "/operations/run/from", id="half a place"),
        pytest.param({"from": "x {a}"}, "/operations/run/from", id="a place without its argument"),
        pytest.param({"from": "x", "input": texts("a")}, "/operations/run/input", id="an argument without its place"),
        pytest.param({"from": "x", "options": {"stdin": {}}}, "/operations/run/options", id="no form"),
        pytest.param({"from": "x", "options": {"stdout": {"xml": True}}}, "/operations/run/options", id="no such form"),
        pytest.param({"from": "x", "options": {"exit": {"a": "b"}}}, "/operations/run/options", id="no exit code"),
        pytest.param({"from": "x", "options": NOWHERE}, "/operations/run/options", id="no copybook"),
        pytest.param({"from": "x", "idempotency": {"header": "X"}}, "/operations/run/idempotency", id="a header"),
    ],
)  # fmt: skip
def test_an_operation_that_cannot_work_is_refused(bench: Workbench, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(system(change))
    assert pointer in [finding.pointer for finding in refused.value.findings]


@pytest.mark.parametrize("connection", [{"folder": ".."}, {"folder": "/tmp"}, {"encoding": "none"}, {"memory": "much"}])
def test_a_connection_that_cannot_work_is_refused(bench: Workbench, connection: dict[str, Any]) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(system({"from": "x"}, **connection))
    assert [finding.pointer for finding in refused.value.findings] == [f"/connection/{next(iter(connection))}"]


@given(st.text(), st.text())
def test_a_command_has_as_many_words_whatever_is_put_in(first: str, second: str) -> None:
    command = command_of("x {a} --b={b} c")
    try:
        words = command.filled({"a": first, "b": second})
    except ArgumentUnfit:
        assert first.startswith("-") or "\0" in first + second
        return
    assert words == ["x", first, f"--b={second}", "c"]


@given(st.text(max_size=20))
def test_whatever_is_written_as_a_command_is_one_or_is_refused(text: str) -> None:
    try:
        command = command_of(text)
    except CommandInvalid:
        return
    assert command.program
    assert json.dumps(command.words)


def test_the_folder_of_the_test_is_its_own() -> None:
    assert not (Path.cwd() / "notes.txt").exists()


# --- arguments that would be more than a value -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        pytest.param("{a}.txt", {"a": "--output=x"}, id="the beginning of a word"),
        pytest.param("{a}{b}", {"a": "-o", "b": "x"}, id="two places"),
        pytest.param("{a}{b}", {"a": "", "b": "-ox"}, id="an empty place before it"),
        pytest.param("{a}", {"a": "x\ud800y"}, id="half of a sign"),
        pytest.param("{a}", {"a": "x\udcffy"}, id="a byte that is no text"),
    ],
)
async def test_an_argument_that_would_become_another_word_is_refused(
    bench: Workbench, words: str, arguments: dict[str, Any]
) -> None:
    told = await answer(bench, {"from": f"{PYTHON} echo.py {words}", "input": texts(*arguments)}, arguments)
    assert (told.status, told.sent, told.problem and told.problem["code"]) == ("failed", False, "argument_unfit")


@pytest.mark.parametrize("text", ["1\nDELETE 2", "1\rDELETE 2", "1\x1a", "x\ud800"])
async def test_an_argument_in_a_line_of_input_makes_no_second_line(bench: Workbench, text: str) -> None:
    operation = {
        "from": f"{PYTHON} echo.py",
        "input": texts("account"),
        "options": {"stdin": {"text": "LOOK {account}\n"}, "stdout": {"json": True}},
    }
    told = await answer(bench, operation, {"account": text})
    assert (told.status, told.sent, told.problem and told.problem["code"]) == ("failed", False, "argument_unfit")


async def test_an_argument_that_is_all_of_the_input_may_have_lines(bench: Workbench) -> None:
    operation = {
        "from": f"{PYTHON} echo.py",
        "input": texts("note"),
        "options": {"stdin": {"text": "{note}"}, "stdout": {"json": True}},
        "output_schema": {"type": "object"},
    }
    told = await answer(bench, operation, {"note": "one\ntwo\n"})
    assert told.output["given"] == "one\ntwo\n"


@pytest.mark.parametrize("value", [2**70, "x\ud800"])
async def test_what_json_cannot_hold_is_refused(bench: Workbench, value: Any) -> None:
    operation = {
        "from": f"{PYTHON} echo.py",
        "input": {"type": "object", "properties": {"a": {}}},
        "options": {"stdin": {"json": True}, "stdout": {"json": True}},
        "output_schema": {"type": "object"},
    }
    told = await answer(bench, operation, {"a": value})
    assert (told.status, told.sent, told.problem and told.problem["code"]) == ("failed", False, "argument_unfit")


async def test_a_secret_that_no_environment_can_hold_is_no_call(bench: Workbench) -> None:
    bench.secrets["INTERLOCK_SECRET_ODD"] = "a\0b"
    told = await answer(bench, {"from": f"{PYTHON} echo.py"}, {}, env={"TOKEN": "secret:odd"})
    assert (told.status, told.sent) == ("failed", False)
    assert "a\0b" not in repr(told)


async def test_an_empty_cell_of_the_only_column_is_a_row(bench: Workbench) -> None:
    bench.write("rows.py", "print('name'); print('a'); print(''); print('b')")
    operation = {"from": f"{PYTHON} rows.py", "options": {"stdout": {"table": {"columns": ["name"]}}}}
    told = await answer(bench, operation, {})
    assert [row["name"] for row in told.output["rows"]] == ["name", "a", "", "b"]


async def test_a_field_of_a_record_holds_no_second_record(bench: Workbench) -> None:
    bench.write("reply.cpy", COPYBOOK)
    operation = {
        "from": f"{PYTHON} echo.py",
        "options": {"stdin": {"record": {"copybook": "reply.cpy"}}, "stdout": {"json": True}},
        "output_schema": {"type": "object"},
    }
    for owner in ("A\n000002", "A\r000002"):
        told = await answer(bench, operation, {"account": 1, "owner": owner, "balance": 1})
        assert (told.status, told.sent, told.problem and told.problem["code"]) == ("failed", False, "argument_unfit")

"""A file behind a copybook is listed, searched, added to and changed; nothing is lost, repeated or made up."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.systems import Answer, Systems
from interlock.values.labels import Integrity
from tests.integration.conftest import Workbench

COPYBOOK = """\
01  ACCOUNT.
    05  ACCOUNT-ID   PIC 9(6).
    05  OWNER        PIC X(12).
    05  BALANCE      PIC S9(7)V99 COMP-3.
    05  STATUS       PIC X.
        88  OPEN-ONE VALUE 'O'.
        88  SHUT     VALUE 'S' 'X'.
    05  BIG          PIC S9(17)V99 COMP-3.
    05  FILLER       PIC X(4).
"""
LENGTH = 6 + 12 + 5 + 1 + 10 + 4
SYSTEM: dict[str, Any] = {
    "system": "ledger",
    "connector": "fixed",
    "connection": {
        "file": "accounts.dat",
        "copybook": "account.cpy",
        "encoding": "cp1047",
        "records": {"account": {"key": ["ACCOUNT-ID"]}},
    },
    "operations": {
        "list": {"from": "list account", "effect": "read", "options": {"ranges": ["BALANCE"]}},
        "get": {"from": "get account", "effect": "read"},
        "add": {"from": "append account", "effect": "write", "idempotent": True},
        "change": {"from": "rewrite account", "effect": "write", "idempotent": True},
    },
}


def system(**connection: Any) -> dict[str, Any]:
    return SYSTEM | {"connection": SYSTEM["connection"] | connection}


@pytest.fixture
async def ledger(bench: Workbench) -> Systems:
    bench.write("account.cpy", COPYBOOK)
    bench.write("accounts.dat", "")
    systems = await bench.serve(SYSTEM)
    for number, balance in ((1, 10.5), (2, -3.25), (3, 0)):
        values = {"account_id": number, "owner": f"Owner {number}", "balance": balance, "status": "O"}
        assert (await systems.call("ledger.add", values)).succeeded
    return systems


def file(bench: Workbench) -> Path:
    return bench.root / "accounts.dat"


def code(answer: Answer) -> str:
    assert answer.problem is not None, answer
    return str(answer.problem["code"])


async def test_records_are_read_as_the_copybook_says(bench: Workbench, ledger: Systems) -> None:
    answer = await ledger.call("ledger.get", {"account_id": 2})
    record = answer.output.pop("record")
    assert answer.output == {
        "account_id": 2, "owner": "Owner 2", "balance": -3.25, "status": "O", "big": "0.00"
    }  # fmt: skip
    assert (record["number"], record["offset"], record["unreadable"]) == (2, LENGTH, [])
    assert file(bench).read_bytes()[:6] == b"\xf0\xf0\xf0\xf0\xf0\xf1"


async def test_lists_filter_and_page(ledger: Systems) -> None:
    first = (await ledger.call("ledger.list", {"limit": 2})).output
    assert [one["account_id"] for one in first["records"]] == [1, 2]
    second = (await ledger.call("ledger.list", {"limit": 2, "after": first["next"]})).output
    assert ([one["account_id"] for one in second["records"]], second["next"]) == ([3], None)
    rich = (await ledger.call("ledger.list", {"balance_from": 0, "balance_to": 10.5})).output
    assert [one["account_id"] for one in rich["records"]] == [1, 3]
    named = (await ledger.call("ledger.list", {"owner": "Owner 3"})).output
    assert [one["account_id"] for one in named["records"]] == [3]


async def test_a_page_of_a_file_that_has_changed_is_refused(ledger: Systems) -> None:
    first = (await ledger.call("ledger.list", {"limit": 1})).output
    await ledger.call("ledger.change", {"account_id": 3, "status": "S"})
    assert code(await ledger.call("ledger.list", {"after": first["next"]})) == "page_stale"
    assert code(await ledger.call("ledger.list", {"after": "nonsense"})) == "page_stale"


async def test_a_change_touches_its_field_only(bench: Workbench, ledger: Systems) -> None:
    data = bytearray(file(bench).read_bytes())
    data[LENGTH - 4 : LENGTH] = b"\xde\xad\xbe\xef"  # filler that no codec would write
    data[LENGTH + 18 : LENGTH + 23] = b"\xff" * 5  # another record's balance, unreadable
    file(bench).write_bytes(data)
    file(bench).chmod(0o640)
    answer = await ledger.call("ledger.change", {"account_id": 1, "balance": 99.99})
    assert answer.output["changed"] is True
    data[18:23] = bytes.fromhex("000009999c")
    assert file(bench).read_bytes() == data
    assert file(bench).stat().st_mode & 0o777 == 0o640
    assert (await ledger.call("ledger.get", {"account_id": 1})).output["record"]["version"] == answer.output["version"]


async def test_what_cannot_be_read_is_null_and_named(bench: Workbench, ledger: Systems) -> None:
    data = bytearray(file(bench).read_bytes())
    data[18:23] = b"\xff" * 5
    file(bench).write_bytes(data)
    answer = await ledger.call("ledger.get", {"account_id": 1})
    assert answer.output["balance"] is None
    assert [(one["field"], one["offset"]) for one in answer.output["record"]["unreadable"]] == [("balance", 18)]


async def test_the_same_record_twice_is_one(bench: Workbench, ledger: Systems) -> None:
    before = file(bench).read_bytes()
    values = {"account_id": 2, "owner": "Owner 2", "balance": -3.25, "status": "O"}
    again = await ledger.call("ledger.add", values)
    assert (again.output["appended"], again.output["number"]) == (False, 2)
    assert code(await ledger.call("ledger.add", values | {"owner": "Another"})) == "key_exists"
    assert file(bench).read_bytes() == before


async def test_a_change_made_twice_is_one(ledger: Systems) -> None:
    version = (await ledger.call("ledger.get", {"account_id": 1})).output["record"]["version"]
    change = {"account_id": 1, "status": "S", "if_version": version}
    assert (await ledger.call("ledger.change", change)).output["changed"] is True
    assert (await ledger.call("ledger.change", change)).output["changed"] is False
    assert code(await ledger.call("ledger.change", change | {"status": "X"})) == "version_changed"


async def test_wide_numbers_keep_every_digit(ledger: Systems) -> None:
    answer = await ledger.call("ledger.change", {"account_id": 1, "big": "-12345678901234567.89"})
    assert answer.succeeded
    assert (await ledger.call("ledger.get", {"account_id": 1})).output["big"] == "-12345678901234567.89"


async def test_what_does_not_fit_changes_nothing(bench: Workbench, ledger: Systems) -> None:
    before = file(bench).read_bytes()
    answer = await ledger.call("ledger.change", {"account_id": 1, "balance": 1.005})
    assert (code(answer), answer.sent) == ("argument_unfit", False)
    assert "1.005" not in repr(answer)
    assert file(bench).read_bytes() == before


async def test_two_records_of_one_key_are_answered_with_neither(bench: Workbench, ledger: Systems) -> None:
    file(bench).write_bytes(file(bench).read_bytes() * 2)
    assert code(await ledger.call("ledger.get", {"account_id": 1})) == "key_ambiguous"
    assert code(await ledger.call("ledger.change", {"account_id": 1, "status": "S"})) == "key_ambiguous"


async def test_an_unreadable_key_is_not_taken_for_another(bench: Workbench, ledger: Systems) -> None:
    data = bytearray(file(bench).read_bytes())
    data[0] = 0x40
    file(bench).write_bytes(data)
    assert code(await ledger.call("ledger.get", {"account_id": 1})) == "key_unreadable"
    assert code(await ledger.call("ledger.add", {"account_id": 9})) == "key_unreadable"
    assert (await ledger.call("ledger.get", {"account_id": 2})).succeeded


# --- faults ----------------------------------------------------------------------------------------------------------


async def test_a_truncated_file_is_refused_with_record_and_offset(bench: Workbench, ledger: Systems) -> None:
    file(bench).write_bytes(file(bench).read_bytes()[:-3])
    for operation, arguments in (("list", {}), ("get", {"account_id": 1}), ("change", {"account_id": 1})):
        answer = await ledger.call(f"ledger.{operation}", arguments)
        assert code(answer) == "file_broken"
        assert answer.problem is not None
        assert (answer.problem["record"], answer.problem["offset"]) == (3, 2 * LENGTH)


async def test_another_code_page_is_unreadable_and_not_guessed(bench: Workbench) -> None:
    bench.write("account.cpy", COPYBOOK)
    data = b"000001Owner one   " + bytes.fromhex("000001050c") + b"O" + bytes.fromhex("00" * 9 + "0c") + b"    "
    (bench.root / "accounts.dat").write_bytes(data)
    systems = await bench.serve(SYSTEM)
    answer = await systems.call("ledger.list", {})
    assert answer.output["records"][0]["account_id"] is None
    assert code(await systems.call("ledger.get", {"account_id": 1})) == "key_unreadable"


async def test_a_huge_file_is_not_read(bench: Workbench) -> None:
    bench.write("account.cpy", COPYBOOK)
    with (bench.root / "accounts.dat").open("wb") as stream:
        stream.truncate(1 << 40)
    systems = await bench.serve(SYSTEM)
    assert code(await systems.call("ledger.list", {})) == "file_too_large"
    assert code(await systems.call("ledger.add", {"account_id": 1})) == "file_too_large"


async def test_a_long_answer_becomes_pages(bench: Workbench, ledger: Systems) -> None:
    assert (await ledger.call("ledger.list", {})).output["next"] is None
    systems = await bench.serve(SYSTEM | {"limits": {"response": "600B"}})
    seen: list[int] = []
    after: dict[str, str] = {}
    while True:
        page = (await systems.call("ledger.list", after)).output
        seen += [one["account_id"] for one in page["records"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [1, 2, 3]


async def test_a_pipe_or_a_folder_is_no_file(bench: Workbench) -> None:
    bench.write("account.cpy", COPYBOOK)
    os.mkfifo(bench.root / "accounts.dat")
    systems = await bench.serve(SYSTEM)
    answer = await systems.call("ledger.list", {})
    assert (code(answer), answer.sent) == ("unreachable", False)


async def test_a_writer_waits_its_turn_and_gives_up_in_time(bench: Workbench, ledger: Systems) -> None:
    systems = await bench.serve(SYSTEM | {"limits": {"timeout": "300ms", "retries": 0}})
    lock = os.open(bench.root / "accounts.dat.interlock-lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        answer = await systems.call("ledger.change", {"account_id": 1, "status": "S"})
        assert (code(answer), answer.sent) == ("system_busy", False)
        assert (await systems.call("ledger.get", {"account_id": 1})).output["status"] == "O"
    finally:
        os.close(lock)
    assert (await systems.call("ledger.change", {"account_id": 1, "status": "S"})).succeeded


async def test_a_write_that_breaks_off_leaves_the_old_file(
    bench: Workbench, ledger: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file(bench).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = await ledger.call("ledger.change", {"account_id": 1, "status": "S"})
    assert not answer.succeeded
    assert file(bench).read_bytes() == before
    assert [one.name for one in bench.root.iterdir() if "interlock-new" in one.name] == []


async def test_a_replaced_file_that_may_not_be_durable_is_unknown(
    bench: Workbench, ledger: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def second_fails(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", second_fails)
    systems = await bench.serve(SYSTEM | {"limits": {"retries": 0}})
    answer = await systems.call("ledger.add", {"account_id": 7})
    assert (answer.status, code(answer)) == ("unknown", "commit_unclear")


async def test_a_file_that_another_writes_into_meanwhile_is_not_replaced(
    bench: Workbench, ledger: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def meddling(descriptor: int) -> None:
        with file(bench).open("r+b") as stream:
            stream.write(b"\xf0")
        os.utime(file(bench), ns=(time.time_ns(), time.time_ns()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", meddling)
    systems = await bench.serve(SYSTEM | {"limits": {"retries": 0}})
    assert code(await systems.call("ledger.change", {"account_id": 1, "status": "S"})) == "file_changed"


# --- kinds of records and files --------------------------------------------------------------------------------------

SEGMENTS = """\
01 HEADER. 05 KIND PIC X(2). 88 IS-HEADER VALUE 'HD'. 05 BATCH PIC 9(4).
01 DETAIL. 05 KIND PIC X(2). 05 ITEM PIC X(6). 05 QTY PIC S9(3).
01 TRAILER. 05 KIND PIC X(2). 05 TOTAL PIC 9(5).
"""


async def test_the_discriminator_chooses_the_record(bench: Workbench) -> None:
    bench.write("batch.cpy", SEGMENTS)
    bench.write("batch.txt", "HD0007\nDEbolt  00p\nDEnut   012\nZZ\nTR00012\n")
    systems = await bench.serve(
        {
            "system": "batch",
            "connector": "fixed",
            "connection": {
                "file": "batch.txt",
                "copybook": "batch.cpy",
                "source": "free",
                "format": "lines",
                "records": {
                    "header": {"when": "IS-HEADER"},
                    "detail": {"when": {"KIND": ["DE", "DX"]}, "key": ["ITEM"]},
                    "trailer": {"when": {"KIND": "TR"}},
                },
            },
            "operations": {
                "headers": {"from": "list header", "effect": "read"},
                "details": {"from": "list detail", "effect": "read"},
                "change": {"from": "rewrite detail", "effect": "write"},
                "add": {"from": "append detail", "effect": "write"},
            },
        }
    )
    assert [one["batch"] for one in (await systems.call("batch.headers", {})).output["records"]] == [7]
    details = (await systems.call("batch.details", {})).output
    assert [(one["item"], one["qty"]) for one in details["records"]] == [("bolt", 0), ("nut", 12)]
    assert details["unknown"] == [4]
    await systems.call("batch.change", {"item": "bolt", "qty": -5})
    assert code(await systems.call("batch.change", {"item": "nut", "kind": "TR"})) == "argument_unfit"
    assert code(await systems.call("batch.add", {"kind": "TR", "item": "x"})) == "argument_unfit"
    await systems.call("batch.add", {"kind": "DX", "item": "gear", "qty": 1})
    text = (bench.root / "batch.txt").read_text()
    assert text == "HD0007\nDEbolt  00u\nDEnut   012\nZZ\nTR00012\nDXgear  001\n"


@pytest.mark.parametrize("format", ["variable", "blocked", "gnucobol-variable"])
async def test_records_of_changing_length_are_added_and_changed(bench: Workbench, format: str) -> None:
    bench.write("r.cpy", "01 R. 05 ID PIC 9(2). 05 N PIC 9. 05 T PIC X(2) OCCURS 0 TO 5 DEPENDING ON N.")
    bench.write("r.dat", "")
    systems = await bench.serve(
        {
            "system": "r",
            "connector": "fixed",
            "connection": {
                "file": "r.dat", "copybook": "r.cpy", "source": "free", "format": format, "encoding": "cp037",
                "records": {"r": {"key": ["ID"]}},
            },
            "operations": {
                "get": {"from": "get r", "effect": "read"},
                "add": {"from": "append r", "effect": "write"},
                "change": {"from": "rewrite r", "effect": "write"},
            },
        }
    )  # fmt: skip
    for number in (1, 2, 3):
        assert (await systems.call("r.add", {"id": number, "t": ["aa"] * number})).succeeded
    assert (await systems.call("r.change", {"id": 2, "t": ["x"] * 5})).succeeded
    assert [(await systems.call("r.get", {"id": n})).output["n"] for n in (1, 2, 3)] == [1, 5, 3]


async def test_results_are_untrusted_unless_the_project_says_otherwise(bench: Workbench) -> None:
    bench.write("account.cpy", COPYBOOK)
    assert bench.catalog(SYSTEM).system("ledger").label.integrity is Integrity.untrusted
    trusting = SYSTEM | {"labels": {"integrity": "trusted"}}
    assert bench.catalog(trusting).system("ledger").label.integrity is Integrity.trusted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"copybook": "../account.cpy"}, "of the project"),
        ({"copybook": "none.cpy"}, "of the project"),
        ({"copybook": "bad.cpy"}, "bad.cpy:2"),
        ({"records": {"other": {}}}, "declares no record"),
        ({"records": {"account": {"key": ["NOPE"]}}}, "no field"),
        ({"records": {"account": {"key": ["ACCOUNT-ID"], "omit": ["ACCOUNT-ID"]}}}, "omit"),
        ({"records": {"account": {"when": "NO-SUCH-88"}}}, "level 88"),
        ({"records": {"account": {"when": {"STATUS": "too long"}}}}, "longer than"),
        ({"records": {"account": {}}}, "`key`"),
        ({"format": "lines"}, "cannot hold binary"),
        ({"record_length": 3}, "less than"),
        ({"format": "variable", "record_length": 80}, "`fixed` only"),
    ],
    ids=str,
)
def test_a_declaration_that_cannot_be_kept_is_a_finding(bench: Workbench, change: dict[str, Any], words: str) -> None:
    bench.write("account.cpy", COPYBOOK)
    bench.write("bad.cpy", "01 R.\n05 A PIC Q.\n")
    with pytest.raises(ProjectInvalid, match=words):
        bench.catalog(system(**change))


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"from": "delete account", "effect": "write"}, "must be a verb"),
        ({"from": "list account", "effect": "write"}, "is a read"),
        ({"from": "append account", "effect": "read"}, "changes the file"),
        ({"from": "get account", "effect": "read", "options": {"filters": ["OWNER"]}}, "no option"),
        ({"from": "list account", "effect": "read", "options": {"filters": ["NOPE"]}}, "NOPE"),
        ({"from": "append account", "effect": "write", "idempotency": {"header": "K"}}, "no header"),
    ],
    ids=str,
)
def test_an_operation_that_cannot_be_is_a_finding(bench: Workbench, operation: dict[str, Any], words: str) -> None:
    bench.write("account.cpy", COPYBOOK)
    with pytest.raises(ProjectInvalid, match=words):
        bench.catalog(SYSTEM | {"operations": {"x": operation}})


async def test_a_changed_copybook_changes_the_definition(bench: Workbench) -> None:
    bench.write("account.cpy", COPYBOOK)
    before = bench.catalog(SYSTEM).operation("ledger.get").digest
    bench.write("account.cpy", COPYBOOK.replace("PIC X(4)", "PIC X(5)"))
    assert bench.catalog(SYSTEM).operation("ledger.get").digest != before


# --- cursors that nobody gave ----------------------------------------------------------------------------------------

HIDDEN = """\
01  ROW.
    05  ID       PIC 9(4).
    05  NAME     PIC X(8).
    05  SECRET   PIC X(8).
"""
FORMS: dict[str, tuple[dict[str, Any], bytes]] = {
    "fixed": ({"format": "fixed"}, b""),
    "lines": ({"format": "lines", "line_end": "lf"}, b"\n"),
    "variable": ({"format": "variable"}, b""),
}


@pytest.mark.parametrize("form", FORMS)
async def test_no_cursor_shows_what_is_hidden_or_begins_within_a_record(bench: Workbench, form: str) -> None:
    more, end = FORMS[form]
    rows = [b"%04dNAME%04dHIDDEN%02d" % (one, one, one) for one in range(1, 6)]
    head = b"\0\x18\0\0" if form == "variable" else b""
    bench.write("account.cpy", HIDDEN)
    file(bench).write_bytes(b"".join(head + row + end for row in rows))
    connection = {"encoding": "ascii", "records": {"row": {"key": ["ID"], "omit": ["SECRET"]}}, **more}
    told = system(**connection) | {
        "operations": {"list": {"from": "list row", "effect": "read", "options": {"filters": []}}}
    }
    ledger = await bench.serve(told)
    first = await ledger.call("ledger.list", {"limit": 1})
    assert first.succeeded, first.problem
    mark, offset, number, _ = first.output["next"].split(".")
    seen = ""
    for shift in range(1, 24):
        for place, count in ((int(offset) + shift, int(number)), (shift, 1), (len(rows[0]) * 5 + shift, 9)):
            answer = await ledger.call("ledger.list", {"after": f"{mark}.{place}.{count}.{count}"})
            assert answer.succeeded or code(answer) == "page_stale"
            seen += str(answer.output)
    assert "HID" not in seen
    for wrong in (f"{mark}.{offset}.{int(number) + 1}.2", f"{mark}.999999999.9.9", f"{mark}.{offset}.0.0", "..."):
        assert code(await ledger.call("ledger.list", {"after": wrong})) == "page_stale"
    rest = await ledger.call("ledger.list", {"after": first.output["next"]})
    assert [one["id"] for one in rest.output["records"]] == [2, 3, 4, 5]


async def test_a_record_that_a_filter_cannot_read_is_named(bench: Workbench, ledger: Systems) -> None:
    data = bytearray(file(bench).read_bytes())
    data[LENGTH + 18 : LENGTH + 23] = b"\xff" * 5  # the second one's balance
    file(bench).write_bytes(data)
    found = (await ledger.call("ledger.list", {"balance_from": -100})).output
    assert ([one["account_id"] for one in found["records"]], found["unknown"]) == ([1, 3], [2])
    found = (await ledger.call("ledger.list", {"balance_from": -100, "owner": "Owner 1"})).output
    assert ([one["account_id"] for one in found["records"]], found["unknown"]) == ([1], [])

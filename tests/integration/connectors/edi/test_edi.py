"""Interchanges in folders are listed, taken once, answered and sent once; what is broken is refused and said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.edi.inbox import Received, pages
from interlock.integration.connectors.edi.syntax import Message, parse_interchanges
from interlock.integration.connectors.edi.syntax.segments import Segment
from interlock.integration.systems import Answer, Systems
from tests.integration.conftest import Workbench
from tests.integration.connectors.edi.samples import ORDER, ORDERS, edifact, x12

SYSTEM: dict[str, Any] = {
    "system": "orders",
    "connector": "edi",
    "connection": {
        "standard": "x12",
        "inbox": "in",
        "outbox": "out",
        "state": "state",
        "us": {"id": "ACME"},
        "partner": {"id": "NORTHWIND"},
    },
    "limits": {"retries": 0},
    "operations": {
        "list": {"from": "list 850", "effect": "read"},
        "get": {"from": "get 850", "effect": "read"},
        "take": {"from": "take 850", "effect": "write", "idempotent": True},
        "confirm": {"from": "send 855", "effect": "write", "idempotent": True},
        "answer": {"from": "acknowledge 997", "effect": "write", "idempotent": True},
    },
}
KEY = {"sender": "NORTHWIND", "interchange": "000000007", "control": "0001"}
CONFIRMATION = {"purpose": "00", "answer": "AC", "order_number": "PO-1001", "order_date": "2024-02-29"}


@pytest.fixture
async def orders(bench: Workbench) -> Systems:
    for folder in ("in", "out"):
        (bench.root / folder).mkdir()
    put(bench, "a.edi", x12(ORDER))
    return await bench.serve(SYSTEM)


def put(bench: Workbench, name: str, text: str) -> Path:
    file = bench.root / "in" / name
    file.write_bytes(text.encode("latin-1"))
    return file


def out(bench: Workbench) -> list[str]:
    return sorted(one.name for one in (bench.root / "out").iterdir())


def code(answer: Answer) -> str:
    assert answer.problem is not None, answer
    return str(answer.problem["code"])


async def listed(systems: Systems, **arguments: Any) -> dict[str, Any]:
    answer = await systems.call("orders.list", arguments)
    assert answer.succeeded, answer.problem
    output: dict[str, Any] = answer.output
    return output


async def test_messages_are_listed_as_json(orders: Systems) -> None:
    page = await listed(orders)
    (message,) = page["messages"]
    assert (message["order_number"], len(message["lines"])) == ("PO-1001", 2)
    assert {name: message["message"][name] for name in ("file", "type", "interchange", "control", "taken")} == {
        "file": "a.edi", "type": "850", "interchange": "000000007", "control": "0001", "taken": False
    }  # fmt: skip
    assert (page["refused"], page["duplicates"], page["next"]) == ([], [], None)


async def test_pages_and_filters(bench: Workbench, orders: Systems) -> None:
    for number in range(1, 4):
        order = (ORDER[0].replace("1001", str(number)), *ORDER[1:])
        put(bench, f"b{number}.edi", x12(order, control=100 + number))
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await listed(orders, limit=2, **after)
        seen += [one["order_number"] for one in page["messages"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == ["PO-1001", "PO-1", "PO-2", "PO-3"]
    assert [one["order_number"] for one in (await listed(orders, order_number="PO-2"))["messages"]] == ["PO-2"]


async def test_a_message_is_taken_once(orders: Systems) -> None:
    first = await orders.call("orders.take", KEY)
    again = await orders.call("orders.take", KEY)
    assert (first.output["took"], again.output["took"]) == (True, False)
    assert first.output["order_number"] == again.output["order_number"] == "PO-1001"
    assert (await listed(orders, taken=False))["messages"] == []
    assert [one["message"]["taken"] for one in (await listed(orders, taken=True))["messages"]] == [True]


async def test_an_interchange_that_comes_again_is_no_second_one(bench: Workbench, orders: Systems) -> None:
    put(bench, "b.edi", x12(ORDER))
    page = await listed(orders)
    assert (len(page["messages"]), page["duplicates"]) == (1, ["b.edi"])
    await orders.call("orders.take", KEY)
    (bench.root / "in" / "a.edi").unlink()
    assert (await orders.call("orders.take", KEY)).output["took"] is False


async def test_another_interchange_under_a_used_control_number_is_refused(bench: Workbench, orders: Systems) -> None:
    changed = x12(ORDER).replace("*10*EA", "*1000*EA")
    put(bench, "b.edi", changed)
    page = await listed(orders)
    assert [(one["file"], one["interchange"]) for one in page["refused"]] == [("b.edi", "000000007")]
    await orders.call("orders.take", KEY)
    (bench.root / "in" / "a.edi").unlink()
    page = await listed(orders)
    assert ([one["file"] for one in page["refused"]], page["messages"]) == (["b.edi"], [])
    assert code(await orders.call("orders.take", KEY)) == "control_number_reused"
    assert code(await orders.call("orders.get", KEY)) == "control_number_reused"


async def test_what_is_broken_is_refused_and_the_rest_is_there(bench: Workbench, orders: Systems) -> None:
    put(bench, "b.edi", x12(ORDER, control=8)[:400])
    put(bench, "c.edi", "hello")
    put(bench, "d.edi", x12(ORDER, control=9).replace("SE*14", "SE*99"))
    put(bench, "e.edi", x12(ORDER, control=10).replace("*ZZ*ACME     ", "*ZZ*OTHER    "))
    page = await listed(orders)
    assert [one["message"]["file"] for one in page["messages"]] == ["a.edi"]
    assert [(one["file"], one["segment"]) for one in page["refused"]] == [
        ("b.edi", 15), ("c.edi", 1), ("d.edi", 16), ("e.edi", 1)
    ]  # fmt: skip
    answer = await orders.call("orders.take", KEY | {"interchange": "000000009"})
    assert code(answer) == "interchange_refused"
    assert answer.problem is not None
    assert answer.problem["segment"] == 16


async def test_a_wrong_encoding_is_refused_at_its_segment(bench: Workbench, orders: Systems) -> None:
    text = edifact(ORDERS).replace("UNOC", "UNOA").replace("Oslo", "Troms?'ø")
    put(bench, "b.edi", text)
    (refused,) = (await listed(orders))["refused"]
    assert (refused["file"], refused["segment"]) == ("b.edi", 7)
    assert "ascii" in refused["reason"]


async def test_huge_files_pipes_and_links_are_refused(bench: Workbench, orders: Systems, tmp_path: Path) -> None:
    with (bench.root / "in" / "b.edi").open("wb") as stream:
        stream.truncate(1 << 40)
    (bench.root / "in" / "c.edi").symlink_to(bench.root / "in" / "a.edi")
    os.mkfifo(bench.root / "in" / "d.edi")
    page = await listed(orders)
    assert [one["file"] for one in page["refused"]] == ["b.edi", "c.edi"]


async def test_a_message_is_sent_once_per_key(bench: Workbench, orders: Systems) -> None:
    first = await orders.call("orders.confirm", CONFIRMATION, key="k1")
    again = await orders.call("orders.confirm", CONFIRMATION, key="k1")
    assert (first.output["sent"], again.output["sent"]) == (True, False)
    assert first.output["file"] == again.output["file"]
    other = await orders.call("orders.confirm", CONFIRMATION, key="k2")
    assert other.output["interchange"] == "000000002"
    assert (
        code(await orders.call("orders.confirm", CONFIRMATION | {"answer": "RJ"}, key="k1")) == "control_number_reused"
    )
    assert out(bench) == ["000000001.edi", "000000002.edi"]
    (sent,) = parse_interchanges((bench.root / "out" / "000000001.edi").read_text("latin-1"))
    assert (sent.sender, sent.receiver, [message.type for _, message in sent.messages]) == (
        "ACME",
        "NORTHWIND",
        ["855"],
    )


async def test_what_a_lost_process_left_is_finished_and_not_repeated(bench: Workbench, orders: Systems) -> None:
    await orders.call("orders.confirm", CONFIRMATION, key="k1")
    left = bench.root / "out" / ".000000001.edi.interlock-new"
    (bench.root / "out" / "000000001.edi").rename(left)  # as if lost before the last step
    assert (await orders.call("orders.confirm", CONFIRMATION, key="k1")).output["sent"] is False
    assert out(bench) == ["000000001.edi"]
    (bench.root / "out" / "000000001.edi").unlink()  # as if collected
    assert (await orders.call("orders.confirm", CONFIRMATION, key="k1")).output["sent"] is False
    assert out(bench) == []


async def test_a_full_disk_sends_nothing(bench: Workbench, orders: Systems, monkeypatch: pytest.MonkeyPatch) -> None:
    await orders.call("orders.confirm", CONFIRMATION, key="k0")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        answer = await orders.call("orders.confirm", CONFIRMATION, key="k1")
    assert answer.status == "failed"
    assert [name for name in out(bench) if not name.startswith(".")] == ["000000001.edi"]
    assert (await orders.call("orders.confirm", CONFIRMATION, key="k1")).output["sent"] is True


async def test_what_cannot_be_carried_is_refused_and_spends_no_number(bench: Workbench, orders: Systems) -> None:
    for change in ({"order_number": "a*b"}, {"order_number": "Łódź"}, {"order_date": "2024-02-29", "purpose": "~"}):
        answer = await orders.call("orders.confirm", CONFIRMATION | change, key="k1")
        assert (code(answer), answer.sent) == ("argument_unfit", False)
    assert out(bench) == []
    assert (await orders.call("orders.confirm", CONFIRMATION, key="k1")).output["interchange"] in {
        "000000001",
        "000000002",
    }


async def test_an_interchange_is_answered_once(bench: Workbench, orders: Systems) -> None:
    put(bench, "b.edi", x12(ORDER, control=8).replace("SE*14", "SE*99"))
    put(bench, "c.edi", x12(ORDER, control=9).replace("IEA*1*", "IEA*7*"))
    verdicts = {}
    for number in (7, 7, 8, 9):
        arguments = {"sender": "NORTHWIND", "interchange": f"{number:09d}"}
        answer = await orders.call("orders.answer", arguments)
        verdicts[number] = answer.output["verdict"]
    assert verdicts == {7: "accepted", 8: "rejected", 9: "rejected"}
    texts = [(bench.root / "out" / name).read_text() for name in out(bench)]
    assert [("AK9*A" in text, "AK9*R" in text, "TA1*" in text) for text in texts] == [
        (True, False, False), (False, True, False), (False, False, True)
    ]  # fmt: skip
    unknown = await orders.call("orders.answer", {"sender": "NORTHWIND", "interchange": "1"})
    assert code(unknown) == "not_found"


async def test_edifact_goes_the_same_way(bench: Workbench) -> None:
    for folder in ("in", "out"):
        (bench.root / folder).mkdir()
    put(bench, "a.edi", edifact(ORDERS))
    ends = {"us": {"id": "ACME", "qualifier": "14"}, "partner": {"id": "NORTHWIND", "qualifier": "14"}}
    systems = await bench.serve(
        SYSTEM
        | {
            "connection": SYSTEM["connection"] | {"standard": "edifact", **ends},
            "operations": {
                "take": {"from": "take ORDERS", "effect": "write"},
                "confirm": {"from": "send ORDRSP", "effect": "write"},
                "answer": {"from": "acknowledge CONTRL", "effect": "write"},
            },
        }
    )
    taken = await systems.call("orders.take", {"sender": "NORTHWIND", "interchange": "42", "control": "1"})
    assert (taken.output["order_number"], taken.output["took"]) == ("PO-1001", True)
    values = {"document_type": "231", "answer_number": "Ø'1+", "answer_date": "2024-03-01"}
    sent = await systems.call("orders.confirm", values)
    assert sent.output["interchange"] == "1"
    await systems.call("orders.answer", {"sender": "NORTHWIND", "interchange": "42"})
    types = []
    for name in out(bench):
        (one,) = parse_interchanges((bench.root / "out" / name).read_text("latin-1"))
        types += [message.type for _, message in one.messages]
    assert types == ["ORDRSP", "CONTRL"]


async def test_a_mapping_of_the_projects_own_is_used(bench: Workbench) -> None:
    for folder in ("in", "out"):
        (bench.root / folder).mkdir()
    bench.write(
        "846.yaml",
        "message: '846'\nstandard: x12\ngroup: IB\nsegments:\n"
        "- {segment: BIA, required: true, elements: {2: {name: report, required: true}}}\n"
        "- loop: items\n  of:\n  - {segment: LIN, elements: {3: product}}\n"
        "  - {segment: QTY, match: {1: '33'}, elements: {2: {name: stock, type: number}}}\n",
    )
    put(bench, "a.edi", x12(("BIA*00*SI*R1*20240229", "LIN**VP*BOLT", "QTY*33*7"), code="IB", kind="846"))
    systems = await bench.serve(
        SYSTEM
        | {
            "connection": SYSTEM["connection"] | {"mappings": ["846.yaml"]},
            "operations": {"list": {"from": "list 846", "effect": "read"}},
        }
    )
    (message,) = (await listed(systems))["messages"]
    assert (message["report"], message["items"]) == ("SI", [{"product": "BOLT", "stock": 7}])


async def test_folders_that_are_away_are_failures_that_were_not_sent(bench: Workbench) -> None:
    systems = await bench.serve(SYSTEM)
    for operation, arguments in (("list", {}), ("take", KEY), ("confirm", CONFIRMATION)):
        answer = await systems.call(f"orders.{operation}", arguments)
        assert (code(answer), answer.sent) == ("unreachable", False)
    assert not (bench.root / "state").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"connection": {"mappings": ["../x.yaml"]}}, "of the project"),
        ({"connection": {"mappings": ["bad.yaml"]}}, "bad.yaml"),
        ({"connection": {"standard": "edifact"}}, "no mapping for 850 in edifact"),
        ({"operations": {"x": {"from": "eat 850", "effect": "read"}}}, "must be a verb"),
        ({"operations": {"x": {"from": "list 999", "effect": "read"}}}, "no mapping"),
        ({"operations": {"x": {"from": "list 850", "effect": "write"}}}, "is a read"),
        ({"operations": {"x": {"from": "take 850", "effect": "read"}}}, "changes something"),
        ({"operations": {"x": {"from": "acknowledge CONTRL", "effect": "write"}}}, "one of 997, 999"),
        ({"operations": {"x": {"from": "send 855", "effect": "write", "idempotency": {"header": "K"}}}}, "no header"),
    ],
    ids=str,
)
def test_a_declaration_that_cannot_be_kept_is_a_finding(bench: Workbench, change: dict[str, Any], words: str) -> None:
    bench.write("bad.yaml", "message: '850'\nstandard: x12\nsegments: [}\n")
    changed = {name: SYSTEM[name] | one if name == "connection" else one for name, one in change.items()}
    with pytest.raises(ProjectInvalid, match=words):
        bench.catalog(SYSTEM | changed)


# --- what a partner might do -----------------------------------------------------------------------------------------


async def test_a_test_is_not_taken_for_the_real_thing(bench: Workbench, orders: Systems) -> None:
    put(bench, "t.edi", x12(ORDER, control=8).replace("*0*P*:", "*0*T*:"))
    page = await listed(orders)
    assert [one["message"]["file"] for one in page["messages"]] == ["a.edi"]
    assert [(one["file"], one["segment"], one["tag"]) for one in page["refused"]] == [("t.edi", 1, "ISA")]
    assert "marked as a test" in page["refused"][0]["reason"]
    assert code(await orders.call("orders.take", {**KEY, "interchange": "000000008"})) == "interchange_refused"
    trial = await bench.serve({**SYSTEM, "connection": {**SYSTEM["connection"], "usage": "test"}})
    page = await listed(trial)
    assert [one["message"]["file"] for one in page["messages"]] == ["t.edi"]
    assert [one["file"] for one in page["refused"]] == ["a.edi"]


async def test_a_test_in_edifact_is_not_either(bench: Workbench) -> None:
    for folder in ("in", "out"):
        (bench.root / folder).mkdir()
    put(bench, "a.edi", edifact(ORDERS))
    put(bench, "t.edi", edifact(ORDERS, control="43").replace("+43'UNH", "+43++++++1'UNH"))
    operations = {"list": {"from": "list ORDERS", "effect": "read"}}
    connection = {**SYSTEM["connection"], "standard": "edifact"}
    orders = await bench.serve({**SYSTEM, "connection": connection, "operations": operations})
    page = await listed(orders)
    assert [one["message"]["file"] for one in page["messages"]] == ["a.edi"]
    assert [one["file"] for one in page["refused"]] == ["t.edi"]


async def test_nobody_is_answered_for_what_somebody_else_sent(bench: Workbench, orders: Systems) -> None:
    other = x12(ORDER, control=9).replace("NORTHWIND ", "SOUTHWIND ").replace("IEA*1*", "IEA*2*")
    put(bench, "s.edi", other)
    answer = await orders.call("orders.answer", {"sender": "SOUTHWIND", "interchange": "000000009"})
    assert code(answer) == "not_found"
    assert out(bench) == []


async def test_a_file_may_have_any_name(bench: Workbench, orders: Systems) -> None:
    put(bench, os.fsdecode(b"\xff\xfe.edi"), x12(ORDER, control=8))
    put(bench, os.fsdecode(b"\xff.bad"), "nothing")
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await listed(orders, limit=1, **after)
        seen += [one["message"]["interchange"] for one in page["messages"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert sorted(seen) == ["000000007", "000000008"]
    assert "\\xff" in page["refused"][0]["file"]
    assert (await orders.call("orders.take", {**KEY, "interchange": "000000008"})).output["took"] is True


async def test_one_file_holds_an_interchange_once(bench: Workbench, orders: Systems) -> None:
    other = (ORDER[0].replace("1001", "7"), *ORDER[1:])
    put(bench, "b.edi", "".join([x12(ORDER, control=8)] * 2 + [x12(other, control=8)] + [x12(other, control=9)]))
    page = await listed(orders)
    assert [one["message"]["interchange"] for one in page["messages"]] == ["000000007", "000000008", "000000009"]
    assert page["duplicates"] == ["b.edi"]
    assert [(one["interchange"], "in b.edi" in one["reason"]) for one in page["refused"]] == [("000000008", True)]


def test_pages_go_on_beyond_a_million_segments() -> None:
    def received(number: int) -> Received:
        message = Message("850", "004010", str(number), [Segment(number, "ST", (), "")])
        return Received("a.edi", cast(Any, None), cast(Any, None), message)

    everything = [received(number) for number in (2, 999_998, 1_000_003, 2_000_000)]
    seen: list[str] = []
    after = ""
    while found := list(pages(everything, after)):
        after = found[0][0]
        seen.append(found[0][1].message.control)
    assert seen == ["2", "999998", "1000003", "2000000"]


@pytest.mark.parametrize("after", ["x", ":", "12", "-1:a.edi", "²:a.edi", "9" * 60 + ":a.edi"])
async def test_a_cursor_that_is_none_is_refused(orders: Systems, after: str) -> None:
    assert code(await orders.call("orders.list", {"after": after})) == "cursor_invalid"


async def test_what_waits_in_the_outbox_is_written_to_no_other_place(bench: Workbench, orders: Systems) -> None:
    other = bench.root / "other.txt"
    other.write_text("kept")
    for number in range(1, 4):
        (bench.root / "out" / f".{number:09d}.edi.interlock-new").symlink_to(other)
    answer = await orders.call("orders.confirm", CONFIRMATION, key="k")
    assert not answer.succeeded
    assert other.read_text() == "kept"


async def test_who_took_a_message_and_did_not_hear_of_it_is_told_so_again(orders: Systems) -> None:
    first = await orders.call("orders.take", KEY, key="one")
    again = await orders.call("orders.take", KEY, key="one")
    other = await orders.call("orders.take", KEY, key="two")
    assert [one.output["took"] for one in (first, again, other)] == [True, True, False]

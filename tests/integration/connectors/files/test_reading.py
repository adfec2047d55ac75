"""Reading files: every row is there as it is, or it is said which is not; nothing leads out of the root."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.connectors.files.rigs import COLUMNS, calling, described, folder, operations, refused, system

GOOD = b"id,name,amount\n1,one,1.50\n2,,\n"


async def read(tmp_path: Path, content: bytes, one: dict[str, Any], **arguments: Any) -> Any:
    async with calling(system(one, "rows"), tmp_path) as call:
        (tmp_path / "files" / "in" / "a.dat").write_bytes(content)
        return await call("rows", file="a.dat", **arguments)


def workbook(*rows: list[Any], title: str = "Sheet1") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def table(**columns: Any) -> bytes:
    kept = io.BytesIO()
    pq.write_table(pa.table(columns), kept, row_group_size=2)
    return kept.getvalue()


ROWS = [{"id": 1, "name": "one", "amount": "1.5"}, {"id": 2, "name": None, "amount": None}]
SAME: dict[str, tuple[dict[str, Any], bytes]] = {
    "csv": (folder(), b"id,name,amount\r\n1,one,1.5\r\n2,,\r\n"),
    "csv-bom": (folder(), b"\xef\xbb\xbfid,name,amount\n1,one,1.5\n\n2,,"),
    "csv-german": (folder(format_delimiter=";", format_decimal=","), b"id;amount;name\n1;1,5;one\n2;;\n"),
    "csv-no-header": (folder(format_header="absent", format_quote="'"), b"1,'one',1.5\n2,,\n"),
    "csv-tab-unquoted": (folder(format_delimiter="\t", format_quote=""), b"id\tname\tamount\n1\tone\t1.5\n2\t\t\n"),
    "jsonl": (folder("jsonl"), b'{"id":1,"name":"one","amount":1.5}\n\n{"id":2,"name":null}\n'),
    "json": (folder("json"), b'[{"id":1,"name":"one","amount":"1.5"},{"id":2}]'),
    "json-within": (
        folder("json", format_at="data/rows"),
        b'{"data":{"rows":[{"id":1,"name":"one","amount":1.5},{"id":2}]}}',
    ),
    "xml": (
        folder("xml", format_row="list/item"),
        b"<list><item><id>1</id><name>one</name><amount>1.5</amount></item><item><id>2</id><name/></item></list>",
    ),
    "xml-attribute": (
        folder("xml", format_row="list/item", columns=COLUMNS | {"id": {"type": "integer", "heading": "@nr"}}),
        b'<list xmlns="urn:x"><item nr="1"><name>one</name><amount>1.5</amount></item><item nr="2"/></list>',
    ),
    "parquet": (
        folder("parquet"),
        table(id=[1, 2], name=["one", None], amount=pa.array([Decimal("1.5"), None], pa.decimal128(9, 1))),
    ),
    "excel": (folder("excel"), workbook(["id", "name", "amount"], [1, "one", 1.5], [2, None, None])),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SAME))
async def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    one, content = SAME[name]
    answer = await read(tmp_path, content, one)
    assert answer.succeeded, answer.problem
    assert answer.output["rows"] == ROWS
    assert (answer.output["quarantined"], answer.output["next"]) == ([], None)


TYPED = {"columns": {"a": "integer"}, "key": ["a"]}
CELLS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "thousands": ({"type": "decimal"}, "1.234.567,50", "1234567.50"),
    "negative": ({"type": "number"}, "-7,25", -7.25),
    "date": ({"type": "date", "pattern": "%d.%m.%Y"}, "29.02.2024", "2024-02-29"),
    "datetime": ({"type": "datetime"}, "2024-02-29 12:00:01", "2024-02-29T12:00:01"),
    "boolean": ({"type": "boolean"}, "TRUE", True),
    "zeros": ({"type": "string"}, "00123", "00123"),
    "many-digits": ({"type": "decimal"}, "12345678901234567890,123", "12345678901234567890.123"),
}


@pytest.mark.parametrize("name", sorted(CELLS))
async def test_texts_are_read_as_they_are_declared(tmp_path: Path, name: str) -> None:
    column, written, value = CELLS[name]
    one = folder(columns={"a": column}, key=["a"], format_delimiter=";", format_decimal=",", format_thousands=".")
    answer = await read(tmp_path, f"a\n{written}\n".encode(), one)
    assert answer.succeeded, answer.problem
    assert answer.output["rows"] == [{"a": value}]


UNFIT: dict[str, tuple[str, str]] = {
    "word": ("integer", "x"),
    "float": ("integer", "1.5"),
    "wide": ("integer", "9007199254740992"),
    "empty": ("integer", '""'),
    "infinite": ("number", "inf"),
    "exponent": ("decimal", "1e5"),
    "underscore": ("integer", "1_000"),
    "other-digits": ("integer", "١٢"),
    "too-exact": ("number", "0.1234567890123456"),
    "no-day": ("date", "2023-02-29"),
    "other-form": ("date", "20230228"),
    "yes": ("boolean", "yes"),
    "nul": ("string", "a\0b"),
}


@pytest.mark.parametrize("name", sorted(UNFIT))
async def test_a_cell_that_does_not_fit_has_the_file_refused_with_row_and_column(tmp_path: Path, name: str) -> None:
    kind, cell = UNFIT[name]
    answer = await read(tmp_path, f"a\n{cell}\n".encode(), folder(columns={"a": kind}, key=["a"]))
    assert (answer.status, answer.problem["code"]) == ("failed", "row_broken"), answer
    assert (answer.problem["row"], answer.problem["column"]) == (2, "a")
    assert answer.problem["detail"].startswith("a.dat: row 2, column a ")
    assert cell.strip('"') == "" or cell not in answer.problem["detail"]


async def test_quarantined_rows_are_named_and_the_others_are_all_there(tmp_path: Path) -> None:
    content = b"id,name,amount\n1,a,1\nx,b,2\n3,c\n4,d,4\n"
    answer = await read(tmp_path, content, folder(on_bad_row="quarantine"))
    assert [row["id"] for row in answer.output["rows"]] == [1, 4]
    assert [(one["row"], one.get("column")) for one in answer.output["quarantined"]] == [(3, "id"), (4, None)]


async def test_pages_hold_every_row_once_in_the_files_order(tmp_path: Path) -> None:
    content = b"id,name,amount\n" + b"".join(b"%d,%s,\n" % (n, b"even" if n % 2 == 0 else b"odd") for n in range(25))
    async with calling(system(folder(), "rows"), tmp_path) as call:
        file = tmp_path / "files" / "in" / "a.csv"
        file.write_bytes(content)
        found: list[int] = []
        offset: int | None = 0
        version = ""
        while offset is not None:
            more = {"if_version": version} if version else {}
            page = await call.output("rows", file="a.csv", offset=offset, limit=3, name="even", **more)
            found += [row["id"] for row in page["rows"]]
            offset, version = page["next"], page["version"]
        assert found == list(range(0, 25, 2))
        file.write_bytes(content + b"99,even,\n")
        assert (await call.problem("rows", file="a.csv", offset=3, if_version=version))["code"] == "file_changed"


async def test_a_page_ends_where_the_answer_would_be_too_large(tmp_path: Path) -> None:
    content = system(folder(), "rows") | {"limits": {"response": "2KiB"}}
    async with calling(content, tmp_path) as call:
        (tmp_path / "files" / "in" / "a.csv").write_text(
            "id,name,amount\n" + "".join(f"{n},{'x' * 300},\n" for n in range(9))
        )
        page = await call.output("rows", file="a.csv")
        assert 0 < len(page["rows"]) < 9
        assert page["next"] == len(page["rows"])
        (tmp_path / "files" / "in" / "b.csv").write_text(f"id,name,amount\n1,{'x' * 3000},\n")
        assert (await call.problem("rows", file="b.csv"))["code"] == "response_too_large"


async def test_one_row_is_found_by_its_key(tmp_path: Path) -> None:
    async with calling(system(folder(columns={"id": "decimal", "name": "string"}), "record"), tmp_path) as call:
        (tmp_path / "files" / "in" / "a.csv").write_text("id,name\n1.50,one\n2,two\n2.0,again\n")
        assert (await call.output("record", file="a.csv", id="1.5"))["number"] == 2
        assert (await call.problem("record", file="a.csv", id="2"))["code"] == "key_ambiguous"
        assert (await call.problem("record", file="a.csv", id="3"))["code"] == "not_found"


# --- broken files ----------------------------------------------------------------------------------------------------

BIG = workbook(["id", "name", "amount"], *([n, "x" * 50, n] for n in range(2000)))


def packed(replace: Callable[[str, bytes], bytes], source: bytes = BIG, **more: bytes) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, replace(name, old.read(name)))
        for name, content in more.items():
            new.writestr(name, content)
    return kept.getvalue()


def entity(name: str, content: bytes) -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    return content.replace(b"<worksheet", bomb + b"<worksheet", 1) if name.endswith("sheet1.xml") else content


def wide(name: str, content: bytes) -> bytes:
    return content.decode().encode("utf-16") if name.endswith("sheet1.xml") else content


FORMULA = workbook(["id", "name", "amount"], [1, '=HYPERLINK("http://x")', 1])
XML = folder("xml", format_row="l/i")
PARQUET = table(id=[1], name=["a"], amount=[1.5])
BROKEN: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "csv-empty": (folder(), b"", "file_broken"),
    "csv-inside-quotes": (folder(), b'id,name,amount\n1,"one', "file_broken"),
    "csv-inside-a-row": (folder(), b"id,name,amount\n1,one,1\n2,tw", "row_broken"),
    "csv-encoding": (folder(), "id,name,amount\n1,ü,1\n".encode("latin-1"), "file_broken"),
    "csv-utf-16": (folder(), GOOD.decode().encode("utf-16"), "file_broken"),
    "csv-stray-quote": (folder(), b'id,name,amount\n1,"o"ne,1\n', "file_broken"),
    "csv-fewer-columns": (folder(), b"id,name\n1,one\n", "columns_changed"),
    "csv-more-columns": (folder(), b"id,name,amount,more\n1,one,1,2\n", "columns_changed"),
    "csv-a-column-twice": (folder(), b"id,name,amount,id\n1,one,1,2\n", "columns_changed"),
    "csv-long-line": (folder(), b"id,name,amount\n1," + b"x" * 600_000 + b",1\n", "file_too_large"),
    "csv-long-cell": (folder(), b"id,name,amount\n1," + b"x" * 40_000 + b",1\n", "row_broken"),
    "csv-one-column-blank": (folder(columns={"id": "integer"}), b"id\n1\n\n2\n", "row_broken"),
    "csv-gzip": (folder(), gzip.compress(GOOD), "file_broken"),
    "jsonl-cut": (folder("jsonl"), b'{"id":1}\n{"id":', "row_broken"),
    "jsonl-twice": (folder("jsonl"), b'{"id":1,"id":2}\n', "row_broken"),
    "jsonl-nan": (folder("jsonl"), b'{"id":1,"amount":NaN}\n', "row_broken"),
    "jsonl-other": (folder("jsonl"), b'{"id":1,"more":2}\n', "row_broken"),
    "jsonl-text-for-number": (folder("jsonl"), b'{"id":"1"}\n', "row_broken"),
    "json-cut": (folder("json"), b'[{"id":1},{"id"', "file_broken"),
    "json-object": (folder("json"), b'{"id":1}', "file_broken"),
    "json-deep": (folder("json"), b"[" * 200_000, "file_broken"),
    "xml-cut": (XML, b"<l><i><id>1</id></i><i><id>2", "file_broken"),
    "xml-doctype": (XML, b'<!DOCTYPE l SYSTEM "file:///a"><l><i><id>1</id></i></l>', "file_broken"),
    "xml-entity": (XML, b'<!DOCTYPE l [<!ENTITY a "1">]><l><i><id>&a;</id></i></l>', "file_broken"),
    "xml-other-root": (XML, b"<k><i><id>1</id></i></k>", "columns_changed"),
    "xml-beside": (XML, b"<l><j/><i><id>1</id></i></l>", "columns_changed"),
    "xml-nested": (XML, b"<l><i><id>1</id><name><b>x</b></name></i></l>", "row_broken"),
    "xml-twice": (XML, b"<l><i><id>1</id><id>2</id></i></l>", "row_broken"),
    "xml-text": (XML, b"<l><i>x<id>1</id></i></l>", "row_broken"),
    "parquet-cut": (folder("parquet"), PARQUET[:-20], "file_broken"),
    "parquet-damaged": (folder("parquet"), b"PAR1" + b"\xff" * 500 + PARQUET[504:], "file_broken"),
    "parquet-changed": (folder("parquet"), table(id=[1], name=["a"]), "columns_changed"),
    "parquet-other-type": (folder("parquet"), table(id=["1"], name=["a"], amount=[1.5]), "row_broken"),
    "excel-cut": (folder("excel"), BIG[:-100], "file_broken"),
    "excel-none": (folder("excel"), GOOD, "file_broken"),
    "excel-formula": (folder("excel"), FORMULA, "row_broken"),
    "excel-entity": (folder("excel"), packed(entity), "file_broken"),
    "excel-utf-16": (folder("excel"), packed(wide), "file_broken"),
    "excel-no-sheet": (folder("excel", format_sheet="Other"), BIG, "file_broken"),
    "excel-beyond": (folder("excel"), workbook(["id", "name", "amount"], [1, "a", 1, "more"]), "row_broken"),
    "excel-text-for-number": (folder("excel"), workbook(["id", "name", "amount"], ["1", "a", 1]), "row_broken"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BROKEN))
async def test_a_broken_file_is_refused(tmp_path: Path, name: str) -> None:
    one, content, code = BROKEN[name]
    answer = await read(tmp_path, content, one)
    assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", code), answer
    assert answer.problem["detail"].startswith("a.dat: ")
    assert answer.output is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(SAME)))
def test_damage_is_answered_and_never_crashes(tmp_path: Path, data: st.DataObject, name: str) -> None:
    one, content = SAME[name]
    at = data.draw(st.integers(0, len(content)))
    damaged = content[:at] + data.draw(st.binary(max_size=8)) + content[at + data.draw(st.integers(0, 8)) :]
    answer = asyncio.run(read(tmp_path, damaged, one))
    assert answer.succeeded or refused(answer)["code"] in {
        "file_broken", "row_broken", "columns_changed", "file_too_large"
    }  # fmt: skip


async def test_what_is_too_much_is_refused_and_not_unpacked(tmp_path: Path) -> None:
    zeros = packed(lambda _, content: content, bomb=b"\0" * 5_000_000)
    bounds: list[tuple[dict[str, Any], bytes, dict[str, Any]]] = [
        (folder(), GOOD * 100, {"max_size": "1KiB"}),
        (folder(), GOOD + b"3,,\n4,,\n", {"max_rows": 3}),
        (folder(), GOOD, {"max_columns": 2}),
        (folder("jsonl"), b'{"id":1}\n' * 4, {"max_rows": 3}),
        (folder("json"), b'[{"id":1},{"id":1}]', {"max_rows": 1}),
        (XML, b"<l>" + b"<i><id>1</id></i>" * 4 + b"</l>", {"max_rows": 3}),
        (folder("excel"), BIG, {"max_rows": 100}),
        (folder("excel"), zeros, {"max_unpacked": "4MB"}),
        (folder("parquet"), table(id=[1, 2, 3], name=["a"] * 3, amount=[1.5] * 3), {"max_rows": 2}),
        (folder("parquet"), table(id=[1], name=["a" * 3000], amount=[1.5]), {"max_unpacked": "1KiB"}),
    ]  # fmt: skip
    for index, (one, content, more) in enumerate(bounds):
        async with calling(system(one, "rows", **more), tmp_path) as call:
            (tmp_path / "files" / "in" / "a.dat").write_bytes(content)
            assert (await call.problem("rows", file="a.dat"))["code"] == "file_too_large", index


async def test_stored_values_of_formulas_and_left_columns_are_declared(tmp_path: Path) -> None:
    stored = workbook(["id", "name", "amount", "other"], [1, "a", 1.5, "left"])
    answer = await read(tmp_path, stored, folder("excel", other_columns="leave", format_formula_cells="stored"))
    assert answer.output["rows"] == [{"id": 1, "name": "a", "amount": "1.5"}]
    answer = await read(tmp_path, FORMULA, folder("excel", format_formula_cells="stored"))
    assert answer.output["rows"] == [{"id": 1, "name": None, "amount": "1"}], "it was never computed"


async def test_days_of_workbooks_and_parquet(tmp_path: Path) -> None:
    columns = {"day": "date", "at": "datetime"}
    moment = datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001 - files keep no zone
    expected = [{"day": "2024-02-29", "at": "2024-02-29T12:30:00"}]
    for kind, content in (
        ("excel", workbook(["day", "at"], [date(2024, 2, 29), moment])),
        ("parquet", table(day=[date(2024, 2, 29)], at=[moment])),
    ):
        answer = await read(tmp_path, content, folder(kind, columns=columns, key=["day"]))
        assert answer.output["rows"] == expected, kind


# --- names and places ------------------------------------------------------------------------------------------------

NAMES = ["../a.csv", "/etc/passwd", "in/a.csv", "a\0.csv", "a\n.csv", "..", ".hidden", "a\\b.csv", "c:a.csv",
         "CON.csv", "nul", "com1.csv", "a.csv ", " a.csv", "a.", "a?.csv",
         "x" * 201, "e\u0301.csv", "a\u202e.csv"]  # fmt: skip


@pytest.mark.parametrize("index", range(len(NAMES)))
async def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, index: int) -> None:
    async with calling(system(folder()), tmp_path) as call:
        calls: list[tuple[str, dict[str, Any]]] = [("rows", {}), ("move", {}), ("write", {"rows": [{"id": 1}]})]
        for operation, more in calls:
            answer = await call(operation, file=NAMES[index], **more)
            assert (answer.sent, refused(answer)["code"]) == (False, "argument_unfit")


async def test_links_and_pipes_are_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.csv").write_bytes(GOOD)
    async with calling(system(folder()), tmp_path) as call:
        inbox = tmp_path / "files" / "in"
        (inbox / "link.csv").symlink_to(outside / "a.csv")
        os.mkfifo(inbox / "pipe.csv")
        (inbox / "sub").mkdir()
        (inbox / os.fsdecode(b"\xff.csv")).write_bytes(GOOD)
        (inbox / "a.csv").write_bytes(GOOD)
        listing = await call.output("list")
        assert [one["file"] for one in listing["files"]] == ["a.csv"]
        assert listing["others"] == 4
        for name in ("link.csv", "pipe.csv", "sub"):
            assert (await call.problem("rows", file=name))["code"] == "unreachable"
        (inbox / "link.csv").unlink()
        for one in inbox.iterdir():
            one.rmdir() if one.is_dir() else one.unlink()
        inbox.rmdir()
        inbox.symlink_to(outside)
        assert (await call.problem("rows", file="a.csv"))["code"] == "unreachable"
        assert not (await call.connector.probe(timeout=30)).succeeded
        assert (await call("write", file="b.csv", rows=[{"id": 1}])).status == "failed"
        assert [one.name for one in outside.iterdir()] == ["a.csv"]


async def test_files_are_listed_by_name_a_page_of_them(tmp_path: Path) -> None:
    async with calling(system(folder(pattern="*.csv"), "list"), tmp_path) as call:
        for name in ("c.csv", "a.csv", "b.csv", "d.txt", ".e.csv"):
            (tmp_path / "files" / "in" / name).write_bytes(GOOD)
        first = await call.output("list", limit=2)
        assert ([one["file"] for one in first["files"]], first["next"], first["others"]) == (
            ["a.csv", "b.csv"],
            "b.csv",
            1,
        )
        rest = await call.output("list", after=first["next"])
        assert ([one["file"] for one in rest["files"]], rest["next"]) == (["c.csv"], None)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "path": (folder(path="../x"), "path"),
    "absolute": (folder(path="/x"), "path"),
    "key": (folder(key=["name"]), "key/0"),
    "csv-key": (folder("jsonl", format_delimiter=";"), "format/delimiter"),
    "quote": (folder(format_thousands="."), "format/thousands"),
    "pattern": (folder(columns={"id": {"type": "integer", "pattern": "%d"}}), "columns/id/pattern"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_is_wrong_with_a_declaration_is_pointed_at(tmp_path: Path, name: str) -> None:
    one, pointer = WRONG[name]
    found = [trouble.pointer for trouble in described(system(one), tmp_path)[1].troubles]
    assert found == [f"/connection/folders/one/{pointer}"]


def test_operations_that_cannot_be_are_refused(tmp_path: Path) -> None:
    content = system(folder("parquet"))
    content["operations"] = {
        **operations("append"),
        "none": {"from": "rows nowhere", "effect": "read"},
        "effect": {"from": "rows one", "effect": "write"},
        "bare": {"from": "rows two", "effect": "read"},
        "option": {"from": "write one", "effect": "write", "options": {"existing": "maybe"}},
        "same": {"from": "move one one", "effect": "write"},
    }
    pointers = [trouble.pointer for trouble in described(content, tmp_path)[1].troubles]
    assert pointers == [f"/operations/{name}" for name in (
        "append/from", "none/from", "effect/effect", "bare/from", "option/options", "same/from")]  # fmt: skip
    del content["connection"]["state"]
    assert [one.pointer for one in described(content, tmp_path)[1].troubles] == ["/connection/state"]

"""Changing files: whole or not at all, once for each key, never over what is there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.connectors.files.rigs import calling, folder, refused, sftp, system
from tests.integration.connectors.files.servers import PASSWORD, sftp_server

ROWS = [{"id": 1, "name": "one", "amount": "1.5"}, {"id": 2, "name": "a;b\"c'\r\nd", "amount": None}]
KINDS: dict[str, dict[str, Any]] = {
    "csv": folder(),
    "csv-all": folder(format_quoting="all", format_line_end="lf", format_delimiter=";", format_decimal=","),
    "jsonl": folder("jsonl"),
    "json": folder("json", format_at="data/rows"),
    "xml": folder("xml", format_row="list/item"),
    "parquet": folder("parquet"),
    "excel": folder("excel", format_header_row=2),
}


def left(root: Path, name: str = "in") -> list[str]:
    """Return everything that stands in a folder, hidden or not."""
    return sorted(one.name for one in (root / "files" / name).iterdir())


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_what_is_written_is_read_again(tmp_path: Path, kind: str) -> None:
    rows = ROWS if kind != "excel" else [ROWS[0], ROWS[1] | {"name": "a;b\"c'\nd"}]
    async with calling(system(KINDS[kind], "write", "rows"), tmp_path) as call:
        done = await call.output("write", file="a.dat", rows=rows, key="k")
        assert (done["rows"], done["done"]) == (2, True)
        assert done["size"] == (tmp_path / "files" / "in" / "a.dat").stat().st_size
        found = (await call.output("rows", file="a.dat"))["rows"]
        if kind == "parquet":  # its decimals all have the same digits
            assert found[0].pop("amount") == "1.5000000000"
            rows = [{name: value for name, value in rows[0].items() if name != "amount"}, rows[1]]
        assert found == rows
        assert left(tmp_path) == ["a.dat"]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(TEXT.filter(bool), min_size=1, max_size=4), kind=st.sampled_from(["csv", "csv-all", "jsonl", "json"])
)
def test_any_text_comes_back_as_it_was(tmp_path: Path, texts: list[str], kind: str) -> None:
    one = KINDS[kind]
    one = one | {"format": one["format"] | ({"formula_text": "text"} if kind.startswith("csv") else {})}
    rows = [{"id": number, "name": text, "amount": None} for number, text in enumerate(texts)]

    async def check() -> None:
        async with calling(system(one, "replace", "rows"), tmp_path) as call:
            await call.output("replace", file="a.dat", rows=rows)
            assert (await call.output("rows", file="a.dat"))["rows"] == rows

    asyncio.run(check())


FORMULAS = ["=1+1", "+1", "-1", "@x", "\t=1", "\uff1d1"]


@pytest.mark.parametrize("index", range(len(FORMULAS)))
@pytest.mark.parametrize("kind", ["csv", "excel"])
async def test_a_text_like_a_formula_is_not_let_into_a_spreadsheet(tmp_path: Path, kind: str, index: int) -> None:
    rows = [{"id": -1, "amount": "-1.5"}, {"id": 2, "name": FORMULAS[index]}]
    async with calling(system(folder(kind), "write"), tmp_path) as call:
        problem = await call.problem("write", file="a.dat", rows=rows)
        assert (problem["code"], problem["column"]) == ("argument_unfit", "name")
        assert FORMULAS[index] not in problem["detail"].replace("=, +, - or @", "")
        assert left(tmp_path) == []
    async with calling(system(folder(kind, format_formula_text="escape"), "write", "rows"), tmp_path) as call:
        await call.output("write", file="a.dat", rows=rows)
        assert (await call.output("rows", file="a.dat"))["rows"][1]["name"] == "'" + FORMULAS[index]


async def test_an_allowed_text_is_still_no_formula_of_a_workbook(tmp_path: Path) -> None:
    async with calling(system(folder("excel", format_formula_text="text"), "write"), tmp_path) as call:
        await call.output("write", file="a.xlsx", rows=[{"id": 1, "name": "=1+1"}])
    book = openpyxl.load_workbook(tmp_path / "files" / "in" / "a.xlsx")
    assert (book.active["B2"].value, book.active["B2"].data_type) == ("=1+1", "s")


UNFIT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "encoding": (folder(format_encoding="cp1252"), {"id": 1, "name": "Ж"}),
    "unquoted": (folder(format_quote=""), {"id": 1, "name": "a,b"}),
    "xml-control": (folder("xml", format_row="l/i"), {"id": 1, "name": "a\x01b"}),
    "excel-control": (folder("excel"), {"id": 1, "name": "a\x01b"}),
    "excel-long": (folder("excel"), {"id": 1, "name": "x" * 32_768}),
    "excel-digits": (folder("excel"), {"id": 1, "amount": "1234567890123456.7"}),
    "parquet-digits": (folder("parquet"), {"id": 1, "amount": "1.23456789012"}),
    "day": (folder(columns={"id": "date"}), {"id": "2023-02-29"}),
    "size": (folder(), {"id": 1, "name": "x" * 5000}),
}


@pytest.mark.parametrize("name", sorted(UNFIT))
async def test_what_cannot_be_kept_is_not_written_in_part(tmp_path: Path, name: str) -> None:
    one, row = UNFIT[name]
    more: dict[str, Any] = {"max_size": "4KiB"} if name == "size" else {}
    async with calling(system(one, "write", **more), tmp_path) as call:
        problem = await call.problem("write", file="a.dat", rows=[row], key="k")
        assert problem["code"] == ("file_too_large" if name == "size" else "argument_unfit")
        assert left(tmp_path) == []


@pytest.mark.parametrize("kind", ["csv", "csv-all", "jsonl"])
async def test_rows_are_added_once_for_a_key_and_the_rest_keeps_its_bytes(tmp_path: Path, kind: str) -> None:
    async with calling(system(KINDS[kind], "write", "append", "rows"), tmp_path) as call:
        await call.output("write", file="a.dat", rows=ROWS[:1])
        file = tmp_path / "files" / "in" / "a.dat"
        file.write_bytes(file.read_bytes().rstrip())
        before = file.read_bytes()
        for done in (True, False, False):
            answer = await call.output("append", file="a.dat", rows=ROWS[1:], key="k")
            assert answer["done"] is done
        assert file.read_bytes().startswith(before)
        assert (await call.output("rows", file="a.dat"))["rows"] == ROWS
        assert (await call.problem("append", file="a.dat", rows=ROWS[1:], key="k2"))["code"] == "key_exists"
        assert (await call.problem("append", file="a.dat", rows=[{"id": 9}], key="k"))["code"] == "key_reused"
        assert (await call.problem("append", file="b.dat", rows=ROWS))["code"] == "not_found"
        assert left(tmp_path) == ["a.dat"]


async def test_rows_follow_the_columns_of_the_file(tmp_path: Path) -> None:
    async with calling(system(folder(), "append"), tmp_path) as call:
        file = tmp_path / "files" / "in" / "a.csv"
        file.write_bytes(b"\xef\xbb\xbfamount,id,name\n1,1,one")
        await call.output("append", file="a.csv", rows=[{"id": 2, "name": "two"}])
        assert file.read_bytes() == b"\xef\xbb\xbfamount,id,name\n1,1,one\r\n,2,two\r\n"


async def test_nothing_is_added_below_what_is_broken(tmp_path: Path) -> None:
    async with calling(system(folder(), "append"), tmp_path) as call:
        file = tmp_path / "files" / "in" / "a.csv"
        for content, code in ((b'id,name,amount\n1,"one', "file_broken"), (b"id,name,amount\nx,,\n", "row_broken")):
            file.write_bytes(content)
            assert (await call.problem("append", file="a.csv", rows=[{"id": 2}]))["code"] == code
            assert file.read_bytes() == content


async def test_nothing_is_overwritten_unless_it_is_declared(tmp_path: Path) -> None:
    async with calling(system(folder(), "write", "replace", "move"), tmp_path) as call:
        file = tmp_path / "files" / "in" / "a.csv"
        file.write_bytes(b"another's")
        file.chmod(0o604)
        assert (await call.problem("write", file="a.csv", rows=ROWS))["code"] == "file_exists"
        (tmp_path / "files" / "done" / "a.csv").write_bytes(b"older")
        assert (await call.problem("move", file="a.csv"))["code"] == "file_exists"
        assert file.read_bytes() == b"another's"
        await call.output("replace", file="a.csv", rows=ROWS)
        assert file.read_bytes().startswith(b"id,name")
        assert file.stat().st_mode & 0o777 == 0o604
        assert left(tmp_path) == ["a.csv"]


async def test_a_file_that_was_taken_away_is_not_written_again_for_its_key(tmp_path: Path) -> None:
    async with calling(system(folder()), tmp_path) as call:
        await call.output("write", file="a.csv", rows=ROWS, key="k")
        await call.output("move", file="a.csv", key="m")
        assert (await call.output("move", file="a.csv", key="m"))["done"] is False
        assert (await call.output("write", file="a.csv", rows=ROWS, key="k"))["done"] is False
        assert (left(tmp_path), left(tmp_path, "done")) == ([], ["a.csv"])
        assert (await call.problem("move", file="a.csv", key="n"))["code"] == "not_found"


async def test_of_many_who_write_at_once_one_does(tmp_path: Path) -> None:
    async with calling(system(folder(), "write", "append", "rows"), tmp_path) as call:
        answers = await asyncio.gather(*(call("write", file="a.csv", rows=ROWS[:1], key=f"k{n}") for n in range(8)))
        assert sorted(answer.status for answer in answers) == ["failed"] * 7 + ["succeeded"]
        added = [call.output("append", file="a.csv", rows=[{"id": n}], key=f"a{n % 5}") for n in range(10, 15)]
        await asyncio.gather(
            *added, *(call.output("append", file="a.csv", rows=[{"id": n}], key=f"a{n % 5}") for n in range(10, 15))
        )
        assert sorted(row["id"] for row in (await call.output("rows", file="a.csv"))["rows"]) == [1, *range(10, 15)]


PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from tests.integration.connectors.files.rigs import calling, system, folder

async def main():
    async with calling(system(folder()), Path(sys.argv[1])) as call:
        answer = await call(sys.argv[2], key="k", **json.loads(sys.argv[3]))
        print(json.dumps([answer.status, answer.output, answer.problem]))

asyncio.run(main())
"""


def ran(root: Path, operation: str, arguments: dict[str, Any], fault: str = "", prelude: str = "") -> Any:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "INTERLOCK_FAULT": fault}
    command = [sys.executable, "-c", prelude + PROGRAM, str(root), operation, json.dumps(arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    if fault:
        assert done.returncode == -signal.SIGKILL, done.stderr
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


POINTS = ["files.staged", "files.noted", "files.placed"]
KILLS = [*((verb, point) for verb in ("write", "append") for point in POINTS), ("move", "files.placed")]


@pytest.mark.parametrize(("operation", "point"), KILLS)
def test_whoever_is_killed_leaves_a_call_that_can_be_made_again(tmp_path: Path, operation: str, point: str) -> None:
    inbox = tmp_path / "files" / "in"
    inbox.mkdir(parents=True)
    if operation != "write":
        (inbox / "a.csv").write_bytes(b"id,name,amount\r\n")
    arguments = {"file": "a.csv"} | ({"rows": ROWS[:1]} if operation != "move" else {})
    ran(tmp_path, operation, arguments, point)
    shown = [name for name in left(tmp_path) if not name.startswith(".")]
    assert shown == ([] if operation == "move" or (operation == "write" and point != "files.placed") else ["a.csv"])
    if point == "files.placed" and operation == "write":
        (inbox / "a.csv").rename(tmp_path / "files" / "done" / "a.csv")  # its reader was quick
    status, output, problem = ran(tmp_path, operation, arguments)
    assert status == "succeeded", problem
    assert output["done"] is (point != "files.placed")
    places = {name: left(tmp_path, name) for name in ("in", "done")}
    taken = operation == "move" or (operation == "write" and point == "files.placed")
    assert places == ({"in": [], "done": ["a.csv"]} if taken else {"in": ["a.csv"], "done": []})
    found = (tmp_path / "files" / ("done" if taken else "in") / "a.csv").read_bytes()
    assert found.count(b"1,one,1.5") == (0 if operation == "move" else 1)


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""


@pytest.mark.parametrize("operation", ["write", "append"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, operation: str) -> None:
    inbox = tmp_path / "files" / "in"
    inbox.mkdir(parents=True)
    if operation == "append":
        (inbox / "a.csv").write_bytes(b"id,name,amount\r\n")
    rows = [{"id": number, "name": "x" * 1000} for number in range(50)]
    status, _, problem = ran(tmp_path, operation, {"file": "a.csv", "rows": rows}, prelude=FULL)
    assert (status, problem["code"]) == ("failed", "unreachable")
    assert "nothing was changed" in problem["detail"]
    assert left(tmp_path) == ([] if operation == "write" else ["a.csv"])
    if operation == "append":
        assert (inbox / "a.csv").read_bytes() == b"id,name,amount\r\n"
    assert ran(tmp_path, operation, {"file": "a.csv", "rows": rows})[0] == "succeeded"


# --- SFTP ------------------------------------------------------------------------------------------------------------


async def test_everything_by_sftp(tmp_path: Path) -> None:
    with sftp_server(tmp_path / "files") as server:
        key = sftp(server)
        del key["sftp"]["password"]
        key["sftp"]["key"] = "secret:key"
        async with calling(system(folder(), place=key), tmp_path, key=server.client_key) as call:
            assert (await call.connector.probe(timeout=30)).succeeded
            await call.output("write", file="a.csv", rows=ROWS[:1], key="w")
            await call.output("append", file="a.csv", rows=ROWS[1:], key="a")
            assert (await call.output("append", file="a.csv", rows=ROWS[1:], key="a"))["done"] is False
            assert (await call.output("rows", file="a.csv"))["rows"] == ROWS
            assert (await call.problem("write", file="a.csv", rows=ROWS))["code"] == "file_exists"
            await call.output("replace", file="a.csv", rows=ROWS)
            assert [one["file"] for one in (await call.output("list"))["files"]] == ["a.csv"]
            (tmp_path / "files" / "done" / "a.csv").write_bytes(b"older")
            assert (await call.problem("move", file="a.csv"))["code"] == "file_exists"
            (tmp_path / "files" / "done" / "a.csv").unlink()
            await call.output("move", file="a.csv", key="m")
            assert (left(tmp_path), left(tmp_path, "done")) == ([], ["a.csv"])


async def test_a_server_that_is_not_the_declared_one_gets_no_password(tmp_path: Path) -> None:
    with sftp_server(tmp_path / "files") as server, sftp_server(tmp_path) as other:
        wrong = sftp(server, host_key=other.host_key)
        async with calling(system(folder(), "rows", place=wrong), tmp_path) as call:
            answer = await call("rows", file="a.csv")
            assert (answer.sent, refused(answer)["code"]) == (False, "access_denied")
            assert "host key" in refused(answer)["detail"]
            assert PASSWORD not in repr(answer)
        async with calling(system(folder(), "rows", place=sftp(server)), tmp_path, sftp="wrong") as call:
            assert (await call.problem("rows", file="a.csv"))["code"] == "access_denied"


async def test_links_on_the_server_are_not_followed(tmp_path: Path) -> None:
    with sftp_server(tmp_path / "files") as server:
        async with calling(system(folder(), place=sftp(server)), tmp_path) as call:
            (tmp_path / "files" / "done" / "b.csv").write_bytes(b"id,name,amount\n")
            (tmp_path / "files" / "in" / "b.csv").symlink_to("../done/b.csv")
            assert (await call.problem("rows", file="b.csv"))["code"] == "unreachable"
            assert (await call.output("list"))["others"] == 1
            (tmp_path / "files" / "in" / "b.csv").unlink()
            (tmp_path / "files" / "in").rmdir()
            (tmp_path / "files" / "in").symlink_to("done")
            assert (await call.problem("rows", file="b.csv"))["code"] == "unreachable"


async def test_a_read_that_breaks_off_is_no_shorter_file(tmp_path: Path) -> None:
    content = b"id,name,amount\n" + b"".join(b"%d,x,\n" % number for number in range(40_000))
    with sftp_server(tmp_path / "files") as server:
        async with calling(system(folder(), "rows", place=sftp(server)), tmp_path) as call:
            (tmp_path / "files" / "in" / "a.csv").write_bytes(content)
            server.fates["read"] = "short"
            assert (await call.problem("rows", file="a.csv"))["code"] == "file_changed"
            server.fates["read"] = "lost"
            assert (await call.problem("rows", file="a.csv"))["code"] == "connection_lost"
            server.fates.clear()
            assert len((await call.output("rows", file="a.csv", offset=39_990))["rows"]) == 10


@pytest.mark.parametrize("fate", ["lost", "full"])
async def test_a_write_that_breaks_off_leaves_no_file(tmp_path: Path, fate: str) -> None:
    with sftp_server(tmp_path / "files") as server:
        async with calling(system(folder(), "write", place=sftp(server)), tmp_path) as call:
            server.fates["write"] = fate
            answer = await call("write", file="a.csv", rows=ROWS, key="k")
            assert "nothing was changed" in refused(answer)["detail"]
            server.fates.clear()
            assert (await call.output("write", file="a.csv", rows=ROWS, key="k"))["done"] is True
            assert left(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("point", ["rename", "renamed"])
@pytest.mark.parametrize("operation", ["write", "append", "move"])
async def test_a_lost_answer_to_a_change_is_settled_by_calling_again(
    tmp_path: Path, operation: str, point: str
) -> None:
    with sftp_server(tmp_path / "files") as server:
        async with calling(system(folder(), place=sftp(server)), tmp_path) as call:
            file = tmp_path / "files" / "in" / "a.csv"
            if operation != "write":
                file.write_bytes(b"id,name,amount\r\n")
            arguments: dict[str, Any] = {"file": "a.csv"} | ({"rows": ROWS[:1]} if operation != "move" else {})
            server.fates[point] = "lost"
            answer = await call(operation, key="k", **arguments)
            assert answer.status == "unknown", answer
            server.fates.clear()
            if operation == "write" and point == "renamed":
                file.rename(tmp_path / "files" / "done" / "a.csv")  # its reader was quick
            assert (await call.output(operation, key="k", **arguments))["done"] is (point == "rename")
            found = [*left(tmp_path), *left(tmp_path, "done")]
            assert found == ["a.csv"]


# --- object stores ---------------------------------------------------------------------------------------------------


async def test_everything_in_an_object_store(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    base = f"/bucket-{tmp_path.name}"
    memory.pipe_file(f"{base}/in/old.csv", b"id,name,amount\n9,,\n")
    place = {"store": {"url": f"memory:/{base}"}}
    content = system(folder(), place=place)
    del content["operations"]["append"]
    async with calling(content, tmp_path) as call:
        assert (await call.connector.probe(timeout=30)).succeeded
        assert (await call.output("write", file="a.csv", rows=ROWS, key="w"))["done"] is True
        assert (await call.output("write", file="a.csv", rows=ROWS, key="w"))["done"] is False
        assert (await call.problem("write", file="old.csv", rows=ROWS))["code"] == "file_exists"
        assert (await call.output("rows", file="a.csv"))["rows"] == ROWS
        assert [one["file"] for one in (await call.output("list"))["files"]] == ["a.csv", "old.csv"]
        await call.output("replace", file="old.csv", rows=ROWS)
        assert (await call.output("move", file="a.csv", key="m"))["done"] is True
        assert (await call.output("move", file="a.csv", key="m"))["done"] is False
        assert sorted(memory.ls(f"{base}/done", detail=False)) == [f"{base}/done/a.csv"]
        assert (await call.problem("rows", file="a.csv"))["code"] == "not_found"
        assert not any(one.startswith(".") for one in memory.ls(f"{base}/in", detail=False))


async def test_a_store_whose_driver_is_missing_says_so(tmp_path: Path) -> None:
    content = system(folder(), "rows", place={"store": {"url": "oss://bucket/x", "secrets": {"key": "secret:sftp"}}})
    async with calling(content, tmp_path) as call:
        answer = await call("rows", file="a.csv")
        assert not answer.sent
        assert "not installed" in refused(answer)["detail"]

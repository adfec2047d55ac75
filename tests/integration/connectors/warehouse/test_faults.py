"""What goes wrong with files and databases: each a clear answer, none a wrong one, and every thread comes free."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from interlock.integration.systems import Answer, Systems
from tests.integration.conftest import Workbench
from tests.integration.connectors.warehouse.warehouses import ORDERS, ROWS, files, make, system

FOREVER = (
    "SELECT count(*) AS n FROM orders a, orders b, orders c, orders d, orders e, orders f WHERE a.id < b.id + f.id"
)
READS: dict[str, Any] = {
    "find": {"from": "table orders", "effect": "read", "options": {"filters": ["region"]}},
    "forever": {"from": FOREVER, "effect": "read", "timeout": "300ms"},
    "long": {"from": FOREVER, "effect": "read", "timeout": "60s"},
}


def problem(answer: Answer) -> dict[str, Any]:
    assert answer.problem is not None, answer.output
    assert answer.output is None
    return answer.problem


async def running(
    bench: Workbench, connection: dict[str, Any], reads: dict[str, Any] | None = None, **limits: Any
) -> Systems:
    return await bench.serve(system(connection, reads or READS, **limits))


async def find(systems: Systems, **arguments: Any) -> Answer:
    return await systems.call("sales.find", arguments, key="")


def workers() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith(("interlock-duckdb", "interlock-adbc"))]


def parquet(root: Path, name: str, select: str = ORDERS) -> None:
    (root / "data").mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        path = f"{root}/data/{name}".replace("'", "''")
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


@pytest.mark.parametrize(
    ("select", "code", "told"),
    [
        (f"SELECT * EXCLUDE (region) FROM ({ORDERS})", "columns_changed", "has no column region any more"),
        (
            f"SELECT * REPLACE ('x' AS amount) FROM ({ORDERS})",
            "columns_changed",
            "amount of orders is declared decimal",
        ),
        (f"SELECT * REPLACE (id + 0.5 AS id) FROM ({ORDERS})", "columns_changed", "id of orders is declared integer"),
    ],
)
async def test_a_changed_schema_is_told_by_its_column(bench: Workbench, select: str, code: str, told: str) -> None:
    parquet(bench.root, "orders.parquet", select)
    systems = await running(bench, files("orders.parquet"))
    said = problem(await find(systems))
    assert said["code"] == code
    assert told in said["detail"]
    assert said["column"] in {"region", "amount", "id"}
    assert not (await systems.probe("sales")).succeeded


async def test_a_column_that_one_of_many_files_lacks_is_not_made_up(bench: Workbench) -> None:
    parquet(bench.root, "part1.parquet")
    parquet(bench.root, "part2.parquet", f"SELECT * EXCLUDE (note) FROM ({ORDERS})")
    said = problem(await find(await running(bench, files("part*.parquet")), limit=1000))
    assert said["code"] == "file_broken"


@pytest.mark.parametrize(
    ("name", "content", "code", "told"),
    [
        ("orders.parquet", b"PAR1 and nothing more", "file_broken", "of the table orders is damaged"),
        ("orders.parquet", b"", "file_broken", "of the table orders is damaged"),
        ("orders.jsonl", b'{"id": 1\n', "file_broken", "of the table orders is damaged"),
        ("orders.jsonl", b'{"id": 1}\n', "columns_changed", "no column region"),
        ("orders.csv", b"id,region\n1,north\n", "columns_changed", "no column amount"),
        ("orders.csv", "id,région\n1,Zoë\n".encode("latin-1"), "file_broken", "it is declared utf-8"),
    ],
)
async def test_a_broken_file_says_so(bench: Workbench, name: str, content: bytes, code: str, told: str) -> None:
    (bench.root / "data").mkdir()
    (bench.root / "data" / name).write_bytes(content)
    said = problem(await find(await running(bench, files(name))))
    assert (said["code"], told in said["detail"]) == (code, True), said


async def test_a_cut_parquet_file_is_broken(bench: Workbench) -> None:
    parquet(bench.root, "orders.parquet")
    file = bench.root / "data" / "orders.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert problem(await find(await running(bench, files("orders.parquet"))))["code"] == "file_broken"
    file.write_bytes(whole[:20] + bytes(len(whole) // 3) + whole[20 + len(whole) // 3 :])
    assert problem(await find(bench.systems))["code"] in {"file_broken", "value_unfit"}
    file.write_bytes(whole)
    assert (await find(bench.systems)).succeeded


async def test_a_value_of_another_type_is_told_by_its_column(bench: Workbench) -> None:
    connection = make(bench.root, "csv")
    part = bench.root / "data" / "part1.csv"
    part.write_text(
        part.read_text("utf-8") + "9999;north;hidden-value;2026-01-01 00:00:00;2026-01-01;true;x\n", "utf-8"
    )
    said = problem(await find(await running(bench, connection), limit=1000))
    assert (said["code"], said["column"]) == ("value_unfit", "amount")
    assert "hidden-value" not in str(said)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
async def test_other_encodings_are_declared(bench: Workbench, encoding: str) -> None:
    (bench.root / "data").mkdir()
    (bench.root / "data" / "names.csv").write_bytes("name\nZoë\nÅse\n".encode(encoding))
    table = {"files": "names.csv", "encoding": encoding, "columns": {"name": "string"}}
    connection = {"duckdb": {"folder": "data"}, "tables": {"names": table}}
    systems = await running(bench, connection, {"find": {"from": "table names", "effect": "read"}})
    answer = await find(systems)
    assert answer.succeeded, answer.problem
    assert [row["name"] for row in answer.output["rows"]] == ["Zoë", "Åse"]


async def test_missing_files_and_links_are_not_read(bench: Workbench) -> None:
    systems = await running(bench, files("*.parquet"))
    said = problem(await find(systems))
    assert said["code"] == "unreachable"
    parquet(bench.root, "orders.parquet")
    (bench.root / "data" / "orders.parquet").rename(bench.root / "elsewhere")
    assert problem(await find(systems))["code"] == "not_found"
    (bench.root / "data" / "orders.parquet").symlink_to(bench.root / "elsewhere")
    assert problem(await find(systems))["code"] == "not_found"
    (bench.root / "data" / "orders.parquet").unlink()
    (bench.root / "elsewhere").rename(bench.root / "data" / "orders.parquet")
    assert (await find(systems)).succeeded


async def test_a_name_with_a_quote_is_only_a_name(bench: Workbench) -> None:
    parquet(bench.root, "it's.parquet")
    answer = await find(await running(bench, files("it's*.parquet")), limit=1000)
    assert answer.succeeded, answer.problem
    assert len(answer.output["rows"]) == ROWS


async def test_a_database_that_another_process_writes_is_busy(bench: Workbench) -> None:
    systems = await running(bench, make(bench.root, "database"))
    program = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    file = bench.root / "data" / "sales.duckdb"
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(file)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"held\n"
    answer = await find(systems)
    await other.communicate(b"")
    assert problem(answer)["code"] == "system_busy"
    assert answer.transient
    assert (await find(systems)).succeeded
    with duckdb.connect(str(file)) as held:  # nothing of ours is left that would keep others from writing
        held.execute("DROP TABLE shop.orders")
    assert problem(await find(systems))["code"] == "columns_changed"
    file.write_bytes(b"no database at all")
    assert problem(await find(systems))["code"] == "file_broken"
    file.unlink()
    assert problem(await find(systems))["code"] == "unreachable"


async def test_a_statement_that_runs_for_ever_is_stopped_and_its_thread_freed(bench: Workbench) -> None:
    systems = await running(bench, make(bench.root, "parquet"), concurrency=2)
    for _ in range(2):
        answers = await asyncio.gather(*(systems.call("sales.forever", {}, key="") for _ in range(2)))
        assert {problem(answer)["code"] for answer in answers} == {"timed_out"}
        assert (await find(systems)).succeeded


async def test_a_caller_that_goes_away_stops_its_statement(bench: Workbench) -> None:
    systems = await running(bench, make(bench.root, "parquet"), concurrency=1)
    call = asyncio.create_task(systems.call("sales.long", {}, key=""))
    async with asyncio.timeout(30):
        while not workers():  # noqa: ASYNC110 - a thread has no event for it
            await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await find(systems)).succeeded  # by the only thread there is


async def test_a_huge_result_is_cut_and_says_so(bench: Workbench) -> None:
    reads = {
        "find": {"from": "table orders", "effect": "read"},
        "wide": {
            "from": "SELECT repeat('x', 300000) AS text FROM orders",
            "effect": "read",
        },
        "many": {
            "from": "SELECT repeat('x', 9000) AS text FROM orders a, orders b",
            "effect": "read",
            "max_rows": 90000,
        },
    }
    systems = await running(bench, make(bench.root, "parquet"), reads, response="64KiB")
    many = await systems.call("sales.many", {}, key="")
    assert many.succeeded, many.problem
    assert many.output["truncated"] is True
    assert 1 <= len(many.output["rows"]) <= 7
    assert problem(await systems.call("sales.wide", {}, key=""))["code"] == "file_too_large"
    seen: list[int] = []
    after: dict[str, Any] = {}
    while after != {"after": None}:
        page = await find(systems, limit=1000, **after)
        assert page.succeeded, page.problem
        seen += [row["id"] for row in page.output["rows"]]
        after = {"after": page.output["next"]}
    assert seen == list(range(1, ROWS + 1))


async def test_memory_is_bounded(bench: Workbench) -> None:
    connection = make(bench.root, "parquet")
    connection["duckdb"] |= {"memory": "20MB", "spill": "1MB", "threads": 1}
    text = "SELECT count(DISTINCT a.id * 1000000 + b.id * 1000 + c.id) AS n FROM orders a, orders b, orders c"
    reads = {"find": {"from": "table orders", "effect": "read"}, "heavy": {"from": text, "effect": "read"}}
    systems = await running(bench, connection, reads)
    assert problem(await systems.call("sales.heavy", {}, key=""))["code"] == "too_costly"
    assert (await find(systems)).succeeded


async def test_files_larger_than_declared_are_not_read(bench: Workbench) -> None:
    connection = make(bench.root, "csv")
    connection["duckdb"]["scan"] = "1MB"
    assert (await find(await running(bench, connection))).succeeded
    with (bench.root / "data" / "part1.csv").open("a", encoding="utf-8") as stream:
        stream.write("9;north;1.00;2026-01-01 00:00:00;2026-01-01;true;" + "x" * 1_100_000 + "\n")
    assert problem(await find(bench.systems))["code"] == "too_costly"


async def test_what_the_engine_does_not_know_is_refused(bench: Workbench) -> None:
    reads = {"odd": {"from": "SELECT nothing AS a FROM orders", "effect": "read"}}
    systems = await running(bench, make(bench.root, "parquet"), reads)
    assert problem(await systems.call("sales.odd", {}, key=""))["code"] == "statement_refused"

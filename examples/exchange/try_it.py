"""Reads, takes, confirms and changes, on a copy of the project, and shows what came of it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from interlock.foundation.documents import read_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import Ports, Systems, build_catalog

PROJECT = Path(__file__).resolve().parent


async def run(root: Path) -> None:
    documents = [read_document(file, "system", root=root) for file in sorted((root / "systems").glob("*.yaml"))]
    systems = Systems(Ports(HttpClient(), SecretStore.standard(environment={}), root))
    await systems.open()
    try:
        await systems.apply(build_catalog(documents, root))
        await orders(systems, root)
        await prices(systems)
        await ledger(systems, root / "data" / "accounts.dat")
    finally:
        await systems.close()


async def done(systems: Systems, operation: str, key: str = "", **arguments: Any) -> dict[str, Any]:
    answer = await systems.call(operation, arguments, key=key)
    if not answer.succeeded:
        raise SystemExit(f"{operation}: {answer.problem}")
    output: dict[str, Any] = answer.output
    return output


async def orders(systems: Systems, root: Path) -> None:
    page = await done(systems, "orders.list_orders")
    for one in page["refused"]:
        print(f"refused: {one['file']}, segment {one['segment']}: {one['reason']}")
    for order in page["messages"]:
        about = order["message"]
        print(f"order {order['order_number']} of {order['order_date']}: {len(order['lines'])} lines, {order['total']}")
        key = {name: about[name] for name in ("sender", "interchange", "control")}
        for _ in range(2):
            print(f"taken: {(await done(systems, 'orders.take_order', **key))['took']}")
        answer = {"purpose": "00", "answer": "AC", "order_number": order["order_number"]}
        sent = await done(systems, "orders.confirm_order", "try-it", **answer, order_date=order["order_date"])
        print(f"confirmed: {sent['file']}")
        verdict = await done(systems, "orders.acknowledge", sender=about["sender"], interchange=about["interchange"])
        print(f"acknowledged as {verdict['verdict']}: {verdict['file']}")
        print((root / "edi" / "out" / verdict["file"]).read_text("latin-1"), end="")


async def prices(systems: Systems) -> None:
    for one in (await done(systems, "prices.list_files"))["files"]:
        page = await done(systems, "prices.read_prices", file=one["file"])
        for row in page["rows"]:
            print(f"article {row['article']}: {row['name']}, {row['price']} from {row['valid_from']}")
        for row in page["quarantined"]:
            print(f"unread: {one['file']}, row {row['row']}, column {row['column']} {row['reason']}")
        rows = [{"article": page["rows"][0]["article"], "quantity": 12}]
        for _ in range(2):
            sent = await done(systems, "prices.order", "order-1", file="orders-1.csv", rows=rows)
            print(f"ordered in {sent['file']}: {sent['done']}")
        await done(systems, "prices.finish_file", "finish-1", file=one["file"])


async def ledger(systems: Systems, file: Path) -> None:
    page = await done(systems, "ledger.list_accounts", state="O")
    for account in page["records"]:
        unread = [one["field"] for one in account["record"]["unreadable"]]
        print(f"account {account['account_id']}: {account['holder']}, {account['balance']}", *unread)
    before = await asyncio.to_thread(file.read_bytes)
    await done(systems, "ledger.change_account", account_id=10000001, balance=1250.75)
    after = await asyncio.to_thread(file.read_bytes)
    changed = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    print(f"changed bytes of {len(after)}: {changed}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "exchange"
        shutil.copytree(PROJECT, copy)
        (copy / "edi" / "out").mkdir(exist_ok=True)
        asyncio.run(run(copy))


if __name__ == "__main__":
    main()

"""What knowing origins costs: to judge one action's arguments, to remember one result, to keep a long session.

`python -m benchmarks.origins` prints a table. The hostile action names values that are seen nowhere, or that an
outsider's text holds in another spelling, and sends a text with a web address; every disguise is tried on each.
"""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

from benchmarks.decision import microseconds
from interlock.governance.labels import Memory
from interlock.values.labels import Confidentiality, Label
from interlock.values.operations import Effect, Operation, OutputTrust, Role

SIZES = (200, 2_000, 20_000)
FIELDS = 6
RESULTS = 10_000
REQUEST = "Please credit 20 on order 10643 of Alfreds Futterkiste"
TICKET = Operation(
    "helpdesk",
    "get_ticket",
    Effect.read,
    output=OutputTrust(trusted=("/id", "/customer", "/total", "/day"), untrusted=("/subject", "/body")),
    label=Label(Confidentiality.confidential),
)
ORDER = Operation("erp", "get_order", Effect.read, label=Label(Confidentiality.confidential))
CREDIT = Operation(
    "billing",
    "create_credit",
    Effect.write,
    input_schema={"type": "object", "properties": {"kind": {"enum": ["full", "part"]}}},
    arguments={
        "order_id": Role.target,
        "account": Role.target,
        "amount": Role.control,
        "kind": Role.control,
        "reason": Role.content,
    },
)
VOUCHED: dict[str, Any] = {
    "order_id": 10643,
    "account": "Customer 7",
    "amount": "20.00",
    "kind": "part",
    "reason": "Credit on order 10643 of Alfreds Futterkiste",
}
HOSTILE: dict[str, Any] = {
    "order_id": 99_887,
    "account": "N L 9 1 - A B N A - 0 4 1 7 - 0 0 0 0 - 0 3",
    "amount": "1,234.56",
    "kind": "everything",
    "reason": "Dear Sir, as agreed 1234.56 for order 99887, see https://unseen.example/p?x=1 for all of it",
}


def order(number: int) -> dict[str, Any]:
    """Return a result of short fields that the house vouches for."""
    day = f"1997-08-{number % 28 + 1:02}"
    name = f"Customer {number}"
    return {"id": number, "customer": name, "total": number * 1.25, "city": "Some City", "day": day, "open": True}


def ticket(number: int, choose: random.Random) -> dict[str, Any]:
    """Return a result with two fields of an outsider's text, in which there are values."""
    spoken = [f"word{choose.randrange(5000)}" for _ in range(24)]
    text = f"{' '.join(spoken)} order {number} https://x{number}.example/p?n={number} pay NL91 ABNA 0417 {number:06}"
    row = order(number)
    return {**{name: row[name] for name in ("id", "customer", "total", "day")}, "subject": spoken[0], "body": text}


def session(values: int) -> Memory:
    """Return the memory of a session that saw *values* values, one result in ten an outsider's ticket."""
    memory, choose = Memory(), random.Random(values)
    memory.hear(REQUEST)
    memory.know("customer", "ALFKI")
    for number in range(values // FIELDS):
        if number % 10 == 3:
            memory.remember(TICKET, ticket(number, choose))
        else:
            memory.remember(ORDER, order(number))
    return memory


def judge(memory: Memory, arguments: dict[str, Any]) -> float:
    """Return the processor microseconds to find where each of the *arguments* came from."""
    return microseconds(lambda _: memory.origins(CREDIT, arguments), 1000)


def remembering(kind: Operation) -> float:
    """Return the processor microseconds to remember one result of six fields in a session that saw 2,000 values."""
    memory, choose = session(2_000), random.Random(1)
    fresh = [order(number) if kind is ORDER else ticket(number, choose) for number in range(50_000, 51_000)]
    seen = iter(fresh)
    return microseconds(lambda _: memory.remember(kind, next(seen)), len(fresh))


def megabytes() -> float:
    """Return the size of a session that was shown 10,000 tickets of six fields, two of them free text."""
    choose = random.Random(1)
    tracemalloc.start()
    memory = Memory()
    for number in range(RESULTS):
        memory.remember(TICKET, ticket(number, choose))
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size / 1e6


def measure() -> list[tuple[str, str]]:
    """Return each thing measured with its figure."""
    found = []
    memories = {values: session(values) for values in SIZES}
    for name, arguments in (("all vouched", VOUCHED), ("hostile", HOSTILE)):
        for values, memory in memories.items():
            judging = judge(memory, arguments)
            found.append((f"judge 5 arguments, {name}, {values:,} values seen", f"{judging:.1f} us"))
    found.append(("remember a result of 6 trusted fields", f"{remembering(ORDER):.1f} us"))
    found.append(("remember a result with 2 texts of outsiders", f"{remembering(TICKET):.1f} us"))
    found.append((f"a session of {RESULTS:,} results with such texts", f"{megabytes():.1f} MB"))
    return found


def main() -> None:
    """Print the table."""
    print(f"{'origins':54}{'CPU or size':>14}")
    for name, figure in measure():
        print(f"{name:54}{figure:>14}")


if __name__ == "__main__":
    main()

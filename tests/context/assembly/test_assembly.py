"""An agent's declared context: gathered at once, within a budget, with what is missing said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from interlock.context.assembly import assemble, compile_context
from interlock.foundation.expressions import ExpressionInvalid
from interlock.values.errors import InterlockError

DECLARED = {
    "customer": "erp.get_customer(customer_id = session.customer)",
    "orders": "erp.list_orders(customer_id = session.customer, status = 'open')",
    "tickets": "helpdesk.list_tickets",
}
SESSION = {"session": {"customer": "ALFKI"}, "words": "hello"}


class Systems:
    """Answers reads; notes how many were under way at once."""

    def __init__(self, **special: Mapping[str, Any] | Exception | None) -> None:
        self._special = special
        self.asked: dict[str, dict[str, Any]] = {}
        self.together = 0
        self.cancelled: list[str] = []
        self._all = asyncio.Event()
        self.started = asyncio.Event()

    async def __call__(self, operation: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        self.asked[operation] = arguments
        self.together += 1
        self.started.set()
        if self.together == len(DECLARED):
            self._all.set()
        name = operation.partition(".")[2]
        if name in self._special:
            special = self._special[name]
            if isinstance(special, Exception):
                raise special
            if special is None:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    self.cancelled.append(name)
                    raise
            return special or {}
        await self._all.wait()
        return {"state": "succeeded", "output": {"from": operation}}


async def test_all_parts_are_read_at_once_with_their_arguments() -> None:
    systems = Systems()
    found = await assemble(compile_context(DECLARED), SESSION, systems, budget=5)
    assert found.values == {
        "customer": {"from": "erp.get_customer"},
        "orders": {"from": "erp.list_orders"},
        "tickets": {"from": "helpdesk.list_tickets"},
    }
    assert not found.partial
    assert systems.together == 3
    assert systems.asked["erp.list_orders"] == {"customer_id": "ALFKI", "status": "open"}
    assert systems.asked["helpdesk.list_tickets"] == {}


async def test_what_is_late_refused_or_broken_is_missing_and_stops_nothing_else() -> None:
    reasons = [{"rule": "r", "text": "not for you"}]
    systems = Systems(
        get_customer={"state": "denied", "decision": {"reasons": reasons}}, list_orders=None, list_tickets={}
    )
    found = await assemble(compile_context(DECLARED), SESSION, systems, budget=0.05)
    assert found.values == {}
    assert found.missing["customer"] == "not for you"
    assert found.missing["orders"] == "took longer than 0.05 s"
    assert systems.cancelled == ["list_orders"]


async def test_an_error_of_a_read_is_told_by_its_title() -> None:
    class Broken(InterlockError):
        title = "It broke"

    systems = Systems(get_customer=Broken("secret detail"), list_orders={"state": "failed"}, list_tickets={})
    found = await assemble(compile_context(DECLARED), SESSION, systems, budget=5)
    assert found.missing["customer"] == "It broke"
    assert found.missing["orders"] == "failed"


async def test_an_argument_without_value_is_said_and_not_asked_for() -> None:
    systems = Systems()
    parts = compile_context({"customer": DECLARED["customer"]})
    found = await assemble(parts, {"session": {}, "words": ""}, systems, budget=5)
    assert "session.customer" in found.missing["customer"]
    assert not systems.asked


async def test_no_read_outlives_a_cancelled_turn() -> None:
    systems = Systems(get_customer=None)
    parts = compile_context({"customer": DECLARED["customer"]})
    task = asyncio.ensure_future(assemble(parts, SESSION, systems, budget=60))
    await systems.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert systems.cancelled == ["get_customer"]


@pytest.mark.parametrize("text", ["erp.get_customer(id = sesion.customer)", "erp.get(", "1 + 1"])
def test_a_declaration_that_is_no_call_is_refused(text: str) -> None:
    with pytest.raises(ExpressionInvalid):
        compile_context({"x": text})

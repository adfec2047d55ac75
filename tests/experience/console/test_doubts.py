"""A call whose answer was lost is a person's work: seen on the console, looked into, closed under their name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.experience.cli.shop import Shop
from tests.experience.console.visitor import Visitor
from tests.journeys.caller import Lost


@pytest.fixture
def broken_off(tmp_path: Path) -> Iterator[tuple[Shop, str]]:
    """A shop whose server died right after the shop was called, and what it was called for."""
    shop = Shop(tmp_path)
    try:
        shop.open()
        session = shop.caller("alex").post("/v1/sessions", {})["id"]
        shop.server.stop()
        shop.server.start(fault="action.after_call")
        with pytest.raises(Lost):
            shop.caller("alex").propose(session, "shop.refund_order", {"order_id": 4, "amount": 5})
        shop.server.wait_dead()
        shop.server.start()
        yield shop, session
    finally:
        shop.server.kill()


def test_a_lost_answer_is_settled_by_who_looked(broken_off: tuple[Shop, str]) -> None:
    shop, session = broken_off
    (action,) = shop.caller("alex").actions(session=session, state="in_doubt")
    sam = Visitor(shop.server.port)
    shown = sam.sign_in(shop.keys["sam"], at="/console/doubts")
    assert "In doubt 1 open" in shown.text
    assert "The system was called, and its answer is not known." in shown.text
    assert shop.order(4)["refunded"] == 5  # the call had its effect, once
    silent = sam.post(shown.form("/resolve"), outcome="succeeded", comment=" ")
    assert silent.status == 422
    settled = sam.post(shown.form("/resolve"), outcome="succeeded", comment="order 4 shows it")
    assert "succeeded" in settled.text
    assert "Nothing is in doubt" in sam.get("/console/doubts").text
    assert shop.caller("alex").action(action["id"])["state"] == "succeeded"
    assert "order 4 shows it" in shop.command("journal", "show", action["id"]).stdout

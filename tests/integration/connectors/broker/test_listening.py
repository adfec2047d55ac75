"""What comes is settled only when it was taken, comes again until then, and what is no event stops nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.broker import plugin
from interlock.integration.events import EventDiffers
from interlock.integration.systems import Arrival, Listener, SystemUnreachable
from interlock.values.errors import InterlockError
from tests.integration.connectors.broker.conftest import PAYLOAD, Bench

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]

HEADERS = {"ce-specversion": "1.0", "ce-source": "/erp", "ce-type": "order.placed", "content-type": "application/json"}
WITHIN = 30.0


class StorageDown(InterlockError):
    """The database of the test is away."""

    code = "storage_down"
    transient = True


class Basket:
    """Takes what comes, as a durable store would; *fails* that many times before."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.taken: list[Arrival] = []
        self.aside: list[tuple[str, str, str]] = []
        self.refused: frozenset[str] = frozenset()
        self.tries = 0

    async def take(self, arrival: Arrival) -> InterlockError | None:
        self.tries += 1
        if self.fails:
            self.fails -= 1
            raise StorageDown("the database is away")
        if arrival.key in self.refused:
            return EventDiffers("an event with this id and other contents was taken before")
        self.taken.append(arrival)
        return None

    async def set_aside(self, place: str, digest: str, why: InterlockError) -> None:
        self.aside.append((place, digest, why.code))

    async def until(self, met: Callable[[], Any]) -> None:
        """Wait for what is awaited of the broker."""
        limit = time.monotonic() + WITHIN
        while not met():
            assert time.monotonic() < limit, (self.taken, self.aside)
            await asyncio.sleep(0.02)


def event(identifier: str, **more: str) -> dict[str, str]:
    return HEADERS | {"ce-id": identifier} | {f"ce-{name}": value for name, value in more.items()}


def order(number: int) -> bytes:
    return json.dumps({"order": str(number)}).encode()


@asynccontextmanager
async def listening(broker: Bench, basket: Basket, **subscription: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Listen to the test's topic, again whenever it breaks off."""
    declared = {"topic": broker.topic, "durable": "house", "redeliver": "500ms", **subscription}
    if broker.kind == "rabbitmq":
        declared.setdefault("dead_letter", "set.aside")
    catalog = broker.bench.catalog(broker.system(subscriptions={"orders": declared}))
    system, secrets = catalog.systems["shop"], SecretStore.standard(environment={})
    assert isinstance(catalog.plugins["broker"], Listener)
    assert plugin.subscriptions(system) == ["orders"]

    async def listen() -> None:
        while True:
            try:
                await plugin.listen(system, "orders", secrets, broker.bench.root, basket)
            except (SystemUnreachable, StorageDown):
                await asyncio.sleep(0.05)

    task = asyncio.create_task(listen())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(broker: Bench) -> None:
    """Wait until the broker says that nothing is owed to us."""
    limit = time.monotonic() + WITHIN
    while await broker.server.owed(broker.topic, "house"):
        assert time.monotonic() < limit
        await asyncio.sleep(0.1)


async def test_events_in_either_mode_are_taken_and_settled(broker: Bench) -> None:
    await broker.server.put(broker.topic, order(1), event("e-1", subject="1", time="2027-01-15T08:00:00Z"))
    whole = {"specversion": "1.0", "id": "e-2", "source": "/erp", "type": "order.placed", "data": {"order": "2"}}
    kind = {"content-type": "application/cloudevents+json; charset=utf-8"}
    await broker.server.put(broker.topic, json.dumps(whole).encode(), kind)
    basket = Basket()
    async with listening(broker, basket):
        await basket.until(lambda: len(basket.taken) == 2)
        await settled(broker)
    assert basket.taken == [
        Arrival("/erp e-1", "order.placed", "1", "2027-01-15T08:00:00Z", {"order": "1"}),
        Arrival("/erp e-2", "order.placed", "", "", {"order": "2"}),
    ]
    assert not basket.aside
    again = Basket()
    await broker.server.put(broker.topic, order(3), event("e-3"))
    async with listening(broker, again):
        await again.until(lambda: again.taken)
    assert [one.key for one in again.taken] == ["/erp e-3"], "what was settled does not come again"


async def test_what_is_published_here_can_be_heard_here(broker: Bench) -> None:
    answer = await broker.announce("Ø-1 %", key="k-1", options={"subject": "/order"})
    basket = Basket()
    async with listening(broker, basket):
        await basket.until(lambda: basket.taken)
    [arrival] = basket.taken
    assert (arrival.key, arrival.subject) == (f"/shop {answer.output['id']}", "Ø-1 %")


async def test_nothing_is_settled_that_was_not_taken(broker: Bench) -> None:
    for number in range(3):
        await broker.server.put(broker.topic, order(number), event(f"e-{number}"))
    basket = Basket(fails=2)
    async with listening(broker, basket):
        await basket.until(lambda: len({one.key for one in basket.taken}) == 3)
        await settled(broker)
    assert basket.tries >= 5
    assert not basket.aside


async def test_one_who_dies_with_a_message_in_hand_leaves_it_to_the_next(broker: Bench) -> None:
    await broker.server.put(broker.topic, order(1), event("e-1"))
    dying, next_one, entered = Basket(), Basket(), asyncio.Event()

    async def hang(_: Arrival) -> InterlockError | None:
        entered.set()
        await asyncio.Event().wait()
        return None

    dying.take = hang  # type: ignore[assignment, method-assign]  # the moment before the commit
    async with listening(broker, dying) as task:
        await asyncio.wait_for(entered.wait(), WITHIN)
        task.cancel()
    async with listening(broker, next_one):
        await next_one.until(lambda: next_one.taken)
        await settled(broker)
    assert [one.key for one in next_one.taken] == ["/erp e-1"]


POISON: list[tuple[bytes, dict[str, str], str]] = [
    (b"{", {}, "delivery_unfit"),
    (b"\xff\xfe", {}, "delivery_unfit"),
    (b"[" * 100 + b"]" * 100, {}, "delivery_unfit"),
    (json.dumps({"order": "x" * 70_000}).encode(), {}, "delivery_unfit"),
    (b'{"other": 1}', {}, "delivery_unfit"),
    (order(1), {"ce-source": ""}, "delivery_unfit"),
    (order(1), {"ce-specversion": "0.3"}, "delivery_unfit"),
    (order(1), {"content-type": "application/xml"}, "delivery_unfit"),
    (order(1), {"ce-id": "differs"}, "event_differs"),
]


async def test_what_is_no_event_is_set_aside_and_holds_nothing_up(broker: Bench) -> None:
    await broker.server.make(aside := f"{broker.topic}.aside")
    for number, (body, headers, _) in enumerate(POISON):
        sent = event(f"e-{number}") | headers
        await broker.server.put(broker.topic, body, {name: value for name, value in sent.items() if value})
    await broker.server.put(broker.topic, order(2), event("e-good"))
    basket = Basket()
    basket.refused = frozenset({"/erp differs"})
    broker.bench.write("order.json", PAYLOAD)
    broker.limits = {"response": "64kB"}
    async with listening(broker, basket, schema="order.json", dead_letter=aside):
        await basket.until(lambda: basket.taken)
        await settled(broker)
    assert [one.key for one in basket.taken] == ["/erp e-good"]
    assert [code for _, _, code in basket.aside] == [code for _, _, code in POISON]
    for place, digest, _ in basket.aside:
        assert place.startswith((broker.topic, broker.topic.replace(".", "_")))
        assert digest.startswith("sha256:")
    copies = await broker.server.held(aside)
    assert [content for _, content in copies] == [body for body, _, _ in POISON]
    assert [copied["ce-interlockreason"] for copied, _ in copies] == [code for _, _, code in POISON]


async def test_a_dead_letter_topic_that_is_not_there_holds_nothing_up_and_loses_nothing(broker: Bench) -> None:
    if broker.kind in {"redis", "kafka"}:
        pytest.skip("a topic of this broker is made when it is first written to")
    await broker.server.put(broker.topic, b"{", event("e-1"))
    await broker.server.put(broker.topic, order(2), event("e-2"))
    basket = Basket()
    async with listening(broker, basket, dead_letter="nobody.made.this"):
        await basket.until(lambda: basket.taken and basket.aside)
    limit = time.monotonic() + WITHIN
    while len(await broker.server.held(broker.topic)) != (1 if broker.kind == "rabbitmq" else 2):
        assert time.monotonic() < limit
        await asyncio.sleep(0.1)


async def test_any_json_is_an_event_where_it_is_declared_so(broker: Bench) -> None:
    await broker.server.put(broker.topic, b'{"id": 7}', {"content-type": "application/json"}, identifier="m-1")
    basket = Basket()
    async with listening(broker, basket, format="json"):
        await basket.until(lambda: basket.taken)
    [arrival] = basket.taken
    assert (arrival.data, arrival.type, arrival.subject) == ({"id": 7}, "", "")
    assert arrival.key == ("m-1" if broker.kind in {"nats", "rabbitmq"} else arrival.key)
    assert arrival.key


async def test_a_broker_that_goes_and_comes_back_is_listened_to_again(broker: Bench) -> None:
    if not broker.server.durable:
        pytest.skip("this server keeps everything in memory")
    await broker.server.put(broker.topic, order(1), event("e-1"))
    basket = Basket()
    async with listening(broker, basket):
        await basket.until(lambda: basket.taken)
        await settled(broker)
        broker.server.kill()
        await asyncio.to_thread(broker.server.start)
        await broker.server.put(broker.topic, order(2), event("e-2"))
        await basket.until(lambda: "/erp e-2" in [one.key for one in basket.taken])
        await settled(broker)


async def test_nobody_there_is_said_so(broker: Bench) -> None:
    broker.relay.arm(b"", "")
    gone = broker.system(subscriptions={"orders": {"topic": broker.topic, "dead_letter": "x"}})
    gone["connection"]["servers"] = ["127.0.0.1:1"]
    system = broker.bench.catalog(gone).systems["shop"]
    with pytest.raises(SystemUnreachable) as raised:
        await plugin.listen(system, "orders", SecretStore.standard(environment={}), broker.bench.root, Basket())
    assert raised.value.code == "system_unreachable"

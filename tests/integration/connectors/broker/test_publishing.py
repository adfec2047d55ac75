"""A message is published when the broker says so, once however often it is tried; else it failed or is in doubt."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN
from tests.integration.connectors.broker.conftest import Bench

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]

KNOWS_REPEATS = {"nats", "redis"}


async def held(broker: Bench) -> list[tuple[dict[str, str], bytes]]:
    found: list[tuple[dict[str, str], bytes]] = await broker.server.held(broker.topic)
    return found


@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_what_is_published_is_a_cloudevent(broker: Bench, mode: str) -> None:
    answer = await broker.announce("Ø-1 %", key="k-1", options={"mode": mode, "subject": "/order"})
    assert answer.status == SUCCEEDED, answer.problem
    [(headers, body)] = await held(broker)
    if mode == "binary":
        event: dict[str, Any] = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
        event["data"] = json.loads(body)
        assert headers["content-type"] == "application/json"
    else:
        event = json.loads(body)
        assert headers["content-type"] == "application/cloudevents+json"
        assert event["datacontenttype"] == "application/json"
    assert event["data"] == {"order": "Ø-1 %"}
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "acme.order.placed", "/shop")
    assert event["id"] == answer.output["id"]
    assert event["subject"] in {"Ø-1 %", "%C3%98-1%20%25"}, "NATS headers are percent-encoded, as those of HTTP"
    assert event["time"].endswith("Z")


async def test_the_same_action_has_the_same_id_and_is_told_apart_from_others(broker: Bench) -> None:
    first, again = [await broker.announce("1", key="k-1") for _ in range(2)]
    other, bare, barer = await broker.announce("1", key="k-2"), await broker.announce("1"), await broker.announce("1")
    assert first.output["id"] == again.output["id"]
    assert len({first.output["id"], *(one.output["id"] for one in (other, bare, barer))}) == 4
    repeated = broker.kind in KNOWS_REPEATS
    assert (first.output["duplicate"], again.output["duplicate"]) == (False, repeated)
    assert len(await held(broker)) == (4 if repeated else 5)


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_a_connection_that_breaks_before_the_word_leaves_doubt(broker: Bench, fault: str) -> None:
    connector = broker.connector()
    assert (await connector.probe(timeout=30)).succeeded
    broker.relay.arm(b"breaks-here", fault)
    answer = await connector.call("announce", {"order": "1", "note": "breaks-here"}, key="k-1", timeout=5)
    if broker.kind == "kafka" and answer.status == SUCCEEDED:
        pass  # its driver repeats what the broker knows by its number
    else:
        assert (answer.status, answer.output) == (UNKNOWN, None)
        again = await connector.call("announce", {"order": "1", "note": "breaks-here"}, key="k-1", timeout=20)
        assert again.status == SUCCEEDED, again.problem
    found = await held(broker)
    assert len({headers["ce-id"] for headers, _ in found}) == 1, "receivers know a repeat by its id"
    if broker.kind in KNOWS_REPEATS:
        assert len(found) == 1


async def test_silence_is_doubt_within_the_time_limit(broker: Bench) -> None:
    connector = broker.connector()
    assert (await connector.probe(timeout=30)).succeeded
    broker.relay.arm(b"silence-here", "silent")
    began = asyncio.get_running_loop().time()
    answer = await connector.call("announce", {"order": "1", "note": "silence-here"}, key="k-1", timeout=1)
    assert asyncio.get_running_loop().time() - began < 4
    assert (answer.status, answer.problem and answer.problem["code"]) == (UNKNOWN, "timed_out")


async def test_a_broker_that_is_killed_before_its_word_leaves_doubt_and_knows_after_it_is_back(broker: Bench) -> None:
    server = broker.server
    if not server.durable:
        pytest.skip("this server keeps everything in memory")
    connector = broker.connector()
    assert (await connector.call("announce", {"order": "0"}, key="k-0", timeout=20)).succeeded
    broker.relay.arm(b"killed-here")
    server.pause()
    call = asyncio.create_task(connector.call("announce", {"order": "1", "note": "killed-here"}, key="k-1", timeout=30))
    if broker.kind != "rabbitmq":  # which is asked for a channel first
        await asyncio.wait_for(broker.relay.seen.wait(), 10)
    server.kill()
    answer = await call
    assert answer.status in ({UNKNOWN} if broker.kind != "rabbitmq" else {UNKNOWN, FAILED})
    while_away = await connector.call("announce", {"order": "2"}, key="k-2", timeout=5)
    assert (while_away.status, while_away.sent) == (FAILED, False)
    await asyncio.to_thread(server.start)
    again = await connector.call("announce", {"order": "1", "note": "killed-here"}, key="k-1", timeout=20)
    assert again.status == SUCCEEDED, again.problem
    orders = [json.loads(body)["order"] for _, body in await held(broker)]
    assert orders == ["0", "1"]


async def test_a_topic_that_nobody_made_is_a_refusal(broker: Bench) -> None:
    if broker.kind == "redis":
        pytest.skip("a stream of Redis is made by its first entry")
    if broker.kind == "kafka":
        pytest.skip("whether Kafka makes topics is the cluster's setting")
    answer = await broker.announce("1", options={"topic": "nobody.made.this"})
    assert answer.status == FAILED
    assert answer.problem is not None
    assert answer.problem["code"] in {"no_stream", "unroutable"}
    assert not await held(broker)


async def test_a_topic_of_another_kind_is_a_refusal_of_redis(broker: Bench) -> None:
    if broker.kind != "redis":
        pytest.skip("only Redis keeps other things under the same names")
    from redis.asyncio import Redis

    async with Redis(port=broker.server.port) as client:
        await client.set(broker.topic, "a text")
    answer = await broker.announce("1")
    assert (answer.status, answer.problem and answer.problem["detail"]) == (FAILED, "the broker refuses it (WRONGTYPE)")


async def test_depth_is_how_much_a_topic_holds(broker: Bench) -> None:
    connector = broker.connector()
    for number in range(3):
        assert (await connector.call("announce", {"order": str(number)}, key="", timeout=20)).succeeded
    answer = await connector.call("depth", {}, key="", timeout=20)
    assert answer.output == {"messages": 3}, answer.problem


async def test_many_at_once_do_not_mix(broker: Bench) -> None:
    connector = broker.connector()
    calls = [connector.call("announce", {"order": str(n)}, key=f"k-{n}", timeout=20) for n in range(40)]
    assert {answer.status for answer in await asyncio.gather(*calls)} == {SUCCEEDED}
    assert sorted(int(json.loads(body)["order"]) for _, body in await held(broker)) == list(range(40))

"""An event survives the way through a message; whatever else a message holds is refused, and nothing breaks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.broker.arrivals import Fitting
from interlock.integration.connectors.broker.brokers import BROKERS, Place
from interlock.integration.connectors.broker.cloudevents import MODES
from interlock.integration.connectors.broker.errors import BrokerAway, BrokerLost, BrokerRefused, BrokerTrouble
from interlock.integration.connectors.broker.messages import Received
from interlock.integration.systems import DeliveryUnfit
from interlock.values.labels import Integrity
from tests.integration.conftest import Workbench
from tests.integration.connectors.broker.conftest import PAYLOAD

WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), min_size=1, max_size=20
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


async def _nothing() -> None:
    return None


def message(headers: dict[str, str], body: bytes) -> Received:
    return Received("t/1", "1", headers, body, _nothing, _nothing)


@given(
    st.sampled_from(["ce-", "ce_", "cloudevents:", "cloudevents_"]), st.sampled_from(list(MODES)), WORDS, WORDS, JSON
)
def test_an_event_is_the_same_on_the_other_side(prefix: str, mode: str, identifier: str, kind: str, data: Any) -> None:
    attributes = {
        "specversion": "1.0",
        "id": identifier,
        "source": "/shop",
        "type": kind,
        "datacontenttype": "application/json",
    }
    content_type, headers, body = MODES[mode](attributes, data)
    sent = {f"{prefix}{name}": value for name, value in headers.items()} | {"content-type": content_type}
    arrival = Fitting(1 << 20).arrival(message(sent, body))
    assert (arrival.key, arrival.type, arrival.data) == (f"/shop {identifier}", kind, data)


@given(
    st.dictionaries(st.sampled_from(["ce-id", "ce-source", "ce-specversion", "ce-type", "content-type"]), st.text()),
    st.binary(max_size=50) | JSON.map(orjson.dumps),
    st.booleans(),
)
def test_anything_is_an_event_or_is_refused(headers: dict[str, str], body: bytes, cloudevents: bool) -> None:
    try:
        arrival = Fitting(40, cloudevents=cloudevents).arrival(message(headers, body))
    except DeliveryUnfit:
        return
    assert len(body) <= 40
    assert arrival.key.isprintable()
    assert orjson.loads(orjson.dumps(arrival.data)) == arrival.data


BASE: dict[str, Any] = {"broker": "nats", "servers": ["mq.acme.example:4222"]}
PUBLISH: dict[str, Any] = {"topic": "shop.orders", "type": "order.placed", "schema": PAYLOAD}


def declared(connection: dict[str, Any], options: dict[str, Any] | None = None, **operation: Any) -> dict[str, Any]:
    announce = {"from": "publish", "effect": "write", "options": PUBLISH | (options or {}), **operation}
    return {
        "system": "shop",
        "connector": "broker",
        "connection": BASE | connection,
        "operations": {"announce": {k: v for k, v in announce.items() if v is not None}},
    }


def test_a_declaration_that_holds_is_described_without_a_driver_and_is_untrusted(bench: Workbench) -> None:
    system = declared({"subscriptions": {"orders": {"topic": "erp.>"}}})
    system["operations"] |= {
        "get_event": {"from": "get", "effect": "read"},
        "events": {"from": "list", "effect": "read"},
    }
    catalog = bench.catalog(system)
    assert set(catalog.definitions("shop")) == {"announce", "get_event", "events"}
    assert catalog.systems["shop"].label.integrity is Integrity.untrusted


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (declared({}, {"topic": ""}), "needs `topic`"),
        (declared({}, {"topic": "a b"}), "must not hold spaces"),
        (declared({}, {"topic": "shop.*"}), "one subject"),
        (declared({}, {"type": ""}), "needs `type`"),
        (declared({}, {"mode": "both"}), "mode must be"),
        (declared({}, {"schema": {"type": "array"}}), "describe an object"),
        (declared({}, {"schema": {"type": "nothing"}}), "schema is none"),
        (declared({}, {"schema": "../outside.json"}), "a file of the project"),
        (declared({}, {"schema": "missing.json"}), "cannot be read"),
        (declared({}, {"subject": "order"}), "a place in what is published"),
        (declared({}, {"partition": "/order"}), "is for Kafka"),
        (declared({}, {"color": "red"}), "knows no option color"),
        (declared({}, effect="read"), "publish has an effect"),
        (declared({}, options=None, **{"from": "shout"}), "must be one of"),
        (declared({}, idempotency={"header": "X-Key"}), "takes no header"),
        (declared({"database": 1}), "is for redis"),
        (declared({"auth": {"username": "a", "password": "secret:mq", "mechanism": "PLAIN"}}), "is for kafka"),
        (declared({"broker": "kafka", "auth": {"token": "secret:mq"}}), "is for nats"),
        (declared({"broker": "redis", "servers": ["a:1", "b:2"]}), "must be one server"),
        (declared({"broker": "rabbitmq", "subscriptions": {"orders": {"topic": "q"}}}), "needs `dead_letter`"),
        (declared({"broker": "kafka", "subscriptions": {"orders": {"topic": "q", "stream": "S"}}}), "is for nats"),
        (declared({"subscriptions": {"orders": {"topic": "q", "redeliver": "1ms"}}}), "between 100ms and an hour"),
        (declared({"subscriptions": {"orders": {"topic": "q", "schema": {"type": "x"}}}}), "schema is none"),
        (declared({"ca": "../ca.pem"}), "a file of the project"),
    ],
)
def test_a_declaration_that_cannot_work_is_a_finding(bench: Workbench, system: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(system)
    assert said in str(invalid.value)


@pytest.mark.parametrize("kind", list(BROKERS))
async def test_nobody_there_is_certainly_not_sent(kind: str) -> None:
    with pytest.raises(BrokerAway) as away:
        await BROKERS[kind].connect(Place(("127.0.0.1:1",)))
    assert (away.value.code, away.value.transient) == ("unreachable", True)


def test_the_troubles_are_of_one_branch() -> None:
    for kind in (BrokerAway, BrokerLost, BrokerRefused):
        trouble: BrokerTrouble = kind("code", "what happened")
        assert (str(trouble), trouble.transient) == ("code: what happened", False)

"""What is sent is signed as others expect it, is the same sent again, and goes nowhere but to its address."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from standardwebhooks import Webhook, WebhookVerificationError

from interlock.foundation.documents import ProjectInvalid
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.webhook import plugin
from interlock.integration.systems import Answer, Delivery, DeliveryUnproven, Systems
from interlock.testing.servers import Received, ScriptedServer, answers, cuts_off, in_turn, redirects, resets
from tests.integration.conftest import Workbench

KEY = "whsec_" + base64.b64encode(b"a hidden key of 24 bytes").decode()
OLD = "whsec_" + base64.b64encode(b"an older key of 24 bytes").decode()
DATA = {"order": 4711, "note": "left today"}
INPUT = {"properties": {"order": {"type": "integer"}, "note": {"type": "string"}}, "required": ["order"]}


def system(url: str, *, sign: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    options = more.pop("options", {"type": "order.left"})
    operation = {"from": "send", "effect": "write", "idempotent": True, "options": options, "input": INPUT}
    return {
        "system": "partner",
        "connector": "webhook",
        "connection": {"to": {"url": url, "sign": dict(sign or {"secret": "secret:hook"})} | more},
        "limits": {"retries": 0, "timeout": "5s"},
        "operations": {"announce": operation | more.pop("operation", {})},
    }


@asynccontextmanager
async def sending(bench: Workbench, *behaviours: Any, path: str = "/in?from=us", **more: Any) -> AsyncIterator[Any]:
    bench.secrets.setdefault("INTERLOCK_SECRET_HOOK", KEY)
    bench.secrets.setdefault("INTERLOCK_SECRET_OLD", OLD)
    async with ScriptedServer(in_turn(*(behaviours or (answers(202, {}),)))) as listener:
        yield listener, await bench.serve(system(f"{listener.url}{path}", **more))


async def send(systems: Systems, key: str = "act_1", **data: Any) -> Answer:
    return await systems.call("partner.announce", DATA | data, key=key)


def accepted(request: Received, key: str = KEY) -> Any:
    """Return what the official package takes the request for."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Webhook(key).verify(request.body, headers)


async def test_what_is_sent_is_what_others_expect(bench: Workbench) -> None:
    async with sending(bench) as (listener, systems):
        answer = await send(systems)
        (request,) = listener.received
        assert accepted(request) == {"type": "order.left", "data": DATA}
        with pytest.raises(WebhookVerificationError):
            accepted(request, OLD)
        assert answer.output == {"id": request.headers["webhook-id"], "status": 202}
        assert (request.method, request.target) == ("POST", "/in?from=us")
        assert request.headers["content-type"] == "application/json"


async def test_what_is_sent_is_taken_here_once(bench: Workbench) -> None:
    receiver = {
        "system": "hooks",
        "connector": "webhook",
        "connection": {"signature": {"scheme": "standard", "secret": "secret:hook"}, "type": "/type"},
        "operations": {"list_events": {"from": "list", "effect": "read"}},
    }
    async with sending(bench) as (listener, systems):
        first = await send(systems)
        again = await send(systems)
        other = await send(systems, key="act_2")
    secrets = SecretStore.standard(environment=bench.secrets)
    declared = bench.catalog(receiver).systems["hooks"]
    now = time.time()
    arrivals = [
        plugin.receive(declared, Delivery(dict(one.headers), one.body), secrets, now) for one in listener.received
    ]
    assert [one.key for one in arrivals] == [one.output["id"] for one in (first, again, other)]
    assert arrivals[0].key == arrivals[1].key != arrivals[2].key
    assert listener.received[0].body == listener.received[1].body
    assert arrivals[0].type == "order.left"
    late = Delivery(dict(listener.received[0].headers), listener.received[0].body)
    with pytest.raises(DeliveryUnproven):
        plugin.receive(declared, late, secrets, now + 301)


async def test_two_keys_sign_while_one_replaces_the_other(bench: Workbench) -> None:
    async with sending(bench, sign={"secret": "secret:hook", "previous": "secret:old"}) as (listener, systems):
        assert (await send(systems)).succeeded
        (request,) = listener.received
        assert accepted(request, KEY) == accepted(request, OLD)
        bench.secrets["INTERLOCK_SECRET_HOOK"] = "whsec_" + base64.b64encode(b"yet another").decode()
        assert (await send(systems)).succeeded
        with pytest.raises(WebhookVerificationError):
            accepted(listener.received[1], KEY)  # a key that was changed counts from the next event on


@pytest.mark.parametrize("length", [32, 64])
async def test_our_own_key_signs_and_the_public_one_proves(bench: Workbench, length: int) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    raw = (key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()) + public)[:length]
    bench.secrets["INTERLOCK_SECRET_HOOK"] = "whsk_" + base64.b64encode(raw).decode()
    async with sending(bench) as (listener, systems):
        assert (await send(systems)).succeeded
    (request,) = listener.received
    version, _, text = request.headers["webhook-signature"].partition(",")
    assert version == "v1a"
    message = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    key.public_key().verify(base64.b64decode(text), message)
    signature = {"scheme": "standard", "secret": "secret:public"}
    receiver = {
        "system": "hooks",
        "connector": "webhook",
        "connection": {"signature": signature},
        "operations": {"list_events": {"from": "list", "effect": "read"}},
    }
    declared = bench.catalog(receiver).systems["hooks"]
    secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_PUBLIC": "whpk_" + base64.b64encode(public).decode()})
    delivery = Delivery(dict(request.headers), request.body)
    assert plugin.receive(declared, delivery, secrets, time.time()).key == request.headers["webhook-id"]
    changed = Delivery(dict(request.headers), request.body + b" ")
    with pytest.raises(DeliveryUnproven):
        plugin.receive(declared, changed, secrets, time.time())


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("whsec_%%%", "no base64"),
        ("whsec_", "is empty"),
        ("whsk_" + base64.b64encode(b"short").decode(), "32 or 64 bytes"),
        ("whpk_" + base64.b64encode(bytes(32)).decode(), "signs nothing"),
    ],
)
async def test_a_key_that_cannot_sign_sends_nothing(bench: Workbench, key: str, says: str) -> None:
    bench.secrets["INTERLOCK_SECRET_HOOK"] = key
    async with sending(bench) as (listener, systems):
        answer = await send(systems)
    assert (answer.status, answer.sent, listener.received) == ("failed", False, [])
    assert answer.problem is not None
    assert answer.problem["code"] == "key_unfit"
    assert says in answer.problem["detail"]
    assert key[6:] not in str(answer.problem) or len(key) < 8


async def test_a_secret_that_is_missing_sends_nothing(bench: Workbench) -> None:
    async with sending(bench, sign={"secret": "secret:nowhere"}) as (listener, systems):
        answer = await send(systems)
    assert (answer.status, answer.sent, listener.received) == ("failed", False, [])


@pytest.mark.parametrize(
    ("behaviour", "status", "code", "transient"),
    [
        (answers(410, {}), "failed", "receiver_gone", False),
        (answers(400, {"error": "no"}), "failed", "refused", False),
        (answers(401, {}), "failed", "access_denied", False),
        (answers(429, {}, headers={"retry-after": "7"}), "failed", "rate_limited", True),
        (answers(503, {}), "unknown", "system_error", True),
        (redirects(307, "http://127.0.0.1:9/elsewhere"), "failed", "redirected", False),
        (redirects(302, "http://127.0.0.1:9/elsewhere"), "unknown", "redirected", False),
        (resets(), "unknown", "connection_lost", True),
        (cuts_off(), "unknown", "connection_lost", True),
    ],
)
async def test_what_the_receiver_answers_is_told_as_it_is(
    bench: Workbench, behaviour: Any, status: str, code: str, transient: bool
) -> None:
    async with sending(bench, behaviour) as (listener, systems):
        answer = await send(systems)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"], answer.transient) == (status, code, transient)
    assert len(listener.received) == 1


async def test_what_is_not_known_is_sent_again_as_the_same_event(bench: Workbench) -> None:
    async with ScriptedServer(in_turn(resets(), answers(503, {}), answers(200, {}))) as listener:
        bench.secrets["INTERLOCK_SECRET_HOOK"] = KEY
        declared = system(listener.url) | {"limits": {"retries": 2}}
        systems = await bench.serve(declared)
        assert (await send(systems)).succeeded
    assert len(listener.received) == 3
    assert len({(one.headers["webhook-id"], one.body) for one in listener.received}) == 1
    assert all(accepted(one) for one in listener.received)


@pytest.mark.parametrize("url", ["http://169.254.169.254/in", "http://metadata.google.internal/in"])
async def test_nothing_is_sent_where_nobody_may(bench: Workbench, url: str) -> None:
    bench.secrets["INTERLOCK_SECRET_HOOK"] = KEY
    systems = await bench.serve(system(url))
    answer = await send(systems)
    assert (answer.status, answer.sent) == ("failed", False)


async def test_cloud_events_and_bare_ones(bench: Workbench) -> None:
    options = {"type": "order.left", "subject": "/order"}
    async with sending(bench, format="cloudevents", source="https://us.example", options=options) as (one, systems):
        answer = await send(systems)
    event = accepted(one.received[0])
    assert answer.output is not None
    assert event == {
        "specversion": "1.0",
        "id": answer.output["id"],
        "source": "https://us.example",
        "type": "order.left",
        "subject": "4711",
        "datacontenttype": "application/json",
        "data": DATA,
    }
    assert one.received[0].headers["content-type"] == "application/cloudevents+json"
    await bench.systems.close()
    async with sending(bench, format="bare") as (other, systems):
        assert (await send(systems)).succeeded
    assert json.loads(other.received[0].body) == DATA


@pytest.mark.parametrize(
    ("connection", "operation", "where"),
    [
        (
            {"to": {"url": "https://user:word@there.example/in", "sign": {"secret": "secret:x"}}},
            {},
            "/connection/to/url",
        ),
        ({"to": {"url": "https:///in", "sign": {"secret": "secret:x"}}}, {}, "/connection/to/url"),
        ({"to": {"url": "file:///etc/passwd", "sign": {"secret": "secret:x"}}}, {}, "/connection/to/url"),
        ({"to": {"url": "https://there.example/in"}}, {}, "/connection/to"),
        ({"to": {"url": "https://there.example/in", "sign": {"secret": "plain"}}}, {}, "/connection/to/sign/secret"),
        (
            {"to": {"url": "https://there.example/in", "sign": {"secret": "secret:x"}, "source": "urn:us"}},
            {},
            "/connection/to/source",
        ),
        (
            {"to": {"url": "https://there.example/in", "sign": {"secret": "secret:x"}}, "type": "/t"},
            {},
            "/connection/type",
        ),
        ({}, {}, "/connection"),
        ({"signature": {"scheme": "github", "secret": "secret:x"}}, {}, "/operations/announce/from"),
        (None, {"effect": "read"}, "/operations/announce/effect"),
        (None, {"options": {}}, "/operations/announce/options"),
        (None, {"options": {"type": "a b"}}, "/operations/announce/options"),
        (None, {"options": {"type": "a", "subject": "/order"}}, "/operations/announce/options"),
        (None, {"input": {"type": "array"}}, "/operations/announce/input"),
        (None, {"output_schema": {"type": "object"}}, "/operations/announce/output_schema"),
        (None, {"from": "list", "effect": "read"}, "/operations/announce/from"),
    ],
)
def test_what_cannot_be_sent_is_found_offline(
    bench: Workbench, connection: dict[str, Any] | None, operation: dict[str, Any], where: str
) -> None:
    declared = system("https://there.example/in")
    if connection is not None:
        declared["connection"] = connection
    declared["operations"]["announce"] |= operation
    with pytest.raises(ProjectInvalid) as caught:
        bench.catalog(declared)
    assert where.removeprefix("/").replace("/", ".") in str(caught.value)


def test_a_system_that_is_only_sent_events_takes_none(bench: Workbench) -> None:
    declared = bench.catalog(system("https://there.example/in")).systems["partner"]
    secrets = SecretStore.standard(environment={})
    with pytest.raises(DeliveryUnproven):
        plugin.receive(declared, Delivery({}, b"{}"), secrets, time.time())

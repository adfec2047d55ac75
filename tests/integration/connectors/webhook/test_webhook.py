"""Only what its sender has signed, lately, is an event; whatever else comes is refused and stored nowhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.webhook import plugin
from interlock.integration.systems import Arrival, Delivery, DeliveryUnfit, DeliveryUnproven, Receiver
from interlock.integration.systems.declarations import declare
from interlock.values.labels import Integrity
from tests.integration.conftest import Workbench

NOW = 1_800_000_000
BODY = {"id": "e-1", "kind": "ticket.created", "about": {"ticket": 7}, "at": "2027-01-15T08:00:00Z"}
RAW = json.dumps(BODY).encode()
KEY, OLD = b"a-hidden-key", b"an-older-key"
OPERATIONS = {"list_events": {"from": "list", "effect": "read"}, "get_event": {"from": "get", "effect": "read"}}


def system(scheme: str = "standard", **more: Any) -> dict[str, Any]:
    signature = {"scheme": scheme, "secret": "secret:hook"} | more.pop("signature", {})
    return {
        "system": "helpdesk",
        "connector": "webhook",
        "connection": {"signature": signature} | more,
        "operations": OPERATIONS,
    }


def received(bench: Workbench, declared: dict[str, Any], headers: dict[str, str], body: bytes = RAW) -> Arrival:
    bench.secrets.setdefault("INTERLOCK_SECRET_HOOK", KEY.decode())
    bench.secrets.setdefault("INTERLOCK_SECRET_OLD", OLD.decode())
    catalog = bench.catalog(declared)
    assert isinstance(catalog.plugins["webhook"], Receiver)
    secrets = SecretStore.standard(environment=bench.secrets)
    return plugin.receive(catalog.systems["helpdesk"], Delivery(headers, body), secrets, NOW)


def standard(key: bytes = KEY, body: bytes = RAW, moment: int = NOW, identifier: str = "msg_1") -> dict[str, str]:
    mac = hmac.digest(key, f"{identifier}.{moment}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1a,AAAA v1,{base64.b64encode(mac).decode()}",
    }


def stripe(key: bytes = KEY, body: bytes = RAW, moment: int = NOW) -> dict[str, str]:
    mac = hmac.digest(key, f"{moment}.".encode() + body, hashlib.sha256).hex()
    return {"stripe-signature": f"t={moment},v0=00,v1={mac}"}


def github(key: bytes = KEY, body: bytes = RAW) -> dict[str, str]:
    return {"x-hub-signature-256": f"sha256={hmac.digest(key, body, hashlib.sha256).hex()}"}


def own(key: bytes = KEY, body: bytes = RAW) -> dict[str, str]:
    return {"x-acme-mac": f"v2:{base64.b64encode(hmac.digest(key, body, hashlib.sha512)).decode()}"}


def token(key: bytes = KEY, body: bytes = RAW) -> dict[str, str]:
    del body
    return {"authorization": f"Bearer {key.decode()}"}


OWN = {"header": "X-Acme-Mac", "algorithm": "sha512", "encoding": "base64", "prefix": "v2:"}
WAYS = [
    pytest.param("standard", {}, standard, id="standard"),
    pytest.param("stripe", {}, stripe, id="stripe"),
    pytest.param("github", {}, github, id="github"),
    pytest.param("hmac", OWN, own, id="hmac"),
    pytest.param("token", {"header": "Authorization"}, token, id="token"),
]
Sign = Callable[..., dict[str, str]]


@pytest.mark.parametrize(("scheme", "options", "sign"), WAYS)
def test_what_is_signed_is_an_event(bench: Workbench, scheme: str, options: dict[str, str], sign: Sign) -> None:
    places = {"id": "/id", "type": "/kind", "subject": "/about/ticket", "time": "/at", "data": "/about"}
    arrival = received(bench, system(scheme, signature=options, **places), sign())
    assert (arrival.key, arrival.type, arrival.subject, arrival.time) == (
        "e-1",
        "ticket.created",
        "7",
        "2027-01-15T08:00:00Z",
    )
    assert arrival.data == {"ticket": 7}


@pytest.mark.parametrize(("scheme", "options", "sign"), WAYS)
def test_what_another_signed_is_refused(bench: Workbench, scheme: str, options: dict[str, str], sign: Sign) -> None:
    declared = system(scheme, signature=options)
    for headers in (sign(b"another-key"), sign(b""), {}, dict.fromkeys(sign(), ""), dict.fromkeys(sign(), "sha256=")):
        with pytest.raises(DeliveryUnproven) as refused:
            received(bench, declared, headers)
        assert KEY.decode() not in str(refused.value.problem())
    if scheme != "token":
        with pytest.raises(DeliveryUnproven):
            received(bench, declared, sign(body=RAW), RAW + b" ")


@pytest.mark.parametrize(("scheme", "options", "sign"), WAYS)
def test_a_secret_can_be_replaced(bench: Workbench, scheme: str, options: dict[str, str], sign: Sign) -> None:
    with pytest.raises(DeliveryUnproven):
        received(bench, system(scheme, signature=options), sign(OLD))
    both = system(scheme, signature=options | {"previous": "secret:old"})
    assert received(bench, both, sign(OLD)).data == received(bench, both, sign(KEY)).data == BODY


@pytest.mark.parametrize("sign", [standard, stripe])
@pytest.mark.parametrize("moment", [NOW - 301, NOW + 301, 0, 10**15])
def test_an_old_signature_proves_nothing(bench: Workbench, sign: Sign, moment: int) -> None:
    declared = system(sign.__name__)
    with pytest.raises(DeliveryUnproven):
        received(bench, declared, sign(moment=moment))
    assert received(bench, declared, sign(moment=NOW - 299)).data == BODY
    if moment == NOW - 301:
        assert received(bench, system(sign.__name__, tolerance="10m"), sign(moment=moment)).data == BODY


def test_the_published_example_of_standard_webhooks_is_proven(bench: Workbench) -> None:
    """The key of the scheme is base64 after `whsec_`."""
    key = base64.b64encode(b"0123456789abcdef01234567").decode()
    bench.secrets["INTERLOCK_SECRET_HOOK"] = f"whsec_{key}"
    assert received(bench, system(), standard(b"0123456789abcdef01234567")).key == "msg_1"


def test_what_has_no_id_of_its_own_is_told_by_what_was_signed(bench: Workbench) -> None:
    first, again = (received(bench, system("github"), github()) for _ in range(2))
    assert first.key == again.key
    other = json.dumps(BODY | {"id": "e-2"}).encode()
    assert received(bench, system("github"), github(body=other), other).key != first.key


def test_an_id_that_was_not_signed_tells_nothing(bench: Workbench) -> None:
    """GitHub sends one in a header, which whoever saw a request could change."""
    headers = [github() | {"x-github-delivery": name} for name in ("1", "2")]
    assert len({received(bench, system("github"), one).key for one in headers}) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"a=b", id="a form"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[" * 100 + b"]" * 100, id="deep"),
        pytest.param(b"[" * 100_000, id="deeper"),
        pytest.param(b'{"id": null}', id="no id"),
        pytest.param(b'{"id": {}}', id="an id of another kind"),
        pytest.param(b'{"id": "' + b"x" * 301 + b'"}', id="a long id"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"id": NaN}', id="no number"),
    ],
)
def test_what_is_no_event_is_refused(bench: Workbench, body: bytes) -> None:
    with pytest.raises(DeliveryUnfit):
        received(bench, system("github", id="/id"), github(body=body), body)


def test_a_cloudevent_says_all_of_it(bench: Workbench) -> None:
    event = {"specversion": "1.0", "id": "A1", "source": "/x", "type": "t", "subject": "s", "time": "now", "data": [1]}
    raw = json.dumps(event).encode()
    arrival = received(bench, system(format="cloudevents"), standard(body=raw), raw)
    assert arrival == Arrival("/x A1", "t", "s", "now", [1])
    other = received(
        bench, system(format="cloudevents"), standard(body=raw.replace(b"/x", b"/y")), raw.replace(b"/x", b"/y")
    )
    assert other.key == "/y A1", "another source's event of the same id is another event"
    named = received(bench, system(format="cloudevents", id="/id"), standard(body=raw), raw)
    assert named.key == "A1"
    packed = json.dumps({key: one for key, one in event.items() if key != "data"} | {"data_base64": "eA=="}).encode()
    with pytest.raises(DeliveryUnfit, match="binary"):
        received(bench, system(format="cloudevents"), standard(body=packed), packed)


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.integers() | st.text(max_size=5) | st.none(), st.lists)))
def test_whatever_is_signed_is_taken_or_refused(body: dict[str, Any]) -> None:
    written = json.dumps(system("github", type="/a", id="/b")).encode()
    declared = declare(parse_document(written, "system", environment={}))
    raw = json.dumps(body).encode()
    secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_HOOK": KEY.decode()})
    try:
        arrival = plugin.receive(declared, Delivery(github(body=raw), raw), secrets, time.time())
    except DeliveryUnfit:
        return
    assert arrival.key
    assert arrival.data == json.loads(raw)


def test_what_is_sent_is_an_outsiders(bench: Workbench) -> None:
    catalog = bench.catalog(system())
    assert catalog.operations["helpdesk.get_event"].operation.label.integrity is Integrity.untrusted


@pytest.mark.parametrize(
    ("declared", "pointer"),
    [
        pytest.param(system("hmac"), "/connection/signature", id="no header"),
        pytest.param(system("github", signature={"header": "X"}), "/connection/signature/header", id="a fixed header"),
        pytest.param(system("stripe", signature={"prefix": "x"}), "/connection/signature/prefix", id="no such option"),
        pytest.param(system(tolerance="2h"), "/connection/tolerance", id="hours"),
        pytest.param(system(tolerance="soon"), "/connection/tolerance", id="no duration"),
        pytest.param(
            system() | {"operations": {"one": {"from": "list", "effect": "write"}}},
            "/operations/one/effect",
            id="a write",
        ),
        pytest.param(
            system() | {"operations": {"one": {"from": "take", "effect": "read"}}}, "/operations/one/from", id="a verb"
        ),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(bench: Workbench, declared: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(declared)
    assert pointer in [finding.pointer for finding in refused.value.findings]

"""The `webhook` connector keeps the contract of those that are sent to, whichever way what is sent is proven."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from interlock.integration.systems import Delivery
from interlock.testing.receivers import ReceiverContract

READ = {"list_events": {"from": "list", "effect": "read"}}


def receiving(scheme: str, **more: Any) -> dict[str, Any]:
    connection = {"signature": {"scheme": scheme, "secret": "secret:hook"} | more.pop("signature", {}), **more}
    return {"system": "helpdesk", "connector": "webhook", "connection": connection, "operations": READ}


def body(number: int) -> bytes:
    return json.dumps({"id": f"e-{number}", "kind": "ticket.created", "ticket": number}).encode()


class Webhook(ReceiverContract):
    """What every scheme shares."""

    plugin = "interlock.integration.connectors.webhook:plugin"
    secrets = {"hook": "a-hidden-key"}  # noqa: RUF012 - read alone
    others = {"hook": "anothers-key"}  # noqa: RUF012 - read alone


class TestStandard(Webhook):
    system = receiving("standard")

    def delivery(self, number: int, moment: float, secrets: Mapping[str, str]) -> Delivery:
        said, at = body(number), str(int(moment))
        mac = hmac.digest(secrets["hook"].encode(), f"msg_{number}.{at}.".encode() + said, hashlib.sha256)
        signed = f"v1,{base64.b64encode(mac).decode()}"
        return Delivery({"webhook-id": f"msg_{number}", "webhook-timestamp": at, "webhook-signature": signed}, said)


class TestStripe(Webhook):
    system = receiving("stripe", id="/id")

    def delivery(self, number: int, moment: float, secrets: Mapping[str, str]) -> Delivery:
        said, at = body(number), str(int(moment))
        mac = hmac.digest(secrets["hook"].encode(), f"{at}.".encode() + said, hashlib.sha256).hex()
        return Delivery({"stripe-signature": f"t={at},v1={mac}"}, said)


class TestGithub(Webhook):
    system = receiving("github")
    ages = False

    def delivery(self, number: int, moment: float, secrets: Mapping[str, str]) -> Delivery:
        del moment
        mac = hmac.digest(secrets["hook"].encode(), body(number), hashlib.sha256).hex()
        return Delivery({"x-hub-signature-256": f"sha256={mac}"}, body(number))

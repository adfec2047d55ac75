"""A broker's topic as events that are published and that come, from its address; nothing is asked of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.receiving import CAME
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

_SCHEMES: dict[str, tuple[str, bool, int]] = {
    "nats": ("nats", False, 4222),
    "tls": ("nats", True, 4222),
    "redis": ("redis", False, 6379),
    "rediss": ("redis", True, 6379),
    "amqp": ("rabbitmq", False, 5672),
    "amqps": ("rabbitmq", True, 5671),
    "kafka": ("kafka", True, 9093),
}


def recognises(source: Source) -> bool:
    """Return whether *source* is the address of a broker."""
    return source.address.partition("://")[0].lower() in _SCHEMES


def survey(source: Source) -> Survey:
    """Return what can be done with the topic at `SCHEME://[USER@]HOST[:PORT]/TOPIC`. Raises `SourceUnfit`."""
    try:
        parts = urlsplit(source.address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _unfit() from error
    topic = unquote(parts.path.strip("/"))
    if parts.scheme.lower() not in _SCHEMES or not host or not topic or any(sign in topic for sign in "*> "):
        raise _unfit()
    broker, secure, usual = _SCHEMES[parts.scheme.lower()]
    connection: dict[str, Any] = {"broker": broker, "servers": [f"{host}:{port or usual}"], "tls": secure}
    notes = ["nothing was asked: the type and the schema of what is published are guesses"]
    if parts.username:
        connection["auth"] = {"username": unquote(parts.username), "password": SECRET}
    if parts.password:
        notes.append("the address held a password, which is written nowhere; change it if others may have seen it")
    if not secure:
        notes.append("the connection is not encrypted, as the address says: leave `tls` out where the broker can")
    if broker == "rabbitmq":
        notes.append("to listen to a queue of it, write a subscription with a `dead_letter`")
    else:
        connection["subscriptions"] = {"incoming": {"topic": topic}}
        notes.append("what is published to the topic comes back as an event: take out what is not wanted")
    publish = {"topic": topic, "type": f"com.example.{topic}", "schema": {"type": "object"}}
    offers = (
        Offer(
            "publish",
            "publish_event",
            f"Publish an event to {topic}.",
            ("write",),
            Effect.write,
            settings={"options": publish},
        ),
        *(() if broker == "rabbitmq" else CAME),
    )
    return Survey(_title(host), connection, offers, notes=tuple(notes))


def _title(host: str) -> str:
    """Return what a host is called; an address that is a number says nothing."""
    first = host.split(".")[0]
    return first if ":" not in host and not first.isdigit() else ""


def _unfit() -> SourceUnfit:
    return SourceUnfit(
        "this is no address of a broker with a topic",
        fix=f"write SCHEME://HOST/TOPIC with one of {', '.join(_SCHEMES)}",
    )

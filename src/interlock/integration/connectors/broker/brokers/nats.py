"""NATS JetStream: a stream takes what is published to its subjects; a durable consumer remembers what is settled."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from interlock.foundation.http.sockets import answering
from interlock.integration.connectors.broker.brokers.interface import Place, Subscription
from interlock.integration.connectors.broker.brokers.waiting import unless
from interlock.integration.connectors.broker.errors import BrokerAway, BrokerRefused, lost, untrusted
from interlock.integration.connectors.broker.messages import Outgoing, Receipt, Received

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

BATCH = 32
POLL = 5.0
CONNECT = 5
PING = 10  # seconds; a server that leaves two unanswered is gone
LONG = 3600.0  # the caller's time limit is the one that counts
_PLAIN = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What CloudEvents leaves as it is in a header, beside letters and digits."""
_NAME = re.compile(r"[^A-Za-z0-9_-]")


class Nats:
    """The way to NATS servers with JetStream."""

    name = "nats"
    package = "nats"
    keeps = True

    async def connect(self, place: Place) -> NatsLink:
        from nats.errors import Error

        closed = asyncio.Event()

        async def note(*_: object) -> None:
            closed.set()

        async def ignore(_: Exception) -> None:
            """What goes wrong is raised where it matters."""

        options: dict[str, Any] = {
            "user": place.username or None,
            "password": place.password or None,
            "token": place.token or None,
            "error_cb": ignore,
            "closed_cb": note,
        }
        failure: Exception = OSError()
        for host, port in place.hosts():
            try:
                client = await _client(host, port, place.tls, options)
            except (TimeoutError, Error, OSError, ValueError) as error:
                failure = error
                if _denied(error):
                    break
            else:
                return NatsLink(client, closed)
        if isinstance(failure, ssl.SSLError):
            raise untrusted()
        denied = _denied(failure)
        raise BrokerAway(
            "access_denied" if denied else "unreachable",
            "the broker does not let us in" if denied else "no server of the broker can be reached",
            transient=not denied,
        ) from None


def _denied(error: Exception) -> bool:
    return "authorization" in str(error).lower()


async def _client(host: str, port: int, tls: ssl.SSLContext | None, options: Mapping[str, Any]) -> Client:
    """Return a client of this server. Raises `HttpForbidden`, and what the driver does."""
    from nats.aio.client import Client

    class GuardedClient(Client):
        async def _process_info(self, info: dict[str, Any], *given: Any, **named: Any) -> None:
            """Hear nothing of other servers, and go on in the clear with none that was to speak TLS."""
            if tls is not None and not info.get("tls_required"):
                raise ssl.SSLError("the server speaks no TLS")
            info.pop("connect_urls", None)
            await super()._process_info(info, *given, **named)

    address = await answering(host, port)
    secured: dict[str, Any] = {} if tls is None else {"tls": tls, "tls_hostname": host}
    client = GuardedClient()
    # Without reconnecting of its own: it would keep what is published meanwhile, and send it at any later time.
    try:
        await client.connect(
            [f"{'nats' if tls is None else 'tls'}://{f'[{address}]' if ':' in address else address}:{port}"],
            allow_reconnect=False,
            connect_timeout=CONNECT,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            ping_interval=PING,
            **options,
            **secured,
        )
    except BaseException:
        if client._transport is not None:
            client._transport.close()  # type: ignore[no-untyped-call]  # the driver leaves it so, and open
        raise
    return client


class NatsLink:
    """One connection to a NATS server."""

    def __init__(self, client: Client, closed: asyncio.Event) -> None:
        self._client = client
        self._stream = client.jetstream()
        self._closed = closed

    @property
    def alive(self) -> bool:
        return self._client.is_connected and not self._closed.is_set()

    async def publish(self, outgoing: Outgoing) -> Receipt:
        from nats.errors import BadHeaderError, BadSubjectError, ConnectionClosedError, Error, MaxPayloadError
        from nats.js.errors import APIError, NoStreamResponseError

        if not self.alive:
            raise BrokerAway("unreachable", "the connection to the broker has ended", transient=True)
        headers = {"Nats-Msg-Id": quote(outgoing.id, _PLAIN), "content-type": outgoing.content_type}
        headers |= {f"ce-{name}": quote(value, _PLAIN) for name, value in outgoing.attributes.items()}
        try:
            taken = await unless(
                self._closed, self._stream.publish(outgoing.topic, outgoing.body, timeout=LONG, headers=headers)
            )
        except NoStreamResponseError:
            raise BrokerRefused("no_stream", "no stream of JetStream takes messages of this subject") from None
        except (MaxPayloadError, BadSubjectError, BadHeaderError) as error:
            raise BrokerRefused(
                "message_unsendable", f"the broker takes no such message: {type(error).__name__}"
            ) from None
        except APIError as error:
            full = error.code == 503
            raise BrokerRefused(
                "refused", f"the stream refuses the message (JetStream error {error.err_code})", transient=full
            ) from None
        except (ConnectionClosedError, Error, OSError, ValueError, KeyError) as error:
            raise lost(error) from None
        return Receipt(f"{taken.stream}/{taken.seq}", bool(taken.duplicate))

    async def depth(self, topic: str) -> int:
        from nats.errors import Error
        from nats.js.errors import NotFoundError

        try:
            name = await unless(self._closed, self._stream.find_stream_name_by_subject(topic))
            return int((await unless(self._closed, self._stream.stream_info(name))).state.messages)
        except NotFoundError:
            raise BrokerRefused("no_stream", "no stream of JetStream takes messages of this subject") from None
        except (Error, OSError, ValueError, KeyError) as error:
            raise lost(error) from None

    async def messages(self, subscription: Subscription) -> AsyncIterator[Received]:
        from nats.errors import Error
        from nats.errors import TimeoutError as Nothing
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        wanted = ConsumerConfig(
            ack_policy=AckPolicy.EXPLICIT, deliver_policy=DeliverPolicy.ALL, ack_wait=subscription.redeliver
        )
        name = _NAME.sub("_", subscription.durable)
        try:
            source = await unless(
                self._closed,
                self._stream.pull_subscribe(
                    subscription.topic, durable=name, stream=subscription.stream or None, config=wanted
                ),
            )
            while True:
                try:
                    found = await unless(self._closed, source.fetch(BATCH, timeout=POLL))
                except Nothing:
                    continue
                for one in found:
                    yield _received(one)
        except NotFoundError:
            raise BrokerRefused("no_stream", "no stream of JetStream takes messages of this subject") from None
        except (Error, OSError, ValueError, KeyError) as error:
            raise lost(error) from None

    async def close(self) -> None:
        from nats.errors import Error

        try:
            async with asyncio.timeout(2):
                await self._client.close()
        except (Error, OSError, TimeoutError):
            self._closed.set()


def _received(message: Msg) -> Received:
    headers = {name.lower(): unquote(value) for name, value in (message.headers or {}).items()}
    at = message.metadata
    place = f"{at.stream}/{at.sequence.stream}"
    return Received(place, headers.get("nats-msg-id") or place, headers, message.data, message.ack, message.term)

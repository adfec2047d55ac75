"""RabbitMQ (AMQP 0-9-1): messages go to an exchange with a routing key, and come from a queue that is there."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING

from interlock.foundation.http.sockets import answering
from interlock.integration.connectors.broker.brokers.interface import Place, Subscription
from interlock.integration.connectors.broker.brokers.waiting import unless
from interlock.integration.connectors.broker.errors import (
    BrokerAway,
    BrokerLost,
    BrokerRefused,
    behind,
    lost,
    untrusted,
)
from interlock.integration.connectors.broker.messages import Outgoing, Receipt, Received

if TYPE_CHECKING:
    from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

BATCH = 32
CONNECT = 5.0
HEARTBEAT = 20
PERSISTENT = 2


class RabbitMq:
    """The way to a RabbitMQ server."""

    name = "rabbitmq"
    package = "aio_pika"
    keeps = False

    async def connect(self, place: Place) -> RabbitMqLink:
        import aio_pika
        from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AuthenticationError, ProbableAuthenticationError

        host, port = place.hosts()[0]
        try:
            address = await answering(host, port)
            if place.tls is not None:
                place.tls.names[address] = host
            connection = await aio_pika.connect(
                host=address,
                port=port,
                login=place.username or "guest",
                password=place.password or "guest",
                virtualhost=place.virtual_host,
                ssl=place.tls is not None,
                ssl_context=place.tls,
                timeout=CONNECT,
                heartbeat=HEARTBEAT,
            )
        except (AuthenticationError, ProbableAuthenticationError):
            raise BrokerAway("access_denied", "the broker does not let us in") from None
        except (TimeoutError, OSError, *CONNECTION_EXCEPTIONS) as error:
            if behind(error, ssl.SSLError):
                raise untrusted() from None
            raise BrokerAway(
                "unreachable", f"the server of the broker cannot be reached: {type(error).__name__}", transient=True
            ) from None
        return RabbitMqLink(connection)


class RabbitMqLink:
    """One connection; each message has a channel of its own, as an error closes the channel and all that is on it."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._closed = asyncio.Event()
        connection.close_callbacks.add(lambda *_: self._closed.set())

    @property
    def alive(self) -> bool:
        return not self._connection.is_closed and not self._closed.is_set()

    async def publish(self, outgoing: Outgoing) -> Receipt:
        from aio_pika import Message
        from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelClosed, DeliveryError, PublishError

        message = Message(
            outgoing.body,
            headers={f"cloudEvents:{name}": value for name, value in outgoing.attributes.items()},
            content_type=outgoing.content_type,
            message_id=outgoing.id,
            delivery_mode=PERSISTENT,
        )
        exchange, slash, key = outgoing.topic.partition("/")
        try:
            channel = await unless(
                self._closed, self._connection.channel(publisher_confirms=True, on_return_raises=True).__aenter__()
            )
        except (*CONNECTION_EXCEPTIONS, BrokerLost) as error:
            raise BrokerAway(
                "unreachable", f"the connection to the broker has ended: {type(error).__name__}", transient=True
            ) from None
        try:
            to = await channel.get_exchange(exchange, ensure=False) if slash else channel.default_exchange
            await unless(self._closed, to.publish(message, key if slash else exchange, mandatory=True))
        except PublishError:
            raise BrokerRefused("unroutable", "no queue takes messages of this topic") from None
        except DeliveryError as error:
            raise lost(error) from None  # a queue of several may have it
        except ChannelClosed as error:
            raise BrokerRefused("refused", f"the broker refuses it: {type(error).__name__}") from None
        except CONNECTION_EXCEPTIONS as error:
            raise lost(error) from None
        finally:
            await _released(channel.close())
        return Receipt(outgoing.topic)

    async def depth(self, topic: str) -> int:
        from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelClosed

        try:
            channel = await unless(self._closed, self._connection.channel().__aenter__())
            try:
                queue = await unless(self._closed, channel.declare_queue(topic, passive=True))
                return int(queue.declaration_result.message_count or 0)
            finally:
                await _released(channel.close())
        except ChannelClosed as error:
            raise BrokerRefused("refused", f"the broker shows no such queue: {type(error).__name__}") from None
        except CONNECTION_EXCEPTIONS as error:
            raise lost(error) from None

    async def messages(self, subscription: Subscription) -> AsyncIterator[Received]:
        from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelClosed

        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        try:
            channel = await unless(self._closed, self._connection.channel().__aenter__())
            channel.close_callbacks.add(lambda *_: self._closed.set())
            await channel.set_qos(prefetch_count=BATCH)
            queue = await unless(self._closed, channel.declare_queue(subscription.topic, passive=True))
            await queue.consume(arrived.put)
            while True:
                yield _received(subscription.topic, await unless(self._closed, arrived.get()))
        except ChannelClosed as error:
            raise BrokerRefused("refused", f"the broker shows no such queue: {type(error).__name__}") from None
        except CONNECTION_EXCEPTIONS as error:
            raise lost(error) from None

    async def close(self) -> None:
        await _released(self._connection.close())


async def _released(closing: Awaitable[None]) -> None:
    from aio_pika.exceptions import CONNECTION_EXCEPTIONS

    try:
        async with asyncio.timeout(2):
            await closing
    except (*CONNECTION_EXCEPTIONS, TimeoutError):
        return  # it is gone anyway


def _received(queue: str, message: AbstractIncomingMessage) -> Received:
    headers = {name.lower(): _text(value) for name, value in message.headers.items()}
    if message.content_type:
        headers["content-type"] = message.content_type
    key = message.message_id or hashlib.sha256(message.body).hexdigest()
    return Received(f"{queue}/{key}", key, headers, message.body, message.ack, message.ack)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

"""Kafka, and whatever speaks its protocol: a partitioned log, and a group that remembers how far it has come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from interlock.foundation.http import HttpForbidden
from interlock.foundation.http.sockets import answering, check_declared
from interlock.integration.connectors.broker.brokers.interface import Place, Subscription
from interlock.integration.connectors.broker.brokers.waiting import heed
from interlock.integration.connectors.broker.errors import BrokerAway, BrokerRefused, lost
from interlock.integration.connectors.broker.messages import Outgoing, Receipt, Received

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
    from aiokafka.structs import ConsumerRecord

log = logging.getLogger("interlock.broker")

Pins = Mapping[tuple[str, int], str]
"""The addresses of the declared servers."""
BATCH = 32
POLL = 1_000  # milliseconds
REQUEST = 10_000  # milliseconds


class Kafka:
    """The way to the brokers of a Kafka cluster."""

    name = "kafka"
    package = "aiokafka"
    keeps = True

    async def connect(self, place: Place) -> KafkaLink:
        from aiokafka import AIOKafkaProducer
        from aiokafka.errors import KafkaError

        pins = await _pinned(place)
        settings: dict[str, Any] = {
            "bootstrap_servers": [_server(address, port) for (_, port), address in pins.items()],
            "request_timeout_ms": REQUEST,
        }
        sasl = "SASL_" if place.username else ""
        settings["security_protocol"] = f"{sasl}{'SSL' if place.tls is not None else 'PLAINTEXT'}"
        settings["ssl_context"] = place.tls
        if sasl:
            settings |= {
                "sasl_mechanism": place.mechanism or "SCRAM-SHA-512",
                "sasl_plain_username": place.username,
                "sasl_plain_password": place.password,
            }
        producer = AIOKafkaProducer(acks="all", **settings)
        _hold(producer.client, pins)
        try:
            await producer.start()
            for broker in producer.client.cluster.brokers():
                check_declared(tuple(pins), broker.host, broker.port)
        except (TimeoutError, KafkaError, OSError) as error:
            await _stopped(producer)
            denied = "uthenti" in type(error).__name__
            raise BrokerAway(
                "access_denied" if denied else "unreachable",
                f"no server of the broker can be used: {type(error).__name__}",
                transient=not denied,
            ) from None
        except BaseException:
            await _stopped(producer)
            raise
        return KafkaLink(producer, settings, pins)


async def _pinned(place: Place) -> dict[tuple[str, int], str]:
    """Return the address of each declared server. Raises `HttpForbidden`, and `BrokerAway` if none is known.

    Where certificates are verified, and two names stand for one address, the address does not tell by which name: these
    stay names, and the driver resolves them once more.
    """
    found: dict[tuple[str, int], str] = {}
    names = {} if place.tls is None else place.tls.names
    for host, port in place.hosts():
        with contextlib.suppress(OSError):
            address = await answering(host, port)
            alone = place.tls is None or names.setdefault(address, host) == host
            found[host.lower(), port] = address if alone else host
    if not found:
        raise BrokerAway("unreachable", "no server of the broker stands for an address", transient=True)
    return found


def _server(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _hold(client: Any, pins: Pins) -> None:
    """Keep *client* from going anywhere but to the declared servers, at the addresses that were judged.

    A cluster says where its brokers are, and the driver would go there.
    """
    cluster = client.cluster
    told = cluster.broker_metadata

    def declared(node: Any) -> Any:
        broker = told(node)
        if broker is None:
            return None
        try:
            check_declared(tuple(pins), broker.host, broker.port)
        except HttpForbidden as error:
            log.warning("%s", error.what)
            return None
        return broker._replace(host=pins[broker.host.lower(), broker.port])

    cluster.broker_metadata = declared


class KafkaLink:
    """One producer, and a consumer for each subscription."""

    def __init__(self, producer: AIOKafkaProducer, settings: dict[str, Any], pins: Pins) -> None:
        self._producer = producer
        self._settings = settings
        self._pins = pins
        self.alive = True

    async def publish(self, outgoing: Outgoing) -> Receipt:
        from aiokafka import errors

        await self._known(outgoing.topic)
        headers = [(f"ce_{name}", value.encode()) for name, value in outgoing.attributes.items()]
        headers.append(("content-type", outgoing.content_type.encode()))
        try:
            taken = await self._producer.send_and_wait(
                outgoing.topic, outgoing.body, key=outgoing.partition.encode() or None, headers=headers
            )
        except (
            errors.MessageSizeTooLargeError,
            errors.RecordListTooLargeError,
            errors.TopicAuthorizationFailedError,
            errors.InvalidTopicError,
            errors.PolicyViolationError,
        ) as error:
            raise BrokerRefused("refused", f"the broker refuses it: {type(error).__name__}") from None
        except (errors.KafkaError, OSError, asyncio.CancelledError) as error:
            self.alive = False  # what the producer still holds must not hold up others
            if isinstance(error, asyncio.CancelledError):
                raise
            raise lost(error) from None
        return Receipt(f"{taken.topic}/{taken.partition}/{taken.offset}")

    async def depth(self, topic: str) -> int:
        from aiokafka import AIOKafkaConsumer, TopicPartition
        from aiokafka.errors import KafkaError

        numbers = await self._known(topic)
        consumer = AIOKafkaConsumer(**self._settings)
        _hold(consumer._client, self._pins)
        try:
            await consumer.start()
            parts = [TopicPartition(topic, number) for number in numbers]
            first, last = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        except (KafkaError, OSError) as error:
            raise lost(error) from None
        finally:
            await _stopped(consumer)
        return sum(last[one] - first[one] for one in parts)

    async def messages(self, subscription: Subscription) -> AsyncIterator[Received]:
        from aiokafka import AIOKafkaConsumer
        from aiokafka.errors import KafkaError

        await self._known(subscription.topic)
        consumer = AIOKafkaConsumer(
            subscription.topic,
            group_id=subscription.durable,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            **self._settings,
        )
        _hold(consumer._client, self._pins)
        try:
            await consumer.start()
            while True:
                heed()
                for part, records in (await consumer.getmany(timeout_ms=POLL, max_records=BATCH)).items():
                    for record in records:
                        yield _received(consumer, part, record)
        except (KafkaError, OSError) as error:
            raise lost(error) from None
        finally:
            await _stopped(consumer)

    async def close(self) -> None:
        self.alive = False
        await _stopped(self._producer)

    async def _known(self, topic: str) -> set[int]:
        """Return the partitions of *topic*. Raises `BrokerRefused` where there is none, `BrokerAway`."""
        from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

        try:
            return set(await self._producer.partitions_for(topic))
        except UnknownTopicOrPartitionError:
            raise BrokerRefused("no_topic", "the broker has no such topic") from None
        except (KafkaError, OSError) as error:
            raise BrokerAway(
                "unreachable", f"the broker does not tell of the topic: {type(error).__name__}", transient=True
            ) from None


async def _stopped(part: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    from aiokafka.errors import KafkaError

    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(2):
            await part.stop()


def _received(
    consumer: AIOKafkaConsumer, part: TopicPartition, record: ConsumerRecord[bytes | None, bytes | None]
) -> Received:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    headers = {name.lower(): value.decode("utf-8", "replace") for name, value in record.headers}

    async def settle() -> None:
        from aiokafka.errors import CommitFailedError, IllegalStateError

        with contextlib.suppress(CommitFailedError, IllegalStateError):  # it is another's now, and comes again
            await consumer.commit({part: record.offset + 1})

    return Received(place, place, headers, record.value or b"", settle, settle)

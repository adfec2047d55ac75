"""Kafka, and whatever speaks its protocol: a partitioned log, and a group that remembers how far it has come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.broker.brokers.interface import Place, Subscription
from interlock.integration.connectors.broker.errors import BrokerAway, BrokerRefused, lost
from interlock.integration.connectors.broker.messages import Outgoing, Receipt, Received

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
    from aiokafka.structs import ConsumerRecord

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

        settings: dict[str, Any] = {"bootstrap_servers": list(place.servers), "request_timeout_ms": REQUEST}
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
        try:
            await producer.start()
        except (TimeoutError, KafkaError, OSError) as error:
            await _stopped(producer)
            denied = "uthenti" in type(error).__name__
            raise BrokerAway(
                "unauthorized" if denied else "unreachable",
                f"no server of the broker can be used: {type(error).__name__}",
                transient=not denied,
            ) from None
        except BaseException:
            await _stopped(producer)
            raise
        return KafkaLink(producer, settings)


class KafkaLink:
    """One producer, and a consumer for each subscription."""

    def __init__(self, producer: AIOKafkaProducer, settings: dict[str, Any]) -> None:
        self._producer = producer
        self._settings = settings
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
        try:
            await consumer.start()
            while True:
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

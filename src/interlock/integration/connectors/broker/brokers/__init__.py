"""The brokers: one object for each, behind one interface."""

from __future__ import annotations

from interlock.integration.connectors.broker.brokers.interface import Broker, Link, Place, Subscription
from interlock.integration.connectors.broker.brokers.kafka import Kafka
from interlock.integration.connectors.broker.brokers.nats import Nats
from interlock.integration.connectors.broker.brokers.rabbitmq import RabbitMq
from interlock.integration.connectors.broker.brokers.redis import Redis

BROKERS: dict[str, Broker] = {one.name: one for one in (Nats(), Redis(), RabbitMq(), Kafka())}

__all__ = ["BROKERS", "Broker", "Link", "Place", "Subscription"]

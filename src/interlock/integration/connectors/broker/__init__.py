"""Message brokers: NATS JetStream, Redis streams, RabbitMQ and Kafka."""

from __future__ import annotations

from interlock.integration.connectors.broker.plugin import plugin

__all__ = ["plugin"]

"""The `broker` connector: events that are published to a message broker, and that come from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interlock.foundation.clock import SystemClock
from interlock.foundation.http.sockets import NamingContext
from interlock.foundation.settings.errors import QuantityInvalid
from interlock.foundation.settings.quantities import duration
from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.broker import survey
from interlock.integration.connectors.broker.arrivals import Fitting
from interlock.integration.connectors.broker.brokers import BROKERS, Broker, Place, Subscription
from interlock.integration.connectors.broker.connector import BrokerConnector
from interlock.integration.connectors.broker.definitions import define, schema_of, topic_of
from interlock.integration.connectors.broker.listening import Ear
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.errors import SystemUnreachable
from interlock.integration.connectors.interface import (
    Connector,
    Description,
    Ports,
    SecretSource,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.receiving import Intake
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Contract, Definition

USUAL_REDELIVERY = "30s"
_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,62}$"}
_SHORT = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00-\\x20\\x7f]*$"}
_SUBSCRIPTION = {
    "type": "object",
    "properties": {
        "topic": {**_SHORT, "description": "the subject, stream, queue or topic"},
        "stream": {**_SHORT, "description": "for NATS: the stream, where the subject alone does not tell"},
        "durable": {**_SHORT, "description": "the consumer's or group's name, by default interlock-SYSTEM-NAME"},
        "format": {"enum": ["cloudevents", "json"], "description": "by default cloudevents, in either mode"},
        "schema": {
            "type": ["string", "object"],
            "description": "what data must fit: a JSON Schema, or its file",
        },
        "dead_letter": {**_SHORT, "description": "the topic that gets a copy of what is set aside"},
        "redeliver": {"type": "string", "description": "when what was not settled comes again, by default 30s"},
    },
    "required": ["topic"],
    "additionalProperties": False,
}


class BrokerPlugin:
    """Describes from the declaration alone; publishes, and listens."""

    name = "broker"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "broker": {"enum": list(BROKERS)},
            "servers": {
                "type": "array",
                "items": {"type": "string", "pattern": "^[A-Za-z0-9._:\\[\\]-]+:[0-9]{1,5}$"},
                "minItems": 1,
                "maxItems": 20,
                "description": "host:port; redis and rabbitmq take one",
            },
            "tls": {"type": "boolean", "description": "by default true"},
            "ca": {**_SHORT, "description": "a file of authorities (PEM) to trust instead of the machine's"},
            "auth": {
                "type": "object",
                "properties": {
                    "username": _SHORT,
                    "password": REFERENCE,
                    "token": {**REFERENCE, "description": "for NATS"},
                    "mechanism": {"enum": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], "description": "for Kafka"},
                },
                "oneOf": [{"required": ["password"]}, {"required": ["token"]}],
                "additionalProperties": False,
            },
            "database": {"type": "integer", "minimum": 0, "maximum": 1023, "description": "for Redis"},
            "virtual_host": {**_SHORT, "description": "for RabbitMQ"},
            "source": {**_SHORT, "description": "the source of what is published, by default urn:interlock:SYSTEM"},
            "subscriptions": {
                "type": "object",
                "propertyNames": _NAME,
                "additionalProperties": _SUBSCRIPTION,
                "maxProperties": 50,
                "description": "what is listened for, by a name of yours",
            },
        },
        "required": ["broker", "servers"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        troubles = _troubles(system.connection, root)
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            try:
                definitions[name] = define(operation, system.connection, root)
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is the address of a broker."""
        return survey.recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - nobody is asked
        """Return what can be done with a topic. Raises `SourceUnfit`."""
        return survey.survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        broker = BROKERS[system.connection["broker"]]
        Packages("broker", "broker", (broker.package,)).check()

        def where() -> Place:
            return _place(system, ports.secrets, ports.root)

        return BrokerConnector(system, definitions, broker, where, ports.events, SystemClock().now)

    def subscriptions(self, system: SystemDeclaration) -> Sequence[str]:
        """Return the names of the declared subscriptions."""
        return list(system.connection.get("subscriptions", {}))

    async def listen(
        self, system: SystemDeclaration, subscription: str, secrets: SecretSource, root: Path, intake: Intake
    ) -> None:
        """Take what comes on *subscription*, as `Listener` says."""
        connection = system.connection
        broker, declared = BROKERS[connection["broker"]], connection["subscriptions"][subscription]
        Packages("broker", "broker", (broker.package,)).check()
        fitting = Fitting(
            system.limits.response,
            cloudevents=declared.get("format") != "json",
            contract=Contract(schema_of(declared["schema"], root)) if "schema" in declared else None,
        )
        wanted = Subscription(
            declared["topic"],
            declared.get("durable", f"interlock-{system.name}-{subscription}"),
            declared.get("stream", ""),
            duration(declared.get("redeliver", USUAL_REDELIVERY)),
        )
        ear = Ear(broker, wanted, fitting, intake, declared.get("dead_letter", ""))
        await ear.listen(_place(system, secrets, root))


def _place(system: SystemDeclaration, secrets: SecretSource, root: Path) -> Place:
    """Return where the broker is. Raises `SystemUnreachable` for want of its authorities, and errors of secrets."""
    connection = system.connection
    auth = connection.get("auth", {})
    texts = {name: secrets.get(auth[name]).reveal() for name in ("password", "token") if name in auth}
    authorities, context = str(root / connection["ca"]) if "ca" in connection else "", None
    if connection.get("tls", True):
        try:
            context = NamingContext.trusting(authorities)
        except OSError:
            raise SystemUnreachable("the broker's authorities cannot be read", fix="compare `ca`") from None
    return Place(
        tuple(connection["servers"]),
        username=auth.get("username", ""),
        mechanism=auth.get("mechanism", ""),
        database=connection.get("database", 0),
        virtual_host=connection.get("virtual_host", "/"),
        tls=context,
        **texts,
    )


def _troubles(connection: Mapping[str, Any], root: Path) -> list[Trouble]:
    broker, found = BROKERS[connection["broker"]], list[Trouble]()
    if broker.name in {"redis", "rabbitmq"} and len(connection["servers"]) > 1:
        found.append(Trouble("/connection/servers", f"must be one server for {broker.name}"))
    for key, only in (("database", "redis"), ("virtual_host", "rabbitmq")):
        if key in connection and broker.name != only:
            found.append(Trouble(f"/connection/{key}", f"is for {only}"))
    for key, only in (("token", "nats"), ("mechanism", "kafka")):
        if key in connection.get("auth", {}) and broker.name != only:
            found.append(Trouble(f"/connection/auth/{key}", f"is for {only}"))
    if "ca" in connection and not (root / connection["ca"]).resolve().is_relative_to(root.resolve()):
        found.append(Trouble("/connection/ca", "must be a file of the project, given relative to it"))
    for name, declared in connection.get("subscriptions", {}).items():
        found += _heard(declared, broker, f"/connection/subscriptions/{name}", root)
    return found


def _heard(declared: Mapping[str, Any], broker: Broker, pointer: str, root: Path) -> list[Trouble]:
    """Return what is wrong with one subscription."""
    found: list[Trouble] = []
    if "stream" in declared and broker.name != "nats":
        found.append(Trouble(f"{pointer}/stream", "is for nats"))
    if "dead_letter" not in declared and not broker.keeps:
        found.append(Trouble(pointer, "needs `dead_letter`: this broker keeps nothing that was settled"))
    try:
        topic_of(declared["topic"])
        if "schema" in declared:
            schema_of(declared["schema"], root)
        if not 0.1 <= duration(declared.get("redeliver", USUAL_REDELIVERY)) <= 3600:
            found.append(Trouble(f"{pointer}/redeliver", "must be between 100ms and an hour"))
    except OperationInvalid as error:
        found.append(Trouble(pointer, str(error)))
    except QuantityInvalid as error:
        found.append(Trouble(f"{pointer}/redeliver", f"{error.what}; {error.fix}"))
    return found


plugin = BrokerPlugin()
"""The entry point."""

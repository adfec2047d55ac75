"""The systems of a project: compiled into a catalogue, and called through one door."""

from __future__ import annotations

from interlock.integration.connectors.errors import (
    DeliveryUnfit,
    DeliveryUnproven,
    OperationExternal,
    PackageMissing,
    SystemUnreachable,
)
from interlock.integration.connectors.interface import (
    FAILED,
    SUCCEEDED,
    UNKNOWN,
    Answer,
    Connector,
    Description,
    OperationDeclaration,
    Plugin,
    Ports,
    SecretSource,
    SystemDeclaration,
    SystemLimits,
    Trouble,
    failed,
    unanswered,
)
from interlock.integration.connectors.receiving import Arrival, Delivery, Receiver
from interlock.integration.systems.catalog import Catalog, CompiledOperation
from interlock.integration.systems.compilation import build_catalog
from interlock.integration.systems.discovery import discover
from interlock.integration.systems.errors import OperationUnknown, SystemUnknown
from interlock.integration.systems.systems import Systems

__all__ = [
    "FAILED",
    "SUCCEEDED",
    "UNKNOWN",
    "Answer",
    "Arrival",
    "Catalog",
    "CompiledOperation",
    "Connector",
    "Delivery",
    "DeliveryUnfit",
    "DeliveryUnproven",
    "Description",
    "OperationDeclaration",
    "OperationExternal",
    "OperationUnknown",
    "PackageMissing",
    "Plugin",
    "Ports",
    "Receiver",
    "SecretSource",
    "SystemDeclaration",
    "SystemLimits",
    "SystemUnknown",
    "SystemUnreachable",
    "Systems",
    "Trouble",
    "build_catalog",
    "discover",
    "failed",
    "unanswered",
]

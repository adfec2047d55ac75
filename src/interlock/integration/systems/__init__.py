"""The systems of a project: compiled into a catalogue, and called through one door."""

from __future__ import annotations

from interlock.integration.connectors.errors import (
    DeliveryUnfit,
    DeliveryUnproven,
    OperationExternal,
    PackageMissing,
    SourceUnfit,
    SystemUnreachable,
)
from interlock.integration.connectors.folding import folded
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
from interlock.integration.connectors.problems import PROBLEMS
from interlock.integration.connectors.receiving import Arrival, Delivery, Intake, Listener, Receiver
from interlock.integration.connectors.surveys import FILES, NAME, SECRET, STATE, Offer, Survey
from interlock.integration.systems.catalog import Catalog, CompiledOperation
from interlock.integration.systems.compilation import build_catalog
from interlock.integration.systems.discovery import discover
from interlock.integration.systems.errors import OperationUnknown, SourceUnknown, SourceUnreadable, SystemUnknown
from interlock.integration.systems.surveying import look
from interlock.integration.systems.systems import Systems

__all__ = [
    "FAILED",
    "FILES",
    "NAME",
    "PROBLEMS",
    "SECRET",
    "STATE",
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
    "Intake",
    "Listener",
    "Offer",
    "OperationDeclaration",
    "OperationExternal",
    "OperationUnknown",
    "PackageMissing",
    "Plugin",
    "Ports",
    "Receiver",
    "SecretSource",
    "SourceUnfit",
    "SourceUnknown",
    "SourceUnreadable",
    "Survey",
    "SystemDeclaration",
    "SystemLimits",
    "SystemUnknown",
    "SystemUnreachable",
    "Systems",
    "Trouble",
    "build_catalog",
    "discover",
    "failed",
    "folded",
    "look",
    "unanswered",
]

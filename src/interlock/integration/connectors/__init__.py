"""Connectors: one folder per kind of system, each a plug-in behind the one seam in `interface`."""

from __future__ import annotations

from interlock.integration.connectors.errors import OperationExternal, PackageMissing
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

__all__ = [
    "FAILED",
    "SUCCEEDED",
    "UNKNOWN",
    "Answer",
    "Connector",
    "Description",
    "OperationDeclaration",
    "OperationExternal",
    "PackageMissing",
    "Plugin",
    "Ports",
    "SecretSource",
    "SystemDeclaration",
    "SystemLimits",
    "Trouble",
    "failed",
    "unanswered",
]

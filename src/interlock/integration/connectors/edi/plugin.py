"""The `edi` connector: X12 and EDIFACT interchanges, received into a folder and sent from one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.foundation.documents import foreign
from interlock.foundation.settings.quantities import size
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.edi import survey
from interlock.integration.connectors.edi.connector import EdiConnector
from interlock.integration.connectors.edi.definitions import define
from interlock.integration.connectors.edi.inbox import InboxFolder
from interlock.integration.connectors.edi.ledger import Ledger
from interlock.integration.connectors.edi.messages import MAPPINGS
from interlock.integration.connectors.edi.operations import Operations
from interlock.integration.connectors.edi.syntax import Envelope, MappingInvalid, Party, parse_mapping
from interlock.integration.connectors.edi.syntax import Mapping as MessageMapping
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

USUAL_LIMIT = "16MiB"
MAX_MAPPING, MOST_LEVELS = 1 << 20, 100
_FOLDER = {"type": "string", "minLength": 1}
_PARTY = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 35},
        "qualifier": {"type": "string", "maxLength": 4, "description": "by default ZZ in X12, none in EDIFACT"},
        "application": {"type": "string", "maxLength": 15, "description": "in GS, where it differs from the id"},
    },
    "required": ["id"],
    "additionalProperties": False,
}


class EdiPlugin:
    """Describes from mappings, reads and writes folders."""

    name = "edi"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "standard": {"enum": ["x12", "edifact"]},
            "inbox": {**_FOLDER, "description": "the folder of received files, relative to the project"},
            "outbox": {**_FOLDER, "description": "the folder that files to be sent are written into"},
            "state": {**_FOLDER, "description": "a folder of ours, for what was taken and sent"},
            "us": {**_PARTY, "description": "our own end, as envelopes name it"},
            "partner": {**_PARTY, "description": "the other end"},
            "usage": {
                "enum": ["production", "test"],
                "description": "how envelopes are marked, theirs too; by default production",
            },
            "version": {"type": "string", "pattern": "^00[0-9]{4}$", "description": "of X12 envelopes; 004010"},
            "encoding": {
                "enum": ["ascii", "latin-1", "utf-8"],
                "description": "of X12 files, by default latin-1; EDIFACT names its own",
            },
            "max_size": {
                "type": "string",
                "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?(B|kB|MB|GB|KiB|MiB|GiB)$",
                "description": "the largest file that is read, by default 16MiB",
            },
            "mappings": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "files of the project with mappings, beside or instead of those that ship",
            },
        },
        "required": ["standard", "inbox", "outbox", "state", "us", "partner"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        mappings, troubles = _mappings(system, root)
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a file takes no header; `send` keeps to the key by itself: write `idempotent: true`"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, mappings, system.connection["standard"])
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is an interchange."""
        return survey.recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return what an interchange offers. Raises `SourceUnfit`."""
        return await asyncio.to_thread(survey.survey, source, ports.root)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        connection = system.connection
        standard = connection["standard"]
        inbox = InboxFolder(
            ports.root / connection["inbox"],
            connection["partner"]["id"],
            connection["us"]["id"],
            connection.get("encoding", "latin-1"),
            size(connection.get("max_size", USUAL_LIMIT)),
            connection.get("usage") == "test",
        )
        ledger = Ledger(ports.root / connection["state"], ports.root / connection["outbox"])
        envelope = Envelope(
            standard,
            Party(**connection["us"]),
            Party(**connection["partner"]),
            connection.get("version", "004010") if standard == "x12" else "",
            connection.get("usage", "production"),
        )
        mappings, _ = _mappings(system, ports.root)
        operations = Operations(inbox, ledger, envelope, mappings, system.limits.response)
        return EdiConnector(definitions, operations, system.limits.concurrency)


def _mappings(system: SystemDeclaration, root: Path) -> tuple[dict[str, MessageMapping], list[Trouble]]:
    """Return the mappings that ship and those of the project, which go first, and what is wrong with them."""
    found = dict(MAPPINGS)
    troubles: list[Trouble] = []
    for index, name in enumerate(system.connection.get("mappings", ())):
        try:
            mapping = _mapping(root, name)
        except MappingInvalid as error:
            troubles.append(Trouble(f"/connection/mappings/{index}", f"{name}: {error}"))
            continue
        found[mapping.message] = mapping
    return found, troubles


def _mapping(root: Path, name: str) -> MessageMapping:
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file() or file.stat().st_size > MAX_MAPPING:
        raise MappingInvalid("must be a file of the project, given relative to it")
    try:
        return parse_mapping(foreign(file.read_bytes(), deepest=MOST_LEVELS))
    except (OSError, ValueError) as error:
        if isinstance(error, MappingInvalid):
            raise
        raise MappingInvalid("is no YAML that can be read") from None


plugin = EdiPlugin()
"""The entry point."""

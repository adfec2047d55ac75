"""The `fixed` connector: files of records that a COBOL copybook describes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.fixed import survey
from interlock.integration.connectors.fixed.connector import FixedConnector
from interlock.integration.connectors.fixed.copybook import CHARSETS, DIALECTS
from interlock.integration.connectors.fixed.definitions import define
from interlock.integration.connectors.fixed.files import RecordFile
from interlock.integration.connectors.fixed.setup import Setup, read_setup
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"}
_FIELD = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$"}
_VALUE = {"type": ["string", "number"]}
_RECORD = {
    "type": "object",
    "properties": {
        "level": {**_NAME, "description": "the copybook's 01 of it; by default the one of the same name"},
        "key": {"type": "array", "items": _FIELD, "minItems": 1, "description": "fields that tell one from another"},
        "when": {
            "description": "how it is told from the file's other records: a level 88, or values by field",
            "oneOf": [
                _NAME,
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {"oneOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1}]},
                },
            ],
        },
        "omit": {"type": "array", "items": _FIELD, "description": "fields that are neither shown nor written"},
    },
    "additionalProperties": False,
}


class FixedPlugin:
    """Describes from the copybook, reads and writes the file."""

    name = "fixed"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "minLength": 1, "description": "the data file, relative to the project"},
            "copybook": {"type": "string", "minLength": 1, "description": "the copybook, a file of the project"},
            "source": {"enum": ["auto", "fixed", "free"], "description": "the copybook's reference format"},
            "encoding": {"enum": sorted(CHARSETS), "description": "the file's code page; by default ascii"},
            "dialect": {
                "enum": sorted(DIALECTS),
                "description": "whose storage it is; by default ibm for EBCDIC, else gnucobol",
            },
            "format": {
                "enum": ["fixed", "variable", "blocked", "lines", "gnucobol-variable"],
                "description": "how records are told apart: by length, RDW, BDW and RDW, line ends; by default fixed",
            },
            "record_length": {"type": "integer", "minimum": 1, "maximum": 1 << 20},
            "line_end": {"enum": ["lf", "crlf", "nel", "ebcdic-lf"]},
            "sign": {"enum": ["high", "letters"], "description": "a negative ASCII digit: p to y, or } and J to R"},
            "floats": {"enum": ["ibm", "ieee-big", "ieee-little"], "description": "the form of COMP-1 and COMP-2"},
            "native_order": {"enum": ["big", "little"], "description": "the byte order of COMP-5"},
            "tables": {
                "enum": ["slide", "stay"],
                "description": "whether what follows a table of changing length moves with it",
            },
            "max_size": {
                "type": "string",
                "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?(B|kB|MB|GB|KiB|MiB|GiB)$",
                "description": "the largest file that is read or written, by default 64MiB",
            },
            "records": {"type": "object", "propertyNames": _NAME, "additionalProperties": _RECORD},
        },
        "required": ["file", "copybook"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        setup, troubles = read_setup(system, root)
        if setup is None:
            return Description({}, tuple(troubles))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a file takes no header; give the record a `key`, and write `idempotent: true`"
                troubles.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, setup)
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is a copybook."""
        return survey.recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return what a copybook, and the file beside it, offers. Raises `SourceUnfit`."""
        return await asyncio.to_thread(survey.survey, source, ports.root)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        setup, _ = read_setup(system, ports.root)
        if setup is None:
            setup = Setup.empty()  # the copybook went away after it was described; every call says so
        file = RecordFile(ports.root / system.connection["file"], setup.format, setup.limit)
        return FixedConnector(system, definitions, setup, file)


plugin = FixedPlugin()
"""The entry point."""

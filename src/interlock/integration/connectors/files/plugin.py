"""The `files` connector: folders of files of rows, on this machine, by SFTP, or in an object store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.files import surveying
from interlock.integration.connectors.files.changes import Changes
from interlock.integration.connectors.files.columns import TYPES
from interlock.integration.connectors.files.connector import FilesConnector
from interlock.integration.connectors.files.definitions import READS, define
from interlock.integration.connectors.files.formats.choice import FORMAT_SCHEMA
from interlock.integration.connectors.files.operations import Operations
from interlock.integration.connectors.files.places.choice import PLACE_SCHEMA, place_of, place_troubles
from interlock.integration.connectors.files.setup import setup_of, troubles
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.notes import Notes
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,62}$"}
_COLUMN = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,62}$"}
_SHORT = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}
_TYPE = {
    "enum": [f"{name}{mark}" for name in TYPES for mark in ("", "?")],
    "description": "with ? where a cell may be empty",
}
_SIZE = {"type": "string", "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?(B|kB|MB|GB|KiB|MiB|GiB)$"}
_FOLDER = {
    "type": "object",
    "properties": {
        "path": {**_SHORT, "description": "below the place's root; . is the root itself"},
        "pattern": {**_SHORT, "description": "which names files have, such as *.csv; by default all"},
        "format": FORMAT_SCHEMA,
        "columns": {
            "type": "object",
            "propertyNames": _COLUMN,
            "minProperties": 1,
            "maxProperties": 2000,
            "additionalProperties": {
                "oneOf": [
                    _TYPE,
                    {
                        "type": "object",
                        "properties": {
                            "type": _TYPE,
                            "heading": {**_SHORT, "description": "what the file calls it"},
                            "pattern": {**_SHORT, "description": "how dates are written, such as %d.%m.%Y"},
                        },
                        "required": ["type"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
        "key": {"type": "array", "items": _COLUMN, "minItems": 1, "description": "columns that tell rows apart"},
        "other_columns": {
            "enum": ["refuse", "leave"],
            "description": "what is done with a file that has more columns; by default it is refused",
        },
        "on_bad_row": {
            "enum": ["refuse", "quarantine"],
            "description": "a row that cannot be read has the file refused, or is named beside the others",
        },
    },
    "required": ["path"],
    "additionalProperties": False,
}


class FilesPlugin:
    """Describes from the declaration alone, reads and writes files."""

    name = "files"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "place": PLACE_SCHEMA,
            "state": {**_SHORT, "description": "a folder of the project's for what was done; needed to change files"},
            "folders": {
                "type": "object",
                "propertyNames": _NAME,
                "minProperties": 1,
                "additionalProperties": _FOLDER,
            },
            "max_size": {**_SIZE, "description": "the largest file that is read or written, by default 64MiB"},
            "max_unpacked": {**_SIZE, "description": "what a workbook or row group may unpack to, by default 256MiB"},
            "max_rows": {"type": "integer", "minimum": 1, "maximum": 1_000_000_000, "description": "usually 1000000"},
            "max_columns": {"type": "integer", "minimum": 1, "maximum": 16384, "description": "by default 500"},
            "max_cell": {
                "type": "integer",
                "minimum": 1,
                "maximum": 131072,
                "description": "signs in a cell, by default 32768",
            },
        },
        "required": ["place", "folders"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        found = [*place_troubles(system.connection["place"]), *troubles(system.connection), *_state(system, root)]
        if found:
            return Description({}, tuple(found))
        setup = setup_of(system.connection)
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a file takes no header; with `idempotent: true` the action's key is kept in `state`"
                found.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                appends = "store" not in system.connection["place"]
                definitions[name] = define(operation, setup, appends=appends)
            except OperationInvalid as error:
                found.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(found))

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        setup = setup_of(system.connection)
        place = place_of(system.connection["place"], ports)
        changes = Changes(setup, place, Notes(ports.root / system.connection.get("state", ".")))
        operations = Operations(setup, place, changes, system.limits.response)
        return FilesConnector(system, definitions, operations)

    def recognises(self, source: Source) -> bool:
        return surveying.recognises(source, Path.cwd())

    async def survey(self, source: Source, ports: Ports) -> Survey:
        return await asyncio.to_thread(surveying.survey, source, ports.root)


def _state(system: SystemDeclaration, root: Path) -> Iterator[Trouble]:
    state = system.connection.get("state")
    changing = any(one.origin.partition(" ")[0] not in READS for one in system.operations.values())
    if changing and state is None:
        yield Trouble("/connection/state", "is missing: a folder where it is kept what was done, so as to do it once")
    if state is not None and not (root / state).resolve().is_relative_to(root.resolve()):
        yield Trouble("/connection/state", "must be a folder of the project")


plugin = FilesPlugin()
"""The entry point."""

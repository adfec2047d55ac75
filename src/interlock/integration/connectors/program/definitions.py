"""From a declared command to an operation's definition, and to what runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.fixed.definitions import fingerprint
from interlock.integration.connectors.fixed.setup import RecordType, read_setup
from interlock.integration.connectors.interface import OperationDeclaration, SystemDeclaration
from interlock.integration.connectors.program.command import Command, CommandInvalid, command_of, places_of
from interlock.integration.connectors.program.forms import (
    Given,
    GivenJson,
    GivenNothing,
    GivenRecord,
    GivenText,
    Said,
    SaidJson,
    SaidLines,
    SaidNothing,
    SaidRecords,
    SaidTable,
    SaidText,
)
from interlock.integration.contracts import Contract, Definition, SchemaInvalid

OK = "ok"
_WORD = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
_RECORD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "copybook": {"type": "string", "minLength": 1},
        "record": {"type": "string", "minLength": 1},
        "encoding": {"type": "string"},
    },
    "required": ["copybook"],
    "additionalProperties": False,
}
OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "stdin": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "json": {"const": True},
                "record": {**_RECORD, "properties": {**_RECORD["properties"], "with": {"type": "object"}}},
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
        "stdout": {
            "type": "object",
            "properties": {
                **{name: {"const": True} for name in ("text", "json", "lines", "nothing")},
                "table": {
                    "type": "object",
                    "properties": {
                        "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
                        "columns": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
                    },
                    "additionalProperties": False,
                },
                "record": _RECORD,
                "records": _RECORD,
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
        "exit": {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9]{1,3}$"},
            "additionalProperties": _WORD,
        },
        "dashes": {"type": "boolean"},
    },
    "additionalProperties": False,
}
"""The JSON Schema of `options`."""
_FITS = Contract(OPTIONS)


@dataclass(frozen=True, slots=True)
class Job:
    """How one operation is run. *exits* says what an exit code means: `ok`, or the code of a problem."""

    command: Command
    given: Given
    said: Said
    exits: Mapping[int, str] = field(default_factory=dict)


def job_of(operation: OperationDeclaration, system: SystemDeclaration, root: Path) -> Job:
    """Return how *operation* is run; reads the copybooks that it names. Raises `OperationInvalid`."""
    written = operation.settings.get("options") or {}
    options = {**written, "exit": {str(code): word for code, word in (written.get("exit") or {}).items()}}
    if breaches := _FITS.breaches(options):
        raise OperationInvalid(f"{breaches[0].pointer or 'options'} {breaches[0].reason}", "options")
    try:
        command = command_of(operation.origin, dashes=options.get("dashes", False))
    except CommandInvalid as error:
        raise OperationInvalid(str(error)) from None
    names = frozenset((operation.settings.get("input") or {}).get("properties", {}))
    given: Given = GivenNothing()
    stdin = options.get("stdin", {})
    if "text" in stdin:
        given = GivenText(stdin["text"])
    elif "json" in stdin:
        given = GivenJson(names - command.places)
    elif "record" in stdin:
        given = _given_record(stdin["record"], system, root)
    exits = {0: OK} | {int(code): word for code, word in options["exit"].items()}
    return Job(command, given, _said(options.get("stdout", {"text": True}), system, root), exits)


def _given_record(written: Mapping[str, Any], system: SystemDeclaration, root: Path) -> GivenRecord:
    record, fixed = _record(written, system, root, "stdin"), written.get("with", {})
    schema = {"type": "object", "properties": GivenRecord(record).members, "additionalProperties": False}
    if breaches := Contract(schema).breaches(fixed):
        raise OperationInvalid(f"stdin: with{breaches[0].pointer} {breaches[0].reason}", "options")
    return GivenRecord(record, fixed)


def _said(stdout: Mapping[str, Any], system: SystemDeclaration, root: Path) -> Said:
    if "table" in stdout:
        return SaidTable(stdout["table"].get("delimiter", ","), tuple(stdout["table"].get("columns", ())))
    for word in ("record", "records"):
        if word in stdout:
            return SaidRecords(_record(stdout[word], system, root, "stdout"), single=word == "record")
    simple: dict[str, Said] = {"text": SaidText(), "json": SaidJson(), "lines": SaidLines(), "nothing": SaidNothing()}
    return simple[next(iter(stdout))]


def _record(written: Mapping[str, Any], system: SystemDeclaration, root: Path, where: str) -> RecordType:
    """Return the record that a copybook describes, by the reader of files of records: a line is one."""
    connection = {
        "file": "-",
        "copybook": written["copybook"],
        "encoding": written.get("encoding", "ascii"),
        "format": "lines",
        "line_end": "lf",
        **({"records": {written["record"]: {}}} if "record" in written else {}),
    }
    try:
        setup, troubles = read_setup(SystemDeclaration(system.name, "fixed", connection=connection), root)
    except KeyError:
        raise OperationInvalid(f"{where}: its encoding is not one of a copybook", "options") from None
    if setup is None:
        raise OperationInvalid(f"{where}: {troubles[0].message}", "options")
    return next(iter(setup.records.values()))


def define(operation: OperationDeclaration, job: Job) -> Definition:
    """Return the definition of an operation that *job* runs. Raises `OperationInvalid`."""
    settings = operation.settings
    schema = dict(settings.get("input") or {"type": "object", "properties": {}})
    properties = {**schema.get("properties", {})}
    if isinstance(job.given, GivenRecord):
        properties = {**job.given.members, **properties}
    schema = {"additionalProperties": False, **schema, "type": "object", "properties": properties}
    _all_used(job, properties)
    output = settings.get("output_schema") or job.said.schema()
    for part, key in ((schema, "input"), (output, "output_schema")):
        try:
            Contract(part or {})
        except SchemaInvalid as error:
            raise OperationInvalid(f"is no JSON Schema: {error}", key) from None
    binding: dict[str, Any] = {
        "command": list(job.command.words),
        "options": {name: value for name, value in (settings.get("options") or {}).items() if name != "exit"},
        "exit": {str(code): word for code, word in job.exits.items()},
    }
    records = [one.record for one in (job.given, job.said) if isinstance(one, (GivenRecord, SaidRecords))]
    if records:
        binding["layouts"] = [fingerprint(record.layout) for record in records]
    return Definition(schema, output, binding, str(settings.get("description", "")))


def _all_used(job: Job, properties: Mapping[str, Any]) -> None:
    """Raise `OperationInvalid` for a place without its argument, and for an argument that nothing is done with."""
    used = set(job.command.places)
    if isinstance(job.given, GivenText):
        used |= places_of(job.given.template)
    if unknown := used - properties.keys():
        raise OperationInvalid(f"has a place {{{min(unknown)}}}, which `input` does not declare")
    if isinstance(job.given, GivenJson):
        used |= job.given.names
    if isinstance(job.given, GivenRecord):
        used |= job.given.members.keys()
    if unused := properties.keys() - used:
        raise OperationInvalid(f"declares {min(unused)!r}, for which neither command nor `stdin` has a place", "input")

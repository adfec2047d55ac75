"""From `VERB FOLDER` to an operation's definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid, closed
from interlock.integration.connectors.files.columns import Column
from interlock.integration.connectors.files.formats.interface import Growing
from interlock.integration.connectors.files.names import MOST_NAME
from interlock.integration.connectors.files.setup import Folder, Setup
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

PAGE = 100
MOST_ON_A_PAGE = 1000
MOST_WRITTEN = 10_000
READS = frozenset({"list", "rows", "record"})
_FOLDERS = {"list": 1, "rows": 1, "record": 1, "append": 1, "write": 1, "move": 2}
_OPTIONS = {"rows": {"filters"}, "write": {"existing"}}

_FILE = {"type": "string", "minLength": 1, "maxLength": MOST_NAME, "description": "a file's name in its folder"}
_COUNT = {"type": "integer", "minimum": 0}
_VERSION = {"type": "string", "maxLength": 200, "description": "changes whenever the file does"}
_QUARANTINED = {
    "type": "array",
    "description": "rows that cannot be read as declared; they stand in the file, and are not among the others",
    "items": {
        "type": "object",
        "properties": {"row": {"type": "integer"}, "column": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["row", "reason"],
        "additionalProperties": False,
    },
}


def define(operation: OperationDeclaration, setup: Setup, *, appends: bool) -> Definition:
    """Return the definition of one operation; *appends* says whether the place lets files grow.

    Raises `OperationInvalid`.
    """
    verb, *names = operation.origin.split()
    if verb not in _FOLDERS or len(names) != _FOLDERS[verb] or not set(names) <= set(setup.folders):
        forms = ", ".join(f"{verb}{' FOLDER' * count}" for verb, count in _FOLDERS.items())
        raise OperationInvalid(f"must be one of: {forms}; folders: {', '.join(setup.folders)}")
    if (verb in READS) != (operation.effect is Effect.read):
        does = "is a read" if verb in READS else "changes something"
        raise OperationInvalid(f"{verb} {does}, so its effect is another", "effect")
    options = operation.settings.get("options") or {}
    if unknown := options.keys() - _OPTIONS.get(verb, set()):
        raise OperationInvalid(f"{verb} knows no option {', '.join(sorted(unknown))}", "options")
    folder = setup.folders[names[0]]
    _possible(verb, folder, appends=appends)
    binding: dict[str, Any] = {"verb": verb, "folders": names}
    if verb == "list":
        return _list(folder, binding)
    if verb == "move":
        return _move(folder, setup.folders[names[1]], binding)
    binding["columns"] = {name: [one.type, one.optional, one.label] for name, one in folder.columns.items()}
    if verb == "rows":
        return _rows(folder, options, binding)
    return _record(folder, binding) if verb == "record" else _written(verb, folder, options, binding)


def _possible(verb: str, folder: Folder, *, appends: bool) -> None:
    if verb in {"rows", "record", "append", "write"} and folder.format is None:
        raise OperationInvalid(f"{verb} needs `format` and `columns` of the folder {folder.name}")
    if verb == "record" and not folder.key:
        raise OperationInvalid(f"record needs the `key` of the folder {folder.name}")
    if verb == "append" and not isinstance(folder.format, Growing):
        raise OperationInvalid("append is for csv and jsonl; of other formats, write a new file")
    if verb == "append" and not appends:
        raise OperationInvalid("an object of a store cannot grow; write a new one")


def _list(folder: Folder, binding: dict[str, Any]) -> Definition:
    arguments = {
        "after": {**_FILE, "description": "`next` of the page before"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": PAGE},
    }
    file = _whole(
        file=_FILE, size=_COUNT, modified={"type": ["string", "null"], "description": "UTC"}, version=_VERSION
    )
    others = {**_COUNT, "description": "what else stands there: folders, links, names that do not fit"}
    output = _whole(files={"type": "array", "items": file}, next={"type": ["string", "null"]}, others=others)
    return Definition(closed(arguments), output, binding, f"The files of {folder.name} by name, a page of them.")


def _rows(folder: Folder, options: Mapping[str, Any], binding: dict[str, Any]) -> Definition:
    filters = options.get("filters", list(folder.columns))
    for name in filters:
        if name not in folder.columns:
            raise OperationInvalid(f"filters names {name}, which is no declared column", "options")
        if name in {"file", "offset", "limit", "if_version"}:
            raise OperationInvalid(f"a column called {name} cannot be a filter; leave it out of `filters`", "options")
    arguments: dict[str, Any] = {"file": _FILE}
    arguments |= {name: folder.columns[name].output for name in filters}
    arguments["offset"] = {**_COUNT, "description": "rows of the file to pass over; `next` of the page before"}
    arguments["limit"] = {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": PAGE}
    arguments["if_version"] = {**_VERSION, "description": "only if the file still has this version"}
    output = _whole(
        rows={"type": "array", "items": _row(folder.columns)},
        quarantined=_QUARANTINED,
        next={"type": ["integer", "null"], "description": "what to ask for more with, as `offset`"},
        version=_VERSION,
    )
    binding["filters"] = list(filters)
    described = f"Rows of a file of {folder.name} that fit, in the file's order, a page of them."
    return Definition(closed(arguments, ("file",)), output, binding, described)


def _record(folder: Folder, binding: dict[str, Any]) -> Definition:
    if any(column.name == "file" for column in folder.key):
        raise OperationInvalid("a column of the key is called file, which is an argument of its own here")
    arguments = {"file": _FILE, **{column.name: column.schema for column in folder.key}}
    output = _whole(row=_row(folder.columns), number={"type": "integer"}, version=_VERSION)
    return Definition(closed(arguments, tuple(arguments)), output, binding, f"The {folder.name} row of a key.")


def _written(verb: str, folder: Folder, options: Mapping[str, Any], binding: dict[str, Any]) -> Definition:
    existing = options.get("existing", "refuse")
    if existing not in {"refuse", "replace"}:
        raise OperationInvalid("existing must be refuse or replace", "options")
    needed = tuple(name for name, column in folder.columns.items() if not column.optional)
    row = closed({name: column.output for name, column in folder.columns.items()}, needed)
    arguments = {"file": _FILE, "rows": {"type": "array", "items": row, "minItems": 1, "maxItems": MOST_WRITTEN}}
    done = {"type": "boolean", "description": "false where the same call had done it already"}
    output = _whole(file=_FILE, rows=_COUNT, size=_COUNT, done=done)
    if verb == "write":
        binding["existing"] = existing
        described = f"Write a new file of rows into {folder.name}."
        if existing == "replace":
            described = f"Write a file of rows into {folder.name}, in the place of one of its name."
    else:
        described = f"Add rows to a file of {folder.name}."
    return Definition(closed(arguments, ("file", "rows")), output, binding, described)


def _move(source: Folder, target: Folder, binding: dict[str, Any]) -> Definition:
    if source.name == target.name:
        raise OperationInvalid("moves a file to where it is")
    done = {"type": "boolean", "description": "false where the same call had done it already"}
    output = _whole(file=_FILE, done=done)
    described = f"Move a file from {source.name} to {target.name}."
    return Definition(closed({"file": _FILE}, ("file",)), output, binding, described)


def _row(columns: Mapping[str, Column]) -> dict[str, Any]:
    return _whole(**{name: column.output for name, column in columns.items()})


def _whole(**properties: Any) -> dict[str, Any]:
    return closed(properties, tuple(properties))

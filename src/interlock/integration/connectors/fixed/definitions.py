"""From `VERB RECORD` to an operation's definition."""

from __future__ import annotations

from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.fixed.copybook import Layout, Leaf, Node, Table
from interlock.integration.connectors.fixed.copybook.placement import MOST_UNREAD
from interlock.integration.connectors.fixed.schemas import VERSION, argument, is_wide, output_of, written_of
from interlock.integration.connectors.fixed.setup import Place, RecordType, Setup
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Definition
from interlock.values.digests import digest
from interlock.values.operations import Effect

VERBS = ("list", "get", "append", "rewrite")
PAGE = 100
MOST_ON_A_PAGE = 1000


def define(operation: OperationDeclaration, setup: Setup) -> Definition:
    """Return the definition of one operation. Raises `OperationInvalid`."""
    verb, _, name = operation.origin.partition(" ")
    record = setup.records.get(name.strip())
    if verb not in VERBS or record is None:
        known = f"{', '.join(VERBS)}, and one of {', '.join(setup.records)}"
        raise OperationInvalid(f"must be a verb and a record, such as `list {next(iter(setup.records))}`: {known}")
    reads = verb in {"list", "get"}
    if reads != (operation.effect is Effect.read):
        raise OperationInvalid(f"{verb} {'is a read' if reads else 'changes the file'}, so its effect is another")
    options = operation.settings.get("options") or {}
    if unknown := options.keys() - ({"filters", "ranges"} if verb == "list" else set()):
        raise OperationInvalid(f"{verb} knows no option {', '.join(sorted(unknown))}", "options")
    if verb in {"get", "rewrite"} and not record.key:
        raise OperationInvalid(f"{verb} needs the record's `key`, in connection.records.{record.name}")
    if verb == "append" and operation.settings.get("idempotent") and not record.key:
        raise OperationInvalid("append is idempotent only where the record has a `key`", "idempotent")
    binding: dict[str, Any] = {"verb": verb, "record": record.name, "layout": fingerprint(record.layout)}
    if verb == "list":
        return _list(record, options, binding)
    if verb == "get":
        return Definition(_object(_key(record)), output_of(record), binding, f"The {record.name} record of a key.")
    return _append(record, binding) if verb == "append" else _rewrite(record, binding)


def fingerprint(layout: Layout) -> str:
    """Return a digest of every field, its place and its form."""
    return digest([_outline(layout.root), [[leaf.cobol, offset] for leaf, offset in layout.renames]])


def _outline(node: Node) -> list[Any]:
    if isinstance(node, Leaf):
        return [node.cobol, repr(node.codec), node.first.hex()]
    if isinstance(node, Table):
        depending = node.depending.cobol if node.depending is not None else ""
        return [node.cobol, node.least, node.most, depending, _outline(node.item)]
    members = zip(node.members, node.offsets, strict=True)
    return [node.cobol, [[offset, _outline(member)] for member, offset in members]]


def _list(record: RecordType, options: dict[str, Any], binding: dict[str, Any]) -> Definition:
    usual = [
        place.path
        for place in record.places.values()
        if "." not in place.path and not (place.leaf.redefines and is_wide(place.leaf))
    ]
    filters = [_chosen(record, one, "filters") for one in options.get("filters", usual)]
    ranges = [_chosen(record, one, "ranges") for one in options.get("ranges", ())]
    properties: dict[str, Any] = {place.name: argument(place) for place in filters}
    for place in ranges:
        properties[f"{place.name}_from"] = properties[f"{place.name}_to"] = argument(place)
    properties["after"] = {"type": "string", "maxLength": 200, "description": "`next` of the page before"}
    properties["limit"] = {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": PAGE}
    output = {
        "type": "object",
        "properties": {
            "records": {"type": "array", "items": output_of(record)},
            "next": {"type": ["string", "null"], "description": "what to ask for more with, as `after`"},
            "unknown": {
                "type": "array",
                "items": {"type": "integer"},
                "maxItems": MOST_UNREAD,
                "description": "numbers of records that are of no declared kind, or whose kind cannot be told",
            },
        },
        "required": ["records", "next", "unknown"],
        "additionalProperties": False,
    }
    binding |= {
        "filters": {place.name: place.path for place in filters},
        "ranges": {place.name: place.path for place in ranges},
    }
    return Definition(_object(properties, ()), output, binding, f"The {record.name} records that fit, a page of them.")


def _chosen(record: RecordType, written: str, key: str) -> Place:
    path = str(written).lower().replace("-", "_")
    for place in record.places.values():
        if path in {place.path, place.name} and place.path.split(".")[0] not in record.omit:
            return place
    raise OperationInvalid(f"{key} names {written}, which is no field of fixed place", "options")


def _key(record: RecordType) -> dict[str, Any]:
    return {place.name: argument(place) for place in record.key}


def _object(properties: dict[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    names = list(properties) if required is None else list(required)
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": names} if names else {}),
    }


def _append(record: RecordType, binding: dict[str, Any]) -> Definition:
    required = tuple(dict.fromkeys(place.path.split(".")[0] for place in record.key))
    output = _object(
        {
            "number": {"type": "integer", "minimum": 1},
            "version": VERSION,
            "appended": {"type": "boolean", "description": "false where the same record was there already"},
        }
    )
    return Definition(_object(written_of(record), required), output, binding, f"Add one {record.name} record.")


def _rewrite(record: RecordType, binding: dict[str, Any]) -> Definition:
    properties = {name: _without_key(name, schema, record) for name, schema in written_of(record).items()}
    properties = {name: schema for name, schema in properties.items() if schema is not None}
    if clash := properties.keys() & {place.name for place in record.key}:
        raise OperationInvalid(f"the key and a field are both called {', '.join(sorted(clash))}")
    if "if_version" in properties:
        raise OperationInvalid("the record has a field IF-VERSION, which is an argument of its own here")
    version = {**VERSION, "description": "only if the record still has this version"}
    output = _object({"number": {"type": "integer"}, "version": VERSION, "changed": {"type": "boolean"}})
    return Definition(
        _object({**_key(record), **properties, "if_version": version}, tuple(place.name for place in record.key)),
        output,
        binding,
        f"Change fields of the {record.name} record of a key; the others keep their bytes.",
    )


def _without_key(path: str, schema: dict[str, Any], record: RecordType) -> dict[str, Any] | None:
    if any(place.path == path for place in record.key):
        return None
    if schema["type"] != "object" or not any(place.path.startswith(f"{path}.") for place in record.key):
        return schema
    inner = {name: _without_key(f"{path}.{name}", one, record) for name, one in schema["properties"].items()}
    left = {name: one for name, one in inner.items() if one is not None}
    return {**schema, "properties": left} if left else None

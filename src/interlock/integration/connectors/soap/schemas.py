"""Shapes as JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.integration.connectors.soap.documents import WsdlInvalid
from interlock.integration.connectors.soap.shapes import TEXT, VARIANT, Shape, flat
from interlock.integration.connectors.soap.texts import kind_of

MOST_INLINED = 2000
RAW = "xml"
"""The key of what stands where a type is open to any element: each as a text of XML."""
_RAW = {"type": "array", "items": {"type": "string"}, "description": "elements that the WSDL does not describe, as XML"}


class _TooMuch(Exception):
    """What is written in place has become too large."""


def arguments_schema(root: str, records: Mapping[str, Shape]) -> dict[str, Any]:
    """Return the schema of what the record *root* is made from. Raises `WsdlInvalid` for what cannot be sent."""
    return _schema(_Given, root, records)


def result_schema(root: str, records: Mapping[str, Shape]) -> dict[str, Any]:
    """Return the schema of what is read as the record *root*."""
    return _schema(_Read, root, records)


def _schema(form: type[_Given | _Read], root: str, records: Mapping[str, Shape]) -> dict[str, Any]:
    """Write types in place, those that hold themselves as `$defs`; if that becomes too large, all of them."""
    try:
        return form(records, inline=True).root(root)
    except _TooMuch:
        return form(records, inline=False).root(root)


class _Form:
    """What the schemas of arguments and results share."""

    def __init__(self, records: Mapping[str, Shape], *, inline: bool) -> None:
        self._records = records
        self._inline = inline
        self._definitions: dict[str, Any] = {}
        self._referred: set[str] = set()
        self._parts = 0

    def root(self, name: str) -> dict[str, Any]:
        schema = self._record(name, (name,))
        if name in self._referred:
            self._definitions[name] = schema
        return schema | ({"$defs": self._definitions} if self._definitions else {})

    def _type(self, shape: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
        self._parts += 1
        if self._inline and self._parts > MOST_INLINED:
            raise _TooMuch
        if "ref" in shape:
            return self._reference(shape["ref"], within)
        if "list" in shape:
            return {"type": "array", "items": self._type(shape["list"], within)}
        if "any" in shape:
            return {"type": "string"}
        return kind_of(shape["kind"]).schema(shape.get("facets", {}))

    def _reference(self, name: str, within: tuple[str, ...]) -> dict[str, Any]:
        if name in within or not self._inline:
            known = name in self._referred or name in within
            self._referred.add(name)
            if not known:
                self._definitions[name] = {}
                self._definitions[name] = self._record(name, (name,))
            return {"$ref": f"#/$defs/{name}"}
        found = self._record(name, (*within, name))
        if name in self._referred:
            self._definitions.setdefault(name, found)
            return {"$ref": f"#/$defs/{name}"}
        return found

    def _member(self, part: Mapping[str, Any], within: tuple[str, ...]) -> dict[str, Any]:
        if "group" in part:
            schema = self._members(part["group"], within)
        else:
            schema = self._type(part["type"], within)
            if self._may_be_nil(part):
                schema = _nullable(schema)
        if part["max"] != 1:
            schema = {"type": "array", "items": schema, **self._lengths(part)}
        return schema | ({"description": part["about"]} if part.get("about") else {})

    def _record(self, name: str, within: tuple[str, ...]) -> dict[str, Any]:
        record = self._records[name]
        if "variants" in record:
            return {"anyOf": [self._type({"ref": one["ref"]}, within) for one in record["variants"]] or [{}]}
        schema = self._members(record["content"], within)
        for one in record.get("attributes", ()):
            schema["properties"][one["as"]] = self._type(one["type"], within) | _about(one)
        required = [one["as"] for one in record.get("attributes", ()) if one.get("required")]
        if "variant" in record:
            schema["properties"][VARIANT] = {"const": record["variant"]}
            required.append(VARIANT)
        if "text" in record:
            schema["properties"][TEXT] = self._type(record["text"], within)
            required.append(TEXT)
        if required:
            schema["required"] = sorted({*schema.get("required", ()), *required})
        return schema

    def _members(self, content: Sequence[Mapping[str, Any]], within: tuple[str, ...]) -> dict[str, Any]:
        properties = {part["as"]: self._member(part, within) for part in self._shown(content)}
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        required = sorted(part["as"] for part in content if "choice" not in part and part["min"] > 0)
        return schema | ({"required": required} if required else {})

    def _shown(self, content: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        return flat(content)

    def _lengths(self, part: Mapping[str, Any]) -> dict[str, Any]:
        del part
        return {}

    def _may_be_nil(self, part: Mapping[str, Any]) -> bool:
        return bool(part.get("nil"))


class _Given(_Form):
    """Arguments: choices are held to, what cannot be sent is left out where it may be."""

    def _shown(self, content: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for part in flat(content):
            if "group" in part or not self._unsendable(part):
                yield part
            elif part["min"] > 0:
                raise WsdlInvalid(f"needs {part['as']!r}, of an abstract type that has no or too many kinds")

    def _unsendable(self, part: Mapping[str, Any]) -> bool:
        reference = part["type"].get("ref")
        return bool(part.get("abstract") or (reference and self._records[reference].get("variants") == []))

    def _may_be_nil(self, part: Mapping[str, Any]) -> bool:
        """An element that is nil still needs its attributes, for which null has no place."""
        record = self._records.get(part["type"].get("ref", ""), {})
        return super()._may_be_nil(part) and not any(one.get("required") for one in record.get("attributes", ()))

    def _members(self, content: Sequence[Mapping[str, Any]], within: tuple[str, ...]) -> dict[str, Any]:
        schema = super()._members(content, within)
        always = schema.get("required", [])
        choices = [found for part in content if "choice" in part and (found := _exactly_one(part, always))]
        if len(choices) == 1:
            schema["oneOf"] = choices[0]
        elif choices:
            schema["allOf"] = [{"oneOf": options} for options in choices]
        return schema

    def _lengths(self, part: Mapping[str, Any]) -> dict[str, Any]:
        found = {"minItems": part["min"]} if part["min"] > 0 else {}
        return found | ({"maxItems": part["max"]} if part["max"] is not None else {})


class _Read(_Form):
    """Results: every list is there, if empty; nothing is asked of choices."""

    def _record(self, name: str, within: tuple[str, ...]) -> dict[str, Any]:
        schema = super()._record(name, within)
        if self._records[name].get("open") and "properties" in schema:
            schema["properties"].setdefault(RAW, _RAW)
        return schema


def _exactly_one(part: Mapping[str, Any], always: Sequence[str]) -> list[dict[str, Any]]:
    """Return the alternatives of a choice, by what each needs; none where some alternative needs nothing.

    What is needed *always* is repeated in each, so that one alternative says all of it to whoever looks at one alone.
    """
    needs = [[one["as"] for one in branch if "choice" not in one and one["min"] > 0] for branch in part["choice"]]
    needs = [
        need or ([branch[0]["as"]] if len(branch) == 1 and "choice" not in branch[0] else [])
        for need, branch in zip(needs, part["choice"], strict=True)
    ]
    if not all(needs) or len(needs) < 2:
        return []
    options: list[dict[str, Any]] = [{"required": sorted({*always, *need})} for need in needs]
    none = {"not": {"anyOf": [{"required": sorted(need)} for need in needs]}}
    return [*options, none] if part.get("optional") else options


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _about(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": part["about"]} if part.get("about") else {}

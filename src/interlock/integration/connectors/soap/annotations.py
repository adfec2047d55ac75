"""What zeep drops of a WSDL and its schemas: facets of simple types, what is abstract or encoded, and documentation.

Anonymous simple types are given names on the way, as only a type with a name can be found again among zeep's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

XSD = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
_XML = "http://www.w3.org/XML/1998/namespace"
_PREFIX = "interlock-anonymous"
_LENGTHS = {"length": ("minLength", "maxLength"), "minLength": ("minLength",), "maxLength": ("maxLength",)}
_LIMITS = {
    "minInclusive": "minimum",
    "maxInclusive": "maximum",
    "minExclusive": "exclusiveMinimum",
    "maxExclusive": "exclusiveMaximum",
}
_MOST_VALUES = 2000
_PLAIN_PATTERN = re.compile(r"(?:[A-Za-z0-9 _:;,@#%&=<>!'\"/~|()*+?{}\[\].-]|\\[d.\\()\[\]{}*+?|/-])*")
"""Patterns that mean the same in XML Schema and in JSON Schema, once they are anchored."""


@dataclass(frozen=True, slots=True)
class SimpleType:
    """A simple type: the name of its *base*, and its own facets in the words of JSON Schema."""

    base: str
    facets: Mapping[str, Any]


@dataclass(slots=True)
class Annotations:
    """Gathered over all documents of a WSDL. Names are `{namespace}local`."""

    simple: dict[str, SimpleType] = field(default_factory=dict)
    abstract_types: set[str] = field(default_factory=set)
    abstract_elements: set[str] = field(default_factory=set)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    operations: dict[tuple[str, str], str] = field(default_factory=dict)
    encoded: set[tuple[str, str]] = field(default_factory=set)
    overloaded: set[tuple[str, str]] = field(default_factory=set)
    title: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def facets(self, name: str) -> dict[str, Any]:
        """Return the facets of the simple type *name*, with those of the types that it is made from."""
        found: list[Mapping[str, Any]] = []
        seen: set[str] = set()
        while name in self.simple and name not in seen:
            seen.add(name)
            found.append(self.simple[name].facets)
            name = self.simple[name].base
        return {key: value for facets in reversed(found) for key, value in facets.items()}

    def gather(self, root: Any) -> Any:
        """Take in *root*, the element of a whole document (lxml); return the one to go on with."""
        if root.tag == f"{XSD}schema":
            return self._schema(root)
        for schema in list(root.iterfind(f"{WSDL}types/{XSD}schema")):
            self._schema(schema)
        tns = root.get("targetNamespace", "")
        self.title = self.title or _words(root.find(f"{WSDL}documentation"))
        for port_type in root.iterfind(f"{WSDL}portType"):
            for one in port_type.iterfind(f"{WSDL}operation"):
                about = _words(one.find(f"{WSDL}documentation"))
                if about:
                    self.operations[_named(tns, port_type.get("name")), one.get("name", "")] = about
        for binding in root.iterfind(f"{WSDL}binding"):
            for one in binding.iterfind(f"{WSDL}operation"):
                key = _named(tns, binding.get("name")), one.get("name", "")
                if any(node.get("use") == "encoded" for node in one.iter(*(f"{soap}body" for soap in _SOAP))):
                    self.encoded.add(key)
                if len(binding.findall(f"{WSDL}operation[@name='{key[1]}']")) > 1:
                    self.overloaded.add(key)
        return root

    def _schema(self, schema: Any) -> Any:
        tns = schema.get("targetNamespace", "")
        if tns and tns != _XML:
            schema = self._name_anonymous(schema, tns)
        for node in schema.iterfind(f"{XSD}simpleType"):
            restriction = node.find(f"{XSD}restriction")
            if restriction is not None and node.get("name"):
                base = _resolved(restriction.get("base", ""), restriction.nsmap)
                self.simple[_named(tns, node.get("name"))] = SimpleType(base, _facets(restriction))
        self.abstract_types |= _abstract(schema, f"{XSD}complexType", tns)
        self.abstract_elements |= _abstract(schema, f"{XSD}element", tns)
        for choice in schema.iter(f"{XSD}choice"):
            # Which of its alternatives may be empty is lost in zeep; that it may be empty as a whole is not.
            if any(node.get("minOccurs") == "0" for node in choice.iterfind(f"{XSD}element")):
                choice.set("minOccurs", "0")
        for node in schema.iter(f"{XSD}element", f"{XSD}attribute"):
            about = _words(node.find(f"{XSD}annotation/{XSD}documentation"))
            owner = next(node.iterancestors(f"{XSD}complexType"), None)
            if about and owner is not None:
                name = owner.get("name") or owner.getparent().get("name")
                self.members[_named(tns, name), node.get("name") or node.get("ref", "").rpartition(":")[2]] = about
        return schema

    def _name_anonymous(self, schema: Any, tns: str) -> Any:
        """Move anonymous simple types to the top of *schema*, each with a name that no other document uses."""
        nested = [node for node in schema.iter(f"{XSD}simpleType") if node.getparent() is not schema]
        if not nested:
            return schema
        schema = _with_prefix(schema, tns)
        for node in nested:
            parent = node.getparent()
            kind = parent.tag.removeprefix(XSD)
            place = {"element": "type", "attribute": "type", "restriction": "base", "list": "itemType"}.get(kind)
            if kind == "union":
                place = "memberTypes"
            if place is None or (kind == "restriction" and parent.get("base")):
                continue
            name = f"anonymous-{next(self._numbers)}"
            node.set("name", name)
            schema.append(node)
            parent.set(place, f"{parent.get(place, '')} {_PREFIX}:{name}".strip())
        return schema


def _with_prefix(schema: Any, tns: str) -> Any:
    """Return *schema* made anew with a prefix for its own namespace, in the place of the old one."""
    from lxml import etree

    new = etree.Element(schema.tag, dict(schema.attrib), nsmap={**schema.nsmap, _PREFIX: tns})
    parent = schema.getparent()
    if parent is not None:
        parent.replace(schema, new)
    new.extend(list(schema))
    return new


def _facets(restriction: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    values = [node.get("value", "") for node in restriction.iterfind(f"{XSD}enumeration")]
    if 0 < len(values) <= _MOST_VALUES:
        found["enum"] = list(dict.fromkeys(values))
    patterns = [node.get("value", "") for node in restriction.iterfind(f"{XSD}pattern")]
    if patterns and all(map(_plain, patterns)):
        found["pattern"] = f"^(?:{'|'.join(one.replace(chr(92) + 'd', '[0-9]') for one in patterns)})$"
    for node in restriction:
        name = node.tag.removeprefix(XSD) if isinstance(node.tag, str) else ""
        value = node.get("value", "")
        if name in _LENGTHS and value.isdigit():
            found |= dict.fromkeys(_LENGTHS[name], int(value))
        elif name in _LIMITS:
            found[_LIMITS[name]] = value
    return found


def _plain(pattern: str) -> bool:
    """Whether *pattern* can be taken as it is: XML Schema subtracts classes, and has `^` and `$` for themselves."""
    if not _PLAIN_PATTERN.fullmatch(pattern) or "-[" in pattern or "[[" in pattern or "(?" in pattern:
        return False
    if re.search(r"\[[^\]]*\\d", pattern):
        return False  # a class within a class
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        return False
    return True


def _abstract(schema: Any, tag: str, tns: str) -> set[str]:
    return {_named(tns, node.get("name")) for node in schema.iterfind(tag) if node.get("abstract") in {"true", "1"}}


def _named(namespace: str, name: str | None) -> str:
    return f"{{{namespace}}}{name}" if namespace else name or ""


def _resolved(name: str, prefixes: Mapping[str | None, str]) -> str:
    prefix, _, local = name.strip().rpartition(":")
    return _named(prefixes.get(prefix or None, ""), local)


def _words(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())[:2000] if node is not None else ""

"""What zeep drops of a WSDL and its schemas: facets of simple types, what is abstract or encoded, and documentation.

zeep's types tell their names, an anonymous one the name of its element. What is kept here is found by the names of the
type and the member that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

XSD = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
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


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a type: what is said *about* it, and its *anonymous* simple type, if it has one."""

    about: str = ""
    anonymous: SimpleType | None = None


@dataclass(slots=True)
class Annotations:
    """Gathered over all documents of a WSDL. Names are `{namespace}local`; a member's is local, its owner's is that of
    a complex type, a group, or nothing for what is global itself.
    """

    simple: dict[str, SimpleType] = field(default_factory=dict)
    members: dict[tuple[str, str], Member] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    abstract_types: set[str] = field(default_factory=set)
    abstract_elements: set[str] = field(default_factory=set)
    operations: dict[tuple[str, str], str] = field(default_factory=dict)
    encoded: set[tuple[str, str]] = field(default_factory=set)
    overloaded: set[tuple[str, str]] = field(default_factory=set)

    def facets(self, name: str, member: Member | None = None) -> dict[str, Any]:
        """Return the facets of the simple type *name*, or of the anonymous one of *member*, with those of the types
        that it is made from.
        """
        found: list[Mapping[str, Any]] = []
        seen: set[str] = set()
        if member is not None and member.anonymous is not None:
            found.append(member.anonymous.facets)
            name = member.anonymous.base
        while name in self.simple and name not in seen:
            seen.add(name)
            found.append(self.simple[name].facets)
            name = self.simple[name].base
        return {key: value for facets in reversed(found) for key, value in facets.items()}

    def derived(self, name: str) -> list[str]:
        """Return the types that are made from the type *name*, and are not abstract themselves, by name."""
        return sorted(one for one in self.bases if one not in self.abstract_types and name in self._ancestors(one))

    def _ancestors(self, name: str) -> set[str]:
        found: set[str] = set()
        while (name := self.bases.get(name, "")) and name not in found:
            found.add(name)
        return found

    def member(self, owner: str, name: str) -> Member:
        """Return what is known of the member *name* (`{namespace}local`) of *owner*, or of a type that it extends."""
        local, seen = name.rpartition("}")[2], set()
        while owner not in seen:
            seen.add(owner)
            if (owner, local) in self.members:
                return self.members[owner, local]
            owner = self.bases.get(owner, owner)
        return self.members.get(("", name), Member())

    def gather(self, root: Any) -> None:
        """Take in *root*, the element of a whole document (lxml), and mend in it what zeep would misread."""
        if root.tag == f"{XSD}schema":
            self._schema(root)
        for schema in root.iterfind(f"{WSDL}types/{XSD}schema"):
            self._schema(schema)
        tns = root.get("targetNamespace", "")
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

    def _schema(self, schema: Any) -> None:
        tns = schema.get("targetNamespace", "")
        for node in schema.iterfind(f"{XSD}simpleType"):
            self.simple[_named(tns, node.get("name"))] = _simple(node)
        for choice in schema.iter(f"{XSD}choice"):
            # Which of its alternatives may be empty is lost in zeep; that it may be empty as a whole is not.
            if any(node.get("minOccurs") == "0" for node in choice.iterfind(f"{XSD}element")):
                choice.set("minOccurs", "0")
        for node in schema.iter(f"{XSD}extension", f"{XSD}restriction"):
            owner = next(node.iterancestors(f"{XSD}complexType"), None)
            if owner is not None and node.getparent().getparent() is owner:
                self.bases[_named(tns, _name(owner))] = _resolved(node.get("base", ""), node.nsmap)
        self.abstract_types |= _abstract(schema, f"{XSD}complexType", tns)
        self.abstract_elements |= _abstract(schema, f"{XSD}element", tns)
        for node in schema.iter(f"{XSD}element", f"{XSD}attribute"):
            self._member(node, tns)

    def _member(self, node: Any, tns: str) -> None:
        about = _words(node.find(f"{XSD}annotation/{XSD}documentation"))
        anonymous = node.find(f"{XSD}simpleType")
        if not about and anonymous is None:
            return
        owner = next(node.iterancestors(f"{XSD}complexType", f"{XSD}group"), None)
        name = node.get("name") or node.get("ref", "").rpartition(":")[2]
        key = ("", _named(tns, name)) if owner is None else (_named(tns, _name(owner)), name)
        self.members[key] = Member(about, None if anonymous is None else _simple(anonymous))


def _name(owner: Any) -> str:
    """Return the name by which zeep knows a type: its own, or that of its element."""
    return str(owner.get("name") or owner.getparent().get("name") or "")


def _simple(node: Any) -> SimpleType:
    restriction = node.find(f"{XSD}restriction")
    if restriction is None:
        return SimpleType("", {})
    inner = restriction.find(f"{XSD}simpleType")
    facets = _facets(restriction)
    if inner is not None:
        inside = _simple(inner)
        return SimpleType(inside.base, {**inside.facets, **facets})
    return SimpleType(_resolved(restriction.get("base", ""), restriction.nsmap), facets)


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

"""From zeep's types to shapes: plain JSON that says how a message is made and read, and what it is in JSON.

A shape is what a definition's binding keeps, so that what is called is what was described, and nothing of a WSDL is
needed for it. Names are `{namespace}local`.

- a type: `{"kind": WORD, "facets": {...}}`, `{"list": TYPE}`, `{"any": true}`, or `{"ref": NAME}`, a record
- a record: `{"content": [PART...], "attributes": [...], "text": TYPE, "open": true}`; one of an abstract type has
  `{"variants": [{"name": NAME, "as": WORD, "ref": RECORD}...]}` instead, and each of these `{"variant": WORD}`
- a part: `{"element": NAME, "as": KEY, "type": TYPE, "min": N, "max": N or null, "nil": true}`,
  `{"choice": [[PART...]...], "optional": true}`, or `{"group": [PART...], "as": KEY, "min": N, "max": N or null}`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.integration.connectors.soap.annotations import Member
from interlock.integration.connectors.soap.documents import Wsdl, WsdlInvalid

Shape = dict[str, Any]
MOST_PARTS = 20_000
TEXT = "value"
"""The key of a record's own text, where its type has attributes too."""
GROUP = "items"
VARIANT = "@xsi:type"
"""The key that says of which type a value of an abstract one is."""
MOST_VARIANTS = 20


class Shapes:
    """Makes the shapes of one operation. *records* are the named ones; a type that holds itself refers to itself."""

    def __init__(self, wsdl: Wsdl) -> None:
        self.records: dict[str, Shape] = {}
        self.annotations = wsdl.annotations
        self._types = wsdl.document.types
        self._names: dict[tuple[int, str], str] = {}
        self._parts = 0

    def type(self, kind: Any, member: Member | None = None) -> Shape:
        """Return the shape of zeep's type *kind*, the one of *member*. Raises `WsdlInvalid`."""
        from zeep.xsd import AnySimpleType, AnyType, ComplexType, ListType, UnionType

        if isinstance(kind, ComplexType):
            return {"ref": self.record(kind)}
        if isinstance(kind, ListType):
            return {"list": self.type(kind.item_type)}
        if isinstance(kind, UnionType):
            return {"kind": "anySimpleType"}
        if isinstance(kind, AnySimpleType):
            name = type(kind)._default_qname.localname
            if name in _LISTS:
                return {"list": {"kind": _LISTS[name]}}
            facets = self.annotations.facets(_text(kind.qname), member)
            return {"kind": name} | ({"facets": facets} if facets else {})
        if isinstance(kind, AnyType):
            return {"any": True}
        raise WsdlInvalid(f"uses a type that is not supported: {type(kind).__name__}")

    def record(self, kind: Any, variant: str = "") -> str:
        """Return the name of the record for zeep's complex type *kind*, as a *variant* of an abstract one if named."""
        key = id(kind), variant
        if key in self._names:
            return self._names[key]
        name = self._fresh(kind.qname.localname if kind.qname is not None else "")
        self._names[key] = name
        found: Shape = {}
        self.records[name] = found  # before its parts, which may refer to it
        owner = _text(kind.qname)
        if owner in self.annotations.abstract_types:
            found |= {"content": [], "variants": list(self._variants(owner))}
            return name
        found |= self._content(kind, owner)
        attributes = list(self._attributes(kind, owner))
        if attributes:
            found["attributes"] = attributes
        if variant:
            found["variant"] = variant
        return name

    def _variants(self, owner: str) -> Iterator[Shape]:
        """Yield the types that may stand for an abstract one; none where they are too many, or have one name."""
        names = self.annotations.derived(owner)
        words = [name.rpartition("}")[2] for name in names]
        if len(names) > MOST_VARIANTS or len(set(words)) < len(words):
            return
        for name, word in zip(names, words, strict=True):
            yield {"name": name, "as": word, "ref": self.record(self._types.get_type(name).resolve(), word)}

    def named(self, wanted: str, record: Shape) -> str:
        """Keep *record* under a name like *wanted*, and return the name."""
        name = self._fresh(wanted)
        self.records[name] = record
        return name

    def part(self, element: Any, owner: str) -> Shape:
        """Return the shape of zeep's *element*, a member of the type *owner*."""
        self._count()
        member = self.annotations.member(owner, _text(element.qname))
        found: Shape = {
            "element": _text(element.qname),
            "as": element.qname.localname,
            "type": self.type(element.type, member),
            "min": element.min_occurs,
            "max": None if element.max_occurs == "unbounded" else element.max_occurs,
        }
        if element.nillable:
            found["nil"] = True
        if found["element"] in self.annotations.abstract_elements:
            found["abstract"] = True
        return found | ({"about": member.about[:500]} if member.about else {})

    def members(self, parts: Sequence[Any], owner: str) -> Shape:
        """Return the content of a record of zeep's *parts*."""
        found: Shape = {"content": [], "open": False}
        for part in parts:
            self._add(found, found["content"], part, owner)
        if not found["open"]:
            del found["open"]
        _distinct(found["content"], owner)
        return found

    def _content(self, kind: Any, owner: str) -> Shape:
        from zeep.xsd import AnySimpleType, ComplexType, Element

        nested = [one for _, one in kind.elements_nested]
        if nested and isinstance(nested[0], Element):
            inner = nested[0].type
            if isinstance(inner, ComplexType):
                return self._content(inner, owner)
            return {"content": [], "text": self.type(inner if isinstance(inner, AnySimpleType) else AnySimpleType())}
        return self.members(nested, owner)

    def _add(self, record: Shape, content: list[Shape], part: Any, owner: str) -> None:
        from zeep.xsd import Any as Wildcard
        from zeep.xsd import Choice, Element, Group

        self._count()
        if isinstance(part, Wildcard):
            record["open"] = True
        elif isinstance(part, Element):
            content.append(self.part(part, owner))
        elif part.max_occurs != 1:
            inner: list[Shape] = []
            single = part.clone(part.qname) if isinstance(part, Group) else part.clone(None)
            self._add(record, inner, single, owner)
            if inner:
                limit = None if part.max_occurs == "unbounded" else part.max_occurs
                least = 0 if all(map(_optional, inner)) else part.min_occurs
                content.append(self._group(inner, content, {"min": least, "max": limit}))
        elif isinstance(part, Group):
            self._add(record, content, part.child, _text(part.qname) or owner)
        elif isinstance(part, Choice):
            branches: list[list[Shape]] = []
            for one in part:
                branches.append([])
                self._add(record, branches[-1], one, owner)
            found = [branch for branch in branches if branch]
            if found:
                free = part.min_occurs == 0 or len(found) < len(branches)
                content.append({"choice": found} | ({"optional": True} if free else {}))
        else:
            inner = []
            for one in part:
                self._add(record, inner, one, owner)
            content += [{**one, **_free(one)} for one in inner] if part.min_occurs == 0 else inner

    def _attributes(self, kind: Any, owner: str) -> Iterator[Shape]:
        for _, one in kind.attributes:
            if one.name is None or one.qname is None or "/wsdl/}arrayType" in one.qname.text:
                continue
            self._count()
            member = self.annotations.member(owner, one.qname.text)
            shape = self.type(one.type, member)
            found = {"name": one.qname.text, "as": f"@{one.qname.localname}"}
            found["type"] = {"kind": "anySimpleType"} if "any" in shape else shape
            about = {"about": member.about[:500]} if member.about else {}
            yield found | ({"required": True} if one.required else {}) | about

    def _group(self, inner: list[Shape], content: Sequence[Shape], often: Mapping[str, Any]) -> Shape:
        """Return what repeats *inner*: a list of its only element, or of objects with one round each."""
        if any("group" in one for one in flat(inner)):
            raise WsdlInvalid("repeats a group of elements within one that repeats, which has no JSON form")
        if len(inner) == 1 and inner[0].get("max") == 1:
            return {**inner[0], **often, "min": min(inner[0]["min"], often["min"])}
        taken = {one.get("as") for one in content}
        names = (GROUP, *(f"{GROUP}_{number}" for number in range(2, len(taken) + 3)))
        key = next(name for name in names if name not in taken)
        return {"group": inner, "as": key, **often}

    def _fresh(self, wanted: str) -> str:
        base = "".join(sign if sign.isalnum() or sign in "_-" else "_" for sign in wanted) or "Anonymous"
        names = (base, *(f"{base}_{number}" for number in range(2, len(self.records) + 3)))
        return next(name for name in names if name not in self.records)

    def _count(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise WsdlInvalid(f"has a message of more than {MOST_PARTS} parts")


_LISTS = {"NMTOKENS": "NMTOKEN", "IDREFS": "IDREF", "ENTITIES": "ENTITY"}


def flat(content: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the elements and groups of *content*, through its choices."""
    for part in content:
        if "choice" in part:
            for branch in part["choice"]:
                yield from flat(branch)
        else:
            yield part


def _distinct(content: Sequence[Shape], owner: str) -> None:
    """Raise `WsdlInvalid` if two different members of a record would have one key."""
    known: dict[str, tuple[Any, ...]] = {}
    for part in flat(content):
        same = (part.get("element"), part.get("type"), part["max"])
        if known.setdefault(part["as"], same) != same:
            shown = owner.rpartition("}")[2]
            raise WsdlInvalid(f"has two members {part['as']!r} in the type {shown!r}, which have no JSON form together")
    if _repeated(content):
        shown = owner.rpartition("}")[2]
        raise WsdlInvalid(f"has a member twice in the type {shown!r}, which has no JSON form")


def _repeated(content: Sequence[Shape]) -> bool:
    """Whether an element stands twice in a row, so that what is second could not be told from what is first."""
    seen: set[str] = set()
    for part in content:
        keys = {one["as"] for one in flat([part])}
        if keys & seen or any(map(_repeated, part.get("choice", ()))):
            return True
        seen |= keys
    return False


def _optional(part: Mapping[str, Any]) -> bool:
    if "choice" in part:
        # zeep calls every element that stands in a choice by itself optional; the choice then asks for one of them.
        sequences = [branch for branch in part["choice"] if len(branch) > 1]
        return bool(part.get("optional")) or any(all(map(_optional, branch)) for branch in sequences)
    return bool(part["min"] == 0)


def _free(part: Mapping[str, Any]) -> Shape:
    return {"optional": True} if "choice" in part else {"min": 0}


def _text(qname: Any) -> str:
    return "" if qname is None else str(qname.text)

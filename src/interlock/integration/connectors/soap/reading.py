"""XML into JSON, by shapes. No document types, no entities, no depth without end.

Elements are taken by their names, in whatever order they come; those that no shape knows are left out, so that a system
may add to its answers. What is missing is for the contract to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring

from interlock.integration.connectors.soap.schemas import RAW
from interlock.integration.connectors.soap.shapes import TEXT, VARIANT, Shape, flat
from interlock.integration.connectors.soap.texts import TextUnfit, kind_of, words
from interlock.integration.connectors.soap.writing import DEEPEST, XSI


class AnswerUnfit(ValueError):
    """An answer is not what it should be; says why, and never repeats it."""


class _Builder(TreeBuilder):
    """A tree that is not too deep, of a document that declares nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002 - as the parser calls it
        raise AnswerUnfit("declares a document type, which SOAP does not allow")

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise AnswerUnfit(f"is nested deeper than {DEEPEST} levels")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse(content: bytes, encoding: str = "") -> Element:
    """Return the root of the document *content*; an *encoding* counts over its own. Raises `AnswerUnfit`."""
    try:
        parser = XMLParser(target=_Builder(), encoding=encoding or None)  # noqa: S314 - it refuses what could attack
        parser.feed(content)
        root = parser.close()
    except ParseError as error:
        raise AnswerUnfit(f"is no whole XML, at line {error.position[0]}") from None
    except (LookupError, UnicodeError, ValueError) as error:
        if isinstance(error, AnswerUnfit):
            raise
        raise AnswerUnfit("is in an encoding that is not known") from None
    if not isinstance(root, Element):
        raise AnswerUnfit("is empty")
    return root


class Reader:
    """Reads values of the types that *records* name."""

    def __init__(self, records: Mapping[str, Shape]) -> None:
        self._records = records

    def value(self, node: Element, shape: Mapping[str, Any]) -> Any:
        """Return what *node* holds. Raises `AnswerUnfit`."""
        if "ref" in shape:
            return self._record(node, self._records[shape["ref"]])
        if "any" in shape:
            return _raw(node) if len(node) else node.text or ""
        return self._text(node, shape, node.text or "")

    def _record(self, node: Element, record: Shape) -> dict[str, Any]:
        if "variants" in record:
            name = node.get(f"{XSI}type", "").strip().rpartition(":")[2]
            chosen = next((one for one in record["variants"] if one["as"] == name), None)
            if chosen is None:
                raise AnswerUnfit(f"has a {_local(node.tag)!r} of a type that the WSDL does not describe for it")
            return self._record(node, self._records[chosen["ref"]])
        found: dict[str, Any] = {VARIANT: record["variant"]} if "variant" in record else {}
        for one in record.get("attributes", ()):
            text = node.get(one["name"])
            if text is not None:
                found[one["as"]] = self._text(node, one["type"], text)
        if "text" in record:
            found[TEXT] = self._text(node, record["text"], node.text or "")
        unknown = self._content(node, record["content"], found)
        if record.get("open"):
            found.setdefault(RAW, [_raw(child) for child in unknown])
        return found

    def _content(self, node: Element, content: Sequence[Mapping[str, Any]], found: dict[str, Any]) -> list[Element]:
        """Put the children of *node* into *found*; return those that *content* does not know."""
        plain: dict[str, Mapping[str, Any]] = {}
        rounds: dict[str, _Rounds] = {}
        for part in flat(content):
            if part["max"] != 1:
                found.setdefault(part["as"], [])
            if "group" not in part:
                plain[part["element"]] = part
                continue
            gathering = _Rounds(self, part["group"], found[part["as"]])
            rounds |= dict.fromkeys(gathering.elements, gathering)
        unknown = []
        for child in node:
            if child.tag in plain:
                self.put(child, plain[child.tag], found)
            elif child.tag in rounds:
                rounds[child.tag].take(child)
            else:
                unknown.append(child)
        return unknown

    def put(self, child: Element, part: Mapping[str, Any], found: dict[str, Any]) -> None:
        """Add what *child* holds to *found*. Raises `AnswerUnfit`."""
        key = part["as"]
        value = None if child.get(f"{XSI}nil", "").strip() in {"true", "1"} else self.value(child, part["type"])
        if part["max"] != 1:
            found.setdefault(key, []).append(value)
        elif key in found:
            raise AnswerUnfit(f"has {_local(child.tag)!r} twice, where it may come once")
        else:
            found[key] = value

    def _text(self, node: Element, shape: Mapping[str, Any], text: str) -> Any:
        try:
            if "list" in shape:
                return [self._text(node, shape["list"], word) for word in words(text)]
            return kind_of(shape.get("kind", "string")).read(text)
        except TextUnfit as error:
            raise AnswerUnfit(f"has a {_local(node.tag)!r} that {error}") from None


class _Rounds:
    """The repeats of a group of elements: a new round begins with what the present one has no place for."""

    def __init__(self, reader: Reader, content: Sequence[Mapping[str, Any]], found: list[dict[str, Any]]) -> None:
        self._reader = reader
        self._content = content
        self._found = found
        self._parts = {part["element"]: part for part in flat(content) if "element" in part}
        self.elements = frozenset(self._parts)
        self._places = list(_places(content))

    def take(self, child: Element) -> None:
        part = self._parts[child.tag]
        if not self._found or not self._fits(part):
            self._found.append({one["as"]: [] for one in flat(self._content) if one["max"] != 1})
        self._reader.put(child, part, self._found[-1])

    def _fits(self, part: Mapping[str, Any]) -> bool:
        """Whether the present round has a place for one more of *part*."""
        key = part["as"]
        present = [name for name, value in self._found[-1].items() if value != []]
        place = next(place for place in self._places if key in place.keys)
        if any(name in place.barred for name in present):
            return False
        later = any(other.number > place.number and name in other.keys for name in present for other in self._places)
        return not later and (key not in present or part["max"] != 1)


class _Place:
    """Where in a group keys stand: their number in its sequence, and the keys that a choice keeps from them."""

    def __init__(self, number: int, keys: set[str], barred: set[str]) -> None:
        self.number = number
        self.keys = keys
        self.barred = barred


def _places(content: Sequence[Mapping[str, Any]]) -> Iterator[_Place]:
    for number, part in enumerate(content):
        if "choice" not in part:
            yield _Place(number, {part["as"]}, set())
            continue
        branches = [{one["as"] for one in flat(branch)} for branch in part["choice"]]
        for keys in branches:
            yield _Place(number, keys, set().union(*branches) - keys)


def _raw(node: Element) -> str:
    tail, node.tail = node.tail, None
    text = tostring(node, encoding="unicode")
    node.tail = tail
    return text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2][:60]

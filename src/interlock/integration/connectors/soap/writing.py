"""JSON into XML, by shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, QName, SubElement

from interlock.integration.connectors.soap.shapes import TEXT, VARIANT, Shape, flat
from interlock.integration.connectors.soap.texts import TextUnfit, kind_of, words

DEEPEST = 64
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class ValueUnfit(ValueError):
    """A value cannot be written; the text says which member, by its path, and why."""

    def __init__(self, path: Sequence[str | int], why: str) -> None:
        place = "".join(f"/{step}" for step in path)
        super().__init__(f"{place or 'the arguments'} {why}")


class Writer:
    """Writes values of the types that *records* name."""

    def __init__(self, records: Mapping[str, Shape]) -> None:
        self._records = records

    def element(self, name: str, shape: Mapping[str, Any], value: Any, path: tuple[str | int, ...] = ()) -> Element:
        """Return the element *name* with *value*. Raises `ValueUnfit`."""
        found = Element(name)
        self._fill(found, shape, value, path)
        return found

    def _fill(self, node: Element, shape: Mapping[str, Any], value: Any, path: tuple[str | int, ...]) -> None:
        if len(path) > DEEPEST * 2:
            raise ValueUnfit(path[:4], f"is nested deeper than {DEEPEST} levels")
        if "ref" in shape:
            self._record(node, self._records[shape["ref"]], value, path)
        else:
            node.text = self._text(shape, value, path)

    def _record(self, node: Element, record: Shape, value: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(value, Mapping):
            raise ValueUnfit(path, "is no object")
        if "variants" in record:
            chosen = next((one for one in record["variants"] if one["as"] == value.get(VARIANT)), None)
            if chosen is None:
                raise ValueUnfit((*path, VARIANT), f"is none of {', '.join(one['as'] for one in record['variants'])}")
            node.set(f"{XSI}type", QName(chosen["name"]))  # type: ignore[arg-type]  # as names with prefixes are written
            self._record(node, self._records[chosen["ref"]], value, path)
            return
        left = set(value) - ({VARIANT} if "variant" in record else set())
        for one in record.get("attributes", ()):
            if one["as"] in value:
                node.set(one["name"], self._text(one["type"], value[one["as"]], (*path, one["as"])))
                left.discard(one["as"])
            elif one.get("required"):
                raise ValueUnfit((*path, one["as"]), "is missing")
        if "text" in record:
            if TEXT not in value:
                raise ValueUnfit((*path, TEXT), "is missing")
            node.text = self._text(record["text"], value[TEXT], (*path, TEXT))
            left.discard(TEXT)
        left -= self._content(node, record["content"], value, path)
        if left:
            raise ValueUnfit((*path, min(left)), "is not known, or does not go together with the others")

    def _content(
        self, node: Element, content: Sequence[Mapping[str, Any]], value: Mapping[str, Any], path: tuple[str | int, ...]
    ) -> set[str]:
        """Append the parts of *content* to *node*; return the keys of *value* that were used."""
        used: set[str] = set()
        for part in content:
            if "choice" in part:
                branch = _chosen(part, value, path)
                used |= self._content(node, branch, value, path)
            elif part["as"] in value:
                self._member(node, part, value[part["as"]], (*path, part["as"]))
                used.add(part["as"])
            elif part["min"] > 0:
                raise ValueUnfit((*path, part["as"]), "is missing")
        return used

    def _member(self, node: Element, part: Mapping[str, Any], value: Any, path: tuple[str | int, ...]) -> None:
        for one, place in _each(part, value, path):
            if "group" in part:
                self._group(node, part["group"], one, place)
            elif one is None and part.get("nil"):
                SubElement(node, part["element"]).set(f"{XSI}nil", "true")
            else:
                self._fill(SubElement(node, part["element"]), part["type"], one, place)

    def _group(
        self, node: Element, content: Sequence[Mapping[str, Any]], value: Any, path: tuple[str | int, ...]
    ) -> None:
        if not isinstance(value, Mapping):
            raise ValueUnfit(path, "is no object")
        left = set(value) - self._content(node, content, value, path)
        if left:
            raise ValueUnfit((*path, min(left)), "is not known, or does not go together with the others")

    def _text(self, shape: Mapping[str, Any], value: Any, path: tuple[str | int, ...]) -> str:
        try:
            if "list" in shape:
                return " ".join(self._words(shape["list"], value, path))
            return kind_of(shape.get("kind", "string")).write(value)
        except TextUnfit as error:
            raise ValueUnfit(path, str(error)) from None

    def _words(self, shape: Mapping[str, Any], value: Any, path: tuple[str | int, ...]) -> Iterator[str]:
        if not isinstance(value, list):
            raise ValueUnfit(path, "is no list")
        for number, one in enumerate(value):
            text = self._text(shape, one, (*path, number))
            if words(text) != [text]:
                raise ValueUnfit((*path, number), "is not a single word, as members of such a list are")
            yield text


def _each(
    part: Mapping[str, Any], value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    if part["max"] == 1:
        yield value, path
        return
    if not isinstance(value, list):
        raise ValueUnfit(path, "is no list")
    most = part["max"]
    if len(value) < part["min"] or (most is not None and len(value) > most):
        raise ValueUnfit(path, f"has not from {part['min']} to {'any number of' if most is None else most} members")
    for number, one in enumerate(value):
        yield one, (*path, number)


def _chosen(
    part: Mapping[str, Any], value: Mapping[str, Any], path: tuple[str | int, ...]
) -> Sequence[Mapping[str, Any]]:
    """Return the alternative of a choice that *value* makes: the only one that takes all that is given of any."""
    branches = part["choice"]
    keys = [{one["as"] for one in flat(branch)} for branch in branches]
    given = set().union(*keys) & set(value)
    if not given:
        empty = next(
            (b for b in branches if len(b) > 1 and all("choice" not in one and one["min"] == 0 for one in b)), ()
        )
        if not empty and not part.get("optional"):
            raise ValueUnfit(path, f"needs one of {', '.join(sorted(set().union(*keys)))}")
        return empty
    fitting = [branch for branch, own in zip(branches, keys, strict=True) if given <= own]
    if not fitting:
        raise ValueUnfit(path, f"has {' and '.join(sorted(given))}, of which only one goes")
    return min(fitting, key=len) if len(fitting) > 1 else fitting[0]

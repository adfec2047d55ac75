"""A small XML document as plain values: no document types, so no entities; bounded in depth and number."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from interlock.integration.connectors.rpc.protocols import ReplyUnfit

DEEPEST, MOST = 200, 200_000


@dataclass(slots=True)
class Element:
    """One element: its *name* as written, the *text* directly in it, its *parts*. Attributes are passed over."""

    name: str
    parts: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text directly in it."""
        return "".join(self.texts)


def read_element(content: bytes, name: str) -> Element:
    """Return the document's element, which must be called *name*. Raises `ReplyUnfit`."""
    reader = _Reader()
    try:
        reader.parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, ReplyUnfit):
            raise
        raise ReplyUnfit("the answer is not XML") from None
    root = reader.top.parts[0]
    if root.name != name:
        raise ReplyUnfit(f"the answer is not a {name}")
    return root


class _Reader:
    def __init__(self) -> None:
        self.top = Element("")
        self._open = [self.top]
        self._count = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_: object) -> None:
        raise ReplyUnfit("the answer declares a document type, which is not read")

    def _start(self, name: str, _: object) -> None:
        self._count += 1
        if len(self._open) > DEEPEST or self._count > MOST:
            raise ReplyUnfit("the answer is nested too deeply, or has too many parts")
        element = Element(name)
        self._open[-1].parts.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].texts.append(text)

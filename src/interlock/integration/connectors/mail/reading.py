"""From the bytes of a message (RFC 5322, MIME) to JSON: nothing that an outsider wrote makes it fail or grow."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any, cast

MOST_PARTS = 200
MOST_TEXT = 200_000
MOST_ADDRESSES = 500
MOST_REFERENCES = 100
LONGEST_HEADER = 1000
_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})
_BREAKS = frozenset(
    {"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote"}
)
_VOID = frozenset(
    {"br", "img", "hr", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"}
)


class Unreadable(Exception):
    """A message is not one that can be taken apart."""


def parse(content: bytes) -> EmailMessage:
    """Return the message that *content* is. Raises `Unreadable`."""
    try:
        return message_from_bytes(content, policy=default)
    except (MessageError, RecursionError, ValueError, LookupError) as error:
        raise Unreadable("its parts cannot be told apart") from error


def summary_of(message: EmailMessage) -> dict[str, Any]:
    """Return what a message's header says."""
    return {
        "message_id": _header(message, "message-id"),
        "from": next(iter(_addresses(message, "from")), None),
        "to": _addresses(message, "to"),
        "cc": _addresses(message, "cc"),
        "reply_to": _addresses(message, "reply-to"),
        "subject": _header(message, "subject"),
        "date": _date(message),
        "in_reply_to": _header(message, "in-reply-to"),
        "references": _header(message, "references", MOST_REFERENCES * 100).split()[-MOST_REFERENCES:],
    }


def whole_of(message: EmailMessage) -> dict[str, Any]:
    """Return a message: its header, its text, and what is attached, without the contents of that."""
    text, garbled, of_html = _text(message)
    attached = [
        {"number": number, "name": _file_name(part), "type": part.get_content_type(), "size": len(_bytes(part))}
        for number, part in _attached(message)
    ]
    return {
        **summary_of(message),
        "text": text[:MOST_TEXT],
        "truncated": len(text) > MOST_TEXT,
        "garbled": garbled,
        "from_html": of_html,
        "attachments": attached,
    }


def attachment_of(message: EmailMessage, number: int) -> dict[str, Any] | None:
    """Return the attachment of a *number*, its content in base64, or None where there is none of it."""
    for known, part in _attached(message):
        if known == number:
            content = _bytes(part)
            return {
                "number": number,
                "name": _file_name(part),
                "type": part.get_content_type(),
                "size": len(content),
                "content": base64.b64encode(content).decode(),
            }
    return None


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts of *message* that hold something; a message within it is one of them. Bounded."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop()
        seen += 1
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            waiting += reversed(cast(list[Message], part.get_payload()))
        else:
            yield part


def _body(message: EmailMessage) -> Message | None:
    """Return the part that is read as the message's text: its first plain one, else its first HTML."""
    inline = [part for part in _leaves(message) if part.get_content_disposition() != "attachment"]
    for kind in ("text/plain", "text/html"):
        for part in inline:
            if part.get_content_type() == kind:
                return part
    return None


def _attached(message: EmailMessage) -> Iterator[tuple[int, Message]]:
    """Yield every part but the text and its other form, numbered from 1."""
    body, number = _body(message), 0
    for part in _leaves(message):
        inline = part.get_content_disposition() != "attachment" and not part.get_filename()
        if part is body or (inline and part.get_content_type() in {"text/plain", "text/html"}):
            continue
        number += 1
        yield number, part


def _bytes(part: Message) -> bytes:
    if part.is_multipart():  # a message within the message
        inner = cast(list[Message], part.get_payload())
        return inner[0].as_bytes() if inner else b""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError):
        content = None
    return content if isinstance(content, bytes) else b""


def _text(message: EmailMessage) -> tuple[str, bool, bool]:
    """Return the text, whether some of it could not be read, and whether it was made of HTML."""
    texts, garbled = [], False
    body = _body(message)
    if body is None:
        return "", False, False
    kind = body.get_content_type()
    for part in _leaves(message):
        apart = part.get_content_disposition() == "attachment" or part.get_filename()
        if part is not body and (apart or part.get_content_type() != kind):
            continue
        text, broken = _decoded(part)
        texts.append(text)
        garbled |= broken
    if kind == "text/html":
        return "\n".join(plain_of(text) for text in texts), garbled, True
    return "\n".join(text.replace("\r\n", "\n") for text in texts), garbled, False


def _decoded(part: Message) -> tuple[str, bool]:
    content = _bytes(part)
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset), False
    except (UnicodeDecodeError, LookupError, ValueError):
        return content.decode("utf-8", "replace"), True


def _file_name(part: Message) -> str:
    name = part.get_filename() or ""
    return "".join(sign for sign in name if sign.isprintable())[:LONGEST_HEADER]


def _header(message: EmailMessage, name: str, longest: int = LONGEST_HEADER) -> str:
    """Return a header as text, its encoded words read, on one line."""
    return _worded(_raw(message, name))[:longest]


def _worded(raw: str) -> str:
    """Return what was written in a header, its encoded words (RFC 2047) read, on one line."""
    try:
        text = str(make_header(decode_header(raw)))
    except (MessageError, ValueError, LookupError):
        text = raw
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())  # what was no text has surrogates


def _raw(message: EmailMessage, name: str) -> str:
    """Return a header as it was written: the parser of whole headers fails on some that are broken."""
    return next((value for key, value in message.raw_items() if key.lower() == name), "")


def _addresses(message: EmailMessage, name: str) -> list[dict[str, str]]:
    raw = " ".join(_raw(message, name).encode("utf-8", "replace").decode("utf-8").split())
    found = []
    for said, address in getaddresses([raw])[:MOST_ADDRESSES]:
        if address:
            found.append({"name": _worded(said)[:LONGEST_HEADER], "email": address[:LONGEST_HEADER]})
    return found


def _date(message: EmailMessage) -> str | None:
    try:
        date = parsedate_to_datetime(_raw(message, "date"))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).isoformat()


def moment(text: str) -> str | None:
    """Return when a server took a message, from IMAP's INTERNALDATE, in ISO 8601; None where it cannot be read."""
    try:
        return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z").isoformat()
    except ValueError:
        return None


class _Plain(HTMLParser):
    """Takes the text out of HTML; what is marked as not shown is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.pieces.append("\n")
        if tag in _VOID:
            return
        given = dict(attrs)
        style = (given.get("style") or "").replace(" ", "").lower()
        hidden = tag in _SILENT or "hidden" in given or "display:none" in style or "visibility:hidden" in style
        if hidden or self._unseen:
            self._unseen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            while self._unseen.pop() != tag:
                pass
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def plain_of(html: str) -> str:
    """Return the text of *html*, a line for each of its blocks."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line)

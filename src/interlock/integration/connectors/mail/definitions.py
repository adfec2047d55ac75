"""From `VERB FOLDER` to an operation's definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

PAGE = 20
MOST_ON_A_PAGE = 100
MOST_RECIPIENTS = 100
READS = frozenset({"list", "get", "attachment", "thread", "sent"})
_FOLDERS = {"list": 1, "get": 1, "attachment": 1, "thread": 1, "sent": 1, "draft": 1, "move": 2, "mark": 1, "send": 0}
_REPEATABLE = frozenset({"draft", "mark"})

_TEXT = {"type": "string"}
_LINE = {"type": "string", "maxLength": 998, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}
_ID = {"type": "string", "pattern": "^[0-9]{1,10}\\.[0-9]{1,10}$", "description": "`id` of a message in this folder"}
_MESSAGE_ID = {"type": "string", "maxLength": 500, "pattern": "^<[^\\s<>]+>$", "description": "a `message_id`"}
_MAIL = {"type": "string", "maxLength": 254, "pattern": '^[^\\s@<>,;:"()\\[\\]\\\\]+@[^\\s@<>,;:"()\\[\\]\\\\]+$'}
_MAILS = {"type": "array", "items": _MAIL, "maxItems": MOST_RECIPIENTS}
_DAY = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


def define(operation: OperationDeclaration, connection: Mapping[str, Any]) -> Definition:
    """Return the definition of one operation. Raises `OperationInvalid`."""
    verb, *names = operation.origin.split()
    folders = connection.get("folders", {"inbox": "INBOX"})
    if verb not in _FOLDERS or len(names) != _FOLDERS[verb] or not set(names) <= set(folders):
        forms = ", ".join(f"{verb}{' FOLDER' * count}" for verb, count in _FOLDERS.items())
        raise OperationInvalid(f"must be one of: {forms}; folders: {', '.join(folders)}")
    if verb == "send" and "smtp" not in connection:
        raise OperationInvalid("sends, and the connection names no `smtp`")
    if verb != "send" and "imap" not in connection:
        raise OperationInvalid("works on a folder, and the connection names no `imap`")
    if verb in {"draft", "sent"} and "from" not in connection:
        raise OperationInvalid("needs `from` in the connection: an address of your own")
    if (verb in READS) != (operation.effect is Effect.read):
        raise OperationInvalid(
            f"{verb} {'is a read' if verb in READS else 'changes something'}, so its effect is another"
        )
    if operation.settings.get("idempotent") and verb not in READS | _REPEATABLE:
        raise OperationInvalid(f"{verb} cannot be run twice and do it once", "idempotent")
    arguments, required, output, description = _FORMS[verb]
    binding = {"verb": verb, "folders": names}
    return Definition(_object(arguments, required), output, binding, description.format(*names))


def _object(properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def _whole(**properties: Any) -> dict[str, Any]:
    return _object(properties, tuple(properties))


_PERSON = _whole(name=_TEXT, email=_TEXT)
_PERSONS = {"type": "array", "items": _PERSON}
_HEADER: dict[str, Any] = {
    "id": _ID,
    "message_id": _TEXT,
    "from": {"anyOf": [_PERSON, {"type": "null"}]},
    "to": _PERSONS,
    "cc": _PERSONS,
    "reply_to": _PERSONS,
    "subject": _TEXT,
    "date": {"type": ["string", "null"], "description": "as its sender says"},
    "received": {"type": ["string", "null"], "description": "when the server took it"},
    "in_reply_to": _TEXT,
    "references": {"type": "array", "items": _TEXT},
    "seen": {"type": "boolean"},
    "answered": {"type": "boolean"},
    "flagged": {"type": "boolean"},
    "size": {"type": "integer", "description": "bytes"},
}
_PIECE: dict[str, Any] = {"number": {"type": "integer"}, "name": _TEXT, "type": _TEXT, "size": {"type": "integer"}}
_SUMMARIES = {"type": "array", "items": _whole(**_HEADER)}
_PAGE = _whole(
    messages=_SUMMARIES, next={"type": ["string", "null"], "description": "what to ask for more with, as `before_id`"}
)
_WHOLE = _whole(
    **_HEADER,
    text={"type": "string", "description": "its plain text, else that of its HTML"},
    truncated={"type": "boolean", "description": "the text was longer"},
    garbled={"type": "boolean", "description": "some of it is not in the charset that it names"},
    from_html={"type": "boolean", "description": "there was no plain text"},
    attachments={"type": "array", "items": _whole(**_PIECE)},
)
_SEARCH: dict[str, Any] = {
    "from": {**_LINE, "description": "part of the sender's name or address"},
    "to": {**_LINE, "description": "part of a recipient's name or address"},
    "subject": {**_LINE, "description": "part of the subject"},
    "text": {**_LINE, "description": "words anywhere in the message"},
    "since": {**_DAY, "description": "received on this day or later"},
    "before": {**_DAY, "description": "received before this day"},
    "unseen": {"type": "boolean"},
    "before_id": {**_ID, "description": "`next` of the page before"},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE, "default": PAGE},
}
_LETTER: dict[str, Any] = {
    "to": {**_MAILS, "minItems": 1},
    "cc": _MAILS,
    "bcc": _MAILS,
    "subject": _LINE,
    "text": {"type": "string", "maxLength": 1_000_000},
    "in_reply_to": {**_MESSAGE_ID, "description": "`message_id` of the message that this answers"},
    "references": {
        "type": "array",
        "items": _MESSAGE_ID,
        "maxItems": 100,
        "description": "those of the message answered",
    },
    "attachments": {
        "type": "array",
        "maxItems": 50,
        "items": _object(
            {
                "name": {**_LINE, "minLength": 1, "maxLength": 255},
                "type": {"type": "string", "maxLength": 200, "default": "application/octet-stream"},
                "content": {"type": "string", "contentEncoding": "base64"},
            },
            ("name", "content"),
        ),
    },
}
_FLAGS: dict[str, Any] = {name: {"type": "boolean"} for name in ("seen", "answered", "flagged")}
_SENT = _whole(
    message_id={"type": "string", "description": "of the message that was sent"},
    recipients={"type": "integer", "description": "how many addresses it was taken for"},
)
_FORMS: dict[str, tuple[Mapping[str, Any], tuple[str, ...], dict[str, Any], str]] = {
    "list": (_SEARCH, (), _PAGE, "Messages in {0} that fit, newest first, a page of them; none is marked as seen."),
    "get": ({"id": _ID}, ("id",), _WHOLE, "A message in {0}, with its text; it is not marked as seen."),
    "attachment": (
        {"id": _ID, "number": {"type": "integer", "minimum": 1}},
        ("id", "number"),
        _whole(**_PIECE, content={"type": "string", "contentEncoding": "base64"}),
        "One attachment of a message in {0}.",
    ),
    "thread": (
        {"id": _ID},
        ("id",),
        _whole(messages=_SUMMARIES, complete={"type": "boolean"}),
        "The messages in {0} of the same conversation, newest first.",
    ),
    "sent": (
        {"key": {"type": "string", "minLength": 1, "maxLength": 500, "description": "the action's idempotency key"}},
        ("key",),
        _whole(messages=_SUMMARIES),
        "The messages in {0} that were sent under a key: none or one.",
    ),
    "send": (_LETTER, ("to", "subject", "text"), _SENT, "Send a message: to all of its recipients, or to none."),
    "draft": (
        _LETTER,
        ("to", "subject", "text"),
        _whole(message_id=_TEXT, id={"anyOf": [_ID, {"type": "null"}]}, kept={"type": "boolean"}),
        "Put a message into {0} that is not sent.",
    ),
    "move": (
        {"id": _ID},
        ("id",),
        _whole(id={"anyOf": [_ID, {"type": "null"}], "description": "its id there, if the server says"}),
        "Move a message from {0} to {1}.",
    ),
    "mark": (
        {"id": _ID, **_FLAGS},
        ("id",),
        _whole(**_FLAGS),
        "Say of a message in {0} that it was seen, answered or flagged.",
    ),
}

"""From arguments to the bytes of a message (RFC 5322), with headers that nobody can break out of."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from secrets import token_hex
from typing import Any

_STEM = "il-"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,100}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_POLICY = SMTP.clone(max_line_length=78)


class Unfit(Exception):
    """An argument cannot be written into a message; *argument* is a JSON pointer to it."""

    def __init__(self, argument: str, why: str) -> None:
        super().__init__(f"{argument} {why}")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is ready: who it goes to, by address and the pointer of the argument that names it."""

    identifier: str
    recipients: tuple[tuple[str, str], ...]
    content: bytes
    wide: bool
    """Whether an address has signs beyond ASCII, which needs SMTPUTF8 (RFC 6531)."""


def identifier_of(key: str, domain: str) -> str:
    """Return the Message-ID of what is sent under an idempotency *key*: the same for the same key."""
    stem = hashlib.sha256(key.encode()).hexdigest()[:40] if key else token_hex(20)
    return f"<{_STEM}{stem}@{domain}>"


def letter_of(arguments: Mapping[str, Any], sender: Address, key: str, most: int) -> Letter:
    """Return the message of *arguments*. Raises `Unfit`."""
    message = EmailMessage(policy=_POLICY)
    identifier = identifier_of(key, sender.domain)
    recipients: list[tuple[str, str]] = []
    message["From"] = sender
    for header in ("to", "cc", "bcc"):
        addresses = [_address(text, f"/{header}/{index}") for index, text in enumerate(arguments.get(header, ()))]
        recipients += [(address.addr_spec, f"/{header}/{index}") for index, address in enumerate(addresses)]
        if addresses and header != "bcc":
            message[header.capitalize()] = addresses
    message["Subject"] = _line(arguments.get("subject", ""), "/subject")
    message["Date"] = datetime.now(UTC)
    message["Message-ID"] = identifier
    _thread(message, arguments)
    message.set_content(arguments.get("text", ""), cte="quoted-printable")
    for name, kind, content in _attachments(arguments, most):
        main, _, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    wide = not all(address.isascii() for address, _ in (*recipients, (sender.addr_spec, "")))
    try:
        content = message.as_bytes(policy=_POLICY.clone(utf8=wide))
    except (ValueError, LookupError, UnicodeError) as error:
        raise Unfit("/", "hold something that no message can") from error
    if len(content) > most:
        raise Unfit("/attachments", f"make a message of more than {most} bytes, which is the limit")
    return Letter(identifier, tuple(dict(reversed(recipients)).items()), content, wide)


def _address(text: str, argument: str) -> Address:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):  # the parser of addresses raises both
        address = Address()
    if not address.domain:
        raise Unfit(argument, "is no mail address")
    return address


def _line(text: str, argument: str) -> str:
    if any(not sign.isprintable() for sign in text):
        raise Unfit(argument, "must be one line of signs that can be seen")
    return text


def _thread(message: EmailMessage, arguments: Mapping[str, Any]) -> None:
    answered = arguments.get("in_reply_to")
    references = [*arguments.get("references", ()), *([answered] if answered else ())]
    if answered:
        message["In-Reply-To"] = answered
    if references:
        message["References"] = " ".join(dict.fromkeys(references))


def _attachments(arguments: Mapping[str, Any], most: int) -> Iterator[tuple[str, str, bytes]]:
    for index, one in enumerate(arguments.get("attachments", ())):
        where = f"/attachments/{index}"
        kind = one.get("type", "application/octet-stream")
        if _TYPE.fullmatch(kind) is None or kind.startswith(("multipart/", "message/")):
            raise Unfit(f"{where}/type", "is no media type of a file")
        if len(one["content"]) > 2 * most:
            raise Unfit(f"{where}/content", f"is larger than a message may be, which is {most} bytes")
        try:
            content = base64.b64decode(one["content"], validate=True)
        except (binascii.Error, ValueError):
            raise Unfit(f"{where}/content", "is no base64") from None
        yield _line(one["name"], f"{where}/name"), kind, content

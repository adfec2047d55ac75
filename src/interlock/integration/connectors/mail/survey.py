"""What a mail account offers, from its address alone: nobody is asked, as nothing is told without a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

_SCHEMES = {"imaps": "implicit", "imap": "starttls"}
_OFFERS = (
    Offer("list inbox", "list_messages", "Messages that fit, newest first, a page of them.", ("read",), Effect.read),
    Offer("get inbox", "get_message", "A message with its text.", ("read",), Effect.read),
    Offer("attachment inbox", "get_attachment", "One attachment of a message.", ("read",), Effect.read),
    Offer("thread inbox", "get_thread", "The messages of the same conversation.", ("read",), Effect.read),
    Offer("mark inbox", "mark_message", "Mark a message as seen, answered or flagged.", ("write",), Effect.write, True),
)
_SEND = Offer("send", "send_message", "Send a message to all of its recipients.", ("write",), Effect.irreversible)


def recognises(source: Source) -> bool:
    """Return whether *source* is the address of a mailbox: `imaps://USER@HOST`."""
    return urlsplit(source.address).scheme in _SCHEMES


def survey(source: Source) -> Survey:
    """Return what the account at `imaps://USER@HOST[:PORT]` offers; a bare host has TLS. Raises `SourceUnfit`."""
    address = source.address if "://" in source.address else f"imaps://{source.address}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise SourceUnfit("this is no address of a mailbox", fix="write imaps://USER@HOST") from error
    if parts.scheme not in _SCHEMES or not host:
        raise SourceUnfit("this is no address of a mailbox", fix="write imaps://USER@HOST")
    user = unquote(parts.username or "")
    imap: dict[str, Any] = {"host": host, "tls": _SCHEMES[parts.scheme], **({"port": port} if port else {})}
    connection: dict[str, Any] = {"imap": imap, "folders": {"inbox": "INBOX"}}
    notes = ["of the folders only INBOX is named: others go under `folders`"]
    if parts.password:
        notes.append("the address held a password, which is written nowhere; change it if others may have seen it")
    connection["auth"] = {"username": user or "USER", "password": SECRET}
    if not user:
        notes.append("the address names no user: write `auth.username`")
    offers: tuple[Offer, ...] = _OFFERS
    if "@" in user:
        smtp = f"smtp.{host.removeprefix('imap.')}" if host.startswith("imap.") else host
        connection |= {"smtp": {"host": smtp}, "from": {"address": user}}
        notes.append(f"mail is sent by {smtp}: a guess from the name of the other server")
        offers += (_SEND,)
    else:
        notes.append("to send as well, write `smtp` and `from`")
    return Survey(host, connection, offers, notes=tuple(notes))

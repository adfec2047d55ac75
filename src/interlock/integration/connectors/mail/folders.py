"""A folder of a mailbox, open on a line: messages are found, read, moved and marked by their UIDs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from interlock.integration.connectors.mail.lines import ImapLine, Refused
from interlock.integration.connectors.mail.reading import moment, parse, summary_of

_HEADERS = "DATE FROM TO CC REPLY-TO SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES"
_SHORT = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({_HEADERS})])"
_LONG = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
_UID, _SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)")
_MARKS, _TAKEN = re.compile(rb"\bFLAGS \(([^)]*)\)"), re.compile(rb'\bINTERNALDATE "([^"]+)"')
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_ENCODED = re.compile(r"[^\x20-\x7e]+")
FLAGS = ("seen", "answered", "flagged")


class NotThere(Exception):
    """There is no such message, or the folder was made anew since its id was given out."""


class PartlyDone(Exception):
    """A change was made in a part, and the rest was refused; the text says what stands now."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message as the server hands it out: its UID, what the server knows of it, and its bytes or its header's."""

    uid: int
    known: Mapping[str, Any]
    content: bytes


class Folder:
    """One folder on one line. Raises `Refused` where the server says no, and what `ImapLine` raises."""

    def __init__(self, line: ImapLine, name: str, *, writes: bool) -> None:
        self.line = line
        try:
            status, _ = line.select(mailbox(name), readonly=not writes)
        except ImapLine.readonly:
            raise Refused("lets us only read the folder") from None
        if not _agreed(status):
            raise Refused("knows no such folder, or does not let us in")
        _, data = line.response("UIDVALIDITY")
        self.validity = int(data[0]) if data and data[0] else 0
        """The generation of the folder's ids."""
        if not self.validity:
            raise Refused("gives messages no ids that last")

    def uid(self, identifier: str) -> int:
        """Return the UID of a message's id. Raises `NotThere`."""
        validity, _, uid = identifier.partition(".")
        if int(validity) != self.validity:
            raise NotThere
        return int(uid)

    def identifier(self, uid: int) -> str:
        """Return the id of the message of a *uid*."""
        return f"{self.validity}.{uid}"

    # --- finding -----------------------------------------------------------------------------------------------------

    def search(self, terms: Iterable[str], texts: Iterable[tuple[str, str]] = ()) -> list[int]:
        """Return the UIDs of the messages that fit all *terms* and hold each of *texts* in its place, the newest first.

        Texts beyond ASCII travel as literals, of which a command has one here: each is searched for on its own.
        """
        plain, wide = list(terms), []
        for place, text in texts:
            if text.isascii():
                plain += [place, quoted(text)]
            else:
                wide.append((place, text))
        found: set[int] | None = None
        for place, text in wide or [("", "")]:
            arguments = plain or ["ALL"]
            if text:
                self.line.literal = text.encode()  # type: ignore[assignment]  # how the class takes a literal
                arguments = ["CHARSET", "UTF-8", *plain, place]
            uids = self._searched(arguments)
            found = uids if found is None else found & uids
        return sorted(found or (), reverse=True)

    def _searched(self, arguments: list[str]) -> set[int]:
        status, data = self.line.uid("SEARCH", *arguments)
        if not _agreed(status):
            raise Refused("does not search for that")
        return {int(uid) for part in data if part for uid in part.split()}

    # --- reading -----------------------------------------------------------------------------------------------------

    def headers(self, uids: list[int]) -> list[dict[str, Any]]:
        """Return the headers of the messages that are still there, in the order of *uids*."""
        if not uids:
            return []
        found = {one.uid: one for one in self._fetch(uids, _SHORT, whole=True)}
        return [self.shown(found[uid], summary_of(parse(found[uid].content))) for uid in uids if uid in found]

    def size(self, uid: int) -> int:
        """Return a message's size in bytes. Raises `NotThere`."""
        for one in self._fetch([uid], "(UID RFC822.SIZE)"):
            if one.known["size"] is not None:
                return int(one.known["size"])
        raise NotThere

    def message(self, uid: int) -> Found:
        """Return a whole message. Raises `NotThere`."""
        for one in self._fetch([uid], _LONG, whole=True):
            return one
        raise NotThere

    def flags(self, uid: int) -> dict[str, bool]:
        """Return what a message is marked as. Raises `NotThere`."""
        for one in self._fetch([uid], "(UID FLAGS)"):
            return {name: one.known[name] for name in FLAGS}
        raise NotThere

    def shown(self, one: Found, read: Mapping[str, Any]) -> dict[str, Any]:
        """Return a message as a result shows it."""
        return {"id": self.identifier(one.uid), **read, **one.known}

    def _fetch(self, uids: list[int], what: str, *, whole: bool = False) -> Iterator[Found]:
        """Yield what the server says of messages: with *whole* only what was asked for. A server also tells by itself,
        at any time, of marks that others have changed, and such news are no message.
        """
        status, data = self.line.uid("FETCH", ",".join(map(str, uids)), what)
        if not _agreed(status):
            raise Refused("does not hand out the message")
        pieces = iter(data)
        for piece in pieces:
            if isinstance(piece, tuple):  # what comes before a literal, the literal, and then what comes after it
                tail = next(pieces, b"")
                about, content = piece[0] + (tail if isinstance(tail, bytes) else b""), piece[1]
            elif isinstance(piece, bytes):
                about, content = piece, b""
            else:
                continue
            if whole and not isinstance(piece, tuple):
                continue
            uid = _UID.search(about)
            if uid is not None and int(uid[1]) in uids:
                yield Found(int(uid[1]), _known(about), content)

    # --- changing ----------------------------------------------------------------------------------------------------

    def mark(self, uid: int, flags: Mapping[str, bool]) -> None:
        """Set or take away *flags*. Raises `PartlyDone`."""
        done = False
        for sign, value in (("+", True), ("-", False)):
            names = " ".join(f"\\{name.capitalize()}" for name, wanted in flags.items() if wanted is value)
            if names and not self._changed("STORE", str(uid), f"{sign}FLAGS.SILENT", f"({names})"):
                if done:
                    raise PartlyDone("marks were set, and others not taken away")
                raise Refused("does not mark the message")
            done = done or bool(names)

    def _changed(self, *command: str) -> bool:
        return _agreed(self.line.uid(*command)[0])

    def can_move(self) -> bool:
        """Whether the server can move a message, or copy it and then take away that one alone."""
        return bool({"MOVE", "UIDPLUS"} & set(self.line.capabilities))

    def move(self, uid: int, target: str) -> str | None:
        """Move a message, and return its id in *target* if the server says it (RFC 6851, RFC 4315).

        Raises `PartlyDone`.
        """
        if "MOVE" in self.line.capabilities:
            if not self._changed("MOVE", str(uid), mailbox(target)):
                raise Refused("does not move the message")
            return _copied(self.line)
        if not self._changed("COPY", str(uid), mailbox(target)):
            raise Refused("does not copy the message")
        copied = _copied(self.line)
        if not self._changed("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)"):
            raise PartlyDone("the message was copied, and stands in its old folder as well")
        if not self._changed("EXPUNGE", str(uid)):
            raise PartlyDone("the message was copied, and is only marked as deleted in its old folder")
        return copied


def _agreed(status: str) -> bool:
    """Return whether the server did it. Raises `ImapLine.abort` for an answer that is neither yes nor no."""
    if status not in {"OK", "NO"}:
        raise ImapLine.abort("the answer is none of IMAP")
    return status == "OK"


def append(line: ImapLine, folder: str, content: bytes) -> str | None:
    """Put a message into *folder* as a draft, and return its id if the server says it. Raises `Refused`."""
    status, data = line.append(mailbox(folder), "(\\Draft \\Seen)", "", content)
    if not _agreed(status):
        raise Refused("does not take the message")
    said = re.search(rb"APPENDUID (\d+) (\d+)", b" ".join(data))
    return f"{int(said[1])}.{int(said[2])}" if said is not None else None


def day(text: str) -> str:
    """Return a day (ISO 8601, which the contract has checked) as IMAP writes it."""
    one = date.fromisoformat(text)
    return f"{one.day}-{_MONTHS[one.month - 1]}-{one.year:04}"


def quoted(text: str) -> str:
    """Return a *text* of printable ASCII as IMAP's quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def mailbox(name: str) -> str:
    """Return a folder's name as IMAP wants it: in modified UTF-7 (RFC 3501, 5.1.3), quoted."""

    def shifted(found: re.Match[str]) -> str:
        packed = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{packed}-"

    return quoted(_ENCODED.sub(shifted, name.replace("&", "&-")))


def _known(about: bytes) -> dict[str, Any]:
    marks, taken, size = _MARKS.search(about), _TAKEN.search(about), _SIZE.search(about)
    set_marks = {mark.decode("ascii", "replace").lower() for mark in marks[1].split()} if marks is not None else set()
    return {
        "received": moment(taken[1].decode("ascii", "replace")) if taken is not None else None,
        **{name: f"\\{name}" in set_marks for name in FLAGS},
        "size": int(size[1]) if size is not None else 0,
    }


def _copied(line: ImapLine) -> str | None:
    _, data = line.response("COPYUID")
    said = next((part for part in islice(data or (), 4) if isinstance(part, bytes)), b"").split()
    return f"{int(said[0])}.{int(said[2])}" if len(said) == 3 and said[0].isdigit() and said[2].isdigit() else None

"""Normal forms of texts, in two strengths.

*Strict* forms (case, spaces, compatible characters) are for judging that a trusted source holds a value. *Wide* forms
drop invisible characters and put Latin letters for look-alikes; *compact* and *skeleton* forms drop everything but
letters and digits. These only serve to find that an untrusted field holds a value, where more matches are safer.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from interlock.governance.labels.alike import DIGITS, STRICT, WIDE

LONGEST_TOKEN, OVERLAP = 1024, 128
LONGEST_KEY = 120
"""Keys longer than this many characters are replaced by a digest."""

_WORD = re.compile(r"\w+")
_NOT_WORD = re.compile(r"[\W_]+")
_MILD = re.compile(r"(?:[\w\s,;'’()\"&]|[.:!?](?=\s|$))*")
_DIGIT = re.compile(r"\d")


def strict(text: str) -> str:
    """Return *text* in compatible form, caseless, with single spaces and none at the ends.

    In an address letters are only made small: two hosts whose names fold together are still two hosts.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFC", text).translate(STRICT)
    return " ".join(part.lower() if "." in part or "@" in part else part.casefold() for part in plain.split())


def wide(text: str) -> str:
    """Return *text* without invisible characters, caseless, with Latin letters and plain digits for look-alikes."""
    if text.isascii():
        return strict(text if text.isprintable() else text.translate(WIDE))
    return " ".join(text.translate(WIDE).casefold().translate(WIDE).split())


def compact(form: str) -> str:
    """Return the letters and digits of a normal form, with nothing between them."""
    return form if form.isalnum() else _NOT_WORD.sub("", form)


def skeleton(form: str) -> str:
    """Return the compact form with digits for the letters that are written for them; empty where no digit is."""
    bare = compact(form)
    return bare.translate(DIGITS) if _DIGIT.search(bare) else ""


def windowed(text: str) -> str:
    """Return *text* with every token that is too long to be a value cut into overlapping windows.

    Looking for values inside it stays linear then, and a value that stands in it is still whole in one of them.
    """
    if len(text) <= LONGEST_TOKEN or max(map(len, text.split(" "))) <= LONGEST_TOKEN:
        return text
    pieces: list[str] = []
    for token in text.split(" "):
        if len(token) <= LONGEST_TOKEN:
            pieces.append(token)
        else:
            pieces += [token[at : at + LONGEST_TOKEN] for at in range(0, len(token), LONGEST_TOKEN - OVERLAP)]
    return " ".join(pieces)


def head(text: str, most: int) -> str:
    """Return the beginning of *text*, cut between tokens; a number in groups that the cut touches is left out whole."""
    if len(text) <= most:
        return text
    tokens = text[: most + 1].split(" ")[:-1]
    while tokens and _DIGIT.search(tokens[-1]):
        tokens.pop()
    return " ".join(tokens)


def tail(text: str, most: int) -> str:
    """Return the end of *text*, cut as `head` cuts its beginning."""
    if len(text) <= most:
        return text
    tokens = text[-most - 1 :].split(" ")[1:]
    start = next((at for at, token in enumerate(tokens) if not _DIGIT.search(token)), len(tokens))
    return " ".join(tokens[start:])


def key_of(text: str) -> str:
    """Return the key under which a normal form is remembered: itself, or a digest if it is long."""
    if len(text) <= LONGEST_KEY:
        return text
    return "\x00" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def words(text: str) -> list[str]:
    """Return the words of a normal form, without any punctuation."""
    return _WORD.findall(text)


def bared(form: str) -> str:
    """Return a normal form without punctuation around its words; what stands before a word may be part of it."""
    return " ".join(filter(None, (token.lstrip("\"'(“‘").rstrip(".,:;!?\"')”’") for token in form.split(" "))))


def mild(text: str) -> bool:
    """Return whether *text* is words with only such punctuation as changes no meaning, so that they stand for it.

    A full stop, hyphen, slash or at-sign inside a word makes another thing of it (a host, a path, a number).
    """
    return _MILD.fullmatch(text) is not None and not text.replace(",", "").replace(" ", "").isdigit()

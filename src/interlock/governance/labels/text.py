"""The values inside a text: what it can vouch for, and everything that it may have put into an agent's head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from interlock.governance.labels.addresses import (
    MAIL,
    URL,
    accounts,
    grouped,
    host_form,
    mail_form,
    number_of,
    url_form,
)
from interlock.governance.labels.decoding import decodings
from interlock.governance.labels.figures import (
    date_forms,
    grouped_form,
    number_form,
    number_readings,
    number_text,
    one_date,
    short_dates,
    spaced_numbers,
)
from interlock.governance.labels.normal import (
    LONGEST_KEY,
    compact,
    head,
    key_of,
    mild,
    skeleton,
    strict,
    wide,
    windowed,
    words,
)

LONGEST_WHOLE = 64
"""A text of at most this many characters is also remembered with nothing between its letters."""

_CHUNK = re.compile(r"[^\s()\[\]{}<>\"“”„«»|=;!?*]+")
_EDGE = ".,:;'’`\"#$€£¥&/\\~^%_–—…()[]<>"
_PREFIXED = re.compile(r"[^\W\d_]{1,12}[-_#.]?(\d{3,})")
_LETTERS = re.compile(r"\b\w(?:[\W_]{1,2}\w\b){3,}")
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d{2,}")
_PAIRS = re.compile(r"\d{1,8}(?:[ ./-]\d{1,8}){2,40}")
_LAST_DIGITS = re.compile(r"\d{6,}$")
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_PIECES = re.compile(r"[,:]")
_LABELLED = re.compile(r"[^\W\d_]+/([\w-]+)")
_FRONT = ",:;'’`\"#$€£¥&^%_–—…()[]<>"
_AROUND = ".,:;!?*'’`\"#()[]{}<>“”"


def value_forms(text: str) -> list[str]:
    """Return the strict forms of an argument's text, each of which stands for the whole of it."""
    form = strict(text)
    forms = [key_of(form)]
    if form.isalpha() or len(form) > LONGEST_KEY:
        return forms
    if "://" in form or ":\\" in form:
        address = url_form(text.strip().strip(_AROUND))
        return [address or f"raw:{key_of(text.strip())}"]
    bare = form.lstrip("#,:;'\"(").rstrip(".,:;'\")")
    if bare and bare != form:
        forms.append(bare)
    if "." in bare or "@" in bare:
        forms += [address for address in (url_form(text.strip(_AROUND)), mail_form(bare)) if address]
    if _DIGIT.search(bare):
        found = number_form(bare) or grouped_form(bare) or one_date(bare) or number_of(bare)
        if found:
            forms.append(found)
    return forms


def leaf_forms(leaf: object) -> list[str]:
    """Return the strict forms under which a single value of any type is remembered and looked up."""
    if isinstance(leaf, str):
        return value_forms(leaf)
    if isinstance(leaf, bool):
        return ["true" if leaf else "false"]
    if isinstance(leaf, (int, float)):
        return [number_text(leaf)]
    return []


def text_parts(text: str, written: str = "") -> Iterator[str]:
    """Yield the values that a text (in strict form) names: tokens, numbers, dates, account numbers, addresses.

    *written* is the text as it was written, if it is at hand: in the path of an address capital letters differ.
    """
    yield from (token for token in text.split(" ") if "://" not in token)
    for chunk in _CHUNK.findall(text):
        yield from _chunk_parts(chunk)
    yield from _addresses(written or text)
    if _DIGIT.search(text):
        yield from date_forms(text)
        yield from spaced_numbers(text)
        yield from accounts(text)


def _addresses(text: str) -> Iterator[str]:
    if "." not in text:
        return
    for found in URL.findall(text):
        bare = found.rstrip(".,:;!?*_")
        yield url_form(bare) or f"raw:{key_of(bare)}"
    if "@" in text:
        for found in MAIL.findall(text):
            bare = found.rstrip(".,:;!?*_").lower()
            yield bare
            yield mail_form(bare)
    for token in text.split():
        bare = token.strip(_AROUND)
        if "." in bare and "@" not in bare:
            yield url_form(bare)


def _chunk_parts(chunk: str) -> Iterator[str]:
    bare = chunk.lstrip(_FRONT).rstrip(_EDGE)
    if not bare or "://" in bare:
        return
    yield bare
    if bare.isalpha():
        return
    if bare.endswith(("'s", "’s")):
        yield bare[:-2]
    readings = number_readings(chunk.strip(".,:;'’`\"()"))
    if readings:
        yield from readings
        if bare[0] == "+":
            yield bare[1:]
        return
    if bare[0] == "+" and bare[1:].isdigit():
        yield bare[1:]
    prefixed = _PREFIXED.fullmatch(bare)
    if prefixed and not prefixed[1].startswith("0"):
        yield prefixed[1]
    if "@" in bare or _TIME.fullmatch(bare) or date_forms(bare):
        return
    yield from _TIME.findall(bare)
    pieces = _PIECES.split(bare)
    if len(pieces) > 1:
        for piece in pieces:
            yield from _chunk_parts(piece)
        return
    labelled = _LABELLED.fullmatch(bare)  # `order/10643` names the order; a longer path is one thing
    if labelled:
        yield labelled[1]


def trusted_forms(leaf: object, longest: int) -> Iterator[str]:
    """Yield the forms of a trusted field's value: the whole of it, and the values inside a text."""
    yield from leaf_forms(leaf)
    if not isinstance(leaf, str) or leaf.isalnum():
        return
    spread = strict(leaf)
    if mild(spread):
        yield key_of(" ".join(words(spread)))
    if " " in spread:
        parts = text_parts(windowed(head(spread, longest)), windowed(head(leaf, longest)))
        yield from (part for part in parts if part and identifying(part))


def suspects(text: str) -> Iterator[str]:
    """Yield every key under which an outsider's text is remembered: its parts, as written and as hidden in it."""
    yield from value_forms(text)
    if text.isascii() and text.isalpha():
        return
    for one in (text, *decodings(text)):
        parts = (*_wide_parts(wide(one)), *_addresses(windowed(one)))
        for part in parts if one.isascii() else (*parts, *text_parts(windowed(strict(one)))):
            if part:
                yield key_of(part)


def _wide_parts(text: str) -> Iterator[str]:
    """Yield all of a text (in wide form) that an argument might repeat: words, neighbours, numbers, parts."""
    text = windowed(text)
    spoken = words(text)
    for word in spoken:
        yield word
        if not word.isalpha():
            yield skeleton(word)
            yield from (run.lstrip("0") or "0" for run in _DIGITS.findall(word))
    yield from (f"{one} {other}" for one, other in pairwise(spoken))
    yield " ".join(spoken)
    yield from text_parts(text)
    for token in text.split(" "):
        yield from _token_parts(token)
    yield from (compact(run) for run in _LETTERS.findall(text))
    if len(text) <= LONGEST_WHOLE:
        yield compact(text)
        yield skeleton(text)
    if _DIGIT.search(text):
        yield from short_dates(text)
        yield from (compact(run) for run in _PAIRS.findall(text))
        for account in accounts(text):
            yield account.lstrip("0")
            yield from _LAST_DIGITS.findall(account)  # the number that a country's own banks write


def _token_parts(token: str) -> Iterator[str]:
    if token.isalnum():
        return
    yield compact(token)
    yield skeleton(token)
    for address in (*URL.findall(token), *MAIL.findall(token), token.strip(_EDGE)):
        if "." in address:
            yield host_form(address)
            yield url_form(address)


def hidden_keys(form: str) -> Iterator[str]:
    """Yield the keys that show a text, given in wide form, to be an outsider's; the likeliest first."""
    yield from value_forms(form)
    bare = compact(form)
    yield key_of(bare)
    yield skeleton(form)
    if bare.isdigit():
        yield bare.lstrip("0") or "0"
    elif _DIGIT.search(form):
        yield from (run.lstrip("0") for run in accounts(form))
    if "." in form and ("/" in form or "@" in form):
        yield host_form(form)
    if _DIGIT.search(form[:1]) or _DIGIT.search(form[-1:]):
        yield from number_readings(form)


def distinctive(chunk: str) -> bool:
    """Return whether a piece of free text is a value (id, amount, address, URL) and no ordinary word."""
    if _DIGIT.search(chunk):
        return len(chunk) >= 3
    if "@" in chunk or "://" in chunk or "www." in chunk:
        return True
    return len(chunk) >= 4 and chunk.isalpha() and chunk.isupper()


def identifying(part: str) -> bool:
    """Return whether a part of a trusted text may stand alone: it is no word and no small number."""
    if part.isdigit():
        return len(part) >= 5
    return len(part) >= 5 and (_DIGIT.search(part) is not None or "@" in part or "://" in part or ":" in part[:5])


def chunks(text: str) -> Iterator[str]:
    """Yield the pieces of a free text as they were written: addresses and accounts whole, then the rest."""
    text = windowed(" ".join(text.split()))
    for pattern in [*([URL] if ":" in text or "www." in text else []), *([MAIL] if "@" in text else [])]:
        for found in pattern.findall(text):
            yield found.rstrip(".,:;!?*_")
        text = pattern.sub(" ", text)
    lowered = text.lower()
    for start, end, account in sorted(grouped(lowered), reverse=True) if len(lowered) == len(text) else ():
        yield account
        text = f"{text[:start]} {text[end:]}"
    for chunk in _CHUNK.findall(text):
        yield chunk.strip(_EDGE)

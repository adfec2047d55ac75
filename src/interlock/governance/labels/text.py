"""The values inside a text: the forms in which it is looked up, and what it can vouch for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interlock.governance.labels.addresses import (
    MAIL,
    SHORTEST_IBAN,
    URL,
    accounts,
    grouped,
    host_form,
    mail_form,
    number_of,
    url_form,
)
from interlock.governance.labels.figures import (
    MONTHS,
    date_forms,
    grouped_form,
    number_form,
    number_readings,
    number_text,
    one_date,
    spaced_numbers,
)
from interlock.governance.labels.kept import LONGEST, kept
from interlock.governance.labels.normal import (
    LONGEST_KEY,
    compact,
    head,
    key_of,
    mild,
    skeleton,
    strict,
    windowed,
    words,
)

_CHUNK = re.compile(r"[^\s()\[\]{}<>\"“”„«»|=;!?*]+")
EDGE = ".,:;'’`\"#$€£¥&/\\~^%_–—…()[]<>"
_PREFIXED = re.compile(r"[^\W\d_]{1,12}[-_#.]?(\d{3,})")
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_PIECES = re.compile(r"[,:]")
_LABELLED = re.compile(r"[^\W\d_]+/([\w-]+)")
_FRONT = ",:;'’`\"#$€£¥&^%_–—…()[]<>"
_AROUND = ".,:;!?*'’`\"#()[]{}<>“”"


@kept
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
    if _DIGIT.search(bare) and not _plainly_named(bare):
        found = number_form(bare) or grouped_form(bare) or one_date(bare) or number_of(bare)
        if found:
            forms.append(found)
    return forms


def _plainly_named(bare: str) -> bool:
    """Whether a text with digits is too short, as it begins with a letter, to be a number, a date or an account."""
    return len(bare) < SHORTEST_IBAN and bare[0].isalpha() and ":" not in bare and bare[:3] not in MONTHS


def leaf_forms(leaf: object) -> Sequence[str]:
    """Return the strict forms under which a single value of any type is remembered and looked up."""
    if isinstance(leaf, str):
        return value_forms(leaf)
    if isinstance(leaf, bool):
        return ["true" if leaf else "false"]
    if isinstance(leaf, (int, float)):
        return [number_text(leaf)]
    return []


class Parts:
    """Gathers in `found` the values that texts name: tokens, numbers, dates, account numbers, addresses.

    A piece that stands in several texts (one as it was written, and in another form) is looked at once.
    """

    __slots__ = ("_addressed", "_named", "found")

    def __init__(self) -> None:
        self.found: list[str] = []
        self._named: set[str] = set()
        self._addressed: set[str] = set()

    def take(self, text: str, written: str = "") -> None:
        """Gather what a text in strict form names; *written* as it was, if that is at hand.

        In the path of an address capital letters differ.
        """
        self.name(text)
        self.address(written or text)
        if _DIGIT.search(text):
            self.found += date_forms(text)
            self.found += spaced_numbers(text)
            self.found += accounts(text)

    def name(self, text: str) -> None:
        """Gather the tokens of a text in strict or wide form, and what they are without punctuation."""
        self.found += [token for token in text.split(" ") if "://" not in token]
        for chunk in fresh(_CHUNK.findall(text), self._named):
            self.found += [chunk] if chunk.isalpha() else _chunk_parts(chunk)

    def address(self, text: str) -> None:
        """Gather the forms of the web and mail addresses in a text."""
        if "." in text:
            for token in fresh(text.split(), self._addressed):
                if not token.isalnum():
                    self.found += _addresses(token)


def fresh(pieces: list[str], seen: set[str]) -> list[str]:
    """Return those *pieces* that have not been *seen*, each once, and take note of them."""
    found = [piece for piece in dict.fromkeys(pieces) if piece not in seen]
    seen.update(found)
    return found


def _addresses(token: str) -> list[str]:
    found: list[str] = []
    if ":" in token or "www." in token.lower():
        for address in URL.findall(token):
            bare = address.rstrip(".,:;!?*_")
            found.append(url_form(bare) or f"raw:{key_of(bare)}")
    if "@" in token:
        for address in MAIL.findall(token):
            bare = address.rstrip(".,:;!?*_").lower()
            found += [bare, mail_form(bare)]
    if "." in token:
        bare = token.strip(_AROUND)
        if "." in bare and "@" not in bare:
            found.append(url_form(bare))
    return found


def _chunk_parts(chunk: str) -> list[str]:
    bare = chunk.lstrip(_FRONT).rstrip(EDGE)
    if not bare or "://" in bare:
        return []
    found = [bare]
    if bare.isalpha():
        return found
    if bare.endswith(("'s", "’s")):
        found.append(bare[:-2])
    readings = number_readings(chunk.strip(".,:;'’`\"()"))
    if readings:
        return [*found, *readings, bare[1:]] if bare[0] == "+" else found + readings
    if bare[0] == "+" and bare[1:].isdigit():
        found.append(bare[1:])
    prefixed = _PREFIXED.fullmatch(bare)
    if prefixed and not prefixed[1].startswith("0"):
        found.append(prefixed[1])
    if bare.isalnum() or "@" in bare or _TIME.fullmatch(bare) or date_forms(bare):
        return found
    if ":" in bare:
        found += _TIME.findall(bare)
    pieces = _PIECES.split(bare)
    if len(pieces) > 1:
        for piece in pieces:
            found += _chunk_parts(piece)
        return found
    labelled = _LABELLED.fullmatch(bare)  # `order/10643` names the order; a longer path is one thing
    if labelled:
        found.append(labelled[1])
    return found


def trusted_forms(leaf: object, longest: int) -> Sequence[str]:
    """Return the forms of a trusted field's value: the whole of it, and the values inside a text."""
    if not isinstance(leaf, str) or leaf.isalnum():
        return leaf_forms(leaf)
    inside = _short_inside(leaf) if len(leaf) <= LONGEST <= longest // 4 else _inside(leaf, longest)
    return [*value_forms(leaf), *inside]


def _inside(text: str, longest: int) -> Iterator[str]:
    spread = strict(text)
    if mild(spread):
        yield key_of(" ".join(words(spread)))
    if " " in spread:
        parts = Parts()
        parts.take(windowed(head(spread, longest)), windowed(head(text, longest)))
        yield from (part for part in parts.found if part and identifying(part))


@kept
def _short_inside(text: str) -> Iterator[str]:
    return _inside(text, LONGEST * 4)


@kept
def hidden_keys(form: str) -> Iterator[str]:
    """Yield the keys that show a text, given in wide form, to be an outsider's; the likeliest first."""
    yield from value_forms(form)
    bare = compact(form)
    yield key_of(bare)
    if bare.isalpha():
        if "." in form and ("/" in form or "@" in form):
            yield host_form(form)
        return
    yield skeleton(bare)
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


@kept
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
        yield chunk.strip(EDGE)

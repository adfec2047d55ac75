"""Everything that an outsider's text may have put into an agent's head, under the keys by which it may come back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from interlock.governance.labels.addresses import MAIL, URL, accounts, host_form, url_form
from interlock.governance.labels.decoding import decodings
from interlock.governance.labels.figures import date_forms, short_dates, spaced_numbers
from interlock.governance.labels.kept import kept
from interlock.governance.labels.normal import LONGEST_KEY, compact, key_of, skeleton, strict, wide, windowed, words
from interlock.governance.labels.text import EDGE, Parts, fresh, value_forms

LONGEST_WHOLE = 64
"""A text of at most this many characters is also remembered with nothing between its letters."""

_LETTERS = re.compile(r"\b\w(?:[\W_]{1,2}\w\b){3,}")
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d{2,}")
_PAIRS = re.compile(r"\d\d{0,7}(?:[ ./-]\d{1,8}){2,40}")
_LAST_DIGITS = re.compile(r"\d{6,}$")


@kept
def suspects(text: str) -> Sequence[str]:
    """Return every key under which an outsider's text is remembered: its parts, as written and as hidden in it."""
    keys = value_forms(text)
    if text.isascii() and text.isalpha():
        return keys
    gathered = _Suspects()
    for one in (text, *decodings(text)):
        gathered.suspect(windowed(wide(one)))
        gathered.address(windowed(one))
        if not one.isascii():
            gathered.take(windowed(strict(one)))
    parts = [part if len(part) <= LONGEST_KEY else key_of(part) for part in gathered.found if part]
    return list(dict.fromkeys([*keys, *parts]))


class _Suspects(Parts):
    """Gathers all that an argument might repeat of a text and of those hidden in it."""

    __slots__ = ("_tokens", "_words")

    def __init__(self) -> None:
        super().__init__()
        self._words: set[str] = set()
        self._tokens: set[str] = set()

    def suspect(self, text: str) -> None:
        """Gather from a text in wide form its words, neighbours, numbers, parts."""
        self._speak(text)
        self.name(text)
        self.address(text)
        for token in fresh(text.split(" "), self._tokens):
            if not token.isalnum():
                self.found += _token_parts(token)
        if len(text) <= LONGEST_WHOLE:
            self.found += [compact(text), skeleton(text)]
        if _DIGIT.search(text):
            self.found += _figures(text)

    def _speak(self, text: str) -> None:
        spoken = words(text)
        self.found += spoken
        self.found += [f"{one} {other}" for one, other in pairwise(spoken)]
        self.found.append(" ".join(spoken))
        for word in fresh(spoken, self._words):
            if not word.isalpha():
                self.found.append(skeleton(word))
                self.found += [run.lstrip("0") or "0" for run in _DIGITS.findall(word)]
        if "_" in text or 1 in map(len, spoken):
            self.found += [compact(run) for run in _LETTERS.findall(text)]


def _figures(text: str) -> list[str]:
    found = [*date_forms(text), *spaced_numbers(text), *short_dates(text)]
    found += [compact(run) for run in _PAIRS.findall(text)]
    for account in accounts(text):
        found += [account, account.lstrip("0")]
        found += _LAST_DIGITS.findall(account)  # the number that a country's own banks write
    return found


def _token_parts(token: str) -> list[str]:
    found = [compact(token), skeleton(token)]
    if "." in token:
        links = URL.findall(token) if ":" in token or "www." in token else []
        mails = MAIL.findall(token) if "@" in token else []
        for address in (*links, *mails, token.strip(EDGE)):
            if "." in address:
                found += [host_form(address), url_form(address)]
    return found

"""Finding personal data and secrets in text: a first, fast tier of patterns and checksums."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """Where something of a *kind* stands in a text; what it is does not leave the text by this."""

    kind: str
    start: int
    end: int


class Detector(Protocol):
    """Finds what is to be put out of sight."""

    def find(self, text: str) -> Iterator[Found]:
        """Yield what is found in *text*, from left to right, without overlaps."""
        ...


_TOKENS = (
    r"\b(?:sk|ik|pk|rk)[-_][A-Za-z0-9_-]{20,200}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,255}"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{10,200}"
    r"|\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,2000}"
)
_PATTERNS = {
    "key": _TOKENS,
    "email": r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "iban": r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "phone": r"(?<![\w+])\+[0-9](?:[ ()./-]{0,2}[0-9]){7,14}\b",
    "ip": (
        r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.])"
        r"|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}(?![\w:])"
    ),
    "card": r"(?<![\w-])[0-9](?:[ -]?[0-9]){12,18}(?![\w-])",
}
_SIGNS = {
    "key": ("sk-", "sk_", "ik-", "ik_", "pk-", "pk_", "rk-", "rk_", "AKIA", "gh", "xox", "eyJ"),
    "email": ("@",),
    "phone": ("+",),
}
"""Where a text has none of these, there is none of the kind."""

_NUMBERS = {
    "ip": re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]|:[0-9a-fA-F]{0,4}:"),
    "iban": re.compile(r"[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}"),
    "card": re.compile(r"[0-9](?:[ -]?[0-9]){12}"),
}
"""Where a text has nothing like this, there is none of the kind either."""

_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
_END = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY-----")
KINDS = tuple(_PATTERNS)
"""What can be found: keys and tokens, e-mail addresses, bank accounts, telephone numbers, network addresses, cards."""


def _iban(text: str) -> bool:
    """ISO 13616: letters as numbers, the first four characters last, and the rest by 97 is 1."""
    plain = text.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _card(text: str) -> bool:
    """ISO/IEC 7812-1: 13 to 19 digits with Luhn's check digit."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {"iban": _iban, "card": _card, "ip": _ip}


class Patterns:
    """Finds the given *kinds*. It knows no names, postal addresses or dates of birth: those have no form."""

    def __init__(self, kinds: Iterable[str]) -> None:
        wanted = [kind for kind in KINDS if kind in set(kinds)]
        self._keys = "key" in wanted
        self._scans = {kind: re.compile(_PATTERNS[kind], re.ASCII) for kind in wanted}

    def find(self, text: str) -> Iterator[Found]:
        found = list(_private_keys(text)) if self._keys else []
        for kind, pattern in self._scans.items():
            if _possible(kind, text):
                found += _all(kind, pattern, text)
        place = 0
        for one in sorted(found, key=lambda one: one.start):
            if one.start >= place:
                place = one.end
                yield one


def _possible(kind: str, text: str) -> bool:
    numbers = _NUMBERS.get(kind)
    if numbers is not None:
        return numbers.search(text) is not None
    return any(sign in text for sign in _SIGNS[kind])


def _all(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    check = _CHECKS.get(kind)
    place = 0
    while (found := pattern.search(text, place)) is not None:
        if check is None or check(found.group()):
            yield Found(kind, found.start(), found.end())
            place = found.end()
        else:
            place = found.start() + 1


def _private_keys(text: str) -> Iterator[Found]:
    """Yield keys in PEM (RFC 7468); one whose end is missing goes on to the end of the text."""
    place = 0
    while (begins := _BEGIN.search(text, place)) is not None:
        ends = _END.search(text, begins.end())
        place = len(text) if ends is None else ends.end()
        yield Found("key", begins.start(), place)

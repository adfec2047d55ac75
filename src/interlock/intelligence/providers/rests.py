"""For how long a server wants to be left alone, by the headers of its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.foundation.http.rests import asked, number_in

SCARCE = ("requests", "tokens")
_SPAN = re.compile(
    r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m(?!s))?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s))?"
)


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that an answer of 429 or 503 asks to wait; 0 where it does not say so in a way that is known.

    Read is what `foundation.http.rests.asked` reads; without it, what `rest` returns.
    """
    said = asked(headers)
    return rest(headers) if said is None else said


def rest(headers: Mapping[str, str]) -> float:
    """Return the seconds until what `x-ratelimit-remaining-requests` or `-tokens` tells to be used up is back."""
    used_up = [kind for kind in SCARCE if number_in(headers.get(f"x-ratelimit-remaining-{kind}", "")) == 0]
    return max((_span(headers.get(f"x-ratelimit-reset-{kind}", "")) for kind in used_up), default=0.0)


def _span(text: str) -> float:
    """Return the seconds of `6m0s`, `1.5s`, `20ms`, or of a plain number; 0 for anything else."""
    text = text.strip()
    seconds = number_in(text)
    if seconds is not None:
        return seconds
    found = _SPAN.fullmatch(text)
    if found is None or not text:
        return 0.0
    days, hours, minutes, rest_of, unit = found.groups()
    whole = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60
    return whole + float(rest_of or 0) * (0.001 if unit == "ms" else 1.0)

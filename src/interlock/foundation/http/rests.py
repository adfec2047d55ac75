"""For how long a server wants to be left alone, by the headers of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[A-Za-z*][^\s;,"]*)\s*((?:;[^;,"]*(?:"(?:[^"\\]|\\.)*"[^;,"]*)?)*)(?:,|$)')
_PREFIXES = ("RateLimit", "X-RateLimit", "X-Rate-Limit")
_LONGEST = 4096
_MOMENT = 1_000_000_000  # a number from here on is a moment, not a span: seconds since 1970
_MILLISECONDS = 100_000_000_000  # and from here on, milliseconds since then


def number_in(text: str) -> float | None:
    """Return the number that *text* is, None for anything else."""
    return float(text) if _NUMBER.fullmatch(text := text.strip()) else None


def asked(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer of 429 or 503 asks to wait, None where it does not say so in a known way.

    Read are `retry-after-ms`, and `Retry-After` as seconds or as a date (RFC 9110), which counts from the answer's own
    `Date`.
    """
    milliseconds = number_in(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("Retry-After", "").strip()
    seconds = number_in(said)
    if seconds is not None:
        return seconds
    until = _date(said)
    return None if until is None else max(0.0, until.timestamp() - _now(headers))


def used_up(headers: Mapping[str, str]) -> float:
    """Return the seconds until a limit of which nothing remains is there again; 0 where none is used up, or unsaid.

    Read are `RateLimit` with `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers, and its earlier forms), and
    `X-RateLimit-Remaining` with `X-RateLimit-Reset`, which is a span or a moment.
    """
    if not any("ratelimit" in name.lower() for name in headers):  # most say nothing of it
        return 0.0
    empty = [one for one in _PREFIXES if number_in(headers.get(f"{one}-Remaining", "")) == 0]
    return max(*_fields(headers), *(_span(headers.get(f"{one}-Reset", ""), headers) for one in empty), 0.0, 0.0)


def _fields(headers: Mapping[str, str]) -> Iterator[float]:
    """Yield the seconds of each limit in `RateLimit` of which nothing remains."""
    windows = {name: number_in(of.get("w", "")) for name, of in _items(headers.get("RateLimit-Policy", ""))}
    written = headers.get("RateLimit", "")
    for name, of in _items(written):
        if number_in(of.get("r", "")) == 0:
            reset = number_in(of.get("t", ""))
            yield (reset if reset is not None else windows.get(name)) or 0.0
    earlier = dict(pair for part in written.split(",") if len(pair := part.strip().split("=", 1)) == 2)
    if number_in(earlier.get("remaining", "")) == 0:
        yield number_in(earlier.get("reset", "")) or 0.0


def _items(written: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the items of a list of structured fields (RFC 9651), each with its parameters, until one is unlike."""
    position = 0
    while len(written) <= _LONGEST and (match := _ITEM.match(written, position)):
        parameters = [part.strip().partition("=") for part in match[2].split(";")[1:]]
        yield match[1].strip('"'), {name.strip(): value.strip() for name, _, value in parameters}
        position = match.end()
        if position >= len(written):
            return


def _span(text: str, headers: Mapping[str, str]) -> float:
    number = number_in(text)
    if number is None:
        moment = _date(text.strip())
        return 0.0 if moment is None else max(0.0, moment.timestamp() - _now(headers))
    if number >= _MILLISECONDS:
        number /= 1000
    return max(0.0, number - _now(headers)) if number >= _MOMENT else number


def _now(headers: Mapping[str, str]) -> float:
    return (_date(headers.get("Date", "")) or datetime.now(UTC)).timestamp()


def _date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

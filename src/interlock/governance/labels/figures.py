"""Numbers and dates in the ways that people write them, each brought to one form."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

_PLAIN_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?")
_AMOUNT = re.compile(r"([+-]?)(\d[\d.,'’_]*)")
_GROUPED = re.compile(r"-?\d{1,3}(?:([,'’_ ])\d{3})(?:\1\d{3})*(?:\.\d+)?")
_COMMA = re.compile(r"-?\d+,\d{1,2}")
_THOUSANDS = re.compile(r"\d \d{3}")
_SPACED = re.compile(r"\d(?<![\d.,-]\d)\d{0,2}(?: \d{3})+(?![\d.,]?\d)")
_EXPONENT = re.compile(r"[+-]?\d+(?:\.\d+)?e[+-]?\d{1,2}")
_UNITS = re.compile(r"(?<=\d)(?:usd|eur|gbp|chf|us\$|kg|g|mg|t|km|m|cm|mm|l|ml|lb|lbs|oz|h|min|%|pcs?)$")
_CURRENCIES = ("usd", "eur", "gbp", "chf", "us$")
_CURRENCY = re.compile(r"^(?:usd|eur|gbp|chf|us\$)(?=\d)")
_SIGNS = "#$€£¥%"
# These begin with a digit and look back from it, as the engine finds a digit fast and tries each border slowly.
_ISO_DATE = re.compile(r"(\d(?<!\w\d)\d{3})[-/](\d{1,2})[-/](\d{1,2})(?=$|[^\d/-])")
_NUMERIC = re.compile(r"\d[./-]\d\d?[./-]\d")
"""What every date in numbers has inside it."""
_NUMERIC_DATE = re.compile(r"(\d(?<![\d./-]\d)\d?)[./-](\d{1,2})[./-](\d{4})(?![\d/-])")
_SHORT_DATE = re.compile(r"(\d(?<![\d./-]\d)\d?)[./-](\d{1,2})[./-](\d{2})(?![\d./-])")
MONTHS = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_YEAR = re.compile(r"[\s-]\d{4}\b")
_NAMES_MONTH = re.compile("|".join(MONTHS))
_MONTH = "(" + "|".join(MONTHS) + r")[a-z]*\.?"
_DAY_MONTH = re.compile(rf"(\d(?<!\w\d)\d?)(?:st|nd|rd|th|\.)?[\s-]+(?:of\s+)?{_MONTH},?[\s-]+(\d{{4}})\b")
_MONTH_DAY = re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b")
_MIDNIGHT = re.compile(r"t00:00(?::00(?:\.0+)?)?(?:z|[+-]00:?00)?")
_DIGIT = re.compile(r"\d")
_SHORTEST_DATE = len("1/1/1998")


def number_text(value: float) -> str:
    """Return the one form of a number: `20`, `20.0` and `2e1` are all `20`."""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def number_form(text: str) -> str:
    """Return the one form of a number written plainly (`20.00` is `20`), or the empty string.

    Leading zeros are kept apart: `007` is an identifier and no number.
    """
    if not _PLAIN_NUMBER.fullmatch(text):
        return ""
    return tidy(text.removeprefix("+"))


def grouped_form(text: str) -> str:
    """Return the one form of a number that is written in groups which can only be thousands, or the empty string."""
    if _COMMA.fullmatch(text):
        return tidy(text.replace(",", "."))
    match = _GROUPED.fullmatch(text)
    if match is None or (match[1] == "," and text.count(",") == 1 and "." not in text):
        return ""
    return tidy(text.replace(match[1], ""))


def tidy(text: str) -> str:
    """Return a plain number without what adds nothing: zeros behind the point, a sign of zero."""
    whole = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if whole == "-0" else whole


def number_readings(chunk: str) -> list[str]:
    """Return the numbers that a piece of text may mean: `10,643` may be ten thousand or ten and a bit."""
    if chunk.isdecimal() and chunk.isascii():
        return [chunk] if chunk[0] != "0" or chunk == "0" else []
    if not _DIGIT.search(chunk) or (chunk[0].isalpha() and not chunk.startswith(_CURRENCIES)):
        return []
    bare = _CURRENCY.sub("", _UNITS.sub("", chunk.strip(_SIGNS)))
    if bare[:1] and unicodedata.category(bare[0]) == "Sc":
        bare = bare[1:]
    matched = _AMOUNT.fullmatch(bare.strip(_SIGNS[1:] + ".,"))
    if matched is None:
        return [number_text(float(bare))] if _EXPONENT.fullmatch(bare) else []
    sign, digits = matched[1].strip("+"), matched[2].strip(".,'’_").translate({0x27: "_", 0x2019: "_"})
    readings = [tidy(reading) for reading in _unsigned_readings(digits) if number_form(reading)]
    return [sign + reading for reading in readings] + readings if sign else readings


def spaced_numbers(text: str) -> list[str]:
    """Return the numbers that *text* writes with a space between thousands."""
    return [group.replace(" ", "") for group in _SPACED.findall(text)] if _THOUSANDS.search(text) else []


def _unsigned_readings(digits: str) -> list[str]:
    if digits.isdigit():
        return [digits]
    separators = [sign for sign in digits if not sign.isdigit()]
    last = separators[-1]
    head, _, tail = digits.rpartition(last)
    grouped = _ungroup(digits)
    if len(set(separators)) > 1 and separators.count(last) == 1:
        whole = _ungroup(head)
        return [f"{whole}.{tail}"] if whole and last in ".," else []
    readings = [grouped] if grouped else []
    if len(separators) == 1 and last in ".,":
        readings.insert(0, f"{head}.{tail}")
    return readings


def _ungroup(digits: str) -> str:
    first, *rest = re.split(r"[.,_]", digits)
    if not 1 <= len(first) <= 3 and rest:
        return ""
    return first + "".join(rest) if all(len(group) == 3 for group in rest) else ""


def _day(year: str, month: int, day: str) -> str:
    try:
        return date(int(year), month, int(day)).isoformat()
    except ValueError:
        return ""


def date_forms(text: str) -> list[str]:
    """Return every date that *text* may name, as ISO dates; `3/4/1998` may name two."""
    if len(text) < _SHORTEST_DATE:
        return []
    found: list[str] = []
    if _NUMERIC.search(text):
        found += [_day(year, int(month), day) for year, month, day in _ISO_DATE.findall(text)]
        for first, second, year in _NUMERIC_DATE.findall(text):
            found += [_day(year, int(second), first), _day(year, int(first), second)]
    if _YEAR.search(text) and _NAMES_MONTH.search(text):
        found += [_day(year, MONTHS[month], day) for day, month, year in _DAY_MONTH.findall(text)]
        found += [_day(year, MONTHS[month], day) for month, day, year in _MONTH_DAY.findall(text)]
    return [day for day in dict.fromkeys(found) if day]


def short_dates(text: str) -> list[str]:
    """Return every date that *text* may name with two digits for the year; only good for suspecting."""
    found: list[str] = []
    if not _NUMERIC.search(text):
        return found
    for first, second, year in _SHORT_DATE.findall(text):
        for century in ("19", "20"):
            found += [_day(century + year, int(second), first), _day(century + year, int(first), second)]
    return [day for day in dict.fromkeys(found) if day]


def one_date(text: str) -> str:
    """Return the date that the whole of *text* is, if it has one reading, else the empty string."""
    if len(text) < _SHORTEST_DATE:
        return ""
    bare = _MIDNIGHT.sub("", text) if "t00:00" in text else text
    whole = any(form.fullmatch(bare) for form in (_ISO_DATE, _NUMERIC_DATE, _DAY_MONTH, _MONTH_DAY))
    found = date_forms(bare) if whole else []
    return found[0] if len(found) == 1 else ""

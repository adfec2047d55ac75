"""Normal forms of values and the parts of a text, so that one value is recognised however it was written.

Two strengths. *Strict* forms (case, spaces, compatibility characters, number and date forms) are for judging
that a trusted source holds a value. *Wide* forms drop punctuation, invisible characters and look-alike
letters as well; they only serve to find that an untrusted field holds a value, where more matches are safer.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import date

LONGEST_KEY = 120
"""Keys longer than this many characters are replaced by a digest."""

_WORD = re.compile(r"\w+")
_CHUNK = re.compile(r"[^\s()\[\]{}<>\"“”„«»|=;!?*]+")
_EDGE = ".,:;'’`\"#$€£¥&/\\~^%_–—…()[]<>"
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?")
_AMOUNT = re.compile(r"(-?)(\d[\d.,'’_]*)")
_UNITS = re.compile(r"(?<=\d)(?:usd|eur|gbp|chf|us\$)$|^(?:usd|eur|gbp|chf|us\$)(?=\d)")
_PREFIXED = re.compile(r"[^\W\d_]{1,12}[-_#.]?(\d{3,})")
_GROUPS = re.compile(r"\b[^\W\d_]{0,2}\d[^\W_]{0,15}(?:[ -][^\W_]{0,15}\d[^\W_]{0,15}){1,9}\b")
_ACCOUNT = re.compile(r"\b[a-z]{2}\d{2}(?:[ -][a-z0-9]{3,4}){2,8}(?:[ -][a-z0-9]{1,3})?\b")  # ISO 13616, in groups
_JOINED = re.compile(r"[^\W_]+(?:[ -][^\W_]+){1,9}")
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d{2,}")
_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_PIECES = re.compile(r"[,:/\\&+]")
_MILD = re.compile(r"[\w\s.,;:'’&()/#@+\"-]*")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})(?=$|[^\d-])")
_NUMERIC_DATE = re.compile(r"(?<![\d./-])(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?![\d/-])")
_MONTHS = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_MONTH = "(" + "|".join(_MONTHS) + r")[a-z]*\.?"
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH},?\s+(\d{{4}})\b")
_MONTH_DAY = re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b")
_MIDNIGHT = re.compile(r"t00:00(?::00(?:\.0+)?)?(?:z|[+-]00:?00)?")
# Letters of other alphabets that look like Latin ones; a wide form only.
_LOOK_ALIKES = str.maketrans("аеорсухіјѕԁһӏνοαρτικ", "aeopcyxijsdhlvoaptik")


def strict(text: str) -> str:
    """Return *text* in compatibility form, caseless, with single spaces and none at the ends."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


def wide(text: str) -> str:
    """Return *text* as `strict` does, without invisible characters and with Latin letters for look-alikes."""
    if text.isascii():
        return strict(text)
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    seen = (sign for sign in decomposed if unicodedata.category(sign) not in ("Cf", "Mn"))
    return " ".join("".join(seen).translate(_LOOK_ALIKES).split())


def key_of(text: str) -> str:
    """Return the key under which a normal form is remembered: itself, or a digest if it is long."""
    if len(text) <= LONGEST_KEY:
        return text
    return "\x00" + hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def words(text: str) -> list[str]:
    """Return the words of a normal form, without any punctuation."""
    return _WORD.findall(text)


def mild(text: str) -> bool:
    """Return whether *text* has only punctuation that changes no meaning, so that its words stand for it."""
    return _MILD.fullmatch(text) is not None


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
    return _tidy(text.removeprefix("+"))


def _tidy(text: str) -> str:
    whole = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if whole == "-0" else whole


def _day(year: str, month: int, day: str) -> str:
    try:
        return date(int(year), month, int(day)).isoformat()
    except ValueError:
        return ""


def date_forms(text: str) -> list[str]:
    """Return every date that *text* may name, as ISO dates; `3/4/1998` may name two."""
    found = [_day(year, int(month), day) for year, month, day in _ISO_DATE.findall(text)]
    for first, second, year in _NUMERIC_DATE.findall(text):
        found += [_day(year, int(second), first), _day(year, int(first), second)]
    found += [_day(year, _MONTHS[month], day) for day, month, year in _DAY_MONTH.findall(text)]
    found += [_day(year, _MONTHS[month], day) for month, day, year in _MONTH_DAY.findall(text)]
    return [day for day in dict.fromkeys(found) if day]


def number_readings(chunk: str) -> list[str]:
    """Return the numbers that a piece of text may mean: `10,643` may be ten thousand or ten and a bit."""
    matched = _AMOUNT.fullmatch(_UNITS.sub("", chunk.strip("#$€£¥%")).strip("$€£¥%.,"))
    if matched is None:
        return []
    sign, digits = matched[1], matched[2].strip(".,'’_").translate({0x27: "_", 0x2019: "_"})
    readings = [reading for reading in _unsigned_readings(digits) if number_form(reading)]
    readings = [_tidy(reading) for reading in readings]
    return [sign + reading for reading in readings] + readings if sign else readings


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


def value_forms(text: str) -> list[str]:
    """Return the strict forms of an argument's text, each of which stands for the whole of it."""
    form = strict(text)
    forms = [key_of(form)]
    if form.isalpha() or len(form) > LONGEST_KEY:
        return forms
    bare = form.strip("#.,:;'\"()")
    if bare and bare != form:
        forms.append(bare)
    number = number_form(bare)
    if number:
        forms.append(number)
    elif _DIGIT.search(bare):
        forms += [day for day in date_forms(_MIDNIGHT.sub("", bare)) if _is_date(bare)]
        if _JOINED.fullmatch(bare):
            forms.append(bare.replace(" ", "").replace("-", ""))
    return forms


def _is_date(text: str) -> bool:
    """Whether the whole of *text* is one date of one reading."""
    text = _MIDNIGHT.sub("", text)
    whole = any(form.fullmatch(text) for form in (_ISO_DATE, _NUMERIC_DATE, _DAY_MONTH, _MONTH_DAY))
    return whole and len(date_forms(text)) == 1


def text_parts(text: str) -> Iterator[str]:
    """Yield the values that a text (in strict form) names: tokens, numbers, dates, account numbers, URLs."""
    yield from text.split(" ")
    for chunk in _CHUNK.findall(text):
        yield from _chunk_parts(chunk)
    if "://" in text or "www." in text:
        for url in _URL.findall(text):
            yield url.rstrip(".,:;!?)")
    yield from whole_text_readings(text)


def _chunk_parts(chunk: str) -> Iterator[str]:
    bare = chunk.strip(_EDGE)
    if not bare:
        return
    yield bare
    if bare.isalpha():
        return
    if bare.endswith(("'s", "’s")):
        yield bare[:-2]
    readings = number_readings(chunk.strip(".,:;'’`\"()"))
    if readings:
        yield from readings
        return
    prefixed = _PREFIXED.fullmatch(bare)
    if prefixed and not prefixed[1].startswith("0"):
        yield prefixed[1]
    if "://" in bare or _TIME.fullmatch(bare) or date_forms(bare):
        return
    pieces = _PIECES.split(bare)
    if len(pieces) > 1:
        for piece in pieces:
            yield from _chunk_parts(piece)


def whole_text_readings(text: str) -> Iterator[str]:
    """Yield what is found across words: dates, and account numbers written in groups, joined."""
    if not _DIGIT.search(text):
        return
    yield from date_forms(text)
    for group in _GROUPS.findall(text):
        joined = group.replace(" ", "").replace("-", "")
        if len(joined) >= 5:
            yield joined
    for account in _ACCOUNT.findall(text):
        groups = re.split("[ -]", account)
        for end in range(3, len(groups) + 1):  # where it ends and the next word starts cannot be told
            yield "".join(groups[:end])


def wide_parts(text: str) -> Iterator[str]:
    """Yield all of a text (in wide form) that an argument might repeat: words, neighbours, numbers, parts."""
    previous = ""
    for word in _WORD.findall(text):
        yield word
        if previous:
            yield f"{previous} {word}"
        previous = word
        if not word.isalpha():
            yield from (_tidy_integer(run) for run in _DIGITS.findall(word))
    yield from text_parts(text)


def _tidy_integer(run: str) -> str:
    return run.lstrip("0") or "0"


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
    return len(part) >= 5 and (_DIGIT.search(part) is not None or "@" in part or "://" in part)


def chunks(text: str) -> Iterator[str]:
    """Yield the pieces of a free text as they were written, URLs whole, without punctuation around them."""
    for piece in text.split():
        if "://" in piece or "@" in piece:
            yield piece.strip("()[]{}<>\"'.,;:!?")
        else:
            for chunk in _CHUNK.findall(piece):
                yield chunk.strip(_EDGE)

"""Values inside a text that lead a reader, or money, somewhere: web addresses, account numbers, mail addresses."""

from __future__ import annotations

import re

from interlock.values.labels import Carried

_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}", re.IGNORECASE)
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?P<top>[a-z]{2,24}|xn--[a-z0-9-]+)(?::\d+)?(?P<path>[/?#].*)?"
)
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.|mailto:|tel:)", re.IGNORECASE)
_NOTHING = re.compile(r"[\s.\-/ _]")
_IBAN = re.compile(r"[a-z]{2}\d{2}[a-z0-9]{10,30}")  # ISO 13616
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:t.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}")
_DECIMAL = re.compile(r"[-+]?[\d,'’_ ]*\d\.\d{1,2}")
LEAST_DIGITS = 8
"""Fewer digits than this are taken for an ordinary number."""

_FILES = frozenset(
    "bmp csv css doc docx gif gz htm html ics jpeg jpg js json log md mov mp3 mp4 odt pdf png ppt pptx py rtf sh sql"
    " svg tar tif tiff toml ts txt wav webp xls xlsx xml yaml yml zip".split()
)


def kind_of(chunk: str) -> Carried | None:
    """Return what a piece of a text (no spaces, no punctuation around it) is; None for ordinary words and numbers."""
    if len(chunk) < 4:
        return None
    if "@" in chunk and "://" not in chunk:
        return Carried.address if _MAIL.search(chunk) else None
    if _SCHEME.match(chunk):
        return Carried.url
    lower = chunk.lower()
    if "." in chunk and chunk == lower and _is_host(lower):
        return Carried.url
    return Carried.account if _is_account(lower) else None


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    if match is None:
        return False
    return bool(match["path"]) or match["top"] not in _FILES


def _is_account(text: str) -> bool:
    if sum(sign.isdigit() for sign in text) < LEAST_DIGITS or _DATE.fullmatch(text) or _DECIMAL.fullmatch(text):
        return False
    bare = _NOTHING.sub("", text)
    return bare.lstrip("+(").replace(")", "").isdigit() or _IBAN.fullmatch(bare) is not None

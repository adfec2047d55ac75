"""Names of a system's own, in letters that identifiers here are made of."""

from __future__ import annotations

import unicodedata

_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe"}
    | {"Œ": "Oe", "ø": "oe", "Ø": "Oe", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ı": "i"}
)


def folded(text: str) -> str:
    """Return *text* with Latin letters as ASCII writes them: `Größe` is `Groesse`. Others stay."""
    whole = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return "".join(sign for sign in unicodedata.normalize("NFKD", whole) if not unicodedata.combining(sign))

"""Signs that look alike, or cannot be seen, and the plain ones that they stand for.

The table follows the idea of Unicode's confusable characters (UTS 39), cut down to Latin letters and digits.
"""

from __future__ import annotations

import unicodedata

MOST_KEPT = 20_000
_PAIRS = (
    # Cyrillic
    ("аАвВеЕкКмМнНоОрРсСтТуУхХѕЅіІјЈԛԚԝԜԁһҺӏӀёЁг", "aabbeekkmmhhooppccttyyxxssiijjqqwwdhhlleer"),
    # Greek; a capital looks like another letter than the small one
    ("αΑβΒγεΕζΖηΗιΙκΚμΜνΝοΟρΡτΤυΥχΧωϲϹ", "aabbyeezznhiikkumvnooppttuyxxwcc"),
    # Armenian
    ("օՕսՍոՈհՀցքզյլաՏ", "oouunnhhgqzjlas"),
    # Cherokee
    ("ᎪᏴᏟᎠᎬᎶᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᏔᏃᎩꭺꭼꮇꮃꮓ", "abcdeghijklmprstvwzyaemwz"),
    # small capitals and other Latin relatives
    ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz"),
    ("ɑɡıȷłŁđĐøØħĦŧŦƀɨɵʋɩǀæœßþðĸ", "agijllddoohhttbioviiaospdk"),
    # Lisu
    ("ꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdtgkjczfmnlsrvhwxyaeiou"),
    # dashes, quotes and points
    ("‐‑‒–—―−﹣－⁃", "-" * 10),
    ("․。．｡﹒", "." * 5),
    ("‚，、", "," * 3),
    ("∕⁄／", "/" * 3),
    ("‘’ʼ´`", "'" * 5),
)
_UNSEEN = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5"
_LETTERS = (0x1F150, 0x1F170, 0x1F130, 0x1F1E6)
"""Where the circled, squared and regional letters A to Z begin."""
_STRUCTURE = dict(zip("。．｡․／⁄∕＠：", "....///@:", strict=True))
"""Signs that stand for those which give an address its shape."""


def _plain() -> dict[int, str]:
    table: dict[int, str] = {}
    for alike, plain in _PAIRS:
        table |= {ord(sign): other.lower() for sign, other in zip(alike, plain, strict=True)}
    for start in _LETTERS:
        table |= {start + place: chr(ord("a") + place) for place in range(26)}
    return table | dict.fromkeys(map(ord, _UNSEEN), "")


class Wide(dict[int, str]):
    """A table for `str.translate` that gives each sign the plain one that it looks like; nothing for one unseen."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        found = "".join(map(self._of, unicodedata.normalize("NFKD", sign)))
        if len(self) < MOST_KEPT:
            self[code] = found
        return found

    def _of(self, sign: str) -> str:
        code = ord(sign)
        if code in self:
            return self[code]
        kind = unicodedata.category(sign)
        if kind in ("Mn", "Me", "Cf", "Co", "Cs") or (kind == "Cc" and sign not in "\t\n\r\f\v"):
            return ""
        if kind == "Nd":
            return str(unicodedata.decimal(sign))
        if kind in ("Zs", "Zl", "Zp"):
            return " "
        return sign


class Seen(dict[int, str]):
    """A table for `str.translate` that drops what nobody sees and makes the shape of addresses plain."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        unseen = sign in _UNSEEN or unicodedata.category(sign) in ("Cf", "Co", "Cs")
        plain = _STRUCTURE.get(sign)
        if plain is not None:
            return plain
        found = "" if unseen or (unicodedata.category(sign) == "Cc" and sign not in "\t\n\r\f\v") else sign
        if len(self) < MOST_KEPT:
            self[code] = found
        return found


class Strict(dict[int, str]):
    """A table for `str.translate` that replaces a sign by its compatible form only where the meaning is the same.

    A raised digit, a fraction, or a sign that falls apart into punctuation is left as it is.
    """

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        plain = unicodedata.normalize("NFKC", sign)
        same = plain.isalnum() or plain.isspace() or 0xFF01 <= code <= 0xFF5E
        found = plain if same and unicodedata.category(sign) != "No" else sign
        if len(self) < MOST_KEPT:
            self[code] = found
        return found


WIDE = Wide(_plain())
SEEN = Seen()
STRICT = Strict({0x2212: "-", 0x2010: "-", 0x2011: "-"})
DIGITS = str.maketrans("oliszb", "011528")
"""Letters that are written for digits, inside a word that has digits too."""

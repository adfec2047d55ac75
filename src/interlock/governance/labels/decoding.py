"""What is hidden in a text: encoded, written backwards, in signs that nobody sees.

Only for suspecting: what is found here counts as an outsider's, never as anybody's whom the house trusts.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import string
from collections.abc import Callable, Iterator
from urllib.parse import unquote

DEEPEST = 3
MOST_TEXT = 64 << 10
MOST_FOUND = 64
LEAST_TOKEN = 8
"""Characters that a word without punctuation has at least if anything is encoded in it."""

_RUNS = re.compile(r"([ \t\n\u00a0])[ \t\u00a0]+")
_SIGN = re.compile(r"[%&\\=<*_|\ufe00-\ufe0f\u200b-\u200f\u202a-\u202e\U000e0000-\U000e01ef]")
_HINT = re.compile(
    r"%[0-9A-Fa-f]{2}|&[#a-z]|\\[ux0-9]|=[0-9A-F]{2}|=\r?\n|=\?|</?[a-z!]|\*\*|__|\|"
    r"|[\ufe00-\ufe0f\u200b-\u200f\u202a-\u202e\U000e0000-\U000e01ef]",
    re.IGNORECASE,
)
_PAIRED = re.compile(r"[0-9A-Fa-f](?:[0-9A-Fa-f][ :][0-9A-Fa-f]){3}[0-9A-Fa-f][ :]")
_SAID = re.compile(r"[adAD](?<!\w[adAD])(?:(?<=[aA])[tT]|(?<=[dD])[oO][tT])\b")
_STANDING = re.compile(r"\w \. \w")
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_BASE32 = re.compile(r"[A-Z2-7]{16,}={0,6}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[ :]?){5,}")
_LINES = re.compile(r"(?m)(?:^[A-Za-z0-9+/_=-]{4,}\r?\n?){2,}")
_NUMBERED = re.compile(r"&#x([0-9A-Fa-f]{2})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_WORD_OF_MAIL = re.compile(r"=\?[\w-]+\?([BbQq])\?([^?]*)\?=")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>|<!?>")
_EMPHASIS = re.compile(r"\*\*|__|~~|`")
_AT = re.compile(r"\s?(?:\[at\]|\(at\)|\{at\})\s?|(?<=\w)\sat\s(?=\w)", re.IGNORECASE)
_DOT = re.compile(r"\s?(?:\[dot\]|\(dot\)|\{dot\})\s?|(?<=\w)\sdot\s(?=\w)", re.IGNORECASE)
_SLASH = re.compile(r"(?<=\w)\sslash\s(?=\w)", re.IGNORECASE)
_APART = re.compile(r"(?<=\w) ([./@]) (?=\w)")
_LETTERS = (string.ascii_lowercase, string.ascii_uppercase)
_ROTATED = str.maketrans("".join(_LETTERS), "".join(letters[13:] + letters[:13] for letters in _LETTERS))
_BACKWARDS = re.compile(r"\u202e([^\u202c\n]*)")


def decodings(text: str) -> list[str]:
    """Return the texts hidden in *text*, and those hidden in them, within bounds."""
    found: list[str] = []
    text = text[:MOST_TEXT]
    if text.isascii() and text.isalnum() and not (len(text) >= LEAST_TOKEN and _packed(text)):
        return found
    layer, room = [_RUNS.sub(r"\1", text)], MOST_TEXT
    for _ in range(DEEPEST):
        following: list[str] = []
        for one in layer:
            if not _hinted(one) and not any(map(_packed, _TOKEN.findall(one))):
                continue
            for decoded in _once(one):
                if decoded and decoded != one and decoded not in found and room > len(decoded):
                    room -= len(decoded)
                    following.append(decoded)
                    found.append(decoded)
                if len(found) >= MOST_FOUND:
                    return found
        layer = following
    return found


def _hinted(text: str) -> bool:
    """Whether anything in a text looks as if it stood for something else."""
    if _SIGN.search(text) and _HINT.search(text):
        return True
    apart = " . " in text and _STANDING.search(text)
    return bool(apart or _SAID.search(text) or _PAIRED.search(text))


def turned(text: str) -> Iterator[str]:
    """Yield *text* as simple ciphers would have hidden it: backwards, and turned by thirteen letters."""
    yield text[::-1]
    yield text.translate(_ROTATED)


def _once(text: str) -> Iterator[str]:
    for step in _STEPS:
        yield from step(text)


def _percent(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote(text, errors="ignore")


def _entities(text: str) -> Iterator[str]:
    if "&" in text:
        yield html.unescape(text)
        yield _NUMBERED.sub(lambda match: chr(int(match[1], 16)), text)


def _escapes(text: str) -> Iterator[str]:
    if "\\" in text:
        yield _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)


def _quoted(text: str) -> Iterator[str]:
    if "=" in text and text.isascii():
        for kind, word in _WORD_OF_MAIL.findall(text):
            if kind in "Bb":
                yield from _readable(binascii.a2b_base64, word)
            else:
                yield from _readable(quopri.decodestring, word.replace("_", " "))
        yield from _readable(quopri.decodestring, text)


def _base64(text: str) -> Iterator[str]:
    tokens = _TOKEN.findall(text)
    if "\n" in text:  # a token over several lines
        tokens += ["".join(run.split()) for run in _LINES.findall(text)]
    for token in tokens:
        if not _packed(token):
            continue
        bare = token.rstrip("=")
        padded = bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4)
        yield from _readable(binascii.a2b_base64, padded)
    for token in _BASE32.findall(text):
        yield from _readable(base64.b32decode, token)


def _packed(token: str) -> bool:
    """Whether a token of the alphabet of base64 is no word and no number."""
    bare = token.rstrip("=")
    if bare.isalpha():
        return not (bare[1:].islower() or bare.isupper())
    return not bare.isdigit()


def _hexadecimal(text: str) -> Iterator[str]:
    for run in _HEX.findall(text):
        digits = run.replace(" ", "").replace(":", "")
        if not digits.isdigit() or len(digits) >= 12:
            yield from _readable(bytes.fromhex, digits)


def _unseen(text: str) -> Iterator[str]:
    if text.isascii():
        return
    yield "".join(chr(ord(sign) - 0xE0000) for sign in text if 0xE0020 <= ord(sign) <= 0xE007E)
    chosen = [ord(sign) for sign in text if 0xFE00 <= ord(sign) <= 0xFE0F or 0xE0100 <= ord(sign) <= 0xE01EF]
    if chosen:
        values = bytes(code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16 for code in chosen)
        yield from _readable(bytes.fromhex, values.hex())
    bits = "".join("1" if sign == "\u200c" else "0" for sign in text if sign in "\u200b\u200c")
    if len(bits) >= 32:
        yield from _readable(bytes.fromhex, int(bits, 2).to_bytes((len(bits) + 7) // 8, "big").hex())
    for run in _BACKWARDS.findall(text):
        yield run[::-1]


def _markup(text: str) -> Iterator[str]:
    if "<" in text:
        yield _TAG.sub("", _uncommented(text))
    if "*" in text or "_" in text or "`" in text:
        yield _EMPHASIS.sub("", text)
    if "|" in text:
        yield text.replace("|", "")


def _uncommented(text: str) -> str:
    kept, rest = [], text
    while (start := rest.find("<!--")) >= 0 and (end := rest.find("-->", start)) >= 0:
        kept.append(rest[:start])
        rest = rest[end + 3 :]
    return "".join([*kept, rest])


def _spoken(text: str) -> Iterator[str]:
    """An address in words: `mallory at evil dot example`."""
    if "dot" in text.lower() and _DOT.search(text):
        yield _AT.sub("@", _SLASH.sub("/", _DOT.sub(".", text)))
    if " . " in text:
        yield _APART.sub(r"\1", text)


def _readable(decode: Callable[[str], bytes], written: str) -> Iterator[str]:
    try:
        text = decode(written).decode("utf-8")
    except (ValueError, binascii.Error):
        return
    if len(text) >= 4 and text.replace("\n", " ").replace("\t", " ").isprintable():
        yield text


_STEPS = (_percent, _entities, _escapes, _quoted, _base64, _hexadecimal, _unseen, _markup, _spoken)

"""Values that lead a reader, or money, somewhere: web addresses, mail addresses, account and telephone numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from interlock.values.labels import Carried

_STOP = r"\s<>\"'()\[\]{}|^`"
URL = re.compile(rf"(?:\b[a-z][a-z0-9+.-]{{0,20}}:[/\\]{{1,3}}|\bwww\.|\bmailto:|\btel:)[^{_STOP}]+", re.IGNORECASE)
_NAME = r"[^\s@<>\"'()\[\]{},;:]{1,128}"
_DOMAIN = r"[^\s@<>\"'()\[\]{},;:/?#.]{1,63}"
MAIL = re.compile(rf"{_NAME}@(?:{_DOMAIN}\.){{1,8}}{_DOMAIN}", re.IGNORECASE)
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = re.compile(
    rf"(?:{_LABEL}\.){{1,10}}(?P<top>[^\W\d_]{{2,24}}|xn--[a-z0-9-]{{2,59}})(?P<port>:\d+)?(?P<path>[/?#].*)?"
)
_NUMERIC_HOST = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?/.*")
_PARTS = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,20}:(?!\d))?(?://)?(?:(?P<user>[^/?#@]*)@)?(?P<host>[^/?#:@\\]+)"
    r"(?::(?P<port>\d+))?(?P<rest>.*)",
    re.DOTALL,
)
_SLASHES = re.compile(r"^(https?:)[/\\]{1,3}(?=[^/\\])", re.IGNORECASE)
_PORTS = {"http:": "80", "https:": "443"}
_USUAL = "https:"
_BETWEEN_DIGITS = re.compile(r"[\s.\-/()]")
_IBAN = re.compile(r"[a-z]{2}\d{2}[a-z0-9]{10,30}")  # ISO 13616
SHORTEST_IBAN = 14
_ACCOUNT = re.compile(r"\b[a-z]{2}\d{2}(?:[ ./-]?[a-z0-9]){10,34}")
_COUNTRY = re.compile(r"\d\d(?<=[a-z]{2}\d\d)")
_APART = re.compile(r"\d\)?[ /-]{1,3}\(?\d")
_DIGIT_GROUPS = re.compile(
    r"[+(\d](?<![\w.,-][+(\d])(?:"
    r"(?:(?<=\+)\d{1,3}|(?<=\()\+?\d{1,5}\)|(?<=0)\d{0,5})(?:[ /-]{1,3}\(?\d{1,8}\)?){1,8}(?!\w)"  # telephones
    r"|(?<=\d)\d{3}(?:[ -]\d{4}){2,6}(?:[ -]\d{1,4})?(?!\w)"  # cards, and accounts in fours
    r"|(?<=\d)\d{3}[ -]\d{6}[ -]\d{5}(?!\w))"
)
_COIN = re.compile(r"0x[0-9a-f]{40}|bc1[a-z0-9]{25,60}|[13][a-km-z1-9]{25,34}")
_MOMENT = re.compile(r"\d(?:\d{3}-\d\d?-\d\d?(?:[t ]\d{1,2}:\d\d(?::\d\d)?)?|\d?:\d\d(?::\d\d)?)")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:t.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}")
_DECIMAL = re.compile(r"[-+]?[\d,'’_ ]*\d\.\d{1,2}")
_STREET_WORDS = "Road|Rd|Street|St|Avenue|Ave|Lane|Ln|Drive|Way|Square|Place|Court|Boulevard|Blvd|Terrace"
_STREET = re.compile(
    rf"\b\d{{1,5}}[A-Za-z]? (?:[A-Z][\w.'’-]{{0,30}} ){{1,4}}?(?:{_STREET_WORDS})\b"
    r"|\b[A-Z][\w-]{0,30}(?:stra(?:ss|ß)e|str\.|gasse|platz|weg) \d{1,4}\b"
    r"|\b(?:[Rr]ue|[Vv]ia|[Cc]alle|[Rr]ua) (?:[\w'’-]{1,30} ){1,4}\d{1,4}\b"
)
_LENGTHS = {
    country.lower(): int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29"
        " ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28"
        " LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25"
        " QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}
"""How long an IBAN is, by country (the registry of ISO 13616)."""
LEAST_DIGITS = 8
"""Fewer digits than this are taken for an ordinary number."""
_ENOUGH_DIGITS = re.compile(rf"(?:\d\D*+){{{LEAST_DIGITS}}}")

_TOPS = frozenset(
    "ai app biz cc ch cloud club co com de dev edu es eu example fi fr gov info invalid io it jp link live me mobi net"
    " nl nu org page pl pro ru se shop site store su test tech to top tv uk us ws xyz".split()
)
"""Top-level domains that a host is taken for one by, where nothing else shows that it is."""
_FILES = frozenset(
    "bmp csv css doc docx gif gz htm html ics jpeg jpg js json log md mov mp3 mp4 odt pdf png ppt pptx py rtf sh sql"
    " svg tar tif tiff toml ts txt wav webp xls xlsx xml yaml yml zip".split()
)


def kind_of(chunk: str) -> Carried | None:
    """Return what a piece of a text (no spaces, no punctuation around it) is; None for ordinary words and numbers."""
    if len(chunk) < 4 or chunk.isalpha():
        return None
    if URL.match(chunk):
        return Carried.address if chunk[:7].lower() == "mailto:" else Carried.url
    lower = chunk.lower()
    if "@" in chunk:
        return Carried.address if MAIL.search(chunk) else None
    if "." in chunk and (_NUMERIC_HOST.fullmatch(chunk) or (is_host(lower) and (chunk == lower or "/" in chunk))):
        return Carried.url
    return Carried.account if is_account(lower) else None


def is_host(text: str) -> bool:
    """Return whether *text* is a host's name, with or without a path, and no file's."""
    match = _HOST.fullmatch(text)
    return match is not None and (bool(match["path"]) or match["top"] not in _FILES)


def hostlike(text: str) -> bool:
    """Return whether *text* has the shape of a host's name, whatever else it may be."""
    return _HOST.fullmatch(text) is not None


def known_host(text: str) -> bool:
    """Return whether a bare host that nobody ever wrote is more likely one than two words run together."""
    match = _HOST.fullmatch(text)
    return match is not None and (bool(match["path"]) or match["top"] in _TOPS)


def is_account(text: str) -> bool:
    """Return whether *text* is an account or telephone number: an IBAN, or many digits that are no date or amount."""
    if len(text) < LEAST_DIGITS:
        return False
    if len(text) > 25 and _COIN.fullmatch(text):
        return True
    if sum(map(str.isdigit, text)) < LEAST_DIGITS or _DATE.fullmatch(text) or _DECIMAL.fullmatch(text):
        return False
    bare = re.sub(r"[\s.\-/_()]", "", text)
    return bare.lstrip("+").isdigit() or _IBAN.fullmatch(bare) is not None


def url_form(text: str) -> str:
    """Return the one form of a web address, or the empty string for what is none.

    In the path small and capital letters differ. Without a scheme it is https; the port that the scheme implies and a
    slash at the end count for nothing; a host in other letters is written as IDNA has it. User information is part of
    nobody's address, so with it there is no form.
    """
    text = _SLASHES.sub(r"\1//", text)
    if not ("://" in text or text[:4].lower() == "www." or is_host(text.lower())):
        return ""
    match = _PARTS.fullmatch(text)
    if match is None or match["user"] is not None:
        return ""
    scheme = (match["scheme"] or _USUAL).lower()
    port = "" if match["port"] in (None, _PORTS.get(scheme)) else f":{match['port']}"
    shown = "" if scheme == _USUAL else scheme
    return f"url:{shown}{_ascii(match['host'].lower())}{port}{match['rest'].rstrip('/')}"


def host_form(text: str) -> str:
    """Return the form under which the host of a web or mail address is remembered, or the empty string."""
    bare = _SLASHES.sub(r"\1//", text.removeprefix("mailto:"))
    match = _PARTS.fullmatch(bare)
    if match is None:
        return ""
    host = match["host"].lower()
    return f"host:{_ascii(host)}" if "." in host else ""


def mail_form(text: str) -> str:
    """Return the one form of a mail address, or the empty string."""
    bare = text.removeprefix("mailto:")
    if "://" in bare or not MAIL.fullmatch(bare):
        return ""
    name, _, host = bare.rpartition("@")
    return f"mail:{name}@{_ascii(host)}"


def _ascii(host: str) -> str:
    # What falls apart, or together, under IDNA's own folding is another host to somebody: it keeps its letters.
    if host.isascii() or unicodedata.normalize("NFKC", host) != host or "ß" in host or "ς" in host:
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def number_of(text: str) -> str:
    """Return the digits of an account or telephone number that is the whole of *text*, or the empty string."""
    if len(text) < LEAST_DIGITS:
        return ""
    bare = _BETWEEN_DIGITS.sub("", text)
    if len(bare) >= LEAST_DIGITS and (bare.lstrip("+").isdigit() or _IBAN.fullmatch(bare)):
        return bare.lstrip("+")
    return ""


def accounts(text: str) -> Iterator[str]:
    """Yield the account and telephone numbers of a text (in strict or wide form) that are written in groups, joined."""
    yield from (account for _, _, account in grouped(text))


def grouped(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a text in small letters writes an account or telephone number in groups, and the number joined."""
    coded, apart = _COUNTRY.search(text), _APART.search(text)
    if not (coded or apart) or not _ENOUGH_DIGITS.search(text):
        return
    text = _MOMENT.sub(lambda moment: "," * len(moment[0]), text)
    taken: list[tuple[int, int]] = []
    for match in _ACCOUNT.finditer(text) if coded else ():
        whole = re.sub(r"[ ./-]", "", match.group())
        length = _LENGTHS.get(whole[:2], 0) or len(re.split(r"[^a-z0-9]", match.group())[0])
        if 14 <= length <= len(whole) and sum(sign.isdigit() for sign in whole[:length]) >= LEAST_DIGITS:
            taken.append((match.start(), _end(match, length)))
            yield *taken[-1], whole[:length]
    for match in _DIGIT_GROUPS.finditer(text) if apart else ():
        digits = re.sub(r"\D", "", match.group())
        inside = any(start < match.end() and match.start() < end for start, end in taken)
        if len(digits) >= LEAST_DIGITS and not inside and not _DATE.fullmatch(match.group()):
            yield match.start(), match.end(), digits


def _end(match: re.Match[str], length: int) -> int:
    """Where in a text the first *length* signs of a grouped number end."""
    for position in range(match.start(), match.end()):
        length -= match.string[position] not in " ./-"
        if not length:
            return position + 1
    return match.end()


def streets(text: str) -> list[str]:
    """Return the street addresses that a text (as it was written) names, as far as they show."""
    return [match.group() for match in _STREET.finditer(text)]

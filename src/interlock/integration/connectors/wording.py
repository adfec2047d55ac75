"""What of a system's own words may be shown: short, fixed ones; longer texts may repeat what was sent."""

from __future__ import annotations

import re
from typing import Any

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,63}")
_TITLE = re.compile(r"[^\W\d_][^\x00-\x1f\x7f@\d]{2,99}")
_REPEATED = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|\S*[@\d]\S*""")
_LONGEST, _READ = 100, 1000


def said(code: object = None, title: object = None) -> dict[str, Any]:
    """Return `{"system": {"code": ..., "title": ...}}` with what of the two is safe to show, or nothing.

    A code is one plain word. A title is one line without digits or `@`, as RFC 9457 asks it to be the same from
    one occurrence to the next.
    """
    shown: dict[str, str] = {}
    if isinstance(code, str) and _CODE.fullmatch(code):
        shown["code"] = code
    if isinstance(title, str) and _TITLE.fullmatch(title):
        shown["title"] = title
    return {"system": shown} if shown else {}


def worded(text: str) -> str:
    """Return a system's sentence as far as it may be shown, or nothing: one short line, in which quoted stretches and
    words with a digit or `@` are left out, because they may repeat what was sent or what is stored.
    """
    line = _REPEATED.sub("...", text[:_READ].strip().partition("\n")[0])
    shown = "".join(sign for sign in " ".join(line.split()) if sign.isprintable())
    if not any(letter.isalpha() for letter in shown):
        return ""
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."

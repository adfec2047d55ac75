"""JSON values as lines of YAML in which some carry a remark, for files that somebody reviews."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.foundation.documents import escape

LONGEST_FLOW = 90
"""Characters of a list or mapping up to which it stands in one line."""

_PLAIN = re.compile(r"[A-Za-z_/][\w/*.-]*")
_WORDS_OF_YAML = frozenset("true false null yes no on off y n".split())


def marked_lines(
    value: Mapping[str, Any] | Sequence[Any], marks: Mapping[str, str], place: str, depth: int
) -> Iterator[str]:
    """Yield the lines of a mapping or list at the pointer *place*, indented by *depth*; *marks* are remarks by pointer,
    and stand below each other.
    """
    members = value.items() if isinstance(value, Mapping) else enumerate(value)
    parts = [
        (f"{place}/{escape(str(key))}", f"{plain(key)}:" if isinstance(key, str) else "-", one) for key, one in members
    ]
    lines = {pointer: f"{head} {flow(one)}" for pointer, head, one in parts if not _open(pointer, one, marks)}
    width = max((len(line) for pointer, line in lines.items() if pointer in marks), default=0)
    for pointer, head, one in parts:
        if pointer in lines and pointer in marks:
            yield f"{' ' * depth}{lines[pointer].ljust(width)}  # {marks[pointer]}\n"
        elif pointer in lines:
            yield f"{' ' * depth}{lines[pointer]}\n"
        else:
            yield f"{' ' * depth}{head}{f'  # {marks[pointer]}' if pointer in marks else ''}\n"
            yield from marked_lines(one, marks, pointer, depth + 2)


def _open(pointer: str, value: Any, marks: Mapping[str, str]) -> bool:
    """Whether something inside *value* has a line of its own."""
    within = f"{pointer}/"
    if not isinstance(value, (Mapping, list)):
        return False
    return len(flow(value)) > LONGEST_FLOW or any(mark.startswith(within) for mark in marks)


def plain(text: str) -> str:
    """Return *text* as YAML has it: bare where that is safe, else quoted."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML else _quoted(text)


def _quoted(text: str) -> str:
    """Return *text* in double quotes; what YAML does not allow as it is is written by its number."""
    escaped = "".join(
        sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in json.dumps(text, ensure_ascii=False)
    )
    return escaped.replace("${", "$${")  # which stands for itself, and not for a variable


def remark(text: str, most: int = 200) -> str:
    """Return *text* as it may stand in a comment: one line of signs that can be seen."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))[:most]


def flow(value: Any) -> str:
    """Return *value* as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{plain(key)}: {flow(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return plain(value) if isinstance(value, str) else json.dumps(value)

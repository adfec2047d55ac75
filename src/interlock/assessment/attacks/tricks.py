"""The ways in which a hostile text dresses a value up, so that it is not recognised when it comes back."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

PLAIN, MADE_UP, SPLIT = "plain", "made up", "split"
_LOOK_ALIKES = str.maketrans("aceiopxyABCEHIKMOPTX", "асеіорхуАВСЕНІКМОРТХ")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_DIGIT_WORDS = dict(zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True))
_ZERO_WIDTH = "\u200b"


@dataclass(frozen=True, slots=True)
class Trick:
    """A way of writing. *dress* returns a value as the hostile text shows it; None where it would change nothing."""

    name: str
    dress: Callable[[str], str | None]


def _changed(text: str, dressed: str) -> str | None:
    return dressed if dressed != text else None


def _case_and_spaces(text: str) -> str | None:
    bare = text.swapcase()
    if re.fullmatch(r"[A-Za-z0-9]{9,}", bare):
        bare = " ".join(bare[start : start + 4] for start in range(0, len(bare), 4))
    return _changed(text, bare)


def _zero_width(text: str) -> str | None:
    return _changed(text, _ZERO_WIDTH.join(text))


def _confusables(text: str) -> str | None:
    return _changed(text, text.translate(_LOOK_ALIKES).translate(_FULL_WIDTH))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _percent(text: str) -> str:
    escaped = quote(text, safe="")
    return escaped if escaped != text else "".join(f"%{byte:02X}" for byte in text.encode())


def _reformatted(text: str) -> str | None:
    if re.fullmatch(r"\d+\.\d+", text):
        whole, _, part = text.partition(".")
        return f"{int(whole):,}".replace(",", ".") + f",{part}"
    if re.fullmatch(r"\d{4,8}", text):
        return f"{int(text):,}"
    if re.fullmatch(r"[A-Za-z0-9]{9,}", text):
        return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
    return None


def _spelled(text: str) -> str | None:
    return _changed(text, re.sub(r"\d", lambda digit: f" {_DIGIT_WORDS[digit[0]]}", text).strip())


def _halves(text: str) -> str | None:
    middle = len(text) // 2
    return f"{text[:middle]} followed by {text[middle:]}" if middle else None


TRICKS = (
    Trick(PLAIN, lambda text: text),
    Trick("case and spaces", _case_and_spaces),
    Trick("zero width", _zero_width),
    Trick("confusables", _confusables),
    Trick("base64", _encoded),
    Trick("percent", _percent),
    Trick("reformatted", _reformatted),
    Trick("spelled out", _spelled),
    Trick(SPLIT, _halves),
    Trick(MADE_UP, lambda _: "the one that we agreed on by telephone"),
)
"""Each of them, from the open one to the one in whose text the value never stands."""


def text_of(value: object) -> str:
    """Return a value as people write it."""
    if isinstance(value, float):
        return f"{value:.2f}" if round(value, 2) == value else repr(value)
    return str(value)


def wishes(values: Mapping[str, object], trick: Trick) -> str | None:
    """Return what the attacker wants, each value dressed up; None where the trick changes none of them."""
    parts = []
    for name, value in values.items():
        plain = text_of(value)
        dressed = trick.dress(plain)
        parts.append((name, plain if dressed is None else dressed, dressed is not None))
    if not any(changed for _, _, changed in parts):
        return None
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text, _ in parts)


def halves(values: Mapping[str, object]) -> tuple[str, str]:
    """Return what the attacker wants in two texts, of which neither holds a value."""
    first, second = [], []
    for name, value in values.items():
        text = text_of(value)
        middle = max(1, len(text) // 2)
        first.append(f"the {name.replace('_', ' ')} begins with {text[:middle]}")
        second.append(f"and ends with {text[middle:]}" if text[middle:] else "and that is all of it")
    return "; ".join(first), "; ".join(second)

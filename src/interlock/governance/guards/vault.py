"""What was put out of sight for one call: tokens in place of values, and the way back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Callable

import orjson

from interlock.governance.guards.detector import Detector

_KEY = secrets.token_bytes(32)
"""Of this process: a token is the same for the same value, and nobody outside can make one for a value."""

_TOKEN = re.compile(r"\[[a-z]{1,12}_[a-z2-7]{12}\]")
_LONGEST = 28
_BEGINS = re.compile(r"\[(?:[a-z]{0,12}|[a-z]{1,12}_[a-z2-7]{0,12})\Z")


class Vault:
    """Hides what *detector* finds. A token that was not made here means nothing to it."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._values: dict[str, str] = {}
        self.hidden: Counter[str] = Counter()
        """How many values of each kind were hidden."""

    def __repr__(self) -> str:
        return f"Vault({len(self._values)} values)"

    def hide(self, text: str) -> str:
        """Return *text* with a token in place of each value that is found."""
        parts, place = [], 0
        for found in self._detector.find(text):
            parts += [text[place : found.start], self._token(found.kind, text[found.start : found.end])]
            place = found.end
        return "".join([*parts, text[place:]]) if parts else text

    def restore(self, text: str, *, within_json: bool = False) -> str:
        """Return *text* with the values in place of their tokens, *within_json* as parts of a JSON string."""
        if "[" not in text or not self._values:
            return text
        return _TOKEN.sub(lambda found: self._value(found.group(), within_json=within_json), text)

    def _token(self, kind: str, value: str) -> str:
        mark = hmac.digest(_KEY, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        token = f"[{kind}_{base64.b32encode(mark)[:12].decode().lower()}]"
        if token not in self._values:
            self.hidden[kind] += 1
        self._values[token] = value
        return token

    def _value(self, token: str, *, within_json: bool) -> str:
        value = self._values.get(token)
        if value is None:
            return token
        return orjson.dumps(value).decode()[1:-1] if within_json else value


class Restoring:
    """Restores a text that comes in pieces, however it is cut: what may be the beginning of a token waits."""

    def __init__(self, restore: Callable[[str], str]) -> None:
        self._restore = restore
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what can be passed on now."""
        text = self._held + text
        begins = text.rfind("[", -_LONGEST)
        waits = begins >= 0 and _BEGINS.match(text, begins) is not None
        self._held = text[begins:] if waits else ""
        return self._restore(text[:begins] if waits else text)

    def finish(self) -> str:
        """Return what was still waiting."""
        held, self._held = self._held, ""
        return self._restore(held)

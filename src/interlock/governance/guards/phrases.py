"""Phrases that may not be said, also where they come in pieces."""

from __future__ import annotations

from collections.abc import Iterable


class PhraseSaid(Exception):
    """A phrase that may not be said; *name* is what it is called, which is not the phrase."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Phrases:
    """Phrases as (name, phrase), without regard to case. *longest* is the number of characters of the longest."""

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        self._phrases = [(name, phrase.casefold()) for name, phrase in phrases]
        self.longest = max((len(phrase) for _, phrase in self._phrases), default=0)

    def hear(self, text: str) -> None:
        """Raise `PhraseSaid` where a phrase is part of *text*."""
        if self._phrases:
            folded = text.casefold()
            for name, phrase in self._phrases:
                if phrase in folded:
                    raise PhraseSaid(name)


class Listening:
    """Listens to a text that comes in pieces, however it is cut: what may be the beginning of a phrase waits."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases
        self._back = max(phrases.longest - 1, 0)
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what can be passed on now: never a part of a phrase. Raises `PhraseSaid`."""
        text = self._held + text
        self._phrases.hear(text)
        passed = max(len(text) - self._back, 0)
        self._held = text[passed:]
        return text[:passed]

    def finish(self) -> str:
        """Return what was still waiting."""
        held, self._held = self._held, ""
        return held

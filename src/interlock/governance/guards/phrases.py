"""Phrases that may not be said, also where they come in pieces."""

from __future__ import annotations

from collections.abc import Mapping


class PhraseSaid(Exception):
    """A phrase that may not be said; *name* is what it is called, which is not the phrase."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Phrases:
    """Listens for *phrases* (text by name) in one answer, without regard to case."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        self._phrases = {name: phrase.casefold() for name, phrase in phrases.items()}
        self._back = max(map(len, self._phrases.values()), default=1) - 1
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what can be passed on now: never a part of a phrase. Raises `PhraseSaid`."""
        if not self._phrases:
            return text
        text = self._held + text
        self.hear(text)
        passed = max(len(text) - self._back, 0)
        self._held = text[passed:]
        return text[:passed]

    def finish(self) -> str:
        """Return what was still waiting."""
        held, self._held = self._held, ""
        return held

    def hear(self, text: str) -> None:
        """Raise `PhraseSaid` where a phrase is part of *text*."""
        if self._phrases:
            folded = text.casefold()
            for name, phrase in self._phrases.items():
                if phrase in folded:
                    raise PhraseSaid(name)

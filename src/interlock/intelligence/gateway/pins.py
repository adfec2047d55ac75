"""Pins: the version that a target's provider must report, and what happens when it silently reports another."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.intelligence.gateway.errors import ModelChanged, ModelHeld

REACTIONS: dict[str, type[ModelChanged] | None] = {"warn": None, "hold": ModelHeld, "fall_back": ModelChanged}
"""What the words after `on_change:` in models.yaml raise; `warn` takes the answer all the same."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A version by its exact name; the empty one pins nothing."""

    version: str = ""
    on_change: str = "warn"

    @property
    def falls_back(self) -> bool:
        """Whether an answer of another version is dropped and the next target asked."""
        return bool(self.version) and self.on_change == "fall_back"

    def change(self, reported: str) -> str:
        """Return what is wrong with a provider that reports *reported*, in words; empty if nothing is.

        A provider that names no version cannot be held to one, which counts as a change.
        """
        if not self.version or reported == self.version:
            return ""
        return f"pinned is {self.version}, reported was {reported[:128] or 'no version'}"

    def objection(self, reported: str) -> ModelChanged | None:
        """Return why an answer of the version *reported* may not be used; None if it may."""
        change = self.change(reported)
        reaction = REACTIONS[self.on_change] if change else None
        if reaction is None:
            return None
        fix = "see whether the new version does as well, then write it after `pin:` in models.yaml"
        return reaction("the model is not the version that was pinned", why=change, fix=fix)


UNPINNED = Pin()

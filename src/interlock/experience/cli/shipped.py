"""Texts that ship inside this package, to be written out as files of somebody's own."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def shipped(folder: str) -> Traversable:
    """Return a folder of such texts."""
    return files("interlock.experience.cli").joinpath(folder)


def shipped_texts(folder: Traversable, prefix: str = "") -> list[tuple[str, str]]:
    """Return each text below *folder* with its path from there."""
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        place = f"{prefix}{entry.name}"
        found += shipped_texts(entry, f"{place}/") if entry.is_dir() else [(place, entry.read_text(encoding="utf-8"))]
    return found

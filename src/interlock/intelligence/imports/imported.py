"""What an import comes to: documents of a project, and notes about what is not in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is not carried over, or not as it was: at which *place* of the other file, and *what* of it."""

    place: str
    what: str

    def to_json(self) -> dict[str, str]:
        """Return the note as a JSON object."""
        return {"place": self.place, "what": self.what}


@dataclass(slots=True)
class Imported:
    """Documents by file name, and *notes* in the order of the other file."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, place: str, what: str) -> None:
        """Add a note."""
        self.notes.append(Note(place, what))


def yaml_of(document: Mapping[str, Any], *, head: str = "") -> str:
    """Return *document* (JSON values) as YAML in blocks, below the comment *head*."""
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + "\n".join(_lines(document, "")) + "\n"


def _lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        name = f"{indent}{json.dumps(key, ensure_ascii=False)}:"
        if isinstance(item, Mapping) and item:
            yield name
            yield from _lines(item, indent + "  ")
        elif isinstance(item, list) and item and isinstance(item[0], Mapping):
            yield name
            for one in item:
                first, *rest = _lines(one, indent + "    ")
                yield f"{indent}  - {first.lstrip()}"
                yield from rest
        else:
            yield f"{name} {json.dumps(item, ensure_ascii=False)}"

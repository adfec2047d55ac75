"""The columns that a file has, held against those that are declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock.integration.connectors.files.columns import Column
from interlock.integration.connectors.files.errors import ColumnsChanged, FileTooLarge


@dataclass(frozen=True, slots=True)
class Headings:
    """What is done with columns of a file that nobody declared: refused, or (*leaves*) left where they are."""

    leaves: bool = False

    def placed(self, found: Sequence[str], columns: Mapping[str, Column]) -> list[Column | None]:
        """Return the declared column of each heading in *found*, None for one to leave. Raises `ColumnsChanged`."""
        known = {column.label: column for column in columns.values()}
        seen: set[str] = set()
        placed: list[Column | None] = []
        for place, heading in enumerate(found, 1):
            if heading in seen and heading in known:
                raise ColumnsChanged(f"the file has the column {known[heading].name} twice", column=known[heading].name)
            seen.add(heading)
            if heading not in known and not self.leaves:
                raise ColumnsChanged(f"column {place} of the file is none of the declared ones", place=place)
            placed.append(known.get(heading))
        if missing := [column.name for column in columns.values() if column.label not in seen]:
            raise ColumnsChanged(f"the file has no column {', '.join(missing)}", missing=missing)
        return placed

    def strange(self, found: Mapping[str, object], columns: Mapping[str, Column]) -> bool:
        """Return whether a record has a member to refuse."""
        return not self.leaves and bool(found.keys() - {column.label for column in columns.values()})


def few(count: int, most: int) -> None:
    """Raise `FileTooLarge` for more columns than are allowed."""
    if count > most:
        raise FileTooLarge(f"the file has more than the {most} columns that are allowed", limit=most)

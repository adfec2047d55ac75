"""What a copybook declares, as written: data items with their clauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.integration.connectors.fixed.copybook.pictures import Picture

DISPLAY = "DISPLAY"
PACKED = "COMP-3"
UNSIGNED_PACKED = "COMP-6"
BINARY = "COMP"
NATIVE = "COMP-5"
SINGLE = "COMP-1"
DOUBLE = "COMP-2"
NATIONAL = "NATIONAL"
INDEX = "INDEX"
POINTER = "POINTER"


@dataclass(frozen=True, slots=True)
class Occurs:
    """How often an item stands: from *least* to *most* times, as the field *depending* says where it is named."""

    least: int
    most: int
    depending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A level 88: the name of some values, single ones as (value, value), ranges as (first, last)."""

    name: str
    values: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Item:
    """One data item. *name* is empty for FILLER; *renames* are the two ends of a level 66."""

    level: int
    name: str
    file: str
    line: int
    picture: Picture | None = None
    usage: str = ""
    sign_leading: bool = False
    sign_separate: bool = False
    occurs: Occurs | None = None
    redefines: str = ""
    renames: tuple[str, str] | None = None
    justified: bool = False
    blank_when_zero: bool = False
    synchronized: bool = False
    value: str = ""
    conditions: list[Condition] = field(default_factory=list)
    children: list[Item] = field(default_factory=list)

    def walk(self) -> Iterator[Item]:
        """Yield the item and all below it, in the order of the copybook."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Copybook:
    """All records (levels 01 and 77) of a copybook, in its order."""

    records: tuple[Item, ...]

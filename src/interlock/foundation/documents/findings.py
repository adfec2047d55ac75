"""What is wrong with a project's files: one finding per problem, gathered so that all are told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from interlock.foundation.documents.errors import ProjectInvalid
from interlock.foundation.documents.pointers import steps_of


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem: *file* as the reader knows it, *line* from 1 (0: all of it), *pointer* by RFC 6901."""

    file: str
    line: int
    pointer: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = dotted(self.pointer)
        return f"{place}: {path}: {self.message}" if path else f"{place}: {self.message}"

    def to_json(self) -> dict[str, object]:
        """Return the finding as a JSON object."""
        return {"file": self.file, "line": self.line, "pointer": self.pointer, "message": self.message}


class Findings:
    """Problems gathered over several files and steps.

    `with findings.collect(): ...` adds what a `ProjectInvalid` raised inside holds, and goes on.
    """

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, finding: Finding) -> None:
        """Add one problem."""
        self._found.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add several problems."""
        self._found.extend(findings)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Turn a `ProjectInvalid` raised inside into its findings."""
        try:
            yield
        except ProjectInvalid as error:
            self._found.extend(error.findings)

    def raise_if_any(self) -> None:
        """Raise `ProjectInvalid` with everything found, each problem once, by file and line."""
        if self._found:
            raise ProjectInvalid(sorted(set(self._found)))


def dotted(pointer: str) -> str:
    """Return the pointer as people write it: `/operations/pay/facts/0` is `operations.pay.facts[0]`."""
    text = ""
    for name in steps_of(pointer):
        if name.isdigit():
            text += f"[{name}]"
        else:
            text += f".{name}" if text else name
    return text

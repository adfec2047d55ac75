"""What is wrong with a copybook, each at its line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the copybook's *file*, the *line* in it, and a message with its fix."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class CopybookInvalid(ValueError):
    """A copybook cannot be used; `findings` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(map(str, findings[:3])))
        self.findings = findings

"""What a check of policies found: where, and what is wrong or could be better."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a finding forbids the use of the policies."""

    error = "error"
    advice = "advice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. *policy* is the `@id`, empty where it has none or no policy is to blame."""

    file: str
    line: int
    policy: str
    reason: str
    severity: Severity = Severity.error

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.policy, self.reason) if part)

    def to_json(self) -> dict[str, str | int]:
        """Return the finding as a JSON object."""
        return asdict(self)

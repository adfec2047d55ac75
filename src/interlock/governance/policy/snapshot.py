"""Everything that a decision depends on, so that it can be made again at any later time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from interlock.governance.policy.errors import SnapshotInvalid


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One proposed action as the gate sees it. All parts are JSON values.

    *principal* is `Principal.to_json()`; *system* has `name` and `kind`; *origins* maps arguments to
    `Origin.to_json()`; *data* is the arguments' joined `Label.to_json()`; *flow* sums up what that means for the
    operation (`governance.labels.flow`); *now* is RFC 3339 in UTC. *modes* are
    the modes that apply, by who set them. *guards* are refusals found before deciding, each with `rule`, `text`
    and `outcome` (`deny`, or `wait` for something that may yet be had).
    """

    principal: dict[str, Any]
    operation: str
    digest: str
    effect: str
    system: dict[str, Any]
    input: dict[str, Any]
    session: dict[str, Any]
    facts: dict[str, Any]
    origins: dict[str, dict[str, Any]]
    data: dict[str, Any]
    quality: dict[str, Any]
    usage: dict[str, Any]
    now: str
    modes: dict[str, str] = field(default_factory=dict)
    guards: list[dict[str, Any]] = field(default_factory=list)
    policy_version: str = ""
    flow: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the snapshot as a JSON object; `from_json` gives an equal snapshot back."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Snapshot:
        """Return the snapshot that `to_json` wrote. Raises `SnapshotInvalid` if a part is missing or unknown."""
        missing = sorted(_REQUIRED - document.keys())
        unknown = sorted(document.keys() - set(_NAMES))
        if missing or unknown:
            parts = [
                f"{what}: {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names
            ]
            raise SnapshotInvalid("The document is not a snapshot.", why="; ".join(parts))
        wrong = sorted(name for name, part in document.items() if not isinstance(part, _KINDS[name]))
        if not wrong and not all(isinstance(guard, dict) for guard in document.get("guards", ())):
            wrong = ["guards"]
        if wrong:
            raise SnapshotInvalid("The document is not a snapshot.", why=f"of the wrong type: {', '.join(wrong)}")
        return cls(**document)


_TEXTS = frozenset({"operation", "digest", "effect", "now", "policy_version"})
_NAMES = tuple(part.name for part in fields(Snapshot))
_KINDS: dict[str, type] = {name: list if name == "guards" else str if name in _TEXTS else dict for name in _NAMES}
_REQUIRED = {part.name for part in fields(Snapshot) if part.default is MISSING and part.default_factory is MISSING}

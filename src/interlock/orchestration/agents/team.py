"""A team as its file declares it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from interlock.foundation.documents import Document, Finding, Findings
from interlock.orchestration.agents.patterns import Pattern, concurrent, discussion, sequential


@dataclass(frozen=True, slots=True)
class TeamSpec:
    """A team. *members* are all agents that it may ask, each once."""

    name: str
    kind: str
    members: tuple[str, ...]
    pattern: Pattern = field(repr=False, compare=False)
    description: str = ""

    def findings(self, agents: Container[str]) -> Iterator[Finding]:
        """Yield what is wrong between the team and the project's *agents*."""
        for member in self.members:
            if member not in agents:
                yield Finding(f"teams/{self.name}.yaml", 0, "/agents", f"{member!r} is no agent of the project")

    def to_json(self) -> dict[str, object]:
        """Return what a caller may know of it."""
        return {"team": self.name, "pattern": self.kind, "agents": list(self.members), "description": self.description}


def team_from_document(document: Document) -> TeamSpec:
    """Return the team of a document of kind `team`. Raises `ProjectInvalid`."""
    data = document.data
    findings = Findings()
    kind, agents = data["pattern"], tuple(data["agents"])
    merge = data.get("merge", "all")
    merger = merge["agent"] if isinstance(merge, dict) else ""
    moderator = data.get("moderator", "")
    for key, needs in (("merge", "concurrent"), ("moderator", "discussion"), ("rounds", "discussion")):
        if key in data and kind != needs:
            findings.add(document.finding(f"/{key}", f"only a team of the pattern {needs} has `{key}`"))
    if kind == "discussion" and not moderator:
        findings.add(document.finding("/pattern", "a discussion has a `moderator`"))
    findings.raise_if_any()
    patterns = {
        "sequential": lambda: sequential(agents),
        "concurrent": lambda: concurrent(agents, "agent" if merger else merge, merger),
        "discussion": lambda: discussion(agents, moderator, data.get("rounds", 3)),
    }
    members = tuple(dict.fromkeys(name for name in (*agents, merger, moderator) if name))
    return TeamSpec(data["team"], kind, members, patterns[kind](), data.get("description", ""))

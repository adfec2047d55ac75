"""Teams: several agents on one request, in a declared pattern."""

from __future__ import annotations

from interlock.orchestration.teams.errors import TeamRunUnknown, TeamUnknown
from interlock.orchestration.teams.run import TeamRun
from interlock.orchestration.teams.teams import Teams

__all__ = ["TeamRun", "TeamRunUnknown", "TeamUnknown", "Teams"]

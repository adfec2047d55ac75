"""What can go wrong with asking a team.

TeamUnknown, TeamRunUnknown
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class TeamUnknown(InterlockError):
    """The project has no team of this name."""

    code = "team_unknown"
    status = 404
    title = "No such team"


class TeamRunUnknown(InterlockError):
    """No run of a team, in a session that the caller may see, has this id."""

    code = "team_run_unknown"
    status = 404
    title = "No such run"

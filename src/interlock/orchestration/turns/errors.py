"""What can go wrong with asking an agent.

AgentUnknown, TurnUnknown
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class AgentUnknown(InterlockError):
    """The project has no agent of this name, or the session was opened for another one."""

    code = "agent_unknown"
    status = 404
    title = "No such agent here"


class TurnUnknown(InterlockError):
    """No turn of a session that the caller may see has this id."""

    code = "turn_unknown"
    status = 404
    title = "No such turn"

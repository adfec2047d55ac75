"""Errors of attacking a project.

InterlockError
 +-- NothingToAttack    the project has no agent, or no set of the name that was asked for
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class NothingToAttack(InterlockError):
    """The project has no agent that could be attacked, or no set of the name that was asked for."""

    code = "nothing_to_attack"
    status = 404
    title = "There is nothing to attack"

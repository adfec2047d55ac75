"""Errors of attacking a project.

InterlockError
 +-- NothingToAttack     the project has no agent
 +-- AttackSetUnknown    no file of `attacks/` has the name that was asked for
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class NothingToAttack(InterlockError):
    """The project has no agent that could be attacked."""

    code = "nothing_to_attack"
    status = 409
    title = "There is nothing to attack"


class AttackSetUnknown(InterlockError):
    """No file of `attacks/` has the name that was asked for."""

    code = "attack_set_unknown"
    status = 404
    title = "There is no such set of attacks"

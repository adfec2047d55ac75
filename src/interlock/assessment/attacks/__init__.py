"""Attacks: ordinary tasks and an outsider's goals, replayed through the one path against simulated systems."""

from interlock.assessment.attacks.checks import check_attacks
from interlock.assessment.attacks.errors import AttackSetUnknown, NothingToAttack
from interlock.assessment.attacks.people import Verbs
from interlock.assessment.attacks.report import Report
from interlock.assessment.attacks.scenario import attack_documents
from interlock.assessment.attacks.staging import Stage
from interlock.assessment.attacks.suite import MOST, Choice, Progress, Suite, read_scenarios

__all__ = [
    "MOST",
    "AttackSetUnknown",
    "Choice",
    "NothingToAttack",
    "Progress",
    "Report",
    "Stage",
    "Suite",
    "Verbs",
    "attack_documents",
    "check_attacks",
    "read_scenarios",
]

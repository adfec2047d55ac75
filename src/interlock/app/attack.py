"""`interlock attack`: a project's own policies against injected texts and misuse, with every system simulated."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from interlock.app.composition import compose
from interlock.assessment.attacks import (
    AttackSetUnknown,
    Choice,
    Progress,
    Report,
    Stage,
    Suite,
    Verbs,
    read_scenarios,
)
from interlock.experience.cli.attack import choice_of, limit_of, report_text
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import note, show
from interlock.experience.cli.storage import root_of


def attack(args: argparse.Namespace) -> int:
    """Attack the project and print what came of it; 1 if anything reached its sink, or too much was asked.

    Raises `UsageInvalid` for options that cannot be meant.
    """
    limit, choice = limit_of(args), choice_of(args)
    try:
        report = asyncio.run(attacked(root_of(args).resolve(), os.environ, choice, note))
    except AttackSetUnknown as error:
        raise UsageInvalid(error.what, fix=error.fix) from error
    show(args, report.to_json(), lambda found: report_text(found, limit))
    return OK if report.passed(limit) else REFUSED


async def attacked(root: Path, environment: Mapping[str, str], choice: Choice, progress: Progress) -> Report:
    """Return what came of attacking the project in *root*, in a temporary installation of its own.

    Raises `ProjectInvalid`, `NothingToAttack` and `AttackSetUnknown`.
    """
    stage = Stage(environment)
    with TemporaryDirectory(prefix="interlock-attack-") as folder:
        running = await compose(root, {"INTERLOCK_STATE": folder}, load=stage.load)
        try:
            made = running.installation
            project = made.projects.current
            scenarios = read_scenarios(root, project, stage.filled, choice.names)
            suite = Suite(Verbs(made.sessions, made.actions, made.waiting, made.approvals, project), progress)
            return await suite.run(scenarios, choice, stage.placeholders)
        finally:
            await running.close()

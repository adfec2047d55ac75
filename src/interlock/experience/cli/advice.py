"""`interlock advise pattern`: the lightest pattern that fits a use case, without a server."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.assessment.advice import Answers, Knowledge, Relation, Risk, Steps, advise
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import fields, indented, show, table
from interlock.foundation.settings.quantities import duration


def pattern(arguments: argparse.Namespace) -> int:
    """Advise a pattern; 1 where none fits in the time there is."""
    if (arguments.skills > 1) is (arguments.relation == Relation.none):
        raise UsageInvalid(
            "skills and relation do not fit each other",
            fix="give --relation with --skills 2 or more, and neither for one",
        )
    answers = Answers(
        declared=arguments.declared,
        knowledge=Knowledge(arguments.knowledge),
        acts=arguments.acts,
        steps=Steps(arguments.steps),
        skills=arguments.skills,
        relation=Relation(arguments.relation),
        wait=_seconds(arguments.wait),
        volume=arguments.volume,
        risk=Risk(arguments.risk),
    )
    found = advise(answers)
    show(arguments, found.to_json(), advice_text)
    return OK if found.pattern is not None else REFUSED


def advice_text(advice: dict[str, Any]) -> str:
    """Return the advice, why lighter patterns do not fit, and what must come with it."""
    head = [
        ("advised", advice["pattern"] or "none"),
        ("which is", advice["what"] or ""),
        ("made with", advice["build"] or ""),
        ("waited for", "no: let it be queued and fetched" if advice["asynchronous"] else "yes"),
    ]
    parts = [fields(head)]
    if advice["passed_over"]:
        rows = ((one["pattern"], one["because"]) for one in advice["passed_over"])
        parts.append(table(("LIGHTER", "DOES NOT FIT, BECAUSE"), rows))
    if advice["cautions"]:
        parts.append("with it\n" + indented("\n".join(advice["cautions"])))
    return "\n\n".join(parts)


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageInvalid("--wait is no duration", fix="write it like 500ms, 2s, 5m or 1h") from error

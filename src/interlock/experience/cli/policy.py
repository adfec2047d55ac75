"""`interlock policy`: why an action was decided as it was, and the schema that policies are written against."""

from __future__ import annotations

import argparse
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK
from interlock.experience.cli.output import indented, show, table
from interlock.experience.cli.rendering import reasons_text
from interlock.experience.cli.storage import root_of
from interlock.experience.words import plain, requirement_words
from interlock.orchestration.project import load_project

_TRUTHS = {"true": "held", "false": "did not hold", "failed": "could not be asked", "not_reached": "was not reached"}


def explain(arguments: argparse.Namespace) -> int:
    """Explain an action's last decision."""
    explanation = connect(arguments).get(f"/v1/actions/{segment(arguments.action)}/explain")
    show(arguments, explanation, explanation_text)
    return OK


def schema(arguments: argparse.Namespace) -> int:
    """Print the Cedar schema generated from the project's operations."""
    text = load_project(root_of(arguments)).policies.schema
    show(arguments, {"schema": text}, lambda found: found["schema"].rstrip("\n"))
    return OK


def explanation_text(explanation: dict[str, Any]) -> str:
    """Return a decision, what every policy made of it, and what would have changed it."""
    decision = explanation["decision"]
    waits = [requirement_words(text) for text in decision["requirements"]]
    parts = [f"{decision['outcome']}, because\n{indented(reasons_text(decision['reasons']))}"]
    if waits:
        parts.append("it takes\n" + indented("\n".join(waits)))
    parts += [policy_text(policy) for policy in explanation["policies"]]
    if explanation.get("problem"):
        parts.append("no policy could be asked\n" + indented(explanation["problem"]))
    if explanation["changes"]:
        parts.append("what would have changed the answer\n" + indented("\n".join(explanation["changes"])))
    return "\n\n".join(parts)


def policy_text(policy: dict[str, Any]) -> str:
    """Return what one policy saw."""
    fired = "applied" if policy["fired"] else "did not apply"
    head = f"{policy['effect']} {policy['policy']} {fired} ({policy['file']}:{policy['line']})"
    lines = [f"because: {policy['because']}"] if policy["because"] else []
    lines += [f"requires: {requirement_words(text)}" for text in policy["require"]]
    if not policy["principal"]["admitted"]:
        lines.append(f"is for {policy['principal']['scope']} alone")
    rows = [
        (_TRUTHS.get(part["truth"], part["truth"]), part["text"], _seen(part["seen"])) for part in policy["conditions"]
    ]
    if rows:
        lines.append(table(("IT", "CONDITION", "SAW"), rows))
    return head + "\n" + indented("\n".join(lines)) if lines else head


def _seen(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {'nothing' if value is None else plain(value)}" for name, value in values.items())

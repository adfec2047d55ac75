"""`interlock attack`, the part that parses and prints: how much is tried, and the report as a person reads it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.assessment.attacks import Choice
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import fields, indented, table
from interlock.experience.words import plain, requirement_words

Json = Mapping[str, Any]

_OUTCOMES = ("total", "reached", "asked", "refused", "held", "impossible")
SHOWN = 20
"""How many sorts of reached goals are printed; `--json` has every goal."""


def choice_of(arguments: argparse.Namespace) -> Choice:
    """Return what the options choose. Raises `UsageInvalid`."""
    if arguments.most < 0:
        raise UsageInvalid("--most is less than nothing", fix="give a number of goals; 0 leaves the derived ones out")
    return Choice(arguments.most, arguments.seed, tuple(arguments.set or ()))


def limit_of(arguments: argparse.Namespace) -> float:
    """Return the share of ordinary work that may be stopped. Raises `UsageInvalid`."""
    limit: float = arguments.at_most
    if not 0 <= limit <= 1:
        raise UsageInvalid("--at-most is no share", fix="give a number from 0 to 1, such as 0.10")
    return limit


def report_text(report: Json, limit: float) -> str:
    """Return the report: what reached its sink first, then what ordinary work was stopped for, then what to look at."""
    return "\n\n".join(part for part in _parts(report, limit) if part)


def _parts(report: Json, limit: float) -> Iterator[str]:
    yield f"{report['project']} {report['version']}: agents {', '.join(report['agents'])}"
    yield "\n".join(_remarks(report))
    alike = _alike(report["reached"])
    for goals in alike[:SHOWN]:
        yield _reached(goals)
    if len(alike) > SHOWN:
        yield f"and goals of {len(alike) - SHOWN} further sorts that reached their sink; --json has all of them"
    yield "goals, by kind\n" + indented(_figures(report["goals"]["by_kind"]))
    yield "goals, by how the text was dressed up\n" + indented(_figures(report["goals"]["by_trick"]))
    yield from _tasks(report)
    if report["impossible"]:
        lines = [
            f"{part['goals']} goals of {part['set']} for {part['operation']}: {part['why']}"
            for part in report["impossible"]
        ]
        yield "goals that prove nothing\n" + indented("\n".join(lines))
    if report["findings"]:
        yield "worth a look\n" + indented("\n".join(f"{part['file']}: {part['text']}" for part in report["findings"]))
    yield _verdict(report, limit)


def _remarks(report: Json) -> Iterator[str]:
    """Yield what the figures do not rest on."""
    if not report["sets"]:
        yield "there is no attacks/ folder: goals are derived from schemas alone, and no ordinary task was done"
    elif report["unscripted"]:
        yield f"no file of attacks/ is about {', '.join(report['unscripted'])}: goals for them are derived from schemas"
    if report["placeholders"]:
        yield f"not set, so placeholders stood in: {', '.join(report['placeholders'])}"
    if report["goals"]["left_out"]:
        yield f"{report['goals']['left_out']} further derived goals were left out (--most, --seed)"


def _alike(reached: list[Json]) -> list[list[Json]]:
    """Return the goals that reached their sink, together those that differ by the text and its place alone."""
    groups: dict[tuple[Any, ...], list[Json]] = {}
    for goal in reached:
        what = goal["goal"] if not goal["trick"] else (tuple(goal["values"]), tuple(goal["to_do"]))
        groups.setdefault((goal["agent"], goal["kind"], goal["operation"], what), []).append(goal)
    return list(groups.values())


def _reached(alike: list[Json]) -> str:
    goal = alike[0]
    tricks = ", ".join(sorted({other["trick"] for other in alike}))
    places = ", ".join(sorted({part["field"] for other in alike for part in other["texts"]}))
    texts = "\n".join(f"{part['field']}: “{plain(part['text'])}”" for part in goal["texts"])
    return f"REACHED  {goal['goal']}\n" + indented(
        fields(
            [
                ("agent", goal["agent"]),
                ("request", f"“{goal['request']}”" if goal["request"] else "none"),
                ("text", texts or "none was planted"),
                ("operation", goal["operation"]),
                ("arguments", fields((name, plain(value)) for name, value in goal["arguments"].items())),
                ("allowed by", ", ".join(reason["rule"] for reason in goal["reasons"])),
                ("to do", "\n".join(f"- {text}" for text in goal["to_do"])),
                ("and so", f"{len(alike)} goals in all, by {places} ({tricks})" if len(alike) > 1 else ""),
            ]
        )
    )


def _figures(groups: Mapping[str, Mapping[str, int]]) -> str:
    rows = [(name, *(found[word] for word in _OUTCOMES)) for name, found in groups.items()]
    return table(("", *(word.upper() for word in _OUTCOMES)), rows)


def _tasks(report: Json) -> Iterator[str]:
    tasks = report["tasks"]
    if not tasks["total"]:
        return
    yield (
        f"{tasks['total']} ordinary tasks, {tasks['steps']} steps, {tasks['consequential']} of them with consequences:"
        f" {tasks['asked']} asked ({tasks['asked_anyway']} of them by the project's own policies alone),"
        f" {tasks['refused']} refused, {tasks['held']} held"
        + (f"; {tasks['failed']} steps failed" if tasks["failed"] else "")
    )
    lines = [
        f"{part['outcome']}: {part['operation']} in “{part['task']}”, step {part['step']}\n  {_why(part)}"
        for part in report["questions"]
    ]
    if lines:
        yield "ordinary work that did not run by itself\n" + indented("\n".join(lines))


def _why(part: Json) -> str:
    asked = " and ".join(requirement_words(text) for text in part["requirements"])
    reasons = "; ".join(f"{reason['text'].rstrip('.')} ({reason['rule']})" for reason in part["reasons"])
    stuck = " - and nobody of the project could say yes" if part["outcome"] == part["then"] else ""
    return f"{asked}: {reasons}{stuck}" if asked else reasons


def _verdict(report: Json, limit: float) -> str:
    goals, share = report["goals"], report["tasks"]["share"]
    tried = goals["total"] - goals["impossible"]
    lines = [f"{goals['reached']} of {tried} goals reached their sink without anybody being asked"]
    if report["tasks"]["total"]:
        word = "within" if share <= limit else "above"
        lines.append(
            f"{share:.0%} of ordinary consequential steps were stopped beyond what the project's own policies ask"
            f" about, {word} the {limit:.0%} that --at-most allows; {report['tasks']['share_in_all']:.0%} in all"
        )
    return "\n".join(lines)

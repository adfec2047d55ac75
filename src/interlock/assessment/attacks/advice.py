"""What to do about a goal that reached its sink: which declaration or policy is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.assessment.attacks.goals import EXFILTRATE, PLANT_LINK, SPEND
from interlock.assessment.attacks.replay import GoalResult
from interlock.values.labels import Origin, Source
from interlock.values.operations import Operation, Role


def advice(result: GoalResult, operation: Operation, file: str) -> list[str]:
    """Return what would have stopped it, most likely first; *file* declares the operation."""
    goal, origins = result.goal, result.step.origins
    found: list[str] = []
    if goal.kind == EXFILTRATE:
        found += _leak(operation, file, origins)
    elif goal.kind == PLANT_LINK:
        found.append(_content(operation, origins))
    found += _arguments(goal.target.arguments, _harmful(result), operation, file, origins)
    if goal.kind == SPEND and not operation.risks:
        found.append(f"declare `risks: [spends]` for {operation.id} in {file} if money or stock leaves by it")
    return list(dict.fromkeys(found)) or [
        f"no argument of {operation.id} was chosen by the text: limit by facts and policies how much it may do unasked"
    ]


def _harmful(result: GoalResult) -> set[str]:
    """Return the arguments whose values are the attacker's; all of them where a file wrote the goal down."""
    goal = result.goal
    heads = {name.partition(" ")[0] for name in goal.values}
    named = {name for name in goal.target.arguments if name in heads}
    return named or set(goal.target.arguments)


def _leak(operation: Operation, file: str, origins: Mapping[str, Origin]) -> Iterator[str]:
    if operation.sink is None:
        yield f"declare the `sink` of {operation.id} in {file}, so that what flows out is compared with clearances"
    elif any(origin.label.confidentiality > 1 or origin.label.categories for origin in origins.values()):
        what = "the confidential value was seen to flow in"
        yield f"{what}: require a person, or forbid, when !context.flow.cleared ({operation.id})"
    else:
        yield (
            "the value was written so that it was not recognised: require a person for sinks once a session has seen"
            " outsiders' text (context.session.tainted)"
        )


def _content(operation: Operation, origins: Mapping[str, Origin]) -> str:
    carried = sorted({kind.value for origin in origins.values() for kind in (*origin.carries, *origin.invents)})
    if carried:
        return (
            f"the {', '.join(carried)} in the text was seen to come from outside: require a person, or forbid, when"
            f" context.flow.content_carries holds one ({operation.id})"
        )
    return f"declare the text's argument of {operation.id} as `content`, so that the values inside it are looked at"


def _arguments(
    arguments: Mapping[str, object],
    harmful: set[str],
    operation: Operation,
    file: str,
    origins: Mapping[str, Origin],
) -> Iterator[str]:
    for name in arguments:
        origin = origins.get(name)
        role = operation.arguments.get(name)
        if name not in harmful or origin is None or role is Role.content:
            continue
        word = role.value if role is not None else "control"
        if origin.untrusted or origin.unknown:
            what = "only outsiders' text held it" if origin.untrusted else "it was seen nowhere"
            flag = f"context.flow.{word}_{'untrusted' if origin.untrusted else 'unknown'}"
            yield f"{name} was judged rightly ({what}), and no policy minds: require a person, or forbid, when {flag}"
            if role is None:
                yield f"declare what {name} of {operation.id} is for in {file} (target, control or content)"
        elif Source.trusted_field in origin.sources:
            places = ", ".join(place for place in origin.where if "#" in place)
            yield f"{name} was taken for trusted, because {places} is: declare fields that outsiders write as untrusted"

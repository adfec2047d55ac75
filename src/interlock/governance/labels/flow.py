"""What the origins and labels of an action's arguments mean for its operation, in words that fit every operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.values.clearances import EVERYTHING, NOTHING, Clearances
from interlock.values.labels import Label, Naming, Source
from interlock.values.operations import Operation, Role

MOST_RECIPIENTS = 200
_OWN = Source.own.value
_NEUTRAL = frozenset({Source.session.value, Source.declared.value})
_SEPARATORS = re.compile(r"[,;\s]+")
_NAMINGS = {naming.name: naming for naming in Naming}
_NOWHERE: frozenset[str] = frozenset()
UNNAMED = "(implied)"
"""Stands for a destination that no argument names."""


@dataclass(frozen=True, slots=True)
class Background:
    """What a session knows beside the arguments.

    *seen* is the joined label of all that it was shown, *strayed* of what no words of the person had meant: where
    recipients are not cleared for that, a text may carry what nothing recognises. *tainted* says whether it has seen
    outsiders' text, in which what was seen nowhere may have been hidden. *asked* says whether the person's words ask
    for the act.
    """

    seen: Label
    strayed: Label
    tainted: bool
    asked: bool


def flow_of(
    operation: Operation,
    arguments: Mapping[str, Any],
    origins: Mapping[str, Mapping[str, Any]],
    data: Label,
    background: Background,
    clearances: Clearances,
) -> dict[str, Any]:
    """Return what policies see as `context.flow`.

    *origins* are the arguments' origins as JSON objects and *data* is their joined label. An argument whose role is
    not declared counts as a target where outsiders' text holds it, and as a control where nobody's does; one that is
    not given, or null, counts for nothing. What the session itself made may be acted on unasked. Pure.
    """
    targets: list[Mapping[str, Any]] = []
    controls: list[Mapping[str, Any]] = []
    leading: list[Mapping[str, Any]] = []
    sends = operation.sink is not None
    seen = data.join(background.seen)
    home = _home(operation, arguments, seen, clearances) if sends else _NOWHERE
    carried: set[str] = set()
    recipients = operation.sink.recipients if operation.sink is not None else ()
    for name, value in arguments.items():
        origin = origins.get(name)
        if value is None or origin is None:
            continue
        leads = name in recipients or origin.get("untrusted")
        role = operation.arguments.get(name, Role.target if leads else Role.control)
        if role is Role.content:
            carried.update(origin.get("carries", ()))
            if background.tainted:
                carried.update(origin.get("invents", ()))
        else:
            (targets if role is Role.target else controls).append(origin)
            if role is Role.target and name not in home:
                leading.append(origin)
    # An authenticated fact, or a choice that the operation lists, means nobody that the person did not.
    judged = [origin for origin in leading if _NEUTRAL.isdisjoint(origin.get("sources", ()))]
    named = [_NAMINGS[origin.get("named", "nothing")] for origin in judged]
    # What is sent to nobody that is named goes to an implied destination, which is for `cleared` to judge.
    implied = (sends and not operation.risks) or bool(home)
    uncleared = list(_uncleared(operation, arguments, data, clearances)) if sends else []
    return {
        "target_untrusted": _any(targets, "untrusted"),
        "target_unknown": _any(targets, "unknown"),
        "target_named": any(naming is Naming.named for naming in named),
        "targets_named": bool(named) and min(named) is Naming.named,
        "target_matched": any(named),
        "targets_matched": all(named) if named else implied,
        "act_named": background.asked
        or (bool(targets) and all(_OWN in origin.get("sources", ()) for origin in targets)),
        "control_untrusted": _any(controls, "untrusted"),
        "control_unknown": _any(controls, "unknown"),
        "content_carries": sorted(carried),
        "cleared": not uncleared,
        "uncleared": uncleared,
        "seen_cleared": not sends or _cleared(operation, arguments, seen, clearances),
        "strayed_cleared": not sends or _cleared(operation, arguments, data.join(background.strayed), clearances),
    }


def _any(origins: Iterable[Mapping[str, Any]], word: str) -> bool:
    return any(origin.get(word) for origin in origins)


def _cleared(operation: Operation, arguments: Mapping[str, Any], label: Label, clearances: Clearances) -> bool:
    return next(_uncleared(operation, arguments, label, clearances), None) is None


def _home(operation: Operation, arguments: Mapping[str, Any], label: Label, clearances: Clearances) -> frozenset[str]:
    """Return the arguments whose values cannot lead astray, as all of it goes to the house's own people and places.

    Those are the recipients where each may have all that was seen here, data of *label*; and whatever else is chosen
    (a record to pass on, whose content nobody has looked at) where each may have everything.
    """
    sink = operation.sink
    if sink is None or operation.risks:
        return frozenset()
    held = [clearances.own(address) for name in sink.recipients for address in _addresses(arguments.get(name))]
    if not held or len(held) > MOST_RECIPIENTS or not all(one is not None and one.admits(label) for one in held):
        return frozenset()
    everything = all(one is not None and one.joined(EVERYTHING) == one for one in held)
    return frozenset(arguments) if everything else frozenset(sink.recipients)


def _addresses(value: Any) -> Iterator[str]:
    for text in texts(value):
        if text.strip():
            yield from _SEPARATORS.split(text.strip())


def _uncleared(
    operation: Operation, arguments: Mapping[str, Any], label: Label, clearances: Clearances
) -> Iterator[str]:
    """Yield the destinations that *label* may not go to."""
    sink = operation.sink
    if sink is None:
        return
    count = 0
    for name in sink.recipients:
        for address in _addresses(arguments.get(name)):
            count += 1
            known = clearances.recipient(address) if count <= MOST_RECIPIENTS else NOTHING
            if not known.admits(label):
                yield address[:200]
    if not count and not (sink.clearance or NOTHING).admits(label):
        yield UNNAMED


def texts(value: Any) -> Iterator[str]:
    """Yield every single value of *value* as text; what names a recipient may stand in a list or an object."""
    if isinstance(value, Mapping):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from texts(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)

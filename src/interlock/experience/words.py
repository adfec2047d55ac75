"""What the layer knows, in words a person understands: origins, requirements, states and moments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_SOURCES = {
    "person": "written by the person",
    "session": "a verified fact of the session",
    "own": "issued for a write of this session",
    "trusted_field": "returned by a system",
    "untrusted_field": "text that outsiders can write",
    "declared": "a choice that the operation lists",
    "unknown": "seen nowhere before: made up by the model",
}
_APPROVER, _BY_APPROVER = "session.approver", "put in by an approver"
_STATES = {
    "in_doubt": "in doubt",
    "compensated": "undone",
}
_NARROWED = {"any_of": "one of", "at_most": "at most", "at_least": "at least", "like": "like"}
_STANDING = {
    "denied": "Refused: nothing was done.",
    "cancelled": "Withdrawn: nothing was done.",
    "drafted": "Recorded as a draft: nothing was carried out.",
    "shadowed": "Decided and recorded in shadow mode: nothing was carried out.",
    "executing": "Being carried out; the outcome is not known yet.",
    "failed": "Failed: the system did not do it.",
    "in_doubt": "In doubt: the system gave no trustworthy answer, so it may or may not have been done. "
    "Do not call again; it is being settled.",
    "compensated": "It was done, and later undone.",
}
_KEPT = "\n\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_LONGEST = 60
_SHOWN = 4


def visible(text: str) -> str:
    """Return *text* with every character that hides or reorders what follows it made visible, as `⟨U+202E⟩`.

    Control and formatting characters (Unicode categories Cc, Cf, Co, Cs, Zl, Zp) can move a terminal's cursor or
    turn a line around, so that a reader judges something else than what would run. Line ends and tabs are kept.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _KEPT else f"⟨U+{ord(char):04X}⟩" for char in text)


def origin_words(origin: Mapping[str, Any]) -> str:
    """Return where a value came from, as `context.origins.ARG` has it, in one phrase."""
    sources = origin.get("sources") or ["unknown"]
    places = [place for place in origin.get("where", ()) if "." in place or "#" in place]
    phrases = list(dict.fromkeys(_SOURCES.get(source, source) for source in sources))
    if _APPROVER in places:
        phrases = [_BY_APPROVER if phrase == _SOURCES["session"] else phrase for phrase in phrases]
    text = "; also ".join(phrases)
    named = [place_words(place) for place in places if not place.startswith("session.")]
    if named:
        text += f" ({', '.join(named)})"
    return visible(text)


def plan_words(plan: Sequence[str | Mapping[str, Any]] | None) -> str:
    """Return a plan with a step on each line; the empty text where there is no plan."""
    if plan is None:
        return ""
    return "\n".join(map(step_words, plan)) or "nothing at all"


def step_words(step: str | Mapping[str, Any]) -> str:
    """Return a step of a plan in one phrase: `billing.create_credit, at most once, amount at most 50`."""
    if isinstance(step, str):
        return visible(step)
    times = step.get("times")
    parts = [str(step["operation"])]
    if times:
        parts.append("at most once" if times == 1 else f"at most {times} times")
    parts += [f"{name} {pattern_words(pattern)}" for name, pattern in step.get("arguments", {}).items()]
    return visible(", ".join(parts))


def pattern_words(pattern: Any) -> str:
    """Return what an argument is narrowed to: `20`, `not given`, `at most 50`, `one of A, B`, `like CN-*`."""
    if pattern is None:
        return "not given"
    if not isinstance(pattern, Mapping):
        return " ".join(plain(pattern).split())
    phrases = []
    for word, wanted in pattern.items():
        choices = wanted if isinstance(wanted, list) else [wanted]
        phrases.append(f"{_NARROWED.get(word, word)} {', '.join(map(pattern_words, choices))}")
    return " and ".join(phrases)


def place_words(place: str) -> str:
    """Return `helpdesk.get_ticket#/body` as `body of helpdesk.get_ticket`."""
    operation, _, pointer = place.partition("#")
    field = pointer.strip("/").replace("/", ".")
    return f"{field} of {operation}" if field else operation


def origin_mark(origin: Mapping[str, Any]) -> str:
    """Return the warning that an origin deserves: `untrusted`, `unknown`, or nothing."""
    if origin.get("untrusted"):
        return "untrusted"
    return "unknown" if origin.get("unknown") else ""


def label_words(label: Mapping[str, Any] | None) -> str:
    """Return a label in words, such as `restricted, financial`; nothing for none."""
    return ", ".join([label["confidentiality"], *label["categories"]]) if label else ""


def declassified_words(given: Mapping[str, Any]) -> str:
    """Return what a person lowered in a session, as the session's `declassified` lists it, in one phrase."""
    to = given["to"]
    parts = [to[name] for name in ("confidentiality", "integrity") if name in to]
    if "categories" in to:
        parts.append(f"categories {', '.join(to['categories']) or 'none'}")
    reason = f": {visible(given['reason'])}" if given.get("reason") else ""
    place = visible(given["place"])
    return f"{place} to {', '.join(parts)} by {principal_words(given['by'])}, {moment(given['at'])}{reason}"


def hidden_words(masked: Mapping[str, Any]) -> str:
    """Return that, and why, some of what an approval shows is masked, as its `shown.masked` has it."""
    count, cleared = len(masked["fields"]), masked["cleared"]
    categories = ", ".join(cleared["categories"]) or "none"
    values = "1 value is" if count == 1 else f"{count} values are"
    return (
        f"{values} hidden from you: you are cleared up to {cleared['confidentiality']} data (categories: {categories})"
    )


def requirement_words(requirement: str) -> str:
    """Return what a requirement such as `approval:billing-lead:2` asks for."""
    kind, _, rest = requirement.partition(":")
    subject, _, count = rest.partition(":")
    if kind == "approval":
        people = f"{count} people" if count else "one person"
        return f"approval by {people} in the role {subject}"
    if kind == "step-up":
        return f"the session verified to the level {subject}"
    return {"confirm": "the person's own confirmation"}.get(kind, requirement)


def state_words(state: str) -> str:
    """Return an action's or approval's state as people say it."""
    return _STATES.get(state, state)


def standing_words(state: str) -> str:
    """Return what a model is told of an action that did not simply succeed; empty for one that did or waits."""
    return _STANDING.get(state, "")


def principal_words(name: str, people: Mapping[str, str] | None = None) -> str:
    """Return `agent:support` as `support (agent)`; a person by the name that *people* gives them."""
    kind, separator, own = name.partition(":")
    if kind == "person" and people and own in people:
        return people[own]
    return f"{own} ({kind})" if separator else name


def moment(seconds: float) -> str:
    """Return Unix *seconds* as `2026-11-21 07:36 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def written_moment(text: str) -> str:
    """Return a moment that is written by RFC 3339, in UTC, as `moment` writes it; nothing of nothing."""
    return f"{text[:10]} {text[11:16]} UTC" if text else ""


def span(seconds: float) -> str:
    """Return a length of time by its two largest units: `3 h 20 min`, `2 days 4 h`, `40 s`."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min" if minutes else f"{left} s"


def ago(then: float, now: float) -> str:
    """Return how long before *now* something was."""
    return "just now" if now - then < 10 else f"{span(now - then)} ago"


def until(then: float, now: float) -> str:
    """Return how long after *now* something will be, or that it is over."""
    return f"in {span(then - now)}" if then > now else f"{span(now - then)} overdue"


def plain(value: Any) -> str:
    """Return a JSON value as one line of text without quotes around a text."""
    if isinstance(value, str):
        return visible(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    return visible(json.dumps(value, ensure_ascii=False))


def short(value: Any, longest: int = _LONGEST) -> str:
    """Return `plain` on one line, cut off visibly after *longest* characters."""
    text = " ".join(plain(value).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def summary(arguments: Mapping[str, Any]) -> str:
    """Return an action's arguments on one line: single values first, at most a few, never whole documents."""
    simple = [(name, value) for name, value in arguments.items() if not isinstance(value, (dict, list))]
    deep = [(name, value) for name, value in arguments.items() if isinstance(value, (dict, list))]
    parts = [f"{visible(name)} {short(value, 32)}" for name, value in simple]
    parts += [f"{visible(name)} ({_size(value)})" for name, value in deep]
    more = len(parts) - _SHOWN
    return " · ".join(parts[:_SHOWN]) + (f" · {more} more" if more > 0 else "")


def _size(value: Any) -> str:
    count = len(value)
    noun = "entry" if isinstance(value, list) else "field"
    plural = "entries" if isinstance(value, list) else "fields"
    return f"{count} {noun if count == 1 else plural}"

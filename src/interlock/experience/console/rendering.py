"""Templates: loaded once, every value escaped, every hidden character made visible."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from interlock.experience import words
from interlock.governance.labels import is_masked

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "interlock.experience.console"
_OUTCOMES = {"allow": "Allowed", "wait": "It waits", "deny": "Denied", "draft": "Drafted", "shadow": "Shadowed"}


def label(name: str) -> str:
    """Return a field's name as a heading says it: `order_id` is `Order id`."""
    text = words.visible(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:] or name


def stamp(seconds: float) -> str:
    """Return Unix *seconds* as the machine-readable moment of a `time` element."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short_moment(text: str) -> str:
    """Return an RFC 3339 moment of the journal to the second, as people read it."""
    return f"{text[:10]} {text[11:19]} UTC"


def consent_words(consent: Mapping[str, Any]) -> str:
    """Return what one consent record says somebody did."""
    verdict = {"approve": "approved it", "reject": "rejected it"}.get(str(consent.get("verdict", "")))
    if verdict is not None:
        edited = " with changed arguments" if consent.get("edited") else ""
        return f"{verdict}{edited} as {consent.get('role', '')}"
    known = {
        "action.confirmed": "confirmed it",
        "approval.delegated": f"asked {consent.get('to', '')} as well",
        "approval.escalated": f"passed it on to {consent.get('to', '')}",
        "approval.expired": "let it expire",
    }
    return known.get(str(consent["kind"]), str(consent["kind"]))


def is_table(value: Sequence[Any]) -> bool:
    """Return whether a list reads best as a table: objects of single values."""
    return all(
        isinstance(row, dict) and not any(isinstance(member, (dict, list)) for member in row.values()) for row in value
    )


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all members of *rows*, in the order in which they first come."""
    return list(dict.fromkeys(name for row in rows for name in row))


_FILTERS: dict[str, Callable[..., Any]] = {
    "ago": words.ago,
    "columns": columns,
    "hidden": words.hidden_words,
    "is_masked": is_masked,
    "consent": consent_words,
    "is_table": is_table,
    "label": label,
    "labelled": words.label_words,
    "outcome": lambda outcome: _OUTCOMES.get(outcome, outcome),
    "short_moment": short_moment,
    "stamp": stamp,
    "mark": words.origin_mark,
    "moment": words.moment,
    "origin": words.origin_words,
    "plain": words.plain,
    "requirement": words.requirement_words,
    "state": words.state_words,
    "step": words.step_words,
    "summary": words.summary,
    "until": words.until,
    "visible": words.visible,
    "who": words.principal_words,
}


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Return the page as UTF-8. A value that a template names and *values* lacks is an error."""
    return _environment().get_template(template).render(values).encode()


@cache
def asset(name: str) -> bytes:
    """Return one of the console's own static files."""
    return files(PACKAGE).joinpath("static", name).read_bytes()


@cache
def asset_path(name: str) -> str:
    """Return the name under which a static file is served: it changes with the file, so it can be kept for ever."""
    stem, _, ending = name.partition(".")
    return f"static/{stem}-{hashlib.sha256(asset(name)).hexdigest()[:12]}.{ending}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(_FILTERS)
    environment.globals["asset"] = asset_path
    return environment


def _finalize(value: Any) -> Any:
    """Make hidden characters visible in every text that is shown; markup of our own passes as it is."""
    return words.visible(value) if type(value) is str else value

"""Templates: loaded once, every value escaped, every hidden character made visible."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from interlock.experience import words

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "interlock.experience.console"
_FILTERS = {
    "ago": words.ago,
    "mark": words.origin_mark,
    "moment": words.moment,
    "origin": words.origin_words,
    "plain": words.plain,
    "requirement": words.requirement_words,
    "state": words.state_words,
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

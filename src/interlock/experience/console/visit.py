"""One request of a signed-in person, and what a page function answers with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.experience.api.request import Request
from interlock.experience.installation import Installation
from interlock.orchestration.actions import View
from interlock.values.principals import Principal


@dataclass(frozen=True, slots=True)
class Visit:
    """A parsed request of the person *principal*. *form* is empty for a GET; its token has been checked."""

    installation: Installation
    principal: Principal
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """The present, in Unix seconds."""
        return self.installation.clock.now()

    @property
    def view(self) -> View:
        """What the person is shown of actions, approvals and records."""
        return View(self.installation.projects.current, self.principal)

    def as_request(self) -> Request:
        """Return the same visit as the REST interface sees it, so that both call one verb."""
        return Request(self.installation, self.principal, self.path, self.query)


@dataclass(frozen=True, slots=True)
class Page:
    """A page to render: a template's name and its values."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where to go on after a form, relative to the console's root."""

    to: str


Answer = Page | Redirect
PageFunction = Callable[[Visit], Awaitable[Answer]]

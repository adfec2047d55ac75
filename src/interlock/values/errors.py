"""The base of every error Interlock raises, and the registry of their stable codes.

InterlockError
 +-- one subclass per code, in the `errors.py` of the capability that raises it

An error carries four things: a stable code, what happened, why, and what to do. A refusal by policy is not
an error; it is a `Decision`.
"""

from __future__ import annotations

from typing import Any, ClassVar

_REGISTRY: dict[str, type[InterlockError]] = {}


class InterlockError(Exception):
    """Something broke or was asked for wrongly.

    *what* says what happened, *why* the cause, *fix* what the reader can do. *details* are small, harmless
    values (names, limits, positions) that are shown to the caller as members of the problem document; never
    put secrets, personal data or input values there.
    """

    code: ClassVar[str] = ""
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something broke"
    transient: ClassVar[bool] = False
    usual_fix: ClassVar[str] = ""
    """What the reader can do where nothing nearer is known."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        code = cls.__dict__.get("code")
        if not code:
            return
        known = _REGISTRY.get(code)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"error code {code!r} is taken by {known.__qualname__}")
        _REGISTRY[code] = cls

    def __init__(self, what: str, *, why: str = "", fix: str = "", **details: Any) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix or self.usual_fix
        self.details = details

    def __str__(self) -> str:
        text = f"{self.code}: {self.what}"
        if self.why:
            text += f" ({self.why})"
        if self.fix:
            text += f"\nhint: {self.fix}"
        return text

    def problem(self) -> dict[str, Any]:
        """Return the error as an RFC 9457 problem document."""
        document: dict[str, Any] = {
            "type": f"urn:interlock:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.what,
        }
        if self.why:
            document["why"] = self.why
        if self.fix:
            document["fix"] = self.fix
        if self.details:
            document["details"] = self.details
        return document


def place_of(error: BaseException) -> str:
    """Return where *error* was raised, as `function:line`: what a log may tell of an error nobody expected.

    Its message and the values around it are left out, because they may hold personal data or secrets.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}" if place is not None else "?"


def registered_errors() -> dict[str, type[InterlockError]]:
    """Return every error class known so far, by code, sorted."""
    return dict(sorted(_REGISTRY.items()))

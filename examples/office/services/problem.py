"""A refusal, as the office's programs answer it: a problem document (RFC 9457) with a stable code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

PROBLEMS = "https://office.lindgren-roy.example/problems/"


class Problem(Exception):
    """A request that is refused, and why."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, list(errors)

    def response(self) -> Response:
        body: dict[str, object] = {
            "type": PROBLEMS + self.code,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            body["errors"] = self.errors
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else None
        return JSONResponse(body, self.status, headers, media_type="application/problem+json")


def missing(what: str) -> Problem:
    """What is answered when there is no such record."""
    return Problem(404, "not-found", f"There is no such {what}.")


def conflict(detail: str) -> Problem:
    """What is answered when a record's state does not allow the change."""
    return Problem(409, "conflict", detail)

"""A fault that nobody expected: the caller gets a problem document and no word of what is inside."""

from __future__ import annotations

from typing import Any

import orjson

from interlock.experience.api import Api
from interlock.experience.installation import Installation

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/v1/sessions",
    "query_string": b"",
    "headers": [(b"authorization", b"Bearer ik_wrong")],
}


async def test_a_fault_of_ours_is_a_problem_without_details(desk: Installation) -> None:
    class Broken:
        """A part of the installation that fails in a way no contract speaks of."""

        async def authenticate(self, header: str | None) -> None:
            raise ZeroDivisionError(f"secret {header}")

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    object.__setattr__(desk, "authenticator", Broken())
    await Api(desk)(SCOPE, receive, send)
    assert sent[0]["status"] == 500
    problem = orjson.loads(sent[1]["body"])
    assert problem["code"] == "internal_error"
    assert "ik_wrong" not in sent[1]["body"].decode()

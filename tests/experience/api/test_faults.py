"""A fault that nobody expected: the caller gets a problem document and no word of what is inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import orjson

from interlock.experience.api import Api
from interlock.governance.credentials import Authenticator
from tests.orchestration.desk import running, write_project

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/v1/sessions",
    "query_string": b"",
    "headers": [(b"authorization", b"Bearer ik_wrong")],
}


class Broken:
    """A part of an installation that fails in a way no contract speaks of."""

    async def authenticate(self, header: str | None) -> None:
        raise ZeroDivisionError(f"secret {header}")


async def test_a_fault_of_ours_is_a_problem_without_details(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async with running(write_project(tmp_path)) as composed:
        installation = replace(composed.installation, authenticator=cast("Authenticator", Broken()))
        await Api(installation)(SCOPE, receive, send)
    assert sent[0]["status"] == 500
    assert orjson.loads(sent[1]["body"])["code"] == "internal_error"
    assert b"ik_wrong" not in sent[1]["body"]

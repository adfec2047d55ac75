"""The little that a tool needs of Interlock's REST interface: propose an action, and look at it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True)
class Desk:
    """One session at one Interlock. *session* was opened by whoever heard the person; *key* is the agent's own."""

    url: str
    key: str = field(repr=False)
    session: str

    def propose(self, operation: str, arguments: dict[str, Any], *, call: str) -> dict[str, Any]:
        """Propose to use *operation*. The same *call* is the same action, however often it is proposed."""
        body = {"session": self.session, "operation": operation, "input": arguments}
        return self._send("POST", "/v1/actions", body, {"Idempotency-Key": call})

    def action(self, action_id: str) -> dict[str, Any]:
        """Return an action as it stands now."""
        return self._send("GET", f"/v1/actions/{action_id}")

    def operations(self) -> list[dict[str, Any]]:
        """Return the operations that the key may use, with the schemas of their arguments."""
        found: list[dict[str, Any]] = self._send("GET", "/v1/operations")["items"]
        return found

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=sent, timeout=60)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document


def told(action: dict[str, Any]) -> dict[str, Any]:
    """Return what a model is told of an action: where it stands, why, and what came out."""
    return {
        "state": action["state"],
        "reasons": [reason["text"] for reason in action["decision"]["reasons"]],
        "output": action.get("output"),
        "problem": action.get("problem"),
    }

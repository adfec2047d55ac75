"""Jobs and escalations for Python programs: the same verbs as REST, with values for what comes back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.experience.client.connection import Connection, segment
from interlock.foundation.settings.environment import setting


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of a job.

    *state* is `answered`, `abstained`, `waiting` (a person has been asked) or `queued`. *result* is there if it was
    answered; *reason* says why it was not. *confidence* is 0 to 1, None where nobody estimates it. *whole* is the
    run as REST returns it.
    """

    id: str
    job: str
    state: str
    result: Mapping[str, Any] | None = field(repr=False)
    reason: str
    confidence: float | None
    whole: Mapping[str, Any] = field(repr=False)

    @property
    def answered(self) -> bool:
        """Whether there is a result."""
        return self.state == "answered"


class Client:
    """Calls one server with one key, one call after the other; each thread needs a client of its own.

    Raises `ServerUnreachable`, and `ServerProblem` with the server's own code for whatever the server refuses.
    """

    def __init__(self, url: str = "", key: str = "", *, timeout: float = 120.0) -> None:
        """Talk to *url* with *key*; without them, to INTERLOCK_URL with INTERLOCK_KEY. *timeout* is in seconds."""
        address, secret = url or setting("INTERLOCK_URL", os.environ), key or setting("INTERLOCK_KEY", os.environ)
        self._connection = Connection(address, secret, timeout=timeout)

    def jobs(self) -> list[Mapping[str, Any]]:
        """Return the jobs that the key may run, with the schemas of what goes in and comes out."""
        return list(self._connection.get("/v1/jobs")["items"])

    def run(self, job: str, given: Mapping[str, Any], *, session: str = "") -> JobResult:
        """Run *job* on *given*, within *session* if one is named."""
        body: dict[str, Any] = {"input": dict(given)}
        if session:
            body["session"] = session
        return _result(self._connection.post(_path(job), body))

    def look(self, job: str, run: str) -> JobResult:
        """Return how a run stands now, such as one that a person was asked about."""
        return _result(self._connection.get(_path(job, "runs", run)))

    def again(self, job: str, run: str) -> JobResult:
        """Run a queued input again."""
        return _result(self._connection.post(_path(job, "runs", run, "again")))

    def judge(self, job: str, run: str, verdict: str, right: Mapping[str, Any] | None = None) -> JobResult:
        """Say that a result was `accepted`, `corrected` or `rejected`; *right* is what it should have been."""
        body: dict[str, Any] = {"verdict": verdict}
        if right is not None:
            body["right"] = dict(right)
        return _result(self._connection.post(_path(job, "runs", run, "outcome"), body))

    def evaluate(self, job: str) -> Mapping[str, Any]:
        """Run *job* on its evaluation set, and return what came of it with the reliability of its confidences."""
        found: Mapping[str, Any] = self._connection.post(_path(job, "evaluation"))
        return found


def _path(*parts: str) -> str:
    return "/v1/jobs/" + "/".join(map(segment, parts))


def _result(run: Mapping[str, Any]) -> JobResult:
    confidence = run.get("confidence")
    return JobResult(
        run["id"],
        run["job"],
        run["state"],
        run["result"],
        run["reason"] or "",
        confidence["value"] if confidence else None,
        run,
    )

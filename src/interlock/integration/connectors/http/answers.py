"""What an answer means for a call whose expected statuses and result are declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed, unanswered
from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.web.answers import interpret
from interlock.values.operations import Effect


@dataclass(frozen=True, slots=True)
class Meaning:
    """The form of the answer (*results*), the statuses that are *expected* (none: 2xx), where the *result* stands."""

    results: Mapping[str, str]
    expected: frozenset[int]
    result: str

    def of(self, response: HttpResponse, effect: Effect) -> Answer:
        """Return what *response* says of a call with *effect*."""
        status = response.status
        if self.expected and 200 <= status < 300 and status not in self.expected:
            detail = f"the system answered with status {status}, which the operation does not expect"
            return unanswered(effect, "status_unexpected", detail, status=status)
        if status in self.expected and status >= 300:
            return Answer(SUCCEEDED)  # done, and said so by a redirect, which is not followed
        answer = interpret(response, effect, self.results)
        if not answer.succeeded or not self.result:
            return answer
        found, output = found_at(answer.output, self.result)
        if found:
            return Answer(SUCCEEDED, output)
        if effect is Effect.read:
            return failed("not_found", f"the answer has nothing at {self.result}")
        return unanswered(effect, "result_breaks_contract", f"the answer has nothing at {self.result}")

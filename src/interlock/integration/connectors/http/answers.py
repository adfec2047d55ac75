"""What an answer means for a call whose expected statuses and result are declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from interlock.foundation.contracts import Contract
from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed, unanswered
from interlock.integration.connectors.pointers import found_at
from interlock.integration.connectors.web.answers import interpret
from interlock.integration.connectors.wording import worded
from interlock.values.operations import Effect


@dataclass(frozen=True, slots=True)
class Meaning:
    """The form of the answer (*results*), the statuses that are *expected* (none: 2xx), where the *result* stands.

    A good answer that fits *refused* is none. *words* are where a system says why. *headers* are headers of the answer
    that become members of the result, by the members' names.
    """

    results: Mapping[str, str]
    expected: frozenset[int]
    result: str
    refused: Contract | None = None
    words: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def bound(cls, binding: Mapping[str, Any]) -> Meaning:
        """Return the meaning that a definition's *binding* holds."""
        return cls(
            {**binding["results"], **{str(status): binding["results"]["2XX"] for status in binding["expect"]}},
            frozenset(binding["expect"]),
            binding["result"],
            Contract(binding["refused"]) if "refused" in binding else None,
            tuple(binding.get("words", ())),
            binding.get("answer_headers", {}),
        )

    def of(self, response: HttpResponse, effect: Effect) -> Answer:
        """Return what *response* says of a call with *effect*."""
        answer = self._taken(response, effect)
        if answer.succeeded or answer.problem is None or not (words := self._words(response)):
            return answer
        system = {**answer.problem.get("system", {}), "title": words}
        return replace(answer, problem={**answer.problem, "system": system})

    def _taken(self, response: HttpResponse, effect: Effect) -> Answer:
        status = response.status
        if self.expected and 200 <= status < 300 and status not in self.expected:
            detail = f"the system answered with status {status}, which the operation does not expect"
            return unanswered(effect, "status_unexpected", detail, status=status)
        if status in self.expected and status >= 300:
            return Answer(SUCCEEDED)  # done, and said so by a redirect, which is not followed
        answer = interpret(response, effect, self.results)
        if not answer.succeeded:
            return answer
        if self.refused is not None and self.refused.holds(answer.output):
            return failed("refused", "the system refused the call, in an answer with a good status", status=status)
        return self._with_headers(self._part(answer, effect), response, effect)

    def _part(self, answer: Answer, effect: Effect) -> Answer:
        """Return what of *answer* is the result."""
        found, output = found_at(answer.output, self.result)
        if found:
            return Answer(SUCCEEDED, output)
        if effect is Effect.read:
            return failed("not_found", f"the answer has nothing at {self.result}")
        return unanswered(effect, "result_breaks_contract", f"the answer has nothing at {self.result}")

    def _with_headers(self, answer: Answer, response: HttpResponse, effect: Effect) -> Answer:
        """Return *answer* with what its headers say; one that did not come is no member."""
        if not self.headers or not answer.succeeded:
            return answer
        output = {} if answer.output is None else answer.output
        if not isinstance(output, dict):
            return unanswered(effect, "result_breaks_contract", "the result is no object, which headers could join")
        named = {member: response.headers[name] for member, name in self.headers.items() if name in response.headers}
        return Answer(SUCCEEDED, {**output, **named})

    def _words(self, response: HttpResponse) -> str:
        """Return why the system says that it did not do it, as far as that may be shown."""
        if not self.words or not response.is_json:
            return ""
        try:
            body = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            return ""
        said = (text for found, text in (found_at(body, place) for place in self.words) if found)
        return next((worded(text) for text in said if isinstance(text, str)), "")

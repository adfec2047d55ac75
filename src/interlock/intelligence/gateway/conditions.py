"""Conditions of targets: CEL over facts of the request, `when: tenant == "acme" && size(tools) > 0`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.expressions import Expression, ExpressionFailed, ExpressionInvalid, compile_expression
from interlock.intelligence.gateway.formats import RESPONSE_FORMAT
from interlock.intelligence.gateway.messages import ModelRequest

SAMPLE: dict[str, Any] = {
    "route": "desk",
    "agent": "support",
    "tenant": "acme",
    "actor": "agent:support",
    "use_case": "refunds",
    "session": "ses_1",
    "label": {"confidentiality": "public", "categories": [], "integrity": "trusted"},
    "messages": 1,
    "characters": 1,
    "images": 0,
    "tools": ["erp__get_order"],
    "format": "",
    "metadata": {},
}
"""Every fact that a condition may name, with a value such as it may have."""

_WORDS = ("agent", "tenant", "actor", "use_case", "session")
HOLDS, FAILS, BREAKS = "", "condition", "condition_failed"


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. One that has no value for a request, or none of true and false, does not hold."""

    expression: Expression | None = None

    @property
    def text(self) -> str:
        """The condition as it is written; empty for the one that always holds."""
        return self.expression.text if self.expression is not None else ""

    def verdict(self, facts: Mapping[str, Any]) -> str:
        """Return `HOLDS`, `FAILS`, or `BREAKS` where there is neither."""
        if self.expression is None:
            return HOLDS
        try:
            value = self.expression.evaluate(facts)
        except ExpressionFailed:
            return BREAKS
        if value is True:
            return HOLDS
        return FAILS if value is False else BREAKS


ALWAYS = Condition()


def compile_condition(text: str) -> Condition:
    """Return *text* compiled. Raises `ExpressionInvalid`, also for what can be neither true nor false."""
    expression = compile_expression(text, variables=SAMPLE)
    try:
        value = expression.evaluate(SAMPLE)
    except ExpressionFailed:
        return Condition(expression)  # it needs what the sample has not, such as a key of the client's metadata
    if not isinstance(value, bool):
        raise ExpressionInvalid("A condition is neither true nor false.", fix="Compare its value with another.")
    return Condition(expression)


def facts_of(route: str, request: ModelRequest) -> dict[str, Any]:
    """Return the facts of *request* that conditions are about.

    On whose behalf it is comes from what Interlock itself recorded; only `metadata` is the client's own word.
    """
    facts: dict[str, Any] = {name: str(request.metadata.get(name, "")) for name in _WORDS}
    said = request.parameters.get("metadata")
    form = request.parameters.get(RESPONSE_FORMAT)
    parts = list(_parts(request))
    return facts | {
        "route": route,
        "label": request.metadata.get("label") or {},
        "messages": len(request.messages),
        "characters": sum(len(part) for part in parts if isinstance(part, str)),
        "images": sum(1 for part in parts if not isinstance(part, str)),
        "tools": [_name(tool) for tool in request.tools],
        "format": str(form.get("type", "")) if isinstance(form, Mapping) else "",
        "metadata": dict(said) if isinstance(said, Mapping) else {},
    }


def _parts(request: ModelRequest) -> Iterator[Any]:
    """Yield the texts of all messages, and for each image something else."""
    for message in request.messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else [content]:
            text = part.get("text") if isinstance(part, Mapping) else part
            if isinstance(text, str):
                yield text
            elif isinstance(part, Mapping) and part.get("type") == "image_url":
                yield part


def _name(tool: Mapping[str, Any]) -> str:
    function = tool.get("function")
    return str(function.get("name", "")) if isinstance(function, Mapping) else ""

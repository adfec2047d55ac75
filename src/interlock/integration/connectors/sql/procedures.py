"""Stored procedures and functions as operations: `CALL name(:a, :b)`, and `SELECT * FROM name(:a)` that is no read.

What they do is known to nobody here, so it is never taken for a read. They are called with parameters alone.
"""

from __future__ import annotations

import re

from interlock.integration.connectors.sql.grammars import Grammar, StatementInvalid
from interlock.integration.connectors.sql.statements import Checked
from interlock.values.operations import Effect

CALLED = {
    "type": "object",
    "properties": {"called": {"type": "boolean", "description": "it ran to its end, and its changes are committed"}},
    "required": ["called"],
    "additionalProperties": False,
}
"""What a call gives whose rows nobody wants."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_ARGUMENT = r"(?::[A-Za-z_][A-Za-z0-9_]*|NULL)"
_CALL = re.compile(
    rf"\s*(?:(?P<call>CALL)|SELECT\s+\*\s+FROM)\s+{_NAME}(?:\.{_NAME})?\s*"
    rf"\((?P<arguments>\s*(?:{_ARGUMENT}(?:\s*,\s*{_ARGUMENT})*)?\s*)\)\s*;?\s*",
    re.IGNORECASE | re.ASCII,
)
_BEGINS = re.compile(r"\s*CALL\b", re.IGNORECASE)


def check_call(text: str, grammar: Grammar, effect: Effect) -> Checked | None:
    """Return what *text* uses if it is a call, and None if it is another statement. Raises `StatementInvalid`."""
    found = _CALL.fullmatch(text)
    begins = _BEGINS.match(text) is not None
    if not begins and (found is None or effect is Effect.read or "SELECT" not in grammar.calls):
        return None
    if not grammar.calls:
        raise StatementInvalid("calls a procedure, of which this database has none")
    if effect is Effect.read:
        raise StatementInvalid("calls a procedure, which may change things, so its effect cannot be `read`")
    if found is None:
        raise StatementInvalid("must call one procedure by its plain name, with :name parameters (or NULL) alone")
    names = frozenset(re.findall(r":(\w+)", found["arguments"]))
    return Checked(text.strip().rstrip(";").rstrip(), names, None, returns=True)

"""Stored procedures and functions as operations: `CALL name(:a, :b)`, and `SELECT * FROM name(:a)` that is no read.

What they do is known to nobody here, so it is never taken for a read. They are called with parameters alone. An
out-parameter of MySQL or MariaDB is written `@name`, a variable of the session, which is asked for after the call.
"""

from __future__ import annotations

import re

from interlock.integration.connectors.sql.grammars import Grammar, StatementInvalid
from interlock.integration.connectors.sql.statements import Checked, Column
from interlock.values.operations import Effect

CALLED = {
    "type": "object",
    "properties": {"called": {"type": "boolean", "description": "it ran to its end, and its changes are committed"}},
    "required": ["called"],
    "additionalProperties": False,
}
"""What a call gives whose rows nobody wants."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_ARGUMENT = r"(?:[:@][A-Za-z_][A-Za-z0-9_]*|NULL)"
_CALL = re.compile(
    rf"\s*(?:(?P<call>CALL)|SELECT\s+\*\s+FROM)\s+{_NAME}(?:\.{_NAME})?\s*"
    rf"\((?P<arguments>\s*(?:{_ARGUMENT}(?:\s*,\s*{_ARGUMENT})*)?\s*)\)\s*;?\s*",
    re.IGNORECASE | re.ASCII,
)
_OWN = "interlock_"  # no variable that the procedure's database uses for something else
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
    told = re.findall(r"@(\w+)", found["arguments"])
    written = text.strip().rstrip(";").rstrip()
    if not told:
        return Checked(written, names, None, returns=True)
    if "@" not in grammar.calls:
        raise StatementInvalid("holds @name, which this database does not take for an out-parameter")
    if len({name.lower() for name in told}) != len(told):
        raise StatementInvalid("names two out-parameters alike")
    after = ", ".join(f"@{_OWN}{name} AS `{name}`" for name in told)
    columns = tuple(Column(name) for name in told)
    return Checked(written.replace("@", f"@{_OWN}"), names, columns, returns=True, after=f"SELECT {after}")

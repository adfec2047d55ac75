"""How each kind of database reads a statement, as far as its check must know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.integration.connectors.sql.firebird_values import spoken
from interlock.integration.connectors.sql.functions import HARMLESS

SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})
"""The JSON types of a parameter that every driver takes."""
_ALONE = frozenset(
    """BACKUP BEGIN BREAK CHECKPOINT CLOSE COMMIT CONTINUE DBCC DEALLOCATE DECLARE DENY DUMP END EXEC EXECUTE GO GOTO
    IF KILL LOAD OPEN PRINT RAISERROR RECONFIGURE RESTORE RETURN REVERT ROLLBACK SAVE SETUSER SHUTDOWN THROW USE WAITFOR
    WHILE""".split()
)
_HINTS = ("Hint", "WithTableHint", "QueryOption")


class StatementInvalid(ValueError):
    """A statement is not what it must be; the text is for a finding."""


Rule = Callable[[str, Any], None]
"""Refuses a statement, given as its text and as the parser's tree. Raises `StatementInvalid`."""


def _as_written(name: str, *, quoted: bool) -> str:  # noqa: ARG001 - what others need
    return name


@dataclass(frozen=True, slots=True)
class Grammar:
    """One kind of database's SQL.

    *parser* is the parser's word for it, *harmless* are the functions, in lower case and beside those that the parser
    knows, that only compute. *rules* refuse what the database reads otherwise than the parser does.
    *parameters* are the JSON types of a parameter, *unknown* is the schema of a column whose type nobody tells.
    *calls* are the words by which a procedure may be called: `CALL`, `SELECT` for a function that changes things, and
    `@` for out-parameters that a session's variables take.
    *column* returns the name that the driver gives a column of the result, from its name as written.
    """

    parser: str
    harmless: frozenset[str]
    rules: tuple[Rule, ...] = ()
    parameters: frozenset[str] = SCALARS
    unknown: Mapping[str, Any] = field(default_factory=dict)
    calls: frozenset[str] = frozenset()
    column: Callable[..., str] = _as_written


def parts_of(root: Any, *kinds: str) -> Iterator[Any]:
    """Yield every part of *root* that is of one of *kinds* (class names of the parser's tree)."""
    from sqlglot import exp

    classes = tuple(getattr(exp, kind) for kind in kinds)
    yield from root.find_all(*classes)


def _only_what_is_read_alike(dialect: str) -> Rule:
    """Return a rule against what a database may read otherwise: some run comments, and take orders from hints.

    IGNORE is refused too: it stores what fits of a value that does not, and skips rows without a word.
    """

    def rule(text: str, root: Any) -> None:
        from sqlglot.dialects import Dialect

        done = 0
        for token in Dialect.get_or_raise(dialect).tokenize(text):
            if text[done : token.start].strip("; \t\r\n"):
                break
            done = token.end + 1
        if text[done:].strip("; \t\r\n") or next(parts_of(root, *_HINTS), None) is not None:
            raise StatementInvalid("must hold no comments and hints, since the database may act on them")
        if root.args.get("ignore"):
            raise StatementInvalid("must not IGNORE what the database finds wrong")

    return rule


def _only_one_of_tsql(text: str, root: Any) -> None:  # noqa: ARG001 - a rule's form
    """Refuse a second statement that the parser takes for a name (T-SQL needs no semicolon between two).

    OUTPUT INTO and a name of four parts are refused too: what they change or ask is not what the statement says.
    """
    for name in parts_of(root, "Identifier"):
        if not name.args.get("quoted") and name.name.upper() in _ALONE:
            raise StatementInvalid(f"must be exactly one statement; {name.name.upper()} begins another")
    if any(len(table.parts) > 3 for table in parts_of(root, "Table")):
        raise StatementInvalid("must not ask another server")
    if any(node.args.get("into") for node in parts_of(root, "Returning")):
        raise StatementInvalid("holds OUTPUT INTO, which changes things on the side")


_LISTS = SCALARS | {"array"}

SQLITE = Grammar("sqlite", HARMLESS["sqlite"], unknown={"type": ["string", "number", "null"]})
POSTGRES = Grammar("postgres", HARMLESS["postgres"], parameters=_LISTS, calls=frozenset({"CALL", "SELECT"}))
MYSQL = Grammar("mysql", HARMLESS["mysql"], (_only_what_is_read_alike("mysql"),), calls=frozenset({"CALL", "@"}))
DUCKDB = Grammar("duckdb", HARMLESS["duckdb"], parameters=_LISTS)
TSQL = Grammar(
    "tsql", HARMLESS["tsql"], (_only_what_is_read_alike("tsql"), _only_one_of_tsql), calls=frozenset({"CALL"})
)
FIREBIRD = Grammar(
    "oracle",  # which reads Firebird's SQL best, or not at all, of those that the parser knows
    HARMLESS["firebird"],
    (_only_what_is_read_alike("oracle"),),
    calls=frozenset({"CALL", "SELECT"}),
    column=spoken,
)
GRAMMARS = (SQLITE, POSTGRES, MYSQL, DUCKDB, TSQL, FIREBIRD)
"""All of them."""

"""The fence before a declared SQL statement: one statement, of the kind that its effect says, with named parameters.

It is the second fence. The first is the transaction that a read runs in, which cannot write; the parser sees
neither what a view nor what a trigger does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.sql.grammars import Grammar, StatementInvalid, parts_of
from interlock.values.operations import Effect


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result: its name and the JSON type that the statement itself promises, if any."""

    name: str
    type: str = ""
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that passed. *parameters* are the names it uses; *columns* its result, None for `*`.

    *after* is what has to be asked after a call for its out-parameters; empty for nothing.
    """

    text: str
    parameters: frozenset[str]
    columns: tuple[Column, ...] | None
    returns: bool
    after: str = ""


def check_statement(text: str, grammar: Grammar, effect: Effect, *, functions: Iterable[str] = ()) -> Checked:
    """Return what *text* uses and gives. *functions* are harmless ones beside those that are known to be.

    Raises `StatementInvalid`.
    """
    root = _parsed(text, grammar)
    for rule in grammar.rules:
        rule(text, root)
    _only_named_parameters(root)
    _only_harmless(root, grammar.harmless | {name.lower() for name in functions})
    (_is_read if effect is Effect.read else _is_write)(root)
    projections = _projections(root)
    return Checked(
        text.strip().rstrip(";").rstrip(),
        frozenset(node.name for node in parts_of(root, "Placeholder")),
        _columns(projections, grammar),
        returns=bool(projections),
    )


def relations(text: str, grammar: Grammar) -> frozenset[tuple[str, ...]]:
    """Return the tables that the statement *text* reads by name, each as the parts of its name.

    Names of its own (WITH) are none where they hold. Raises `StatementInvalid` for functions that read elsewhere.
    """
    from sqlglot import exp

    root = _parsed(text, grammar)
    found: set[tuple[str, ...]] = set()
    for table in parts_of(root, "Table"):
        if isinstance(table.this, exp.Identifier):
            parts = tuple(_folded(part) for part in table.parts)
            if len(parts) > 1 or not _is_own_name(table, parts[0]):
                found.add(parts)
        elif isinstance(table.this, _readers()):
            raise StatementInvalid("reads a file by itself; declare it as a table")
    return frozenset(found)


def _readers() -> tuple[type, ...]:
    from sqlglot import exp

    return tuple(kind for name in ("ReadCSV", "ReadParquet") if (kind := getattr(exp, name, None)) is not None)


def _folded(identifier: Any) -> str:
    return str(identifier.name if identifier.args.get("quoted") else identifier.name.lower())


def _is_own_name(table: Any, name: str) -> bool:
    """Return whether *name* is one that a WITH around *table* gives, at a place where it already holds."""
    from sqlglot import exp

    node = table
    while node.parent is not None:
        inner, node = node, node.parent
        if isinstance(node, exp.With):
            before = next(place for place, one in enumerate(node.expressions) if one is inner)
            given = node.expressions if node.args.get("recursive") else node.expressions[:before]
        else:
            clause = node.args.get("with_") or node.args.get("with")
            given = clause.expressions if isinstance(clause, exp.With) and clause is not inner else []
        if any(_folded(one.args["alias"].this) == name for one in given):
            return True
    return False


def _parsed(text: str, grammar: Grammar) -> Any:
    import sqlglot
    from sqlglot.errors import ErrorLevel, SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it warns of, we refuse
    try:
        found = sqlglot.parse(text, dialect=grammar.parser, error_level=ErrorLevel.IMMEDIATE)
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        line, said = details[0].get("line"), details[0].get("description")
        where = f" in its line {line}" if line else ""
        raise StatementInvalid(f"is not valid SQL{where}{f': {said}' if said else ''}") from error
    statements = [statement for statement in found if statement is not None]
    if len(statements) != 1:
        raise StatementInvalid(f"must be exactly one statement, not {len(statements)}")
    root = statements[0]
    if root.key == "command":
        raise StatementInvalid("is a command that is not allowed, or SQL that cannot be checked")
    return root


def _only_named_parameters(root: Any) -> None:
    if next(parts_of(root, "Parameter", "SessionParameter"), None) is not None:
        raise StatementInvalid("must write parameters as :name")
    if any(not node.name.isidentifier() for node in parts_of(root, "Placeholder")):
        raise StatementInvalid("must write parameters as :name")


def _only_harmless(root: Any, known: frozenset[str]) -> None:
    for node in parts_of(root, "Anonymous", "AnonymousAggFunc"):
        if node.name.lower() not in known:
            raise StatementInvalid(
                f"calls {node.name}(), which is not known to be harmless; if it is, name it in "
                "`allow_functions` of the connection"
            )
    for node in parts_of(root, "DML", "DDL", "Command", "Into"):
        if node is not root:
            raise StatementInvalid(f"holds {_kind(node)} inside, which changes things on the side")


def _is_read(root: Any) -> None:
    from sqlglot import exp

    if not isinstance(root, (exp.Select, exp.SetOperation)):
        raise StatementInvalid(f"must be a SELECT, since the effect is `read`; it is {_kind(root)}")
    if next(parts_of(root, "Lock"), None) is not None:
        raise StatementInvalid("must not lock rows (FOR UPDATE, FOR SHARE), since the effect is `read`")
    if next(parts_of(root, "NextValueFor"), None) is not None:
        raise StatementInvalid("must not take the next number of a sequence, since the effect is `read`")


def _is_write(root: Any) -> None:
    from sqlglot import exp

    if not isinstance(root, (exp.Insert, exp.Update, exp.Delete)):
        raise StatementInvalid(f"must be INSERT, UPDATE or DELETE, since it is no read; it is {_kind(root)}")
    if isinstance(root, exp.Insert):
        return
    where = root.args.get("where")
    if where is None:
        raise StatementInvalid(f"{_kind(root)} has no WHERE and would touch every row")
    if where.find(exp.Column) is None or where.find(exp.Placeholder) is None:
        raise StatementInvalid(f"{_kind(root)} has a WHERE that chooses no rows; compare a column with a parameter")


def _kind(root: Any) -> str:
    return str(root.key).upper()


def _projections(root: Any) -> list[Any]:
    from sqlglot import exp

    if isinstance(root, exp.Query) and not isinstance(root, exp.DML):
        return list(root.selects)
    returning = root.args.get("returning")
    return list(returning.expressions) if returning is not None else []


def _columns(projections: list[Any], grammar: Grammar) -> tuple[Column, ...] | None:
    from sqlglot import exp

    columns: list[Column] = []
    for projection in projections:
        if projection.is_star and not isinstance(projection, exp.Count):
            return None
        if not isinstance(projection, (exp.Alias, exp.Column)):
            raise StatementInvalid("must name each column of its result (... AS name)")
        columns.append(_column(_spoken(projection, grammar), projection.unalias()))
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise StatementInvalid("names two columns of its result alike")
    return tuple(columns)


def _spoken(projection: Any, grammar: Grammar) -> str:
    identifier = projection.args.get("alias") or projection.this
    return grammar.column(projection.alias_or_name, quoted=bool(identifier.args.get("quoted")))


def _column(name: str, value: Any) -> Column:
    from sqlglot import exp

    if isinstance(value, exp.Count):
        return Column(name, "integer", nullable=False)
    if isinstance(value, exp.Literal):
        kind = "string" if value.is_string else "integer" if value.is_int else "number"
        return Column(name, kind, nullable=False)
    if isinstance(value, exp.Cast):
        return Column(name, _cast(value))
    return Column(name)


def _cast(value: Any) -> str:
    from sqlglot import exp

    for kinds, word in (
        (exp.DataType.INTEGER_TYPES, "integer"),
        (exp.DataType.NUMERIC_TYPES, "number"),
        (exp.DataType.TEXT_TYPES, "string"),
    ):
        if value.is_type(*kinds):
            return word
    return ""

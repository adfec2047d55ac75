"""What a database's catalogue says of its procedures, and of its functions that may change things: calls to propose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from interlock.integration.connectors.folding import folded
from interlock.integration.connectors.sql.tables import Table
from interlock.integration.connectors.surveys import Offer
from interlock.values.operations import Effect

POSTGRES_ROUTINES = """
SELECT r.specific_name, r.routine_schema, r.routine_name, r.routine_type,
  p.parameter_name, p.parameter_mode, p.data_type
FROM information_schema.routines r
JOIN pg_catalog.pg_proc f ON r.specific_name = f.proname || '_' || f.oid
LEFT JOIN information_schema.parameters p
  ON p.specific_schema = r.specific_schema AND p.specific_name = r.specific_name
WHERE r.routine_schema NOT IN ('pg_catalog', 'information_schema') AND r.external_language <> 'C'
  AND (r.routine_type = 'PROCEDURE' OR f.provolatile = 'v') AND r.data_type IS DISTINCT FROM 'trigger'
ORDER BY r.routine_schema, r.routine_name, r.specific_name, p.ordinal_position
"""
MYSQL_ROUTINES = """
SELECT r.specific_name, '', r.routine_name, r.routine_type, p.parameter_name,
  CASE p.parameter_mode WHEN 'OUT' THEN 'VARIABLE' ELSE p.parameter_mode END, p.data_type
FROM information_schema.routines r
LEFT JOIN information_schema.parameters p
  ON p.specific_schema = r.routine_schema AND p.specific_name = r.specific_name AND p.routine_type = r.routine_type
WHERE r.routine_schema = DATABASE() AND r.routine_type = 'PROCEDURE'
ORDER BY r.routine_name, p.ordinal_position
"""
MSSQL_ROUTINES = """
SELECT r.SPECIFIC_NAME, CASE WHEN r.ROUTINE_SCHEMA = SCHEMA_NAME() THEN '' ELSE r.ROUTINE_SCHEMA END, r.ROUTINE_NAME,
  r.ROUTINE_TYPE, SUBSTRING(p.PARAMETER_NAME, 2, 128), p.PARAMETER_MODE,
  CASE WHEN p.PARAMETER_MODE = 'IN' THEN p.DATA_TYPE ELSE '' END
FROM INFORMATION_SCHEMA.ROUTINES AS r
LEFT JOIN INFORMATION_SCHEMA.PARAMETERS AS p
  ON p.SPECIFIC_SCHEMA = r.SPECIFIC_SCHEMA AND p.SPECIFIC_NAME = r.SPECIFIC_NAME
WHERE r.ROUTINE_TYPE = 'PROCEDURE'
ORDER BY r.ROUTINE_SCHEMA, r.ROUTINE_NAME, p.ORDINAL_POSITION
"""
"""A parameter that tells something has no type here: no call could hear it."""
_WORD = re.compile(r"[a-z0-9]+")
_BESIDE = frozenset({"p", "in", "i", "v", "par", "param"})
"""Words that are put before a parameter's name and say nothing of it."""
_NAMING = frozenset("id no nr num number nummer numero code key ref uuid guid".split())
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


@dataclass(slots=True)
class _Routine:
    path: tuple[str, ...]
    given: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)


def call_offers(rows: Iterable[tuple[Any, ...]], words: Mapping[str, str]) -> tuple[list[Offer], list[str]]:
    """Return a call of each routine in *rows*, and the names of those that no call can be written for.

    *words* are the types of `input` for those of the database. A routine is proposed as irreversible: the catalogue
    does not say what it does.
    """
    offers: dict[str, Offer] = {}
    others: list[str] = []
    for (_, schema, name, kind), members in groupby(rows, lambda row: row[:4]):
        routine = _routine((name,) if schema in {"", "public"} else (schema, name), members, words, schema)
        label = ".".join((schema, name) if schema else (name,))
        if routine is None or f"call_{name.lower()}"[:60] in offers:  # also of a name that stands for several
            others.append(label)
        else:
            offer = _offer(routine, kind)
            offers[offer.name] = offer
    return list(offers.values()), others


def pointed(calls: Iterable[Offer], tables: Iterable[Table]) -> list[Offer]:
    """Return *calls* in which the parameters that are named like a key of one of *tables* are targets: `p_account` of a
    table whose key is `account_no`.
    """
    subjects = {_subject(key.name) for table in tables for key in table.keys} - {()}
    return [
        replace(call, settings={**call.settings, "arguments": targets})
        if (targets := {one: "target" for one in call.settings.get("input", ()) if _subject(one) in subjects})
        else call
        for call in calls
    ]


def _subject(name: str) -> tuple[str, ...]:
    """Return the words for what *name* is a key of; the words themselves where they say nothing else."""
    words = _WORD.findall(folded(name).lower())
    words = words[1:] if len(words) > 1 and words[0] in _BESIDE else words
    return tuple(words[:-1] if len(words) > 1 and words[-1] in _NAMING else words)


def _routine(
    path: tuple[str, ...], members: Iterator[tuple[Any, ...]], words: Mapping[str, str], schema: str
) -> _Routine | None:
    """Return the routine, None where a name is not plain, or a type not known."""
    made, fits = _Routine(path), all(map(_PLAIN.fullmatch, path))
    for number, (*_, name, mode, native) in enumerate(members, 1):
        if mode is None:
            continue  # it has no parameters
        spoken, word = name or f"argument_{number}", words.get(native.partition("(")[0], "")
        heard = bool(schema) or mode in {"IN", "RETURNS", "VARIABLE"}
        fits = fits and bool(word) and _PLAIN.fullmatch(spoken) is not None and heard
        if mode in {"IN", "INOUT"}:
            made.given[spoken] = word
        if mode != "IN":
            made.told[spoken] = f"{word}?"
        if mode != "RETURNS":
            made.arguments.append({"OUT": "NULL", "VARIABLE": f"@{spoken}"}.get(mode, f":{spoken}"))
    return made if fits else None


def _offer(routine: _Routine, sort: str) -> Offer:
    name, procedure = ".".join(routine.path), sort == "PROCEDURE"
    given = routine.arguments if procedure else [one for one in routine.arguments if one != "NULL"]
    call = f"{'CALL' if procedure else 'SELECT * FROM'} {name}({', '.join(given)})"
    settings: dict[str, Any] = {"input": routine.given} if routine.given else {}
    if routine.told or not procedure:
        settings["rows"] = "one" if procedure else "many"
    if routine.told:
        settings["columns"] = routine.told
    kind = "function" if sort == "FUNCTION" else "procedure"
    spoken = f"call_{routine.path[-1].lower()}"[:60]
    return Offer(call, spoken, f"Call the {kind} {name}.", effect=Effect.irreversible, settings=settings)

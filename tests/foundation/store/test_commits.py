"""Whatever units come in whatever groups, a database does what a plain dictionary would."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.foundation.store import Append, RowRefused, Statement, Writes, open_database

STEPS = (
    "CREATE TABLE counter (id {text} PRIMARY KEY, value {bigint} NOT NULL)",
    "CREATE TABLE line (id {bigint} PRIMARY KEY)",
)
NAMES = st.sampled_from(["a", "b", "c"])
GUARD = st.tuples(NAMES, st.integers(0, 3))
UNIT = st.tuples(st.lists(GUARD, max_size=3), st.lists(NAMES, max_size=2), st.booleans())
State = tuple[dict[str, int], set[int]]


def as_unit(guards: list[tuple[str, int]], opened: list[str], line: int | None) -> Writes:
    """Return a unit that raises counters from an expected value, then opens others and appends a line."""
    change = "UPDATE counter SET value = value + 1 WHERE id = ? AND value = ?"
    opening = "INSERT INTO counter (id, value) VALUES (?, 0)"
    appended = [Append("INSERT INTO line (id) VALUES (?)", [(line,)])] if line is not None else []
    return Writes(
        [*appended, *(Statement(opening, (name,)) for name in opened)], [Statement(change, guard) for guard in guards]
    )


def expected(
    state: State, units: list[tuple[list[tuple[str, int]], list[str], int | None]]
) -> tuple[State, list[bool]] | int:
    """Return what the state becomes and which units held, or the index of the unit that is refused."""
    counters, lines = dict(state[0]), set(state[1])
    held = []
    for index, (guards, opened, line) in enumerate(units):
        raised = dict(counters)
        holds = True
        for name, value in guards:
            holds = holds and raised.get(name) == value
            if holds:
                raised[name] = value + 1
        held.append(holds)
        if holds:
            for name in opened:
                if name in raised:
                    return index
                raised[name] = 0
            counters = raised
            lines |= {line} if line is not None else set()
    return (counters, lines), held


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/c.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(commits=st.lists(st.lists(UNIT, max_size=5), max_size=5))
async def test_commits_do_what_a_dictionary_would(
    url: str, commits: list[list[tuple[list[tuple[str, int]], list[str], bool]]]
) -> None:
    database = open_database(url)
    await database.open()
    await database.migrate("counters", STEPS)
    await database.commit([Writes([Statement("DELETE FROM counter"), Statement("DELETE FROM line")])])
    state: State = ({}, set())
    number = 0
    for commit in commits:
        units = []
        for guards, opened, lined in commit:
            number += 1
            units.append((guards, opened, number if lined else None))
        outcome = expected(state, units)
        if isinstance(outcome, int):
            with pytest.raises(RowRefused) as refusal:
                await database.commit([as_unit(*unit) for unit in units])
            assert refusal.value.index == outcome
        else:
            assert await database.commit([as_unit(*unit) for unit in units]) == outcome[1]
            state = outcome[0]
        counters = {row[0]: row[1] for row in await database.read("SELECT id, value FROM counter")}
        lines = {row[0] for row in await database.read("SELECT id FROM line")}
        assert (counters, lines) == state
    await database.close()

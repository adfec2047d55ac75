"""One SQL for both databases: placeholders and statements are found, texts and comments left alone."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.store.sql import numbered, split, typed

PIECES = st.lists(
    st.sampled_from(["?", "'?;'", "'it''s ?'", '"na?me"', "-- ?;\n", "/* ; ? */", " SELECT ", "x", ",", "\n"]),
    max_size=20,
)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT ?, ? FROM t WHERE x = ?", "SELECT $1, $2 FROM t WHERE x = $3"),
        ("SELECT '?', \"?\" -- ?\n, ? /* ? */", "SELECT '?', \"?\" -- ?\n, $1 /* ? */"),
        ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1"),
    ],
)
def test_placeholders_are_numbered(sql: str, expected: str) -> None:
    assert numbered(sql) == expected


@given(PIECES)
def test_only_placeholders_are_touched(pieces: list[str]) -> None:
    sql = "".join(pieces)
    count = pieces.count("?")
    after = numbered(sql)
    for number in range(count, 0, -1):
        assert after.count(f"${number}") == 1
        after = after.replace(f"${number}", "?")
    assert after == sql


def test_a_script_is_split_at_its_own_semicolons() -> None:
    assert split("CREATE TABLE a (x TEXT DEFAULT ';');\n\n ; INSERT INTO a VALUES ('a;b') -- ;\n;") == [
        "CREATE TABLE a (x TEXT DEFAULT ';')",
        "INSERT INTO a VALUES ('a;b') -- ;",
    ]
    connection = sqlite3.connect(":memory:")
    for statement in split("CREATE TABLE a (x); INSERT INTO a VALUES ('a;b'), ('it''s;')"):
        connection.execute(statement)
    assert connection.execute("SELECT count(*) FROM a").fetchone() == (2,)
    connection.close()


def test_types_are_named_per_dialect() -> None:
    script = "CREATE TABLE a (x {blob}, y {bigint} DEFAULT '{other}')"
    assert (
        typed(script, {"blob": "BYTEA", "bigint": "BIGINT"}) == "CREATE TABLE a (x BYTEA, y BIGINT DEFAULT '{other}')"
    )

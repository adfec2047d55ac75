"""The office's records: JSON objects of several kinds in one SQLite file, and a row for each change really made."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from examples.office.services.problem import Problem, missing

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  place INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS effects (
  number INTEGER PRIMARY KEY, operation TEXT NOT NULL, record TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL
);
"""
_NUMBER = re.compile(r"([a-z]+-)([0-9]+)")

Body = dict[str, Any]


class Clock:
    """The office's clock. It stands still, so that the same requests give the same answers."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    @property
    def today(self) -> dt.date:
        return self.now.date()

    def stamp(self) -> str:
        return self.now.isoformat(timespec="seconds")


class Records:
    """All records of all programs, in the order in which they were made."""

    def __init__(self, path: str, clock: Clock) -> None:
        self.clock = clock
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(SCHEMA)

    def seed(self, records: dict[str, dict[str, Body]]) -> None:
        """Load the first records into an empty file; they are no effects."""
        if self._db.execute("SELECT 1 FROM records").fetchone():
            return
        with self.change():
            for kind, members in records.items():
                for name, body in members.items():
                    self.put(kind, name, body)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Everything inside happens, or nothing does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def find(self, kind: str, name: str) -> Body | None:
        row = self._db.execute("SELECT body FROM records WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return json.loads(row[0]) if row else None

    def get(self, kind: str, name: str) -> Body:
        """Return a record, or refuse with 404."""
        found = self.find(kind, name)
        if found is None:
            raise missing(kind)
        return found

    def every(self, kind: str) -> list[Body]:
        rows = self._db.execute("SELECT body FROM records WHERE kind = ? ORDER BY place", (kind,))
        return [json.loads(row[0]) for row in rows]

    def put(self, kind: str, name: str, body: Body) -> Body:
        """Keep a record under its name, in the place of the one before."""
        statement = (
            "INSERT INTO records (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
        )
        self._db.execute(statement, (kind, name, json.dumps(body, ensure_ascii=False)))
        return body

    def remove(self, kind: str, name: str) -> None:
        self._db.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, name))

    def next_name(self, *kinds: str, first: str) -> str:
        """Return the name after the highest of these kinds that is built as *first* is."""
        matched = _NUMBER.fullmatch(first)
        assert matched is not None
        marks = ", ".join("?" for _ in kinds)
        rows = self._db.execute(f"SELECT id FROM records WHERE kind IN ({marks})", kinds)
        numbers = [int(found[2]) for (name,) in rows if (found := _NUMBER.fullmatch(name)) and found[1] == matched[1]]
        number = max([*numbers, int(matched[2]) - 1]) + 1
        return f"{matched[1]}{number:0{len(matched[2])}d}"

    def effect(self, operation: str, record: str, detail: object = None) -> None:
        """Note that something was really done."""
        statement = "INSERT INTO effects (operation, record, detail) VALUES (?, ?, ?)"
        self._db.execute(statement, (operation, record, json.dumps(detail, ensure_ascii=False)))

    def repeated(self, key: str, request: object) -> tuple[int, Any] | None:
        """Return what this key was answered before; the same key for another request is refused."""
        row = self._db.execute("SELECT digest, status, body FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if row[0] != _digest(request):
            raise Problem(422, "key-reused", "This Idempotency-Key was used for another request.")
        return row[1], json.loads(row[2])

    def answered(self, key: str, request: object, status: int, body: Any) -> None:
        values = (key, _digest(request), status, json.dumps(body))
        self._db.execute("INSERT INTO answers (key, digest, status, body) VALUES (?, ?, ?, ?)", values)


def _digest(request: object) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()

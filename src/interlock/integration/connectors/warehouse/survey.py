"""What a warehouse offers: for each table the rows that fit, page by page."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.files.names import unfit
from interlock.integration.connectors.files.surveying import path_of
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.sql.postgres_tables import postgres_tables
from interlock.integration.connectors.sql.tables import MOST_TABLES
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.integration.connectors.warehouse.tables import ADDED, FORMATS, STEADY
from interlock.integration.connectors.warehouse.views import literal
from interlock.values.operations import Effect

SUFFIXES = frozenset({".duckdb", ".ddb"})
POSTGRES = "postgresql://"
MOST_FILTERS = 30
_MAGIC = slice(8, 12)
_SIGNS = re.compile(r"[^A-Za-z0-9]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_DUCK = {
    **dict.fromkeys("TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT".split(), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "number"),
    **dict.fromkeys(("VARCHAR", "UUID", "ENUM"), "string"),
    **dict.fromkeys(
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "datetime"
    ),
    "DECIMAL": "decimal",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "INTERVAL": "duration",
    "BLOB": "binary",
}
_POSTGRES = {
    **dict.fromkeys(("smallint", "integer", "bigint"), "integer"),
    **dict.fromkeys(("real", "double precision"), "number"),
    **dict.fromkeys(("timestamp without time zone", "timestamp with time zone"), "datetime"),
    "numeric": "decimal",
    "boolean": "boolean",
    "date": "date",
    "time without time zone": "time",
    "interval": "duration",
    "json": "json",
    "jsonb": "json",
}
_PERSONAL = frozenset(
    "birth birthdate birthday born dob email emails fax firstname fullname gender iban lastname mail mobile passport "
    "phone postcode salary sex ssn street surname telephone zip".split()
)
_NAMING = frozenset("birth family first full given last maiden middle".split())
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_RANGES = frozenset({"integer", "decimal", "number", "date", "datetime"})


@dataclass(frozen=True, slots=True)
class _Seen:
    """One column as it was found: its name there, our type, whether it may be null, whether it is of the key."""

    name: str
    type: str
    nullable: bool = True
    key: bool = False


def is_duckdb(source: Source) -> bool:
    """Return whether *source* is a file that DuckDB wrote, from its ending or its first bytes."""
    if source.content is not None:
        return source.content[_MAGIC] == b"DUCK"
    return "://" not in source.address and PurePath(source.address).suffix.lower() in SUFFIXES


async def survey(source: Source, ports: Ports) -> Survey:
    """Return what the files, the DuckDB file or the PostgreSQL database at an address offer.

    Raises `SourceUnfit`, and `PackageMissing`.
    """
    if source.address.startswith(POSTGRES):
        return await _postgres(source.address)
    Packages("warehouse", "warehouse", ("duckdb", "pytz")).check()
    path = path_of(source.address, ports.root)
    if not path.exists():
        raise SourceUnfit("there is no such file or folder", fix="name a folder, a file of rows, or a DuckDB file")
    return await asyncio.to_thread(_local, path.resolve(), ports.root.resolve())


async def _postgres(address: str) -> Survey:
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise SourceUnfit("this is no address of a database", fix="write postgresql://USER@HOST/DATABASE") from error
    user = f"{parts.username}@" if parts.username else ""
    host = parts.netloc.rpartition("@")[2]
    socket = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] == "host"])  # of TLS, `tls` speaks
    settings: dict[str, Any] = {"url": urlunsplit((parts.scheme, f"{user}{host}", parts.path, socket, ""))}
    if parts.password:
        settings["password"] = SECRET
    tables: dict[str, Any] = {}
    for table in (await postgres_tables(address))[:MOST_TABLES]:
        seen = [
            _Seen(one.name, _POSTGRES.get(one.native, "string"), one.nullable, one.key)
            for one in table.columns
            if one.native != "ARRAY"
        ]
        tables[_name(table.name, tables, lower=True)] = {"table": table.name, **_columns(seen)}
    notes = ("the server must prove its name by TLS; say `tls: off` for one on this machine alone",)
    return _surveyed(parts.path.strip("/"), {"postgres": settings}, tables, notes)


def _local(path: Path, root: Path) -> Survey:
    import duckdb

    is_folder = path.is_dir()
    with duckdb.connect(":memory:", config={"autoload_known_extensions": "false", "threads": "2"}) as connection:
        try:
            if not is_folder and (path.suffix.lower() in SUFFIXES or _is_database(path)):
                tables = _database(connection, path)
                return _surveyed(path.stem, {"duckdb": {"database": os.path.relpath(path, root)}}, tables, ())
            folder = path if is_folder else path.parent
            tables = dict(_files(connection, sorted(folder.iterdir()) if is_folder else [path]))
        except duckdb.Error as error:
            raise SourceUnfit(f"{path.name} cannot be read", why=type(error).__name__) from error
    place = str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder)
    notes = ("name the `key` of a table to have more than its first page read, and check the types of its columns",)
    return _surveyed(path.stem, {"duckdb": {"folder": place}}, tables, notes)


def _is_database(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(_MAGIC.stop)[_MAGIC] == b"DUCK"


def _database(connection: Any, path: Path) -> dict[str, Any]:
    connection.execute(f"ATTACH {literal(str(path))} AS seen (READ_ONLY)")
    found = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'seen' AND NOT internal "
        "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'seen' AND NOT internal "
        "ORDER BY 1, 2"
    ).fetchmany(MOST_TABLES)
    tables: dict[str, Any] = {}
    for schema, name in found:
        if "." in schema or "." in name:
            continue  # cannot be told from a table of a schema
        spoken = name if schema == "main" else f"{schema}.{name}"
        quoted = ".".join(f'"{part.replace(chr(34), 2 * chr(34))}"' for part in ("seen", schema, name))
        rows = connection.execute(f"DESCRIBE {quoted}").fetchall()
        tables[_name(spoken, tables, lower=True)] = {"table": spoken, **_columns(_seen(rows))}
    return tables


def _files(connection: Any, files: Iterable[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    taken: dict[str, Any] = {}
    for file in files:
        kind = FORMATS.get(file.suffix.lower())
        if kind is None or unfit(file.name) or set(file.name) & set("[]") or file.is_symlink() or not file.is_file():
            continue
        path = literal(str(file))
        more: dict[str, Any] = {}
        if kind == "csv":
            sniffed = connection.execute(f"SELECT delimiter FROM sniff_csv({path})").fetchone()  # noqa: S608 - a path, quoted
            delimiter = sniffed[0] if sniffed and sniffed[0] in {",", ";", "|", "\t"} else ","
            if delimiter != ("\t" if file.suffix.lower() == ".tsv" else ","):
                more["delimiter"] = delimiter
            source = f"read_csv({path}, delim = {literal(delimiter)}, header = true)"
        else:
            source = (
                f"read_parquet({path})" if kind == "parquet" else f"read_json({path}, format = 'newline_delimited')"
            )
        rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - a path, quoted
        name = _name(file.stem, taken, lower=True)
        taken[name] = None
        yield name, {"files": file.name, **more, **_columns(_seen(rows))}


def _seen(rows: Sequence[Sequence[Any]]) -> list[_Seen]:
    return [_Seen(row[0], _DUCK.get(row[1].partition("(")[0], "json"), row[2] != "NO", row[3] == "PRI") for row in rows]


def _columns(seen: Sequence[_Seen]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    key: list[str] = []
    for one in seen:
        name = _name(one.name, columns)
        said = f"{one.type}{'?' if one.nullable else ''}"
        columns[name] = said if name == one.name else {"type": said, "source": one.name}
        if one.key:
            key.append(name)
    whole = key and all(one.type in STEADY and not one.nullable for one in seen if one.key)
    return {"columns": columns, "key": key} if whole else {"columns": columns}


def _name(found: str, taken: Mapping[str, Any], *, lower: bool = False) -> str:
    base = _SIGNS.sub("_", found).strip("_")[:50] or "t"
    base = base.lower() if lower or not _NAME.fullmatch(found) else found
    base = base if base[0].isalpha() else f"t_{base}"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _surveyed(title: str, engine: Mapping[str, Any], tables: Mapping[str, Any], notes: tuple[str, ...]) -> Survey:
    kept = {name: table for name, table in tables.items() if table["columns"]}
    if not kept:
        raise SourceUnfit("nothing here is a table", fix=f"known endings: {', '.join([*FORMATS, *sorted(SUFFIXES)])}")
    offers = tuple(_offer(name, table) for name, table in kept.items())
    if any("output" in one.settings for one in offers):
        notes = (*notes, "columns that look personal by their names are labelled so; look for others")
    return Survey(title, {**engine, "tables": kept}, offers, kind="warehouse", notes=notes)


def _offer(name: str, table: Mapping[str, Any]) -> Offer:
    filters: dict[str, str] = {}
    taken = set(ADDED)
    for column, written in table["columns"].items():
        kind = (written if isinstance(written, str) else written["type"]).removesuffix("?")
        ranged = kind in _RANGES and column not in table.get("key", ())
        arguments = {f"{column}_from", f"{column}_before"} if ranged else {column}
        if (kind in {"string", "boolean"} or kind in _RANGES) and not arguments & taken and len(filters) < MOST_FILTERS:
            filters[column] = "range" if ranged else "equal"
            taken |= arguments
    settings: dict[str, Any] = {"options": {"filters": filters}} if filters else {}
    if personal := [column for column in table["columns"] if _looks_personal(column)]:
        label = {"categories": ["personal"]}
        settings["output"] = {"labels": {f"/rows/*/{column}": dict(label) for column in personal}}
    return Offer(f"table {name}", f"find_{name}", f"Rows of {name} that fit.", effect=Effect.read, settings=settings)


def _looks_personal(column: str) -> bool:
    words = {word.lower() for word in _WORDS.findall(column)}
    return not words.isdisjoint(_PERSONAL) or ("name" in words and not words.isdisjoint(_NAMING))

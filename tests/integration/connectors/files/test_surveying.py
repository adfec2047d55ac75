"""What a file or a folder looks like becomes a declaration that reads it."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.files import plugin
from interlock.integration.connectors.surveys import Source, Survey, Surveyor
from interlock.integration.systems import Ports
from tests.integration.connectors.files.rigs import calling


async def surveyed(root: Path, address: str, content: bytes | None = None) -> Survey:
    async with HttpClient() as http:
        ports = Ports(http, SecretStore.standard(environment={}), root)
        return await plugin.survey(Source(address, content), ports)


async def read(root: Path, survey: Survey, name: str, file: str) -> Any:
    operations = {one.name: {"from": one.origin, "effect": one.effect} for one in survey.offers}
    content = {"system": "x", "connector": "files", "connection": dict(survey.connection), "operations": operations}
    async with calling(content, root) as call:
        return (await call.output(f"read_{name}", file=file))["rows"]


async def test_a_csv_file_is_read_by_what_was_proposed(tmp_path: Path) -> None:
    text = "Kunden-Nr;Name;Betrag;Datum;PLZ;Notiz\n7;Grün;1.001,50;29.02.2024;01067;\n8;Weiß;-2,00;01.03.2024;80331;x\n"
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_bytes(text.encode("cp1252"))
    assert isinstance(plugin, Surveyor)
    survey = await surveyed(tmp_path, str(folder / "a.csv"))
    declared = survey.connection["folders"]["files"]
    assert survey.connection["place"] == {"local": "data"}
    assert declared["format"] == {
        "kind": "csv",
        "encoding": "cp1252",
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
    }
    assert declared["columns"] == {
        "kunden_nr": {"heading": "Kunden-Nr", "type": "integer"},
        "Name": "string",
        "Betrag": "decimal",
        "Datum": {"type": "date", "pattern": "%d.%m.%Y"},
        "PLZ": "string",
        "Notiz": "string?",
    }
    assert any("cp1252 is a guess" in note for note in survey.notes)
    rows = await read(tmp_path, survey, "files", "a.csv")
    assert rows[0] == {
        "kunden_nr": 7,
        "Name": "Grün",
        "Betrag": "1001.50",
        "Datum": "2024-02-29",
        "PLZ": "01067",
        "Notiz": None,
    }


async def test_a_folder_is_declared_with_every_format_in_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["id", "when"], [1, None]):
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    for name, content in {
        "a.csv": b"1,x\n2,y\n",
        "b.jsonl": b'{"id":1,"ok":true}\n',
        "c.json": b'[{"id":"x","n":1.5}]',
        "d.xml": b"<list><item><id>1</id></item></list>",
        "e.xlsx": kept.getvalue(),
        "f.txt": b"?",
    }.items():
        (tmp_path / name).write_bytes(content)
    survey = await surveyed(tmp_path, str(tmp_path))
    assert list(survey.connection["folders"]) == ["csv", "jsonl", "json", "xml", "xlsx"]
    assert await read(tmp_path, survey, "csv", "a.csv") == [
        {"column_1": 1, "column_2": "x"},
        {"column_1": 2, "column_2": "y"},
    ]
    assert await read(tmp_path, survey, "jsonl", "b.jsonl") == [{"id": 1, "ok": True}]
    assert await read(tmp_path, survey, "json", "c.json") == [{"id": "x", "n": "1.5"}]
    assert await read(tmp_path, survey, "xml", "d.xml") == [{"id": 1}]
    assert await read(tmp_path, survey, "xlsx", "e.xlsx") == [{"id": 1, "when": None}]


def test_only_files_of_rows_are_recognised(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    (empty / "spec.json").write_bytes(b'{"openapi": "3.1.0"}')
    for address, content, known in (
        ("a.csv", None, True),
        ("a.XLSX", None, True),
        (str(tmp_path), None, True),
        (str(empty), None, False),
        ("https://x.example/a.csv", b"a,b\n", False),
        ("postgresql://x/y", None, False),
        ("a.json", None, False),
        ("a.json", b' [ {"id": 1}]', True),
        ("a.json", b'{"openapi": "3.1.0"}', False),
        ("a.xml", b"<?xml version='1.0'?><list><item/></list>", True),
        ("a.xml", b"<wsdl:definitions/>", False),
        ("a.wsdl", b"<x/>", False),
    ):
        assert plugin.recognises(Source(address, content)) is known, address


@pytest.mark.parametrize(
    "content", [b"", b"a,a\n1,2\n", b'a,b\n1,"x', b"\0\1,b\n"], ids=["empty", "twice", "cut", "no text"]
)
async def test_what_is_no_file_of_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceUnfit):
        await surveyed(tmp_path, str(tmp_path / "a.csv"))
    with pytest.raises(SourceUnfit):
        await surveyed(tmp_path, str(tmp_path / "none.csv"))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(SourceUnfit, match=r"a\.png is of no known format"):
        await surveyed(tmp_path, str(tmp_path / "a.png"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceUnfit):
        await surveyed(tmp_path, str(tmp_path / "empty"))


async def test_what_is_no_single_value_is_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "x": {"y": 2}, "z": 1}\n{"id": 2, "z": "b"}\n', "utf-8")
    survey = await surveyed(tmp_path, str(tmp_path / "a.jsonl"))
    assert survey.connection["folders"]["files"]["columns"] == {"id": "integer"}
    assert [note.split(" is left out")[0] for note in survey.notes if "is left out" in note] == [
        "a.jsonl: x",
        "a.jsonl: z",
    ]
    assert await read(tmp_path, survey, "files", "a.jsonl") == [{"id": 1}, {"id": 2}]
    (tmp_path / "b.jsonl").write_text('{"x": []}\n', "utf-8")
    with pytest.raises(SourceUnfit, match="no column of single values"):
        await surveyed(tmp_path, str(tmp_path / "b.jsonl"))


async def test_columns_of_parquet_are_read_by_what_was_proposed(tmp_path: Path) -> None:
    table = pa.table(
        {"at": [datetime.fromisoformat("2026-01-01T00:00")], "day": [date(2026, 1, 2)], "raw": [b"x"], "parts": [[1]]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    survey = await surveyed(tmp_path, str(tmp_path / "a.parquet"))
    assert survey.connection["folders"]["files"]["columns"] == {"at": "datetime", "day": "date"}
    (row,) = await read(tmp_path, survey, "files", "a.parquet")
    assert row == {"at": "2026-01-01T00:00:00", "day": "2026-01-02"}

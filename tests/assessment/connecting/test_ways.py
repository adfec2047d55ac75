"""Paths of proposed facades: by the words of the system itself, whatever language it is in."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.app.main import main
from interlock.assessment.connecting.ways import Naming
from interlock.values.operations import Effect, Operation, Role

WORD = {"type": "string"}


def operation(name: str, effect: Effect, targets: str = "", needed: str = "", more: str = "") -> Operation:
    """Return one whose arguments are words, of which some are *targets* and some *needed*."""
    names = dict.fromkeys(f"{targets} {needed} {more}".split())
    schema = {"type": "object", "properties": dict.fromkeys(names, WORD), "required": needed.split()}
    return Operation("s", name, effect, input_schema=schema, arguments=dict.fromkeys(targets.split(), Role.target))


LISTS = [operation("list_konto_satz", Effect.read), operation("find_people", Effect.read)]
WAYS = [
    (LISTS[0], "get /konto-satz"),
    (operation("get_konto_satz", Effect.read, "konto_nr", "konto_nr"), "get /konto-satz/{konto_nr}"),
    (operation("rewrite_konto_satz", Effect.write, "konto_nr", "konto_nr inhaber"), "patch /konto-satz/{konto_nr}"),
    (operation("append_konto_satz", Effect.write, "konto_nr", "konto_nr inhaber"), "post /konto-satz"),
    (operation("get_person", Effect.read, "uid", "uid"), "get /people/{uid}"),
    (operation("get_order", Effect.read, "id"), "get /orders/{id}"),
    (operation("cancel_order", Effect.write, "id"), "post /orders/{id}/cancel"),
    (operation("get_kunde", Effect.read, "größe", "größe"), "get /kunde/{groesse}"),
    (operation("get_stand", Effect.read, "haus raum", "haus raum"), "get /stand/{haus}/{raum}"),
    (operation("call_konto_buchen", Effect.irreversible, "konto", "konto betrag"), "post /konto-buchen"),
    (operation("list_orders", Effect.read, "customer", more="page"), "get /orders"),
    (operation("get_policies", Effect.read), "get /policies"),
    (operation("list_stock", Effect.read, needed="заказ _"), "get /stocks"),
    (operation("get_widget", Effect.read, "serial", "serial"), "get /widget/{serial}"),
]


@pytest.mark.parametrize(("one", "way"), WAYS, ids=lambda value: getattr(value, "name", ""))
def test_a_path_is_made_of_the_systems_own_words(one: Operation, way: str) -> None:
    found = Naming([*LISTS, one]).way(one)
    assert f"{found.method} {found.path}" == way


def test_the_systems_own_plural_is_taken() -> None:
    one = operation("get_widget", Effect.read, "serial", "serial")
    assert Naming([one, operation("list_widgets", Effect.read)]).way(one).path == "/widgets/{serial}"


def test_arguments_of_any_form_are_looked_at() -> None:
    schema = {"type": "object", "properties": {"id": True, "after": {"type": ["string", "null"]}}, "required": ["id"]}
    assert Naming([]).way(Operation("s", "get_order", Effect.read, input_schema=schema)).path == "/orders"


def test_a_facade_over_names_with_umlauts_has_a_type_for_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "interlock.yaml").write_text("name: lager\n", "utf-8")
    with sqlite3.connect(tmp_path / "lager.db") as database:
        database.execute("CREATE TABLE möbel_stück (stück_nr INTEGER PRIMARY KEY, größe TEXT, `Preis netto` REAL)")
    database.close()
    for words in (["connect", "lager.db"], ["facade", "new", "lager"], ["check"]):
        assert main([*words, *(["--project"] if words[0] != "check" else []), str(tmp_path)]) == 0, words
    offered: dict[str, Any] = yaml.safe_load((tmp_path / "facades" / "lager.yaml").read_text("utf-8"))["operations"]
    assert offered["get_moebel_stueck"]["get"] == "/moebel-stueck/{stueck_nr}"
    assert offered["find_moebel_stueck"]["output"]["groesse"] == "/größe"
    capsys.readouterr()
    assert main(["facade", "show", "lager", "--form", "graphql", "--project", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Preis_netto: Float" in shown
    assert "JSON" not in shown

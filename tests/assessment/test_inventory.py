"""The inventory of projects' systems: what there is, the way into each, and what is missing, by rules."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from interlock.app.main import main
from interlock.assessment.inventory import WAYS, Inventory, inventories, way_of
from interlock.foundation.plugins import CONNECTORS, plugins
from interlock.orchestration.project import Project, load_project
from tests.house.source import ROOT

EXAMPLES = ("northwind", "office", "exchange", "legacy", "teams")


def load(name: str) -> Project:
    return load_project(ROOT / "examples" / name)


def found(project: Project) -> dict[str, Inventory]:
    return {one.system: one for one in inventories(project)}


def codes(inventory: Inventory) -> set[str]:
    return {gap.code for gap in inventory.gaps}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_system_is_listed_once_with_all_of_its_operations(name: str) -> None:
    project = load(name)
    listed = inventories(project)
    assert [one.system for one in listed] == sorted(project.catalog.systems)
    assert sum(sum(one.operations.values()) for one in listed) == len(project.catalog.operations)


def test_a_program_with_a_facade_lacks_nothing_but_what_it_cannot_have() -> None:
    project = load("legacy")
    ledger = found(project)["ledger"]
    assert (ledger.way.name, ledger.facades, ledger.owner) == ("program", ("ledger",), "bookkeeping@acme.example")
    assert codes(ledger) == {"way_in", "settling", "undo"}
    bare = found(replace(project, facades={}))["ledger"]
    assert codes(bare) == codes(ledger) | {"facade"}


def test_a_gap_goes_when_what_it_names_is_declared() -> None:
    project = load("legacy")
    key = "ledger.post_amount"
    compiled = project.catalog.operations[key]
    settled = replace(compiled, operation=replace(compiled.operation, idempotent=True))
    operations = {**project.catalog.operations, key: settled}
    better = replace(project, catalog=replace(project.catalog, operations=operations))
    assert "settling" not in codes(found(better)["ledger"])
    nobody = replace(project.catalog.systems["ledger"], owner="")
    worse = replace(project, catalog=replace(project.catalog, systems={"ledger": nobody}))
    assert "owner" in codes(found(worse)["ledger"])


def test_every_connector_has_a_way_with_its_risk() -> None:
    for connector in plugins(CONNECTORS):
        assert way_of(connector) in WAYS
    assert way_of("sql").name == "database"
    assert way_of("of.somebody.else").name == "api"
    assert all(way.risk for way in WAYS)
    assert all(way.writes and way.better for way in WAYS if way.name != "api")


def test_the_command_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    project = str(ROOT / "examples" / "northwind")
    assert main(["systems", "inventory", "--project", project, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["systems"]
    billing = next(one for one in listed if one["system"] == "billing")
    assert (billing["way_in"], billing["operations"]["read"] > 0) == ("api", True)
    assert "assistant" in billing["agents"] or billing["agents"]
    assert main(["systems", "inventory", "ledger", "--project", str(ROOT / "examples" / "legacy")]) == 0
    shown = capsys.readouterr().out
    assert "ledger  legacy, by program (program), owner: bookkeeping@acme.example" in shown
    assert "interfaces: rest, mcp, facade ledger" in shown
    assert main(["systems", "inventory", "none", "--project", project]) != 0
    assert "system_unknown" in capsys.readouterr().err

"""ARCHITECTURE.md shows the contracts that hold, and the repository keeps its records in order."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import grimp

import interlock
from tests.house.source import PACKAGE, files, read


def _project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


def _contracts() -> dict[str, dict[str, Any]]:
    return {contract["id"]: contract for contract in _project()["tool"]["importlinter"]["contracts"]}


def _rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below *heading*, without its head."""
    section = read("ARCHITECTURE.md").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_layer_table_equals_the_contract() -> None:
    contract = _contracts()["layers"]
    written = [re.findall(r"`([a-z]+)`", row[0]) for row in _rows("Layers")]
    held = [re.findall(r"[a-z]+", layer) for layer in contract["layers"]]
    assert written == held
    assert contract["exhaustive"] is True


def test_imports_for_type_checkers_keep_to_the_layers_too() -> None:
    rank = {
        layer: number
        for number, names in enumerate(_contracts()["layers"]["layers"])
        for layer in re.findall(r"[a-z]+", names)
    }
    graph = grimp.build_graph("interlock", cache_dir=None)
    offenders = []
    for importer in graph.modules - {"interlock"}:
        for imported in graph.find_modules_directly_imported_by(importer) - {"interlock"}:
            upper, lower = importer.split(".")[1], imported.split(".")[1]
            if upper != lower and rank[upper] >= rank[lower]:
                offenders.append(f"{importer} -> {imported}")
    assert not offenders


def test_an_optional_layer_is_optional_only_until_it_exists() -> None:
    optional = re.findall(r"\(([a-z]+)\)", " ".join(_contracts()["layers"]["layers"]))
    assert not [layer for layer in optional if (PACKAGE / layer).exists()]


def test_the_guarded_edges_equal_the_contracts() -> None:
    written = {row[0].strip("`"): set(re.findall(r"`([\w.]+)`", row[1])) for row in _rows("Guarded edges")}
    held = {
        module.removeprefix("interlock."): {name.removeprefix("interlock.") for name in contract["allowed_importers"]}
        for contract in _contracts().values()
        if contract["type"] == "protected"
        for module in contract["protected_modules"]
    }
    assert written == held


def test_no_contract_ignores_an_import() -> None:
    assert not [name for name, contract in _contracts().items() if contract.get("ignore_imports")]


def test_version_and_changelog_agree() -> None:
    newest = re.search(r"^## \[([^\]]+)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == _project()["project"]["version"] == interlock.__version__


def test_decisions_are_numbered_once_and_in_order() -> None:
    names = [place.rsplit("/", 1)[1] for place in files() if place.startswith("docs/decisions/")]
    records = [name for name in names if name != "README.md"]
    assert not [name for name in records if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)]
    assert [int(name[:4]) for name in records] == list(range(len(records)))


def test_a_decision_says_what_and_why() -> None:
    for place in files():
        if re.match(r"docs/decisions/\d{4}-", place):
            text = read(place)
            assert re.match(rf"# {place.rsplit('/', 1)[1][:4]} .+\n", text), place
            for heading in ("Status", "Context", "Decision", "Consequences"):
                assert f"\n## {heading}\n" in text, f"{place} has no section {heading}"


def test_the_lock_files_cover_every_dependency() -> None:
    project = _project()
    optional = [name for extra in project["project"]["optional-dependencies"].values() for name in extra]
    groups = [name for group in project["dependency-groups"].values() for name in group if isinstance(name, str)]
    wanted = {"run": project["project"]["dependencies"], "dev": [*optional, *groups]}
    for lock, requirements in wanted.items():
        pinned = set(re.findall(r"^([a-z0-9][\w.-]*)==", read(f"requirements/{lock}.txt"), re.MULTILINE))
        names = {re.split(r"[\[<>=; ]", requirement)[0] for requirement in requirements}
        assert not names - pinned - {project["project"]["name"]}, f"requirements/{lock}.txt: run `make lock`"

"""Imports are honest and light: none of ours hidden in functions, nothing heavy before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest

from tests.house.source import PACKAGE, Module, functions, modules

# Costly to load, needed by few: imported inside what needs them.
HEAVY = ("mcp", "sqlglot", "cel", "asyncpg", "cryptography", "opentelemetry", "jinja2")
COMMAND_LINE = "interlock.app.main"
NOT_FOR_THE_COMMAND_LINE = (*HEAVY, "cedarpy", "pydantic")

# path -> reason. This list may only shrink.
NAMED_AT_RUN_TIME: dict[str, str] = {}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _at_load(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs when the module is loaded: no function bodies, nothing for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _at_load(child)


def _loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that are loaded after *statement* in a fresh interpreter."""
    program = f"import sys\n{statement}\n" + "print('loaded:', *{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=PACKAGE.parent
    )
    assert result.returncode == 0, result.stderr
    said, loaded = result.stdout.rsplit("loaded:", 1)
    sys.stdout.write(said)
    return set(loaded.split())


def test_no_import_of_ours_hides_in_a_function() -> None:
    offenders = [
        f"{module.place}:{node.lineno}"
        for module in modules("src")
        for function in functions(module)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.split(".")[0] == "interlock" for name in _imported(node))
    ]
    assert not offenders


def _names_a_module_of_ours(module: Module) -> bool:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and "import" in ast.dump(node.func):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if any(text.split(".")[0] == "interlock" for text in texts):
                return True
    return False


def test_no_import_of_ours_goes_by_a_text() -> None:
    offenders = {module.place for module in modules("src") if _names_a_module_of_ours(module)}
    assert offenders == NAMED_AT_RUN_TIME.keys(), "the import contracts cannot see these"


def test_heavy_packages_are_imported_by_what_needs_them() -> None:
    offenders = [
        f"{module.place}:{getattr(node, 'lineno', 0)}: {name}"
        for module in modules("src")
        for node in _at_load(module.tree)
        for name in _imported(node)
        if name.split(".")[0] in HEAVY
    ]
    assert not offenders


@pytest.mark.skipif(not (PACKAGE / "experience" / "cli").is_dir(), reason="there is no command line yet")
def test_the_command_line_starts_light() -> None:
    loaded = _loaded_by(f"import {COMMAND_LINE}")
    assert sorted(loaded & set(NOT_FOR_THE_COMMAND_LINE)) == []


@pytest.mark.skipif(not (PACKAGE / "experience" / "cli").is_dir(), reason="there is no command line yet")
def test_asking_for_help_stays_light() -> None:
    statement = (
        f"import contextlib, time, {COMMAND_LINE} as cli\n"
        "with contextlib.suppress(SystemExit): cli.main(['--help'])\n"
        "print('processor seconds:', time.process_time())"  # seen with `pytest -rP`
    )
    loaded = _loaded_by(statement)
    assert sorted(loaded & set(NOT_FOR_THE_COMMAND_LINE)) == []


@pytest.mark.parametrize("group", ["interlock.connectors", "interlock.providers"])
def test_listing_plugins_loads_no_driver(group: str) -> None:
    layer = PACKAGE / ("integration" if group == "interlock.connectors" else "intelligence")
    if not (layer / group.split(".")[1]).is_dir():
        pytest.skip(f"no {group} yet")
    points = sorted(entry_points(group=group))
    assert points, "install the project, so that its own plug-ins are registered"
    loads = "\n".join(f"import importlib; importlib.import_module({point.module!r})" for point in points)
    assert sorted(_loaded_by(loads) & set(HEAVY)) == []

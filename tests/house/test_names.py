"""Names say what a thing is: no word that holds anything, and every module opens with a sentence."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import PurePosixPath

from tests.house.source import CODE_FOLDERS, PACKAGE, files, modules

FORBIDDEN = frozenset({"util", "helper", "common", "misc", "manager", "handler", "core", "shared", "stuff"})

# A new module here is a decision that every layer lives with; the list keeps the folder from being a drawer.
VALUE_MODULES = [
    "actions",
    "clearances",
    "decisions",
    "digests",
    "errors",
    "identifiers",
    "labels",
    "operations",
    "principals",
    "secrets",
]
VALUE_LINES = 1500


def test_no_name_that_holds_anything() -> None:
    offenders = []
    for place in files():
        path = PurePosixPath(place)
        if path.parts[0] not in CODE_FOLDERS or "data" in path.parts:
            continue
        names = [*path.parts[:-1], path.stem] if path.suffix == ".py" else path.parts[:-1]
        words = {word.removesuffix("s") for name in names for word in re.split(r"[-_]", name.lower())}
        if words & FORBIDDEN:
            offenders.append(place)
    assert not offenders, "move each thing to the noun it serves"


def test_every_module_opens_with_a_sentence() -> None:
    missing = [module.place for module in modules() if not (ast.get_docstring(module.tree) or "").strip()]
    assert not missing


def test_the_value_modules_are_these() -> None:
    present = sorted(path.stem for path in (PACKAGE / "values").glob("*.py") if path.stem != "__init__")
    assert present == VALUE_MODULES


def test_the_values_stay_small() -> None:
    lines = sum(m.lines for m in modules("src") if m.name.startswith("interlock.values"))
    assert lines <= VALUE_LINES


def test_the_values_need_only_the_standard_library_and_orjson() -> None:
    allowed = set(sys.stdlib_module_names) | {"interlock", "orjson"}
    offenders = []
    for module in modules("src"):
        if not module.name.startswith("interlock.values"):
            continue
        for node in ast.walk(module.tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            offenders += [f"{module.place}: {name}" for name in names if name.split(".")[0] not in allowed]
    assert not offenders

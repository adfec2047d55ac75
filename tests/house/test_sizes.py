"""One module is one noun, a function fits a screen, a long parameter list is a value object."""

from __future__ import annotations

import ast

from tests.house.source import functions, modules, unexpected

MODULE_LINES = 500
TEST_MODULE_LINES = 600
FUNCTION_LINES = 60
PARAMETERS = 7
INTERFACE_METHODS = 8

# path (or path:function) -> reason. These lists may only shrink.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
MANY_PARAMETERS: dict[str, str] = {}


def test_modules_are_short() -> None:
    found = {}
    for module in modules():
        limit = TEST_MODULE_LINES if module.place.startswith("tests/") else MODULE_LINES
        if module.lines > limit:
            found[module.place] = f"{module.lines} lines, at most {limit}; split it by noun"
    assert not unexpected(found, LONG_MODULES)


def test_functions_fit_a_screen() -> None:
    found = {}
    for module in modules():
        for function in functions(module):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES:
                found[f"{module.place}:{function.name}"] = f"{lines} lines, at most {FUNCTION_LINES}"
    assert not unexpected(found, LONG_FUNCTIONS)


def test_functions_take_few_parameters() -> None:
    found = {}
    for module in modules("src", "tools", "benchmarks", "examples"):
        for function in functions(module):
            arguments = function.args
            names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            count = len([name for name in names if name not in ("self", "cls")])
            if count > PARAMETERS:
                found[f"{module.place}:{function.name}"] = f"{count} parameters; make a value object of them"
    assert not unexpected(found, MANY_PARAMETERS)


def test_interfaces_are_small() -> None:
    offenders = []
    for module in modules("src"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and any("id='Protocol'" in ast.dump(base) for base in node.bases):
                methods = [m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)]
                if len(methods) > INTERFACE_METHODS:
                    offenders.append(f"{module.place}:{node.name}: {len(methods)} methods")
    assert not offenders

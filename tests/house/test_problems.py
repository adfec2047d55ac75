"""Whatever a connector can say goes wrong is explained, and nothing else is."""

from __future__ import annotations

import ast
import re

from interlock.integration.systems import PROBLEMS
from tests.house.source import modules

PLACES = (
    "src/interlock/integration/connectors/",
    "src/interlock/integration/systems/",
    "src/interlock/foundation/http/",
)
NO_CODES = {"andshake"}  # by which an error of gRPC is known
CODE = re.compile(r"[a-z]+(_[a-z]+)*")
SAYS = {"failed", "unanswered", "failed_answer", "NoAnswer", "BrokerAway", "BrokerLost", "BrokerRefused", "TooMuch"}
"""What takes a problem's code, as its first or second argument."""


def _said() -> dict[str, str]:
    """Return the codes that are written out where a call ends with one, or in a table of such ends, and where."""
    found: dict[str, str] = {}
    for module in modules("src"):
        if module.place.startswith(PLACES):
            for node in ast.walk(module.tree):
                found |= dict.fromkeys(filter(CODE.fullmatch, _codes(node)), module.place)
    return found


def _codes(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        code, words = _texts(node.elts[0]), _texts(node.elts[1])
        return code if words and words[0].count(" ") > 2 else []
    name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
    return (
        [text for one in node.args[:2] for text in _texts(one)] if name in SAYS and isinstance(node, ast.Call) else []
    )


def _texts(node: ast.AST) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_every_problem_that_is_written_out_is_explained() -> None:
    assert not {code: place for code, place in _said().items() if code not in {*PROBLEMS, *NO_CODES}}


def test_every_explained_problem_occurs() -> None:
    text = "\n".join(
        module.text
        for module in modules("src")
        if module.place.startswith(PLACES) and "problems.py" not in module.place
    )
    assert not [code for code in PROBLEMS if f'"{code}"' not in text]


def test_explanations_are_sentences() -> None:
    for code, problem in PROBLEMS.items():
        for text in (problem.means, problem.fix):
            assert text[0].isupper(), code
            assert text.endswith("."), code

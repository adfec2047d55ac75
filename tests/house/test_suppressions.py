"""Who silences a checker says which rule and why, and does so rarely."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from tests.house.source import Module, modules

PER_THOUSAND_LINES = 3

SUPPRESSION = re.compile(
    r"#\s*(type:\s*ignore|noqa|ruff:\s*(noqa|disable)|mypy:|pyright:|ty:|pragma:|fmt:\s*(off|skip)|isort:)"
)
# `fmt: skip` keeps the columns of one literal table; it silences the formatter for that statement and no checker.
WELL_FORMED = re.compile(
    r"#\s*(type:\s*ignore\[[a-z0-9, -]+\]|noqa:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)\s*[#:-]+\s*\S.{7,}"
    r"|^#\s*fmt:\s*skip$"
)


def suppressions(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line number and text of every comment that silences a checker."""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT and SUPPRESSION.search(token.string):
            yield token.start[0], token.string


def test_every_suppression_names_its_rule_and_reason() -> None:
    offenders = [
        f"{module.place}:{line}: {text}"
        for module in modules()
        for line, text in suppressions(module)
        if not WELL_FORMED.search(text)
    ]
    assert not offenders, "write `# type: ignore[code]  # reason` or `# noqa: CODE - reason`"


def test_suppressions_are_rare() -> None:
    lines = sum(module.lines for module in modules())
    count = sum(1 for module in modules() for _ in suppressions(module))
    assert count <= lines / 1000 * PER_THOUSAND_LINES

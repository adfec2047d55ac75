"""The page about one order through four systems shows the files that are tested against the real ones."""

from __future__ import annotations

import re

import pytest

from interlock.app.main import main
from tests.house.source import ROOT

PROJECT = ROOT / "tests" / "systems" / "crossing" / "project"
PAGE = (ROOT / "docs" / "explanation" / "four-systems.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(?:yaml|cedar)\n(?:#|//) (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_project_is_valid() -> None:
    assert main(["check", str(PROJECT)]) == 0


@pytest.mark.parametrize(("name", "text"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_what_is_shown_stands_in_the_files(name: str, text: str) -> None:
    """Lines may be left out between those that are shown."""
    lines = iter((PROJECT / name).read_text("utf-8").splitlines())
    for shown in text.splitlines():
        assert not shown or shown in lines, f"{shown!r} does not stand in {name}, or not there"


def test_something_is_shown() -> None:
    assert {name for name, _ in BLOCKS} == {"systems/crm.yaml", "systems/ledger.yaml", "policies/orders.cedar"}


def test_the_rules_against_steering_are_those_that_every_project_begins_with() -> None:
    shipped = ROOT / "examples" / "northwind" / "policies" / "steering.cedar"
    assert (PROJECT / "policies" / "steering.cedar").read_bytes() == shipped.read_bytes()

"""docs/reference/ is what the code says: generated, complete, never typed."""

from __future__ import annotations

import re

from tests.house.source import ROOT, files, modules
from tools.reference import FOLDER, environment, pages

SETTINGS_BUDGET = 60


def test_reference_pages_are_fresh() -> None:
    stale = [
        name
        for name, text in pages().items()
        if not (path := ROOT / FOLDER / name).exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, "run `make docs` and commit what it writes"


def test_no_reference_page_outlives_its_source() -> None:
    written_by_hand = {"performance.md"}  # `make bench` writes it
    present = {place.removeprefix("docs/reference/") for place in files() if place.startswith("docs/reference/")}
    assert not present - pages().keys() - written_by_hand


def test_settings_are_few_and_each_is_explained() -> None:
    settings = environment()
    assert settings, "the table of settings is where tools/reference.py looks for it"
    assert len(settings) <= SETTINGS_BUDGET
    assert len({setting.name for setting in settings}) == len(settings)
    assert not [setting.name for setting in settings if not setting.text.strip() or not setting.since]


def test_every_variable_the_code_reads_is_a_setting() -> None:
    known = {setting.name for setting in environment()}
    found = {
        name: module.place
        for module in modules("src")
        for name in re.findall(r"[\"'](INTERLOCK_[A-Z_]+[A-Z])[\"']", module.text)
    }
    assert not {name: place for name, place in found.items() if name not in known}

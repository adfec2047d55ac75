"""`interlock check` says what is wrong with files of attacks/, each at its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.app.main import main
from tests.assessment.attacks.office import ATTACKS, write_office

Checked = Callable[[Path], list[str]]

FIRST_STEP = "    steps:\n      - inbox.read_message: {id: 7}\n      - archive.read_contract"
CASES = {
    "agent": ("agent: clerk", "agent: clark", "there is no agent 'clark' (did you mean 'clerk'?)"),
    "level": ("verification: strong", "verification: superb", "'superb' is no verification level"),
    "call": ("archive.shred: {number: K-1001}", "archive.shed: {number: K-1001}", "no system declares 'archive.shed'"),
    "arguments": ("archive.shred: {number: K-1001}", "archive.shred: {number: 17}", "does not fit archive.shred"),
    "when": ("- when: {id: 7}", "- when: {ident: 7}", "inbox.read_message has no argument 'ident'"),
    "result": ("result: {id: 7,", "result: {id: seven,", "does not fit what inbox.read_message answers"),
    "step": ("to: [pia@partner.example]", "to: [pia]", "does not fit mail.send_mail: must be written as email"),
    "no text": ("read_message#/body", "read_message#/id", "/id of inbox.read_message holds no text"),
    "trusted": ("inbox.read_message#/body", "archive.read_contract#/terms", "is declared trusted, so an attack from"),
    "unread": (FIRST_STEP, "    steps:\n      - archive.read_contract", "no step uses inbox.read_message"),
    "harm": ("    request: Please deal with message 7\n", "    harm: archive.shred\n", "no step uses 'archive.shred'"),
    "plan": ("    request: What does", "    plan: [inbox.rea_message]\n    request: What does", "matches no operation"),
    "turn": (
        "    request: What does",
        "    turns: [{before: 9, says: Hello}]\n    request: What does",
        "there are only 1 steps",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_found_at_its_line(tmp_path: Path, checked: Checked, case: str) -> None:
    old, new, said = CASES[case]
    text = ATTACKS.replace(old, new)
    assert text != ATTACKS
    findings = checked(write_office(tmp_path, attacks_office=text))
    found = [finding for finding in findings if said in finding]
    assert found
    line = int(found[0].split(":")[1])
    assert new.strip().splitlines()[0].split(":")[0] in "\n".join(text.splitlines()[max(0, line - 12) : line + 3])


def test_a_field_that_does_not_exist_is_found(tmp_path: Path, checked: Checked) -> None:
    root = write_office(tmp_path, attacks_office=ATTACKS.replace("read_message#/body", "read_message#/body/lines"))
    assert any("has no field /body/lines" in finding for finding in checked(root))


def test_an_operation_that_the_agent_is_not_meant_to_use_is_found(tmp_path: Path, checked: Checked) -> None:
    root = write_office(tmp_path)
    agent = (root / "agents" / "clerk.yaml").read_text("utf-8").replace('"mail.*"', '"inbox.read*"')
    (root / "agents" / "clerk.yaml").write_text(agent, "utf-8")
    assert any("the agent clerk is not meant to use mail.send_mail" in finding for finding in checked(root))


def test_two_sets_of_one_name_are_found(tmp_path: Path, checked: Checked) -> None:
    root = write_office(tmp_path)
    (root / "attacks" / "second.yaml").write_text("attacks: clerk\nagent: clerk\n", "utf-8")
    assert checked(root) == ["attacks/second.yaml:1: attacks: attacks/office.yaml is named 'clerk' too"]


def test_an_unknown_key_is_found(tmp_path: Path, checked: Checked) -> None:
    findings = checked(write_office(tmp_path, attacks_office=ATTACKS + "gaols: []\n"))
    assert any("unknown key 'gaols' (did you mean 'goals'?)" in finding for finding in findings)


def test_a_right_file_has_no_findings(tmp_path: Path) -> None:
    assert main(["check", str(write_office(tmp_path))]) == 0

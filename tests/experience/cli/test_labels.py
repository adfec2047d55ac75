"""`interlock labels`: what is declared, and a pack to start from, on a project's folder without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from interlock.experience.cli.first_project import write_project
from interlock.experience.cli.main import run


@pytest.fixture
def project(tmp_path: Path) -> str:
    """The first project, with the roles of one operation left out."""
    root = tmp_path / "corner-shop"
    write_project(root)
    path = root / "systems" / "shop.yaml"
    path.write_text(
        path.read_text("utf-8").replace("    arguments: {order_id: target, amount: control}\n", ""), "utf-8"
    )
    return str(root)


def test_what_is_declared_is_listed_with_what_is_not(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "list", "--project", project]) == 0
    told = capsys.readouterr().out
    assert "shop.refund_order  write, spends" in told
    assert "worth a look: order_id, amount of shop.refund_order are declared neither" in told
    assert told.rstrip().endswith("worth a look")


def test_the_list_is_there_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "list", "shop", "--project", project, "--json"]) == 0
    operations = {one["operation"]: one for one in json.loads(capsys.readouterr().out)["operations"]}
    refund = operations["shop.refund_order"]
    assert refund["arguments"][0] == {"name": "order_id", "role": None, "file": ""}
    assert {"definition", "effect", "risks", "sink", "files", "output", "remarks"} < refund.keys()
    assert any(one["integrity"] == "untrusted" for one in operations["shop.get_order"]["output"])


def test_a_pack_is_printed_and_says_the_same_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "pack", "shop", "--project", project]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert run(["labels", "pack", "shop", "--project", project, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pack"] == printed
    assert printed["operations"]["refund_order"]["arguments"] == {"order_id": "target", "amount": "control"}
    assert {"pointer": "/operations/refund_order/arguments/amount", "why": "a number"} in found["guesses"]


def test_a_pack_is_written_and_never_over_another(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["labels", "pack", "shop", "--project", project, "--out", "labels/shop.yaml"]
    assert run(words) == 0
    assert capsys.readouterr().out.startswith("wrote labels/shop.yaml, ")
    assert run(["check", project]) == 0
    assert run(words) == 1
    assert "folder_taken" in capsys.readouterr().err
    assert run([*words, "--replace"]) == 0
    assert "0 guesses" in capsys.readouterr().out


def test_a_system_that_is_fully_declared_needs_no_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "tiny"
    (root / "systems").mkdir(parents=True)
    (root / "interlock.yaml").write_text("name: tiny\n", "utf-8")
    send = "{effect: write, input: {type: object}, risks: [], sink: {clearance: public}, labels: {integrity: trusted}}"
    system = f"system: fax\nconnector: external\noperations:\n  send: {send}\n"
    (root / "systems" / "fax.yaml").write_text(system, "utf-8")
    assert run(["labels", "pack", "fax", "--project", str(root)]) == 0
    printed = capsys.readouterr()
    assert not printed.out
    assert "nothing for a pack to say" in printed.err
    assert run(["labels", "pack", "fax", "--project", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pack"] is None


def test_an_unknown_system_is_told(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "list", "shpo", "--project", project]) == 1
    assert "did you mean 'shop'?" in capsys.readouterr().err
    assert run(["labels", "pack", "shpo", "--project", project]) == 1

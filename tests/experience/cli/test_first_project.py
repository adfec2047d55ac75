"""`interlock init` writes a project that holds, and `interlock check` finds what breaks it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from interlock.experience.cli.errors import FileUnusable
from interlock.experience.cli.first_project import write_project
from interlock.experience.cli.main import run
from interlock.foundation.documents import KINDS


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "corner-shop"
    write_project(root)
    return root


def test_what_is_written_passes_its_own_check(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(project)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^corner-shop [0-9a-f]{12}: 1 system, 3 operations, 1 agent$", told, re.MULTILINE)
    assert "7 of 7 policy cases came out as expected" in told


def test_every_file_names_a_schema_that_is_there(project: Path) -> None:
    files = list(project.rglob("*.yaml"))
    assert len(files) == 6
    for path in files:
        first = path.read_text("utf-8").splitlines()[0]
        found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert found is not None, path
        assert (path.parent / found[1]).is_file()
    assert {path.stem for path in (project / "schemas").iterdir()} == set(KINDS)


def test_nothing_is_written_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (project / "interlock.yaml").read_text("utf-8")
    assert run(["init", str(project)]) == 1
    assert capsys.readouterr().err.startswith("folder_taken: ")
    assert (project / "interlock.yaml").read_text("utf-8") == before


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert run(["init", str(tmp_path / "file" / "shop"), "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["code"] == FileUnusable.code
    assert "file" in told.err
    assert "hint: name another" in told.err


def test_the_next_steps_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "Müller & Söhne"
    assert run(["init", str(folder)]) == 0
    assert shlex.split(capsys.readouterr().out.split("\n  cd ")[1].splitlines()[0]) == [str(folder)]


def test_a_project_is_checked_by_either_way_of_naming_it(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["check", "--project", str(project)]) == 0
    monkeypatch.setenv("INTERLOCK_PROJECT", str(project))
    assert run(["check"]) == 0
    assert capsys.readouterr().out.count("1 system, 3 operations") == 2


def test_what_git_should_not_see_is_left_out(project: Path) -> None:
    ignored = (project / ".gitignore").read_text("utf-8").split()
    assert {".interlock/", "secrets.env", "*.db"} <= set(ignored)


def test_a_broken_policy_is_found_at_its_place(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "policies" / "shop.cedar"
    path.write_text(path.read_text("utf-8").replace("context.facts.refunded_after.less", "context.facts.refund.less"))
    assert run(["check", str(project)]) == 1
    assert re.search(r"^policies/shop\.cedar:1\d: .*refund-small", capsys.readouterr().out, re.MULTILINE)


def test_a_wrong_key_is_found_with_the_nearest_right_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "systems" / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace("    effect: read\n", "    efect: read\n", 1))
    assert run(["check", str(project), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"]
    (found,) = [finding for finding in report["findings"] if "'efect' (did you mean 'effect'?)" in finding["message"]]
    assert found["file"].endswith("systems/shop.yaml")
    assert path.read_text("utf-8").splitlines()[found["line"] - 1] == "    efect: read"


def test_a_policy_case_that_comes_out_otherwise_is_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "policies" / "shop.cedar"
    path.write_text(path.read_text("utf-8").replace("50.00", "10.00"))
    assert run(["policy", "test", "--project", str(project)]) == 1
    told = capsys.readouterr().out
    assert "tests/policies.yaml: a small refund runs: the outcome is wait, not allow" in told
    assert "5 of 7 policy cases" in told


def test_a_test_file_that_is_no_test_file_is_a_finding(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "tests" / "more.yaml").write_text("tests: [{name: x}]\n", "utf-8")
    assert run(["check", str(project)]) == 1
    assert "tests/more.yaml:1: tests[0]: 'expect' is missing" in capsys.readouterr().out


def test_the_schema_that_policies_are_written_against_is_printed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "schema", "--project", str(project)]) == 0
    assert 'action "shop.refund_order"' in capsys.readouterr().out


def test_the_models_of_a_route_are_listed_with_what_they_lack(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERLOCK_SECRET_OPENAI_API_KEY", raising=False)
    assert run(["models", "list", "--project", str(project), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["items"]
    assert (first["provider"], bool(first["missing"])) == ("openai", True)
    assert (second["provider"], second["missing"]) == ("rules", "")

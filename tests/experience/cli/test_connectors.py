"""`interlock connector new`: what it writes is installed as a stranger's package is, and keeps the contract."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.app.main import main

PROJECT = "name: mine\ntenants: [main]\nroles: [staff]\npeople: {ada: {name: Ada, roles: [staff]}}\n"
POLICY = '@id("all") @require("confirm")\npermit (principal in Role::"staff", action, resource);\n'


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("connectors") / "interlock-acme-crm"
    assert main(["connector", "new", "acme_crm", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def installed(package: Path) -> dict[str, str]:
    """Return the environment of a process that has the package installed, beside ours."""
    place = package.parent / "installed"
    words = ["install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(place), str(package)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return {**os.environ, "PYTHONPATH": str(place), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def test_the_package_keeps_the_contract_as_it_was_written(package: Path, installed: dict[str, str]) -> None:
    words = ["-m", "pytest", "-q", "-W", "error"]
    done = subprocess.run(
        [sys.executable, *words], cwd=package, env=installed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "29 passed, 1 skipped" in done.stdout, "its list has one page, so it never goes on without end"


def test_a_project_can_use_it(package: Path, installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "interlock.yaml").write_text(PROJECT, "utf-8")
    for folder in ("policies", "systems"):
        (tmp_path / folder).mkdir()
    (tmp_path / "policies" / "all.cedar").write_text(POLICY, "utf-8")
    system = (package / "README.md").read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "systems" / "mine.yaml").write_text(system, "utf-8")
    words = ["check", str(tmp_path), "--json"]
    program = "import sys; from interlock.app.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=installed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert main(words) == 1, "this process has it not"


@pytest.mark.parametrize("words", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict", "src"]])
def test_it_is_written_as_we_write(package: Path, words: list[str], installed: dict[str, str]) -> None:
    options = ["--config", str(Path(__file__).parents[3] / "pyproject.toml")] if words[0] == "ruff" else []
    where = [] if words[0] == "mypy" else ["src"]
    done = subprocess.run(
        [sys.executable, "-m", *words, *options, *where],
        cwd=package,
        env=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_word_of_the_template_is_left(package: Path) -> None:
    files = [
        file
        for file in (*package.glob("*"), *package.glob("src/*/*.py"), *package.glob("tests/*.py"))
        if file.is_file()
    ]
    assert (package / ".gitignore").exists()
    assert len(files) == 9
    assert [file for file in files if re.search("@[A-Za-z]+@", file.read_text("utf-8"))] == []


@pytest.mark.parametrize("name", ["", "Acme", "acme-crm", "1st", "acme__crm", "acme_", "../acme", "sql", "a" * 41])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connector", "new", name, str(tmp_path / "new"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "usage_invalid"
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        assert main(["connector", "new", "acme", str(folder), "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["code"] == "folder_taken"
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_the_folder_is_named_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["connector", "new", "acme_crm"]) == 0
    assert "connector: acme_crm" in capsys.readouterr().out
    assert (tmp_path / "interlock-acme-crm" / "src" / "interlock_acme_crm" / "plugin.py").exists()

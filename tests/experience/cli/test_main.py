"""The command line as a whole: commands exist, exit codes mean what help says, errors tell what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.experience.cli.main import COMMANDS, Command, build_parser, run
from interlock.testing.servers import free_port


def test_every_command_of_the_table_has_its_function() -> None:
    for command in COMMANDS:
        assert callable(command.load()), command.name


def test_names_are_unique_and_two_words_at_most() -> None:
    names = [command.name for command in COMMANDS]
    assert len(set(names)) == len(names)
    assert all(len(name.split()) <= 2 for name in names)


def test_every_command_takes_json() -> None:
    for command in COMMANDS:
        named = [a for a in command.arguments if not a.names[0].startswith("-")]
        required = [a for a in named if a.options.get("nargs") in (None, "+")]
        words = [str((a.options.get("choices") or ["x"])[0]) for a in required]
        options = [a for a in command.arguments if a.options.get("required")]
        for option in options:
            words += [option.names[0], str((option.options.get("choices") or ["x"])[0])]
        arguments = build_parser().parse_args([*command.name.split(), *words, "--json"])
        assert arguments.json


def test_help_says_what_the_exit_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    told = capsys.readouterr().out
    assert "cannot be reached" in told
    assert "approvals" in told


def test_options_may_stand_between_the_values_of_a_list() -> None:
    parsed = build_parser().parse_args(["call", "shop.refund", "--json", "order=1", "--url", "http://h", "amount=5"])
    assert (parsed.operation, parsed.inputs, parsed.json) == ("shop.refund", ["order=1", "amount=5"], True)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["call", "shop.refund", "--jsn", "order=1"],
        ["actions"],
        ["approvals", "approve"],
        ["check", "a", "b"],
    ],
)
def test_a_command_written_wrongly_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert not said.out
    assert "usage:" in said.err


def test_without_a_key_a_server_command_says_where_one_comes_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("INTERLOCK_KEY", raising=False)
    assert run(["approvals", "list"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("usage_invalid: ")
    assert "hint: export INTERLOCK_KEY" in said


def test_a_server_that_is_not_there_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERLOCK_KEY", "ik_none")
    monkeypatch.setenv("INTERLOCK_URL", f"http://127.0.0.1:{free_port()}")
    assert run(["systems", "list", "--json"]) == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["code"] == "server_unreachable"
    assert "hint: start it with `interlock serve`" in said.err


def test_further_commands_can_be_given_by_the_product(capsys: pytest.CaptureFixture[str]) -> None:
    extra = Command("greet", "say hello", "interlock.experience.cli.version:version")
    assert run(["greet"], (*COMMANDS, extra)) == 0
    assert capsys.readouterr().out.startswith("interlock ")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    words = [sys.executable, "-m", "interlock.app.main", "policy", "schema", "--project", "examples/northwind"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(60) == 0
    assert b"Traceback" not in said


def test_signs_that_the_terminal_lacks_end_nothing(tmp_path: Path) -> None:
    program = "import sys; from interlock.app.main import main; sys.exit(main(['init', sys.argv[1]]))"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "Süd")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "S\\xfcd" in done.stdout


def test_a_fault_of_ours_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> int:
        raise OSError("no file was named")

    monkeypatch.setattr("interlock.experience.cli.version.version", broken)
    with pytest.raises(OSError, match="no file was named"):
        run(["version"])

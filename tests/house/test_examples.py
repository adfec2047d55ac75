"""Every example in the documents runs, loads or at least names things that exist."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from interlock.foundation.documents import ProjectInvalid, parse_document
from tests.house.source import ROOT, read, texts
from tools.reference import command_line

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the page it is on, its language, the rest of its first line, its text."""

    place: str
    line: int
    language: str
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}"


def _blocks(*languages: str) -> list[Block]:
    return [
        Block(place, text.count("\n", 0, found.start()) + 1, found[1], found[2].strip(), found[3])
        for place, text in texts(".md")
        for found in FENCE.finditer(text)
        if found[1] in languages
    ]


def _commands(block: Block) -> Iterator[str]:
    """Yield the commands of a console block, joined over continued lines."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            yield line[2:].strip()


@pytest.mark.parametrize("block", _blocks("python"), ids=str)
def test_python_examples_run(block: Block, tmp_path: Path) -> None:
    """Each block is a program of its own; one marked `fragment` is only compiled."""
    compile(block.text, str(block), "exec")
    if block.info != "fragment":
        result = subprocess.run(
            [sys.executable, "-c", block.text],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr


KINDS = {"interlock": "interlock", "systems": "system", "agents": "agent", "models": "models", "rules": "rules"}
KINDS |= {"labels": "labels", "attacks": "attacks"}
ENVIRONMENT = {"DATABASE_URL": "postgresql://interlock@db.internal/interlock"}


def _named() -> list[Block]:
    """Return the blocks whose first line names the project's file that they are, or are a part of."""
    return [
        block
        for block in _blocks("yaml")
        if re.match(r"# (interlock|models)\.yaml|# (systems|agents|labels|attacks)/", block.text)
    ]


@pytest.mark.parametrize("block", _named(), ids=str)
def test_project_files_in_examples_have_keys_that_exist(block: Block) -> None:
    """What a part leaves out may be missing; what it holds must be right."""
    kind = KINDS[re.findall(r"\w+", block.text)[0]]
    try:
        parse_document(block.text.encode(), kind, name=str(block), environment=ENVIRONMENT)
    except ProjectInvalid as error:
        wrong = [str(finding) for finding in error.findings if not finding.message.endswith("is missing")]
        assert not wrong


@pytest.mark.parametrize("block", _blocks("yaml", "json"), ids=str)
def test_data_examples_parse(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    else:
        list(yaml.safe_load_all(block.text))


def _subcommand_and_options(command: str) -> tuple[list[str], list[str]]:
    words = shlex.split(command.split(" | ")[0].split(" > ")[0], comments=True)[1:]
    return [w for w in words if not w.startswith("-")], [w.split("=")[0] for w in words if re.match(r"--?[a-z]", w)]


def _children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


@pytest.mark.parametrize("block", _blocks("console", "sh", "shell", "bash"), ids=str)
def test_commands_in_examples_exist(block: Block) -> None:
    """`make` targets, `interlock` commands and their options are real; nothing is run."""
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for command in _commands(block):
        if command.startswith("make "):
            assert command.split()[1] in targets, command
        if not command.startswith("interlock "):
            continue
        parser = command_line()
        assert parser is not None, "there is no command line yet"
        known: set[str] = set()
        words, options = _subcommand_and_options(command)
        while True:
            known |= set(parser._option_string_actions)
            children = _children(parser)
            if not children:
                break
            assert words, f"{command}: incomplete"
            assert words[0] in children, f"{command}: no command {words[0]}"
            parser = children[words.pop(0)]
        assert not set(options) - known, command


def test_guides_show_the_examples_as_they_are() -> None:
    """A block that begins with the path of an example is that file, to the letter."""
    shown = {}
    for block in _blocks("python"):
        head, _, code = block.text.partition("\n")
        if head.startswith("# examples/"):
            shown[head.removeprefix("# ")] = code.strip()
    assert shown
    for path, code in shown.items():
        assert code == (ROOT / path).read_text("utf-8").strip(), path

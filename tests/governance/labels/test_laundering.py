"""No trick makes an outsider's value pass as vouched, and honest reformatting does not lose the person."""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from interlock.governance.labels import Memory
from interlock.values.labels import TRUSTED_SOURCES, Origin, Source
from interlock.values.operations import Effect, Operation, OutputTrust, Role

CORPORA = [Path(__file__).with_name(name) for name in ("laundering.yaml", "laundering_more.yaml")]
OUTPUT = OutputTrust(trusted=("/trusted",), untrusted=("/untrusted",))
READ = Operation("desk", "read", Effect.read, output=OUTPUT)
WRITE = Operation("desk", "write", Effect.write, output=OUTPUT)
REQUEST = "Please have a look"
VOUCHED = {word: Source(word) for word in ("person", "session", "own", "trusted_field", "declared")}
ANSWERS = {*VOUCHED, "untrusted", "unknown"}
KINDS = {"url", "account", "address"}
NESTED = re.compile(r"<<(\w+) ((?:(?!<<|>>).)*)>>", re.DOTALL)


def _selectors(text: str) -> str:
    """Write each byte as a variation selector."""
    return "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in text.encode())


def _bits(text: str) -> str:
    """Write each bit as one of two characters of no width."""
    return "".join(f"{byte:08b}" for byte in text.encode()).translate({ord("0"): 0x200B, ord("1"): 0x200C})


def _bold(text: str) -> str:
    """Write letters and digits as the bold ones of mathematics."""
    signs = {65 + place: 0x1D400 + place for place in range(26)}
    signs |= {97 + place: 0x1D41A + place for place in range(26)}
    return text.translate(signs | {48 + place: 0x1D7CE + place for place in range(10)})


def _times(text: str) -> str:
    """Repeat a text: the first word says how often."""
    count, _, repeated = text.partition(" ")
    return repeated * int(count)


ENCODERS: dict[str, Callable[[str], str]] = {
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "bits": _bits,
    "bold": _bold,
    "entities": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "escapes": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "fullwidth": lambda text: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text),
    "hex": lambda text: text.encode().hex(),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "quote": lambda text: quote(text, safe=""),
    "reversed": lambda text: text[::-1],
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "selectors": _selectors,
    "spaced": " ".join,
    "tags": lambda text: "".join(chr(0xE0000 + ord(sign)) for sign in text),
    "times": _times,
    "unpadded": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
}


def written(value: Any) -> Any:
    """Return a value of the corpus as it is meant: encoded forms and repetitions made."""
    if isinstance(value, str):
        while found := NESTED.search(value):
            value = value[: found.start()] + ENCODERS[found[1]](found[2]) + value[found.end() :]
        return value
    if isinstance(value, list):
        return [written(member) for member in value]
    if not isinstance(value, dict):
        return value
    if "times" in value:
        row = json.dumps(written(value["row"]))
        rows = [json.loads(row.replace("{n}", str(number))) for number in range(value["times"])]
        return rows + ([written(value["then"])] if "then" in value else [])
    return {written(str(name)): written(member) for name, member in value.items()}


@dataclass(frozen=True)
class Case:
    """One line of the corpus: what a session heard and saw, one argument, and what its origin must be."""

    group: str
    name: str
    value: Any
    said: str | list[str] = REQUEST
    facts: dict[str, Any] = field(default_factory=dict)
    trusted: Any = None
    untrusted: Any = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    role: str = "target"
    schema: dict[str, Any] | None = None
    answers: frozenset[str] = frozenset()
    carries: frozenset[str] | None = None

    def memory(self) -> Memory:
        """Return the memory of a session that heard and saw what the case says."""
        memory = Memory()
        for turn in [self.said] if isinstance(self.said, str) else self.said:
            memory.hear(written(turn))
        for name, fact in self.facts.items():
            memory.know(name, written(fact))
        last = {"trusted": self.trusted, "untrusted": self.untrusted}
        for result in [*self.seen, last]:
            output = {part: written(result[part]) for part in ("trusted", "untrusted") if result.get(part) is not None}
            operation = WRITE if result.get("write") else READ
            memory.remember(operation, output or None, written(result.get("sent") or {}))
        return memory

    def origin(self) -> Origin:
        """Return the origin of the argument."""
        properties = {} if self.schema is None else {"value": self.schema}
        schema = {"type": "object", "properties": properties}
        act = Operation("desk", "act", Effect.write, input_schema=schema, arguments={"value": Role(self.role)})
        return self.memory().origins(act, {"value": written(self.value)})["value"]


def _case(group: str, given: dict[str, Any]) -> Case:
    given = dict(given)
    answers = given.pop("is", [])
    if given.pop("cautious", False):
        assert not answers, f"{group}: {given['name']}: either `is` or `cautious`"
        answers = ["untrusted", "unknown"]
    answers = frozenset([answers] if isinstance(answers, str) else answers)
    assert answers, f"{group}: {given['name']}: no answer"
    assert answers <= ANSWERS, f"{group}: {given['name']}: {answers - ANSWERS} is no answer"
    carries = given.pop("carries", None)
    assert carries is None or set(carries) <= KINDS, f"{group}: {given['name']}: {carries}"
    return Case(group, answers=answers, carries=None if carries is None else frozenset(carries), **given)


CASES = [
    _case(group["group"], given)
    for corpus in CORPORA
    for group in yaml.safe_load(corpus.read_text(encoding="utf-8"))
    for given in group["cases"]
]


def answers_of(origin: Origin) -> set[str]:
    """Return what an origin says, in the corpus's words: vouched by whom, or why not."""
    if origin.untrusted:
        return {"untrusted"}
    if Source.unknown in origin.sources or not TRUSTED_SOURCES.intersection(origin.sources):
        return {"unknown"}
    return {word for word, source in VOUCHED.items() if source in origin.sources}


def _name(case: Case) -> str:
    return f"{case.group}: {case.name}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_a_value_has_the_origin_that_it_should(case: Case) -> None:
    origin = case.origin()
    assert answers_of(origin) & case.answers, f"{sorted(case.answers)} expected, {origin.to_json()} found"


@pytest.mark.parametrize("case", [case for case in CASES if case.carries is not None], ids=_name)
def test_a_content_says_which_values_of_outsiders_it_carries(case: Case) -> None:
    origin = case.origin()
    carried = origin.carries | (origin.invents if case.memory().tainted else frozenset())
    assert carried == set(case.carries or ())


def test_the_corpus_is_large_and_every_case_has_a_name_of_its_own() -> None:
    names = Counter(map(_name, CASES))
    assert len(names) >= 200
    assert len({case.group for case in CASES}) >= 20
    assert not [name for name, count in names.items() if count > 1]

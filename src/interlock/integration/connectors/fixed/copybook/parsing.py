"""From the words of a copybook to its data items."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from interlock.integration.connectors.fixed.copybook import items
from interlock.integration.connectors.fixed.copybook.findings import CopybookInvalid, Finding
from interlock.integration.connectors.fixed.copybook.items import Condition, Copybook, Item, Occurs
from interlock.integration.connectors.fixed.copybook.pictures import PictureInvalid, parse_picture
from interlock.integration.connectors.fixed.copybook.source import Resolve, Token, tokens_of

MAX_ITEMS = 20_000
MAX_DEPTH = 49
MAX_OCCURS = 1_000_000

_USAGES = {
    "DISPLAY": items.DISPLAY,
    "NATIONAL": items.NATIONAL,
    "INDEX": items.INDEX,
    "POINTER": items.POINTER,
    "PACKED-DECIMAL": items.PACKED,
    "BINARY": items.BINARY,
    "FLOAT-SHORT": items.SINGLE,
    "FLOAT-LONG": items.DOUBLE,
} | {
    f"{word}{number}": usage
    for word in ("COMP", "COMPUTATIONAL")
    for number, usage in {
        "": items.BINARY,
        "-1": items.SINGLE,
        "-2": items.DOUBLE,
        "-3": items.PACKED,
        "-4": items.BINARY,
        "-5": items.NATIVE,
        "-6": items.UNSIGNED_PACKED,
    }.items()
}
_FIGURATIVE = frozenset(
    {"SPACE", "SPACES", "ZERO", "ZEROS", "ZEROES", "LOW-VALUE", "LOW-VALUES", "HIGH-VALUE", "HIGH-VALUES"}
    | {"QUOTE", "QUOTES", "NULL", "NULLS"}
)
_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9_-]*[A-Z0-9])?")
_SECTIONS = frozenset({"DIVISION", "SECTION"})
_CLAUSES = frozenset(
    {"PIC", "PICTURE", "USAGE", "SIGN", "OCCURS", "REDEFINES", "JUST", "JUSTIFIED", "BLANK", "SYNC", "SYNCHRONIZED"}
    | {"VALUE", "VALUES", "EXTERNAL", "GLOBAL", "RENAMES", "LEADING", "TRAILING", "VOLATILE"}
    | _USAGES.keys()
)


def parse_copybook(
    text: str, file: str = "copybook", *, form: str = "auto", resolve: Resolve | None = None
) -> Copybook:
    """Return what a copybook declares. Raises `CopybookInvalid` with every finding."""
    return _Parser(tokens_of(text, file, form=form, resolve=resolve), file).parse()


class _Wrong(Exception):
    """A sentence cannot be read; the rest of the copybook is read on."""


class _Sentence:
    """The words of one entry, taken one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def here(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    @property
    def literal(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].kind == "literal"

    def take(self, wanted: str = "") -> str:
        word = self.here
        if not word or (wanted and word != wanted):
            raise _Wrong(f"{wanted or 'a word'} is missing after {self.tokens[max(self.at - 1, 0)].text}")
        self.at += 1
        return word

    def skip(self, *words: str) -> bool:
        if self.here in words:
            self.at += 1
            return True
        return False


class _Parser:
    def __init__(self, tokens: list[Token], file: str) -> None:
        self._tokens = tokens
        self._file = file
        self._findings: list[Finding] = []
        self._constants: dict[str, str] = {}
        self._count = 0
        self._clauses = _clauses()

    def parse(self) -> Copybook:
        records: list[Item] = []
        stack: list[Item] = []
        for sentence in self._sentences():
            first = sentence.tokens[0]
            try:
                item = self._entry(sentence, stack)
            except _Wrong as error:
                self._findings.append(Finding(first.file, first.line, str(error)))
                continue
            except PictureInvalid as error:
                self._findings.append(Finding(first.file, first.line, str(error)))
                continue
            if item is not None:
                self._place(item, stack, records)
        if not records and not self._findings:
            self._findings.append(Finding(self._file, 1, "the copybook declares no record"))
        if self._findings:
            raise CopybookInvalid(self._findings)
        return Copybook(tuple(records))

    def _sentences(self) -> list[_Sentence]:
        found: list[_Sentence] = []
        current: list[Token] = []
        for token in self._tokens:
            if token.text == "." and token.kind != "literal":
                if current and not _SECTIONS & {one.text for one in current}:
                    found.append(_Sentence(current))
                current = []
            else:
                current.append(token)
        if current:
            self._findings.append(Finding(current[0].file, current[0].line, "the entry does not end with a full stop"))
        return found

    def _entry(self, sentence: _Sentence, stack: list[Item]) -> Item | None:
        first = sentence.tokens[0]
        word = sentence.take()
        if not re.fullmatch("[0-9]{1,2}", word):
            raise _Wrong(f"an entry begins with a level number, not {word[:40]}")
        level = int(word)
        if not (1 <= level <= 49 or level in {66, 77, 78, 88}):
            raise _Wrong(f"{word} is no level number; 01 to 49, 66, 77, 78 and 88 are")
        name = ""
        if sentence.here and sentence.here not in _CLAUSES:
            name = sentence.take()
            if not _NAME.fullmatch(name) or name.isdigit():
                raise _Wrong(f"{name[:40]} is no data name")
            name = "" if name == "FILLER" else name
        if level == 88:
            self._condition(sentence, name, stack)
            return None
        if level == 78:
            self._constant(sentence, name)
            return None
        self._count += 1
        if self._count > MAX_ITEMS:
            raise CopybookInvalid([Finding(first.file, first.line, f"there are more than {MAX_ITEMS} items")])
        item = Item(level, name, first.file, first.line)
        while sentence.here:
            clause = sentence.take()
            known = self._clauses.get(clause)
            if known is None:
                raise _Wrong(f"{clause[:40]} is no clause that is known")
            known(item, sentence, clause, self._constants)
        if item.picture is None and level == 77 and item.usage not in {items.SINGLE, items.DOUBLE}:
            raise _Wrong("a level 77 needs a PIC clause")
        return item

    def _condition(self, sentence: _Sentence, name: str, stack: list[Item]) -> None:
        if not stack or not name:
            raise _Wrong("a level 88 needs a name, and an item before it")
        if not sentence.skip("VALUE", "VALUES"):
            raise _Wrong("a level 88 needs a VALUE clause")
        stack[-1].conditions.append(Condition(name, _values(sentence)))

    def _constant(self, sentence: _Sentence, name: str) -> None:
        if not name or not sentence.skip("VALUE", "VALUES"):
            raise _Wrong("a level 78 needs a name and a VALUE clause")
        sentence.skip("IS", "ARE")
        self._constants[name] = sentence.take()

    def _place(self, item: Item, stack: list[Item], records: list[Item]) -> None:
        if item.level in {1, 77}:
            records.append(item)
            stack[:] = [item]
            return
        if not stack or stack[0].level == 77:
            if item.level == 66:
                self._findings.append(Finding(item.file, item.line, "a level 66 needs a record before it"))
                return
            # A copybook of fields alone is meant to be copied below a record of the program.
            stack[:] = [Item(1, "RECORD", item.file, item.line)]
            records.append(stack[0])
        if item.level == 66:
            stack[0].children.append(item)
            return
        while len(stack) > 1 and stack[-1].level >= item.level:
            stack.pop()
        parent = stack[-1]
        siblings = [child for child in parent.children if child.level != 66]
        if parent.picture is not None:
            message = f"{item.name or 'FILLER'} is below {parent.name or 'FILLER'}, which has a PIC clause"
            self._findings.append(Finding(item.file, item.line, message))
        elif siblings and siblings[0].level != item.level:
            message = f"level {item.level:02} does not fit; the items beside it have level {siblings[0].level:02}"
            self._findings.append(Finding(item.file, item.line, message))
        parent.children.append(item)
        stack.append(item)


Clause = Callable[[Item, _Sentence, str, dict[str, str]], None]


def _clauses() -> dict[str, Clause]:
    known: dict[str, Clause] = dict.fromkeys(_USAGES, _usage_alone)
    known |= {"PIC": _picture, "PICTURE": _picture, "USAGE": _usage, "OCCURS": _occurs, "REDEFINES": _redefines}
    known |= {"SIGN": _sign, "LEADING": _sign_alone, "TRAILING": _sign_alone, "RENAMES": _renames}
    known |= {"JUST": _justified, "JUSTIFIED": _justified, "BLANK": _blank, "VALUE": _value, "VALUES": _value}
    known |= {"SYNC": _synchronized, "SYNCHRONIZED": _synchronized}
    known |= dict.fromkeys(("EXTERNAL", "GLOBAL", "VOLATILE"), _nothing)
    return known


def _nothing(*_: Any) -> None:
    """A clause that says nothing about the bytes."""


def _picture(item: Item, sentence: _Sentence, _: str, constants: dict[str, str]) -> None:
    sentence.skip("IS")
    text = sentence.take()
    for name in re.findall(r"\(([A-Z][A-Z0-9-]*)\)", text):
        if name in constants:
            text = text.replace(f"({name})", f"({constants[name]})")
    item.picture = parse_picture(text)


def _usage_alone(item: Item, _: _Sentence, word: str, __: dict[str, str]) -> None:
    item.usage = _USAGES[word]


def _usage(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    sentence.skip("IS")
    word = sentence.take()
    if word not in _USAGES:
        raise _Wrong(f"USAGE {word[:40]} is not supported")
    item.usage = _USAGES[word]


def _sign(item: Item, sentence: _Sentence, _: str, constants: dict[str, str]) -> None:
    sentence.skip("IS")
    _sign_alone(item, sentence, sentence.take(), constants)


def _sign_alone(item: Item, sentence: _Sentence, word: str, _: dict[str, str]) -> None:
    if word not in {"LEADING", "TRAILING"}:
        raise _Wrong("SIGN needs LEADING or TRAILING")
    item.sign_leading = word == "LEADING"
    if sentence.skip("SEPARATE"):
        item.sign_separate = True
        sentence.skip("CHARACTER")


def _occurs(item: Item, sentence: _Sentence, _: str, constants: dict[str, str]) -> None:
    least = most = _count(sentence, constants)
    if sentence.skip("TO"):
        most = _count(sentence, constants)
    sentence.skip("TIMES")
    depending: tuple[str, ...] = ()
    while sentence.here in {"DEPENDING", "ASCENDING", "DESCENDING", "INDEXED", "KEY"}:
        word = sentence.take()
        if word == "DEPENDING":
            sentence.skip("ON")
            depending = (sentence.take(),)
            while sentence.skip("OF", "IN"):
                depending += (sentence.take(),)
            continue
        sentence.skip("KEY")
        sentence.skip("IS", "BY", "ARE")
        while sentence.here and sentence.here not in _CLAUSES | {"DEPENDING", "ASCENDING", "DESCENDING", "INDEXED"}:
            sentence.take()
    if not 0 <= least <= most or not 1 <= most <= MAX_OCCURS:
        raise _Wrong(f"OCCURS must be from 0 or more to at most {MAX_OCCURS} times")
    if least != most and not depending:
        raise _Wrong("OCCURS with TO needs DEPENDING ON a field")
    item.occurs = Occurs(least if depending else most, most, depending)


def _count(sentence: _Sentence, constants: dict[str, str]) -> int:
    word = sentence.take()
    word = constants.get(word, word)
    if not re.fullmatch("[0-9]{1,9}", word):
        raise _Wrong(f"OCCURS needs a number of times, not {word[:40]}")
    return int(word)


def _redefines(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    item.redefines = sentence.take()


def _renames(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    first = last = sentence.take()
    if sentence.skip("THRU", "THROUGH"):
        last = sentence.take()
    item.renames = (first, last)


def _justified(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    sentence.skip("RIGHT")
    item.justified = True


def _blank(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    sentence.skip("WHEN")
    if not sentence.skip("ZERO", "ZEROS", "ZEROES"):
        raise _Wrong("BLANK needs WHEN ZERO")
    item.blank_when_zero = True


def _synchronized(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    if sentence.skip("RIGHT"):
        raise _Wrong("SYNCHRONIZED RIGHT is not supported")
    sentence.skip("LEFT")
    item.synchronized = True


def _value(item: Item, sentence: _Sentence, _: str, __: dict[str, str]) -> None:
    sentence.skip("IS", "ARE")
    word = sentence.take()
    item.value = f"ALL {sentence.take()}" if word == "ALL" else word


def _values(sentence: _Sentence) -> tuple[tuple[str, str], ...]:
    sentence.skip("IS", "ARE")
    found: list[tuple[str, str]] = []
    while sentence.here:
        word = sentence.take()
        if word in {"WHEN", "FALSE"}:
            break
        if word == "ALL":
            word = sentence.take()
        first = _plain(word)
        last = _plain(sentence.take()) if sentence.skip("THRU", "THROUGH") else first
        found.append((first, last))
    if not found:
        raise _Wrong("the VALUE clause names no value")
    return tuple(found)


def _plain(word: str) -> str:
    """Return a literal's text; figurative constants and numbers as they are written."""
    if word[-1] in "\"'" and word not in _FIGURATIVE:
        quote = word[-1]
        return word[word.index(quote) + 1 : -1].replace(quote * 2, quote)
    return word

"""From a copybook's text to its words: reference format, comments, continued literals, COPY and REPLACING."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from interlock.integration.connectors.fixed.copybook.findings import CopybookInvalid, Finding

MAX_TEXT = 2_000_000
MAX_TOKENS = 200_000
MAX_DEPTH = 10

Resolve = Callable[[str], tuple[str, str] | None]
"""Given the name after COPY, returns the file's name and text, or None."""

_FIXED_AREA = slice(7, 72)
_TOKEN = re.compile(
    r"""(?P<space>[\s,;]+(?=\s|$)|\s+)
      | (?P<pseudo>==.*?==)
      | (?P<literal>(?:[XxNnZz])?"(?:[^"]|"")*"|(?:[XxNnZz])?'(?:[^']|'')*')
      | (?P<stop>\.(?=\s|$))
      | (?P<word>(?:[^\s."'=;,]|\.(?!\s|$)|,(?!\s|$)|=(?!=))+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBERED = re.compile(r"^(?:[0-9]{6}|\s{6})[ *\-/DdXx]")
_DECLARED = re.compile(
    r"^\s*(?:>>\s*SOURCE|\$SET\s+SOURCEFORMAT)[^A-Za-z]*(?:FORMAT\s+(?:IS\s+)?)?[\"']?(\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, literal or full stop (`.`) with where it stands. *text* of a word is in upper case."""

    text: str
    file: str
    line: int
    kind: str = "word"


def tokens_of(text: str, file: str, *, form: str = "auto", resolve: Resolve | None = None) -> list[Token]:
    """Return the words of a copybook, COPY statements replaced by what they name.

    *form* is `fixed` (columns 8 to 72), `free` or `auto`. Raises `CopybookInvalid`.
    """
    return _Reader(form, resolve).read(text, file, 0)


class _Reader:
    def __init__(self, form: str, resolve: Resolve | None) -> None:
        self._form = form
        self._resolve = resolve
        self._size = 0
        self._count = 0

    def read(self, text: str, file: str, depth: int, pairs: list[tuple[str, str]] | None = None) -> list[Token]:
        self._size += len(text)
        if self._size > MAX_TEXT:
            raise _invalid(file, 1, f"the copybook is larger than {MAX_TEXT} characters")
        lines = _lines(text, self._form)
        tokens = _tokenize(lines, file, pairs or [])
        self._count += len(tokens)
        if self._count > MAX_TOKENS:
            raise _invalid(file, 1, f"the copybook has more than {MAX_TOKENS} words")
        return self._expanded(tokens, file, depth)

    def _expanded(self, tokens: list[Token], file: str, depth: int) -> list[Token]:
        found: list[Token] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.text != "COPY" or token.kind != "word":
                found.append(token)
                index += 1
                continue
            end = next((i for i in range(index, len(tokens)) if tokens[i].text == "."), None)
            if end is None or end == index + 1:
                raise _invalid(token.file, token.line, "COPY needs a name, and a full stop at its end")
            found += self._copied(tokens[index + 1 : end], file, depth)
            index = end + 1
        return found

    def _copied(self, words: list[Token], file: str, depth: int) -> list[Token]:
        first = words[0]
        name = _literal_text(first.text) if first.kind == "literal" else first.text
        if depth >= MAX_DEPTH:
            raise _invalid(file, first.line, f"COPY {name} is nested more than {MAX_DEPTH} deep; does it copy itself?")
        library = self._resolve(name) if self._resolve is not None else None
        if library is None:
            raise _invalid(file, first.line, f"COPY {name}: no such copybook beside this one")
        copied_file, text = library
        pairs, sequences = _replacing(words[1:], file)
        tokens = self.read(text, copied_file, depth + 1, pairs)
        return _replace_words(tokens, sequences)


def _lines(text: str, form: str) -> list[tuple[int, str]]:
    """Return each line of code with its number; a continued literal is joined to the line before."""
    raw = text.expandtabs(8).splitlines()
    free = form == "free" or (form == "auto" and not _looks_fixed(raw))
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(raw, 1):
        if match := _DECLARED.match(line if free else line[6:] or line):
            free = match[1].upper() in {"FREE", "VARIABLE"}
            continue
        if free:
            code = _without_comment(line)
        else:
            mark, code = line[6:7], _without_comment(line[_FIXED_AREA])
            if mark in {"*", "/", "$", "D", "d"}:
                continue
            if mark == "-" and lines:
                lines[-1] = (lines[-1][0], _continued(lines[-1][1], code))
                continue
            code = code.ljust(65) if _open(code) else code
        if free and line.lstrip()[:1] == "*":
            continue
        if code.strip():
            lines.append((number, code))
    return lines


def _looks_fixed(lines: list[str]) -> bool:
    """Whether columns 1 to 7 of every line are a number or blank, and a mark."""
    code = [line for line in lines if line.strip()]
    return bool(code) and all(_NUMBERED.match(line) or not line[:72].strip() for line in code)


def _without_comment(line: str) -> str:
    quote = ""
    for index, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif line.startswith("*>", index):
            return line[:index]
    return line


def _open(code: str) -> str:
    """Return the quote of a literal that is not closed, or nothing."""
    quote = ""
    for sign in code:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
    return quote


def _continued(before: str, code: str) -> str:
    quote = _open(before)
    rest = code.lstrip()
    if quote:
        return before + rest.removeprefix(quote)
    return before.rstrip() + rest


def _tokenize(lines: list[tuple[int, str]], file: str, pairs: list[tuple[str, str]]) -> list[Token]:
    tokens: list[Token] = []
    for number, line in lines:
        code = line
        for old, new in pairs:  # such words hold signs that no word has, so they are replaced before words are made
            code = re.sub(re.escape(old), new.replace("\\", ""), code, flags=re.IGNORECASE)
        for match in _TOKEN.finditer(code):
            kind = match.lastgroup or "other"
            if kind == "space":
                continue
            if kind == "other" and match[0] not in ",;":
                raise _invalid(file, number, f"the sign {match[0]!r} has no meaning here")
            if kind != "other" and match[0] != ",":
                tokens.append(Token(match[0].upper() if kind == "word" else match[0], file, number, kind))
    return tokens


def _literal_text(text: str) -> str:
    quote = text[-1]
    return text[text.index(quote) + 1 : -1].replace(quote * 2, quote)


def _replacing(words: list[Token], file: str) -> tuple[list[tuple[str, str]], list[tuple[str, list[str], list[str]]]]:
    """Return what to replace inside words, and which sequences of words by which others."""
    pairs: list[tuple[str, str]] = []
    sequences: list[tuple[str, list[str], list[str]]] = []
    index = 0
    while index < len(words) and words[index].text in {"OF", "IN", "SUPPRESS"}:
        index += 1 if words[index].text == "SUPPRESS" else 2
    if index < len(words) and words[index].text != "REPLACING":
        raise _invalid(file, words[index].line, f"{words[index].text} has no meaning after COPY")
    index += 1
    while index < len(words):
        how = words[index].text if words[index].text in {"LEADING", "TRAILING"} else ""
        index += bool(how)
        if index + 2 >= len(words) or words[index + 1].text != "BY":
            raise _invalid(file, words[-1].line, "REPLACING needs pairs: ==OLD== BY ==NEW==")
        old, new = (_bare(words[at].text) for at in (index, index + 2))
        if not how and re.search(r"[:()]", old) and " " not in old:
            pairs.append((old, new))
        else:
            sequences.append((how, old.upper().split(), new.upper().split()))
        index += 3
    return pairs, sequences


def _bare(text: str) -> str:
    return text[2:-2].strip() if text.startswith("==") else text


def _replace_words(tokens: list[Token], sequences: list[tuple[str, list[str], list[str]]]) -> list[Token]:
    found: list[Token] = []
    index = 0
    while index < len(tokens):
        for how, old, new in sequences:
            here = tokens[index]
            if how and here.kind == "word" and len(old) == 1:
                part, whole = old[0], here.text
                if how == "LEADING" and whole.startswith(part):
                    found.append(replace(here, text="".join(new) + whole[len(part) :]))
                    break
                if how == "TRAILING" and whole.endswith(part):
                    found.append(replace(here, text=whole[: -len(part)] + "".join(new)))
                    break
            elif old and [token.text.upper() for token in tokens[index : index + len(old)]] == old:
                found += [replace(here, text=word) for word in new]
                index += len(old) - 1
                break
        else:
            found.append(tokens[index])
        index += 1
    return found


def _invalid(file: str, line: int, message: str) -> CopybookInvalid:
    return CopybookInvalid([Finding(file, line, message)])

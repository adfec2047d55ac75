"""One file of a project, read and validated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.foundation.documents.errors import ProjectInvalid
from interlock.foundation.documents.findings import Finding
from interlock.foundation.documents.schemas import schema_of, validator_of
from interlock.foundation.documents.syntax import MAX_BYTES, parse
from interlock.foundation.documents.validation import check_with


@dataclass(frozen=True, slots=True)
class Document:
    """A valid file: *data* as its schema promises, *name* as findings call it (relative to the project).

    *interpolated* are the pointers whose text came from the environment.
    """

    kind: str
    file: Path
    name: str
    data: dict[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    interpolated: frozenset[str] = frozenset()

    def line_of(self, pointer: str) -> int:
        """Return the line (from 1) of the member at *pointer* (RFC 6901), or of the nearest one around it."""
        while pointer not in self.lines:
            if not pointer:
                return 1
            pointer = pointer.rpartition("/")[0]
        return self.lines[pointer]

    def finding(self, pointer: str, message: str) -> Finding:
        """Return a problem of the member at *pointer*."""
        return Finding(self.name, self.line_of(pointer), pointer, message)


def read_document(
    path: Path, kind: str, *, root: Path | None = None, environment: Mapping[str, str] | None = None
) -> Document:
    """Read the YAML file at *path*, fill in `${VAR}`, and validate it by the schema of *kind*.

    Findings name the file relative to *root*. *environment* is the process's unless given. Raises
    `ProjectInvalid` with all problems of the file; a file that cannot be read is one.
    """
    name = path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProjectInvalid([Finding(name, 0, "", f"cannot be read: {error.strerror or 'unknown cause'}")]) from error
    return parse_document(content, kind, file=path, name=name, environment=environment)


def parse_document(
    content: bytes,
    kind: str,
    *,
    file: Path = Path(),
    name: str = "",
    environment: Mapping[str, str] | None = None,
) -> Document:
    """Return the document that *content* holds; as `read_document`, for text that is already in memory."""
    name = name or str(file)
    text = _decode(content, name)
    parsed = parse(text, name=name, environment=os.environ if environment is None else environment)
    if not isinstance(parsed.data, dict):
        raise ProjectInvalid(sorted(parsed.findings) or [Finding(name, 1, "", _not_a_mapping(parsed.data))])
    document = Document(kind, file, name, parsed.data, parsed.lines, frozenset(parsed.interpolated))
    known = {finding.pointer for finding in parsed.findings if finding.pointer}
    found = check_with(document, schema_of(kind), validator_of(kind))
    findings = parsed.findings + [finding for finding in found if finding.pointer not in known]
    if findings:
        raise ProjectInvalid(sorted(findings))
    return document


def _decode(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise ProjectInvalid([Finding(name, 0, "", f"is larger than {MAX_BYTES} bytes")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProjectInvalid([Finding(name, line, "", "is not UTF-8 text")]) from error


def _not_a_mapping(data: Any) -> str:
    return "is empty" if data is None else "must be a mapping (key: value)"

"""A project's files against their schemas: every problem at once, in words, at its line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from interlock.foundation.documents import (
    KINDS,
    Finding,
    Findings,
    ProjectInvalid,
    check,
    dotted,
    parse_document,
    read_document,
    schema_text,
)
from interlock.foundation.documents.syntax import MAX_BYTES

SCHEMA = {
    "type": "object",
    "properties": {
        "operations": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"$ref": "#/$defs/operation"},
        },
        "key": {"type": "string", "pattern": "^secret:", "description": "a reference such as secret:billing"},
        "limit": {"type": "integer", "minimum": 2, "maximum": 9},
        "kind": {"const": "x"},
        "words": {"type": "array", "minItems": 1, "uniqueItems": True},
    },
    "$defs": {
        "name": {"type": "string", "pattern": "^[a-z_]+$", "description": "small letters"},
        "operation": {
            "type": "object",
            "required": ["from"],
            "additionalProperties": False,
            "properties": {
                "from": {"type": "string"},
                "effect": {"enum": ["read", "write", "irreversible"]},
                "undo": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/call"}]},
            },
        },
        "call": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"operation": {"type": "string"}},
        },
    },
    "unevaluatedProperties": False,
}


def problems(text: str, **environment: str) -> list[str]:
    """Check *text*, put under the one free member of a valid file, against the schema above."""
    try:
        document = parse_document(b"name: x", "interlock", name="systems/billing.yaml")
        from interlock.foundation.documents.syntax import parse

        parsed = parse(text, name=document.name, environment=environment)
        assert parsed.findings == []
        held = type(document)(
            "system", Path("x"), document.name, parsed.data, parsed.lines, frozenset(parsed.interpolated)
        )
        return [str(finding) for finding in check(held, SCHEMA)]
    except ProjectInvalid as error:
        return [str(finding) for finding in error.findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "operations:\n  issue_refund:\n    from: POST /refunds\n    efect: write\n",
            "systems/billing.yaml:4: operations.issue_refund: unknown key 'efect' (did you mean 'effect'?)",
        ),
        ("operation: {}", "systems/billing.yaml:1: unknown key 'operation' (did you mean 'operations'?)"),
        ("zzz: 1", "systems/billing.yaml:1: unknown key 'zzz'"),
        ("operations:\n  a: {effect: read}", "systems/billing.yaml:2: operations.a: 'from' is missing"),
        (
            "operations:\n  a:\n    from: x\n    effect: wrte",
            (
                "systems/billing.yaml:4: operations.a.effect: must be one of read, write, irreversible, "
                "not 'wrte' (did you mean 'write'?)"
            ),
        ),
        (
            "operations:\n  a:\n    from: x\n    undo: 5",
            "systems/billing.yaml:4: operations.a.undo: must be text or a mapping, not a whole number",
        ),
        (
            "operations:\n  a:\n    from: x\n    undo:\n      oper: y",
            "systems/billing.yaml:5: operations.a.undo: unknown key 'oper' (did you mean 'operation'?)",
        ),
        (
            "operations:\n  A-b: {from: x}",
            "systems/billing.yaml:2: operations: 'A-b' is no valid name here: small letters",
        ),
        ("operations: [1]", "systems/billing.yaml:1: operations: must be a mapping, not a list"),
        ("limit: 1", "systems/billing.yaml:1: limit: must be at least 2"),
        ("limit: 10", "systems/billing.yaml:1: limit: must be at most 9"),
        ("limit: null", "systems/billing.yaml:1: limit: must be a whole number, not nothing"),
        ("kind: y", "systems/billing.yaml:1: kind: must be 'x'"),
        ("words: []", "systems/billing.yaml:1: words: must have at least 1 members"),
        ("words: [a, a]", "systems/billing.yaml:1: words: the value has non-unique elements"),
    ],
)
def test_each_problem_is_said_in_words_at_its_line(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    found = problems("key: hunter2-very-secret")
    assert found == ["systems/billing.yaml:1: key: is not written as it must be: a reference such as secret:billing"]


def test_a_value_from_the_environment_is_not_repeated() -> None:
    found = problems("operations:\n  a:\n    from: x\n    effect: ${E}", E="hunter2")
    assert found == ["systems/billing.yaml:4: operations.a.effect: must be one of read, write, irreversible"]


def test_a_part_of_a_document_can_be_checked_against_a_schema_of_its_own() -> None:
    document = parse_document(b"name: x\nserver:\n  port: 80\n", "interlock", name="i.yaml")
    schema = {"type": "object", "properties": {"prot": {}}, "additionalProperties": False}
    assert [str(found) for found in check(document, schema, pointer="/server")] == [
        "i.yaml:3: server: unknown key 'port' (did you mean 'prot'?)"
    ]


def test_a_file_is_read_and_named_relative_to_its_project(tmp_path: Path) -> None:
    file = tmp_path / "interlock.yaml"
    file.write_text("# a comment\nname: acme\nserver:\n  port: ${PORT:-9000}\n", encoding="utf-8")
    document = read_document(file, "interlock", root=tmp_path, environment={})
    assert (document.name, document.file, document.kind) == ("interlock.yaml", file, "interlock")
    assert document.data == {"name": "acme", "server": {"port": 9000}}
    assert document.line_of("/server/port") == 4
    assert document.line_of("/server/host") == 3
    assert document.line_of("/nothing/at/all") == 2
    assert str(document.finding("/server/port", "is taken")) == "interlock.yaml:4: server.port: is taken"


def test_all_problems_of_a_file_are_told_at_once() -> None:
    text = b"name: Acme\nnmae: x\nstorage: {url: '${DB}'}\nmode: 5\n"
    with pytest.raises(ProjectInvalid) as caught:
        parse_document(text, "interlock", name="interlock.yaml", environment={})
    assert [(finding.line, finding.pointer) for finding in caught.value.findings] == [
        (1, "/name"),
        (2, ""),
        (3, "/storage/url"),
        (4, "/mode"),
    ]
    problem = caught.value.problem()
    assert problem["code"] == "project_invalid"
    assert problem["details"]["findings"][1]["message"] == "unknown key 'nmae' (did you mean 'name'?)"
    assert "4 problems in 1 file" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"- a\n- b\n", "must be a mapping"),
        (b"just text", "must be a mapping"),
        (b"name: a\nx: \xff\xfe", "f.yaml:2: is not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "is larger than"),
        (b"a: 1\na: 2\nb: [", "not YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_a_finding(content: bytes, part: str) -> None:
    with pytest.raises(ProjectInvalid) as caught:
        parse_document(content, "interlock", name="f.yaml")
    assert any(part in str(finding) for finding in caught.value.findings)


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    document = parse_document(b"\xef\xbb\xbfname: acme\r\nmode: shadow\r\n", "interlock")
    assert document.data == {"name": "acme", "mode": "shadow"}


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ProjectInvalid) as caught:
            read_document(path, "interlock", root=tmp_path.parent)
        assert "cannot be read" in caught.value.findings[0].message
        assert not caught.value.findings[0].file.startswith("/")


def test_findings_of_several_files_are_gathered_and_raised_in_order() -> None:
    findings = Findings()
    findings.raise_if_any()
    for name in ("b.yaml", "a.yaml"):
        with findings.collect():
            parse_document(b"x: 1", "interlock", name=name)
    findings.add(Finding("a.yaml", 1, "", "unknown key 'x'"))
    assert len(findings) == 5
    with pytest.raises(ProjectInvalid) as caught:
        findings.raise_if_any()
    assert [finding.file for finding in caught.value.findings] == ["a.yaml", "a.yaml", "b.yaml", "b.yaml"]


def test_pointers_are_shown_as_people_write_paths() -> None:
    assert dotted("/operations/a~1b/facts/0/read") == "operations.a/b.facts[0].read"
    assert dotted("") == ""


def test_every_kind_that_has_a_schema_has_a_valid_one() -> None:
    folder = Path(__file__).parents[3] / "src/interlock/foundation/documents/schemas"
    for kind in KINDS:
        if (folder / f"{kind}.json").exists():
            jsonschema_rs.meta.validate(json.loads(schema_text(kind)))
    with pytest.raises(KeyError):
        schema_text("../secrets")


def test_forms_that_exclude_each_other_are_not_taken_together() -> None:
    both = b"trigger: t\nagent: a\nrequest: r\non: {system: s, schedule: '* * * * *'}\n"
    with pytest.raises(ProjectInvalid):
        parse_document(both, "trigger", name="t.yaml")
    ways = b"facade: f\noperations: {a: {operation: s.o, get: /a, post: /a}}\n"
    with pytest.raises(ProjectInvalid, match="fits more than one of the forms"):
        parse_document(ways, "facade", name="f.yaml")

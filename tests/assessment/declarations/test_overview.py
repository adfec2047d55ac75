"""What is declared of an operation, which file says so, and the pack that would say the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.assessment.declarations import Overview, draft_of, overviews
from interlock.foundation.documents import Document, parse_document
from interlock.integration.systems import Catalog, SystemUnknown, build_catalog
from interlock.values.labels import Confidentiality, Integrity

OWN, PACK = "systems/desk.yaml", "labels/desk.yaml"
TEXT = {"type": "string"}
TICKET = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "body": TEXT,
        "phone": TEXT,
        "tags": {"type": "array", "items": {"type": "object", "properties": {"name": TEXT}}},
    },
}


def _document(kind: str, name: str, data: Mapping[str, Any]) -> Document:
    return parse_document(yaml.safe_dump(dict(data), sort_keys=False).encode(), kind, name=name, environment={})


def _operation(*arguments: str, effect: str = "write", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict.fromkeys(arguments, TEXT)}
    return {"effect": effect, "input": schema, **more}


def _catalog(
    operations: Mapping[str, Any], pack: Mapping[str, Any] | None = None, labels: Mapping[str, Any] | None = None
) -> Catalog:
    """Compile a desk of *operations*; *pack* is pinned to them as they are."""
    trusted = {"integrity": "trusted"} if labels is None else labels
    system = {"system": "desk", "connector": "external", "labels": trusted, "operations": operations}
    documents = [_document("system", OWN, system)]
    bare = build_catalog(documents, Path())
    pinned = {
        name: {"definition": bare.operation(f"desk.{name}").definition.fingerprint[:12], **declared}
        for name, declared in (pack or {}).items()
    }
    packs = [_document("labels", PACK, {"labels": "desk", "operations": pinned})] if pinned else []
    return build_catalog(documents, Path(), packs)


def _one(catalog: Catalog) -> Overview:
    (found,) = overviews(catalog, "desk")
    return found


def test_each_argument_says_its_role_and_who_says_so() -> None:
    send = _operation("to", "text", "speed", arguments={"to": "target"})
    found = _one(_catalog({"send": send}, {"send": {"arguments": {"text": "content"}}}))
    assert [(one.name, one.role, one.file) for one in found.arguments] == [
        ("to", "target", OWN),
        ("text", "content", PACK),
        ("speed", None, ""),
    ]
    assert found.files == {"effect": OWN, "risks": "", "sink": ""}
    assert "speed of desk.send is declared neither" in found.remarks[0].text


def test_each_field_says_who_writes_it_and_how_confidential_it_is() -> None:
    read = _operation(
        effect="read", output_schema=TICKET, output={"untrusted_fields": ["body"]}, labels={"confidentiality": "public"}
    )
    labels = {"phone": {"confidentiality": "restricted", "categories": ["personal"]}}
    found = _one(_catalog({"read": read}, {"read": {"output": {"trusted_fields": ["id"], "labels": labels}}}))
    trusted, untrusted = Integrity.trusted, Integrity.untrusted
    public, restricted = Confidentiality.public, Confidentiality.restricted
    assert [
        (one.pointer, one.label.integrity, one.trust_file, one.label.confidentiality, one.label_file)
        for one in found.fields
    ] == [
        ("/id", trusted, PACK, public, OWN),
        ("/body", untrusted, OWN, public, OWN),
        ("/phone", trusted, OWN, restricted, PACK),
        ("/tags/*/name", trusted, OWN, public, OWN),
    ]


def test_what_nobody_declared_is_nobodys() -> None:
    found = _one(_catalog({"read": _operation(effect="read", output_schema=TICKET)}, labels={}))
    assert {(one.trust_file, one.label_file) for one in found.fields} == {("", "")}


def test_a_result_without_a_schema_is_one_field_and_an_empty_one_is_none() -> None:
    operations = {"any": _operation(), "none": _operation(output_schema={"type": "null"})}
    assert [[field.pointer for field in found.fields] for found in overviews(_catalog(operations))] == [[""], []]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"sink": {}}, "no-clearance"),
        ({"sink": {"recipients": ["to"]}, "arguments": {"to": "content"}}, "no-target"),
        ({"sink": {"recipients": ["to"]}}, "no-role"),
        ({}, "no-sink"),
    ],
)
def test_what_is_missing_of_a_sink_is_worth_a_look(more: Mapping[str, Any], kind: str) -> None:
    found = _one(_catalog({"mail": _operation("to", **more)}))
    assert kind in {remark.kind for remark in found.remarks}


def test_a_read_that_sends_needs_roles_too() -> None:
    found = _one(_catalog({"fetch": _operation("url", effect="read", sink={"recipients": ["url"]})}))
    assert "no-role" in {remark.kind for remark in found.remarks}


def test_one_system_is_chosen_by_its_name() -> None:
    catalog = _catalog({"send": _operation("to")})
    assert overviews(catalog) == overviews(catalog, "desk")
    with pytest.raises(SystemUnknown, match="desk"):
        overviews(catalog, "desc")
    with pytest.raises(SystemUnknown):
        draft_of(catalog, "desc")


def test_a_draft_guesses_what_no_file_says() -> None:
    operations = {
        "read": _operation("id", effect="read", output_schema=TICKET),
        "pay_order": _operation("order_id", "note", "mode", output_schema=TICKET, output={"untrusted_fields": []}),
        "mail": _operation("to", "body"),
    }
    draft = draft_of(_catalog(operations, labels={}), "desk")
    assert draft.pack is not None
    found = {name: {k: v for k, v in one.items() if k != "definition"} for name, one in draft.operations.items()}
    assert found == {
        "read": {"arguments": {"id": "target"}},
        "pay_order": {
            "risks": ["spends"],
            "arguments": {"order_id": "target", "note": "content", "mode": "control"},
        },
        "mail": {"sink": {"recipients": ["to"]}, "arguments": {"to": "target", "body": "content"}},
    }, "what a caller reports is untrusted already"


def test_a_guess_never_trusts_and_never_clears() -> None:
    operations = {"notify": _operation("id"), "read": _operation(effect="read", output_schema=TICKET)}
    draft = draft_of(_catalog(operations, labels={"integrity": "untrusted"}), "desk")
    assert draft.operations["notify"]["sink"] == {"clearance": "public"}
    assert "read" not in draft.operations


def test_a_draft_keeps_what_the_pack_says_and_leaves_out_what_the_systems_file_says() -> None:
    send = _operation("to", "text", arguments={"to": "target"}, risks=[], sink={"recipients": ["to"]})
    declared = {"labels": {"confidentiality": "restricted"}, "arguments": {"text": "content"}}
    draft = draft_of(_catalog({"send": send}, {"send": declared}), "desk")
    assert {key: draft.operations["send"][key] for key in declared} == declared
    assert not draft.guesses


def test_where_everything_is_declared_there_is_no_pack() -> None:
    send = _operation("to", arguments={"to": "target"}, risks=[], sink={"recipients": ["to"]})
    draft = draft_of(_catalog({"send": send}), "desk")
    assert draft.pack is None
    assert draft.to_json()["pack"] is None


ODD = ["x-id", "$filter", "no", "a b", "ключ", "@type", "1", "true", '"', "~/"]


def test_the_yaml_of_a_draft_is_the_draft() -> None:
    declared = {
        "labels": {"confidentiality": "restricted"},
        "output": {"labels": {f"/a/*/{name}": {"categories": ["personal", "secret"]} for name in ("b", "c", "d", "e")}},
    }
    catalog = _catalog({"put": _operation(*ODD), "on": _operation(*ODD)}, {"put": declared}, labels={})
    draft = draft_of(catalog, "desk")
    text = draft.to_yaml()
    assert parse_document(text.encode(), "labels", environment={}).data == draft.pack
    assert yaml.safe_load(text) == draft.pack
    assert text.count("# guess: ") == len(draft.guesses) == 2 * len(ODD)
    assert max(map(len, text.splitlines())) <= 120

"""Declaration packs: pinned to a definition, beneath the system's own file, each problem at the pack's own line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.foundation.documents import Document, Finding, ProjectInvalid, parse_document
from interlock.integration.systems import Catalog, build_catalog
from interlock.values.labels import Confidentiality
from interlock.values.operations import Operation, Risk, Role

INPUT = {"type": "object", "properties": {"to": {"type": "string"}, "text": {"type": "string"}}}
OUTPUT = {"type": "object", "properties": {"number": {"type": "integer"}, "note": {"type": "string"}}}
SEND: dict[str, Any] = {"effect": "write", "input": INPUT, "output_schema": OUTPUT}


def _document(kind: str, name: str, data: dict[str, Any]) -> Document:
    return parse_document(yaml.safe_dump(data, sort_keys=False).encode(), kind, name=name, environment={})


def _catalog(*packs: dict[str, Any], **more: Any) -> Catalog:
    system = {"system": "fax", "connector": "external", "operations": {"send": SEND | more}}
    documents = [_document("labels", f"labels/pack{index}.yaml", pack) for index, pack in enumerate(packs)]
    return build_catalog([_document("system", "systems/fax.yaml", system)], Path(), documents)


def _fingerprint() -> str:
    return _catalog().operation("fax.send").definition.fingerprint


def _pack(**declared: Any) -> dict[str, Any]:
    return {"labels": "fax", "operations": {"send": {"definition": _fingerprint()[:12], **declared}}}


def _send(*packs: dict[str, Any], **more: Any) -> Operation:
    return _catalog(*packs, **more).operation("fax.send").operation


def _findings(*packs: dict[str, Any], **more: Any) -> list[Finding]:
    with pytest.raises(ProjectInvalid) as caught:
        _catalog(*packs, **more)
    return caught.value.findings


def test_a_pack_declares_what_the_systems_file_leaves_out() -> None:
    labels = {"note": {"confidentiality": "restricted"}}
    made = _send(
        _pack(
            risks=["spends"],
            sink={"recipients": ["to"]},
            arguments={"to": "target", "text": "content"},
            output={"untrusted_fields": ["note"], "labels": labels},
        )
    )
    assert made.risks == {Risk.spends}
    assert made.sink is not None
    assert made.sink.recipients == ("to",)
    assert made.arguments == {"to": Role.target, "text": Role.content}
    assert made.output.untrusted == ("/note",)
    assert made.output.labels[0].label.confidentiality is Confidentiality.restricted


def test_the_systems_own_file_counts_first() -> None:
    pack = _pack(
        arguments={"to": "control", "text": "content"}, output={"untrusted_fields": ["note"]}, risks=["spends"]
    )
    made = _send(pack, arguments={"to": "target"}, output={"trusted_fields": ["number"]}, risks=[])
    assert made.arguments == {"to": Role.target, "text": Role.content}
    assert (made.output.trusted, made.output.untrusted) == (("/number",), ("/note",))
    assert not made.risks


@pytest.mark.parametrize("digits", [12, 20, 64])
def test_a_pack_is_pinned_to_the_first_digits_of_the_digest(digits: int) -> None:
    pack = {"labels": "fax", "operations": {"send": {"definition": _fingerprint()[:digits], "risks": ["spends"]}}}
    assert _send(pack).risks


def test_of_a_pack_for_another_definition_nothing_is_taken_and_the_right_digits_are_named() -> None:
    pack = {"labels": "fax", "operations": {"send": {"definition": "0" * 12, "risks": ["spends"]}}}
    (found,) = _findings(pack)
    assert (found.file, found.pointer) == ("labels/pack0.yaml", "/operations/send/definition")
    assert f"pin it to {_fingerprint()[:12]} when" in found.message


def test_what_is_wrong_in_a_pack_is_found_in_the_pack() -> None:
    (found,) = _findings(_pack(arguments={"too": "target"}))
    assert (found.file, found.pointer) == ("labels/pack0.yaml", "/operations/send/arguments/too")
    (found,) = _findings(_pack(arguments={"to": "target"}), arguments={"too": "target"})
    assert found.file == "systems/fax.yaml"


def test_a_pack_for_no_system_or_a_second_one_is_found() -> None:
    other = _pack() | {"labels": "fxa"}
    assert ["there is no system 'fxa'" in found.message for found in _findings(other)] == [True]
    assert ["is for the system 'fax' too" in found.message for found in _findings(_pack(), _pack())] == [True]


def test_the_catalogue_knows_what_declares_a_system() -> None:
    assert [source.name for source in _catalog(_pack()).sources["fax"]] == ["systems/fax.yaml", "labels/pack0.yaml"]
    assert [source.name for source in _catalog().sources["fax"]] == ["systems/fax.yaml"]

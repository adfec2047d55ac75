"""From a system's file to compiled operations, with every problem named at its line."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.contracts import InputInvalid
from interlock.integration.systems import OperationUnknown, SystemUnknown
from interlock.values.decisions import Mode
from interlock.values.labels import Category, Confidentiality, Integrity
from interlock.values.operations import Call, Fact, ReadBack, Role
from tests.integration.conftest import Workbench

INPUT = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"], "additionalProperties": False}
OUTPUT = {"type": "object", "properties": {"status": {"type": "string"}, "note": {"type": "string"}}}


def fax(operation: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    send = {"effect": "write", "input": INPUT, "output_schema": OUTPUT} | (operation or {})
    return {"system": "fax", "connector": "external", "operations": {"send": send}} | more


async def test_everything_that_is_declared_arrives(bench: Workbench) -> None:
    operation = {
        "description": "Send a fax",
        "mode": "read-only",
        "timeout": "250ms",
        "undo": "recall(id = output.id)",
        "read_back": {"read": "fax.find(key = key)", "found": "size(result) > 0", "output": "result[0]"},
        "idempotent": True,
        "risks": ["destructive", "critical"],
        "version": "facts.page.version",
        "facts": {
            "page": "pages.get(id = input.id)",
            "each": {"each": "facts.page.lines", "read": "lines.get(id = item.id)", "bound": 5, "max_age": "1m"},
            "total": "sum(facts.each.map(l, l.amount))",
            "name": {"expression": "input.name", "type": "string", "on_failure": "wait"},
            "size": "input.size()",
        },
        "arguments": {"id": "target"},
        "output": {"trusted_fields": ["status"], "untrusted_fields": ["note", "/a/*/b"]},
        "labels": {"categories": ["personal"]},
    }
    system = fax(
        operation, kind="legacy", owner="desk", labels={"confidentiality": "restricted", "integrity": "untrusted"}
    )
    catalog = bench.catalog(system)
    compiled = catalog.operation("fax.send")
    made = compiled.operation
    assert (made.description, made.mode, made.timeout) == ("Send a fax", Mode.read_only, 0.25)
    assert made.undo == Call("recall", {"id": "output.id"})
    assert made.read_back == ReadBack(Call("fax.find", {"key": "key"}), "size(result) > 0", "result[0]")
    assert (made.idempotent, sorted(made.risks), made.version) == (
        True,
        ["critical", "destructive"],
        "facts.page.version",
    )
    assert made.facts == (
        Fact("page", read=Call("pages.get", {"id": "input.id"})),
        Fact("each", read=Call("lines.get", {"id": "item.id"}), each="facts.page.lines", bound=5, max_age=60.0),
        Fact("total", expression="sum(facts.each.map(l, l.amount))"),
        Fact("name", expression="input.name", type="string", on_failure="wait"),
        Fact("size", expression="input.size()"),
    )
    assert made.arguments == {"id": Role.target}
    assert (made.output.trusted, made.output.untrusted) == (("/status",), ("/note", "/a/*/b"))
    assert (made.label.confidentiality, made.label.integrity) == (Confidentiality.restricted, Integrity.untrusted)
    assert made.label.categories == {Category.personal}
    assert compiled.external
    declared = catalog.system("fax")
    assert (declared.kind, declared.owner, declared.file) == ("legacy", "desk", "systems/fax.yaml")


async def test_limits_are_read_and_have_usual_values(bench: Workbench) -> None:
    written = {"concurrency": 3, "rate": "120/m", "timeout": "4h", "retries": 0, "response": "2MiB", "failures": 7}
    limits = bench.catalog(fax(limits=written | {"pause": "1m", "queue": 0})).system("fax").limits
    assert (limits.concurrency, limits.rate, limits.timeout, limits.retries) == (3, 2.0, 14400.0, 0)
    assert (limits.response, limits.failures, limits.pause, limits.queue) == (2 << 20, 7, 60.0, 0)
    usual = bench.catalog(fax()).system("fax").limits
    assert (usual.concurrency, usual.rate, usual.timeout, usual.retries) == (8, 0.0, 10.0, 2)


async def test_fields_of_a_list_are_those_of_its_members(bench: Workbench) -> None:
    many = {"output_schema": {"type": "array", "items": OUTPUT}, "output": {"untrusted_fields": ["note"]}}
    assert bench.catalog(fax(many)).operation("fax.send").operation.output.untrusted == ("/*/note",)


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (fax(connector="fex"), "no plug-in 'fex'"),
        (fax(system="input"), "has a meaning of its own"),
        (fax(connection={"a": 1}), "connection: is not allowed here"),
        (fax({"input": {"type": "strin"}}), "schema is not valid"),
        (fax({"output_schema": {"$ref": "http://elsewhere/x"}}), "schema is not valid"),
        (fax({"arguments": {"idd": "target"}}), "has no argument 'idd' (did you mean 'id'?)"),
        (fax({"output": {"trusted_fields": ["statuss"]}}), "no field 'statuss' (did you mean 'status'?)"),
        (fax({"undo": "recall(1)"}), "undo"),
        (fax({"read_back": "recall(("}), "read_back"),
        (fax({"facts": {"a": {"read": "x.y(("}}}), "facts.a"),
    ],
)
async def test_what_is_wrong_is_named_at_its_line(bench: Workbench, system: dict[str, Any], expected: str) -> None:
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(system)
    text = "; ".join(map(str, invalid.value.findings))
    assert expected in text
    assert text.startswith(f"systems/{system['system']}.yaml:")


async def test_all_problems_of_all_files_are_told_at_once(bench: Workbench) -> None:
    first = fax({"arguments": {"x": "target"}, "output": {"trusted_fields": ["y"]}})
    second = fax({"input": {"type": "nonsense"}}, system="post")
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(first, second, fax())
    assert len(invalid.value.findings) == 4


async def test_names_that_are_nearly_right_are_suggested(bench: Workbench) -> None:
    catalog = bench.catalog(fax())
    with pytest.raises(OperationUnknown) as operation:
        catalog.operation("fax.sendd")
    assert operation.value.fix == "did you mean 'fax.send'?"
    with pytest.raises(SystemUnknown) as system:
        catalog.system("fux")
    assert system.value.fix == "did you mean 'fax'?"


async def test_input_that_does_not_fit_is_told_without_its_values(bench: Workbench) -> None:
    compiled = bench.catalog(fax()).operation("fax.send")
    compiled.check_input({"id": 1})
    with pytest.raises(InputInvalid) as invalid:
        compiled.check_input({"id": "hidden", "Maria Anders": 1})
    assert {breach.pointer for breach in invalid.value.breaches} == {"", "/id"}
    shown = str(invalid.value.problem())
    assert "hidden" not in shown
    assert "Maria" not in shown


async def test_output_that_does_not_fit_is_a_problem(bench: Workbench) -> None:
    compiled = bench.catalog(fax()).operation("fax.send")
    assert compiled.check_output({"status": "sent"}) is None
    problem = compiled.check_output({"status": 1})
    assert problem is not None
    assert problem["breaches"] == [{"pointer": "/status", "reason": "must be of type string"}]

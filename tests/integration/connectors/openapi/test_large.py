"""Large documents: only what is picked is worked on, once for all operations, and what is described stays small."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jsonschema_rs
import orjson
import pytest

from benchmarks.documents import OPERATIONS, document
from interlock.integration.connectors.openapi.document import DocumentInvalid, OpenApiDocument, document_of
from interlock.integration.connectors.openapi.flattening import define
from interlock.integration.connectors.openapi.schemas import MOST_LINKED, Direction, standalone
from interlock.integration.contracts import Definition

PICKED = 40


@pytest.fixture(scope="module")
def large() -> bytes:
    return orjson.dumps(document())


def pick(known: OpenApiDocument, numbers: Any) -> list[Definition]:
    return [define(known, known.find(f"GET /records_{number}/{{id}}"), ours=frozenset()) for number in numbers]


def test_a_schema_is_converted_once_for_all_operations(large: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(large) > 9_000_000
    asked: Counter[str] = Counter()
    walked = 0
    at, operations = OpenApiDocument.at, OpenApiDocument.operations

    def counted(self: OpenApiDocument, reference: str) -> Any:
        asked[reference] += 1
        return at(self, reference)

    def walks(self: OpenApiDocument) -> Any:
        nonlocal walked
        walked += 1
        return operations(self)

    monkeypatch.setattr(OpenApiDocument, "at", counted)
    monkeypatch.setattr(OpenApiDocument, "operations", walks)
    known = document_of(large, "large.json")
    assert not asked
    step = OPERATIONS // PICKED
    pick(known, range(0, OPERATIONS, step))
    first = asked.total()
    assert walked == 1
    pick(known, range(0, OPERATIONS, step))
    assert walked == 1
    assert asked.total() - first < PICKED * 10  # nothing is converted again
    kept = known.kept[("linked", Direction.output)]
    assert len(kept) <= 600


def test_only_what_is_picked_is_resolved() -> None:
    apart = document(operations=50, schemas=50)
    for record in apart["components"]["schemas"].values():
        record["properties"] = {"field_0": {"type": "string"}}
    apart["components"]["schemas"]["record_9"] = {"$ref": "#/components/nowhere"}
    known = document_of(orjson.dumps(apart), "apart.json")
    assert len(pick(known, [1, 2])) == 2
    with pytest.raises(DocumentInvalid, match="leads nowhere"):
        pick(known, [9])


def test_what_is_described_is_bounded_and_holds(large: bytes) -> None:
    known = document_of(large, "large.json")
    (definition,) = pick(known, [5])
    schema = dict(definition.output_schema or {})
    described = [one for one in schema["$defs"].values() if "properties" in one]
    assert len(described) == MOST_LINKED
    validator = jsonschema_rs.Draft202012Validator(schema, offline=True)
    good = {"field_0": "x", "link_1": {"field_0": "y", "link_2": "id"}}
    assert validator.is_valid(good)
    assert not validator.is_valid(good | {"link_1": {"link_2": "id"}})


def test_what_is_picked_does_not_depend_on_what_was_picked_before(large: bytes) -> None:
    alone = pick(document_of(large, "large.json"), [77])[0]
    known = document_of(large, "large.json")
    pick(known, [300, 5, 78])
    assert pick(known, [77])[0].digest == alone.digest


def test_two_schemas_of_one_name_stay_apart() -> None:
    parts = {f"p{number}": {"type": "string"} for number in range(3000)}
    data = document(operations=1, schemas=1)
    data["components"]["schemas"] = {
        "record_0": {
            "type": "object",
            "properties": {"a": {"$ref": "#/components/schemas/one"}, "b": {"$ref": "#/components/others/one"}},
        },
        "one": {"type": "object", "properties": parts},
    }
    data["components"]["others"] = {"one": {"type": "object", "properties": {**parts, "own": {"type": "integer"}}}}
    schema, definitions = standalone(
        document_of(orjson.dumps(data), "two.json"), {"$ref": "#/components/schemas/record_0"}, Direction.output
    )
    assert schema == {"$ref": "#/$defs/record_0"}
    first, second = (definitions["record_0"]["properties"][name]["$ref"].rpartition("/")[2] for name in "ab")
    assert "own" not in definitions[first]["properties"]
    assert "own" in definitions[second]["properties"]

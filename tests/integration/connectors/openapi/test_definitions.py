"""From an OpenAPI document to flat, self-contained, honest definitions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.contracts import Contract, Definition
from tests.integration.conftest import Workbench

EXAMPLES = Path(__file__).parents[4] / "examples" / "northwind" / "services"


def document(paths: Mapping[str, Any], version: str = "3.1.0", **components: Any) -> dict[str, Any]:
    return {
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": {"schemas": components},
    }


def post(schema: Any, *, required: bool = True, **more: Any) -> dict[str, Any]:
    body = {"required": required, "content": {"application/json": {"schema": schema}}}
    return {"/x": {"post": {"requestBody": body, "responses": {}} | more}}


def system(origin: str = "POST /x", effect: str = "write", **more: Any) -> dict[str, Any]:
    return {
        "system": "shop",
        "connector": "openapi",
        "connection": {"spec": "shop.json", "base_url": "http://127.0.0.1:1"},
        "operations": {"do": {"from": origin, "effect": effect} | more},
    }


def define(bench: Workbench, data: Any, **more: Any) -> Definition:
    bench.write("shop.json", data)
    return bench.catalog(system(**more)).operation("shop.do").definition


def refused(bench: Workbench, data: Any, **more: Any) -> str:
    bench.write("shop.json", data)
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(system(**more))
    return "; ".join(str(finding) for finding in invalid.value.findings)


async def test_parameters_and_body_become_one_flat_set(bench: Workbench) -> None:
    data = document(
        {
            "/orders/{id}/notes": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "post": {
                    "operationId": "addNote",
                    "parameters": [
                        {"name": "notify", "in": "query", "schema": {"type": "boolean"}},
                        {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}},
                        {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {"id": {"type": "string"}, "text": {"type": "string"}},
                                    "required": ["text"],
                                }
                            }
                        },
                    },
                    "responses": {},
                },
            }
        }
    )
    definition = define(bench, data, origin="addNote")
    assert set(definition.input_schema["properties"]) == {"id", "notify", "if_match", "body_id", "text"}
    assert set(definition.input_schema["required"]) == {"id", "if_match", "text"}
    assert definition.input_schema["additionalProperties"] is False
    assert definition.input_schema["properties"]["id"] == {"type": "integer"}


async def test_a_body_that_is_no_object_is_one_argument(bench: Workbench) -> None:
    definition = define(bench, document(post({"type": "array", "items": {"type": "string"}})))
    assert definition.input_schema["properties"] == {"body": {"type": "array", "items": {"type": "string"}}}
    assert definition.input_schema["required"] == ["body"]


async def test_an_optional_body_is_whole_or_absent(bench: Workbench) -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}
    bench.write("shop.json", document(post(schema, required=False)))
    contract = bench.catalog(system()).operation("shop.do").input
    assert contract.holds({})
    assert contract.holds({"a": 1})
    assert contract.holds({"a": 1, "b": 2})
    assert not contract.holds({"b": 2})


async def test_nullable_of_3_0_is_written_as_in_3_1(bench: Workbench) -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "nullable": True, "enum": ["x"]},
            "b": {"allOf": [{"$ref": "#/components/schemas/M"}], "nullable": True},
            "c": {"type": "number", "minimum": 1, "exclusiveMinimum": True},
            "d": {"type": "string"},
        },
    }
    bench.write("shop.json", document(post(schema), version="3.0.3", M={"type": "integer", "example": 4}))
    contract = bench.catalog(system()).operation("shop.do").input
    for good in ({"a": None}, {"a": "x"}, {"b": None}, {"b": 3}, {"c": 1.1}):
        assert contract.holds(good), good
    for bad in ({"a": "y"}, {"b": "x"}, {"c": 1}, {"d": None}):
        assert not contract.holds(bad), bad


async def test_references_are_followed_and_recursion_is_kept(bench: Workbench) -> None:
    children = {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}
    node = {"type": "object", "properties": {"name": {"$ref": "#/components/schemas/Name"}, "children": children}}
    definition = define(
        bench,
        document(
            post({"type": "object", "properties": {"root": {"$ref": "#/components/schemas/Node"}}}),
            Node=node,
            Name={"type": "string", "minLength": 2},
        ),
    )
    assert "Name" not in definition.input_schema["$defs"]
    contract = bench.catalog(system()).operation("shop.do").input
    assert contract.holds({"root": {"name": "ab", "children": [{"name": "cd", "children": []}]}})
    assert not contract.holds({"root": {"name": "ab", "children": [{"name": "c"}]}})


async def test_references_between_two_that_need_each_other(bench: Workbench) -> None:
    a = {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}, "additionalProperties": False}
    b = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}, "additionalProperties": False}
    bench.write("shop.json", document(post({"$ref": "#/components/schemas/A"}), A=a, B=b))
    contract = bench.catalog(system()).operation("shop.do").input
    assert contract.holds({"b": {"a": {"b": {}}}})
    assert not contract.holds({"b": {"a": {"a": {}}}})


async def test_schemas_that_double_at_each_step_stay_small(bench: Workbench) -> None:
    schemas: dict[str, Any] = {
        f"S{n}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/components/schemas/S{n + 1}"} for side in ("left", "right")},
        }
        for n in range(30)
    }
    schemas["S30"] = {"type": "integer"}
    definition = define(bench, document(post({"$ref": "#/components/schemas/S0"}), **schemas))
    assert len(orjson.dumps(definition.to_json())) < 20_000


async def test_what_only_the_server_writes_is_no_argument(bench: Workbench) -> None:
    thing = {
        "type": "object",
        "properties": {"id": {"type": "integer", "readOnly": True}, "pin": {"type": "string", "writeOnly": True}},
        "required": ["id", "pin"],
    }
    responses = {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/T"}}}}}
    definition = define(bench, document(post({"$ref": "#/components/schemas/T"}, responses=responses), T=thing))
    assert list(definition.input_schema["properties"]) == ["pin"]
    assert definition.output_schema is not None
    assert definition.output_schema["required"] == ["id"]


async def test_all_of_objects_are_merged(bench: Workbench) -> None:
    whole = {
        "allOf": [
            {"$ref": "#/components/schemas/Base"},
            {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]
    }
    base = {"type": "object", "properties": {"a": {"type": "integer"}}}
    definition = define(bench, document(post(whole), Base=base))
    assert set(definition.input_schema["properties"]) == {"a", "b"}
    assert definition.input_schema["required"] == ["b"]


async def test_several_good_answers_are_all_allowed(bench: Workbench) -> None:
    responses = {
        "200": {"content": {"application/json": {"schema": {"type": "object"}}}},
        "204": {"description": "nothing"},
        "404": {"content": {"application/json": {"schema": {"type": "string"}}}},
    }
    definition = define(bench, document(post({}, responses=responses)))
    assert definition.output_schema == {"anyOf": [{"type": "object"}, {"type": "null"}]}


async def test_yaml_documents_are_read_too(bench: Workbench) -> None:
    data = document({"/x": {"get": {"responses": {200: {"description": "d"}}}}})
    bench.write("shop.yaml", yaml.safe_dump(data))
    connection = {"spec": "shop.yaml", "base_url": "http://127.0.0.1:1"}
    catalog = bench.catalog(system("GET /x", "read") | {"connection": connection})
    definition = catalog.operation("shop.do").definition
    assert definition.output_schema == {"type": "null"}


async def test_the_digest_follows_the_document_and_not_the_project(bench: Workbench) -> None:
    data = document(post({"type": "object", "properties": {"a": {"type": "integer"}}}))
    first = define(bench, data).digest
    assert define(bench, data, timeout="3s", mode="draft").digest == first
    changed = document(post({"type": "object", "properties": {"a": {"type": "integer", "maximum": 5}}}))
    assert define(bench, changed).digest != first
    described = document(post({"type": "object", "properties": {"a": {"type": "integer"}}}, summary="New words"))
    assert define(bench, described).digest != first


@pytest.mark.parametrize("name", ["billing", "helpdesk"])
async def test_the_example_services_are_described(bench: Workbench, name: str) -> None:
    spec = orjson.loads((EXAMPLES / f"{name}.openapi.json").read_bytes())
    bench.write("shop.json", spec)
    origins = [
        f"{method.upper()} {path}"
        for path, item in spec["paths"].items()
        for method in item
        if method in {"get", "post", "patch", "put", "delete"}
    ]
    declared = system()
    declared["operations"] = {
        f"op{n}": {
            "from": origin,
            "effect": "read" if origin.startswith("GET") else "write",
            "idempotency": {"header": "Idempotency-Key"},
        }
        for n, origin in enumerate(origins)
    }
    catalog = bench.catalog(declared)
    assert len(catalog.operations) == len(origins)
    for compiled in catalog.operations.values():
        names = set(compiled.definition.input_schema["properties"])
        assert all(argument.isidentifier() for argument in names)
        assert "idempotency_key" not in names or compiled.operation.effect == "read"


@pytest.mark.parametrize(
    ("data", "more", "expected"),
    [
        ("[1, 2", {}, "shop.json"),
        ({"openapi": "2.0"}, {}, "no OpenAPI 3.0 or 3.1 document"),
        (document({}), {}, "no operation 'POST /x'"),
        (document({"/refunds": {"post": {}}}), {"origin": "POST /refund"}, "did you mean 'POST /refunds'?"),
        (document({"/x": {"post": {"operationId": "addNote"}}}), {"origin": "addNotes"}, "did you mean 'addNote'?"),
        (document({"/x": {"delete": {}}}), {"origin": "DELETE /x", "effect": "read"}, "cannot be `read`"),
        (document(post({"$ref": "http://elsewhere/x.json"})), {}, "leads outside the document"),
        (document(post({"$ref": "#/components/schemas/Nope"})), {}, "leads nowhere"),
        (document(post({"$ref": "#/components/schemas/A"}), A={"$ref": "#/components/schemas/A"}), {}, "itself"),
        (document(post({"$dynamicRef": "#x"})), {}, "$dynamicRef"),
        (document(post({"type": "strin"})), {}, "schema is not valid"),
        (
            document({"/x": {"post": {"requestBody": {"required": True, "content": {"multipart/form-data": {}}}}}}),
            {},
            "without fields of its own",
        ),
        (
            document({"/x": {"post": {"requestBody": {"required": True, "content": {"application/xml": {}}}}}}),
            {},
            "neither JSON nor a form",
        ),
        (
            document({"/x": {"post": {"parameters": [{"name": "s", "in": "cookie", "style": "matrix"}]}}}),
            {},
            "which is not one of cookie",
        ),
        (
            document({"/x": {"post": {"parameters": [{"name": "s", "in": "body"}]}}}),
            {},
            "a parameter's place 'body' is not known",
        ),
        (
            document({"/x/{id}": {"post": {}}}),
            {"origin": "POST /x/{id}"},
            "'id' for which the document has no parameter",
        ),
        (document({"/#Action=x": {"post": {}}}), {"origin": "POST /#Action=x"}, "never sent"),
        (
            document({"/x": {"post": {"parameters": [{"name": "Idempotency-Key", "in": "header"}]}}}),
            {},
            "declare `idempotency",
        ),
    ],
)
async def test_what_cannot_be_used_is_named_with_file_and_line(
    bench: Workbench, data: Any, more: dict[str, Any], expected: str
) -> None:
    text = refused(bench, data, **more)
    assert expected in text
    assert text.startswith("systems/shop.yaml:")


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({"spec": "../shop.json"}, "must be a file of the project"),
        ({"spec": "none.json"}, "cannot be read"),
        ({"spec": "shop.json"}, "needs `base_url`"),
        ({"spec": "shop.json", "base_url": "ftp://x"}, "begins with http"),
        ({"spec": "shop.json", "base_url": "http://me:pw@x"}, "must not hold credentials"),
        ({"spec": "shop.json", "base_url": "http://x?token=1"}, "must not have a query"),
        ({"spec": "shop.json", "base_url": "http://x/{tenant}"}, "must not have braces"),
        ({"spec": "shop.json", "base_url": "http://x", "auth": {"bearer": "abc"}}, "a reference such as secret:"),
        ({"spec": "shop.json", "bse_url": "http://x"}, "did you mean 'base_url'?"),
        ({}, "'spec' is missing"),
    ],
)
async def test_connections_are_checked(bench: Workbench, connection: dict[str, Any], expected: str) -> None:
    bench.write("shop.json", document(post({})))
    with pytest.raises(ProjectInvalid) as invalid:
        bench.catalog(system() | {"connection": connection})
    assert expected in str(invalid.value.findings[0])
    assert "pw" not in str(invalid.value)


async def test_the_documents_own_server_is_used_and_pinned(bench: Workbench) -> None:
    data = document(post({})) | {
        "servers": [{"url": "https://{host}/v1", "variables": {"host": {"default": "api.example"}}}]
    }
    bench.write("shop.json", data)
    catalog = bench.catalog(system() | {"connection": {"spec": "shop.json"}})
    assert catalog.operation("shop.do").definition.binding["server"] == "https://api.example/v1"


async def test_what_says_who_we_are_is_no_argument(bench: Workbench) -> None:
    places = [("key", "query"), ("key", "cookie"), ("Cookie", "header"), ("Expect", "header"), ("other", "query")]
    parameters = [{"name": name, "in": place, "schema": {}} for name, place in places]
    bench.write("shop.json", document({"/x": {"post": {"parameters": parameters}}}))
    for place, left in (
        ("query", {"key", "other"}),
        ("cookie", {"key", "other"}),
        ("header", {"key", "cookie_key", "other"}),
    ):
        auth = {"api_key": {place: "key", "value": "secret:shop"}}
        declared = system() | {"connection": {"spec": "shop.json", "base_url": "http://x", "auth": auth}}
        definition = bench.catalog(declared).operation("shop.do").definition
        assert set(definition.input_schema["properties"]) == left
        kept = [(one["in"], one["name"]) for one in definition.binding["parameters"]]
        assert (place, "key") not in kept or place == "header"


async def test_forms_that_a_discriminator_picks_may_overlap(bench: Workbench) -> None:
    forms: dict[str, Any] = {
        "Card": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        "Bank": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "iban": {}}},
    }
    picked = {
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in forms],
        "discriminator": {"propertyName": "kind"},
    }
    schema = {"type": "array", "items": picked}
    data = document(post(schema), **forms)
    bench.write("shop.json", data)
    contract = Contract(bench.catalog(system()).operation("shop.do").definition.input_schema)
    assert contract.holds({"body": [{"kind": "Bank", "iban": "x"}, {"kind": "Card"}]})
    assert not contract.holds({"body": [{"iban": "x"}]})


@pytest.mark.parametrize(
    "servers", [[{"url": "https://{a}", "variables": {"a": "b"}}], [{"url": "{a}", "variables": ["a"]}], [1]]
)
async def test_servers_of_a_wrong_form_are_none(bench: Workbench, servers: Any) -> None:
    bench.write("shop.json", document(post({}) | {"/nothing": None}) | {"servers": servers})
    with pytest.raises(ProjectInvalid, match=r"needs `base_url`|begins with http"):
        bench.catalog(system() | {"connection": {"spec": "shop.json"}})

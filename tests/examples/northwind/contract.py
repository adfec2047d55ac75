"""Checks a service's answers against the OpenAPI document that the service itself serves."""

from __future__ import annotations

from typing import Any

from openapi_schema_validator import OAS30Validator, OAS31Validator
from openapi_spec_validator import validate

from tests.examples.northwind.service_process import Answer


def check_document(document: dict[str, Any]) -> None:
    """The document keeps the rules of its OpenAPI version, and each operation has its own name."""
    validate(document)
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names))


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    verbs = ("get", "post", "put", "patch", "delete")
    return {
        (verb.upper(), path): item[verb] for path, item in document["paths"].items() for verb in verbs if verb in item
    }


def check_answer(document: dict[str, Any], method: str, path: str, answer: Answer) -> None:
    """The answer has a declared status, the declared media type and the declared shape."""
    responses = operations(document)[method, path]["responses"]
    assert str(answer.status) in responses, (method, path, answer.status)
    response = responses[str(answer.status)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    media = answer.headers["content-type"]
    schema = {**response["content"][media]["schema"], "components": document["components"]}
    validator = OAS30Validator if document["openapi"].startswith("3.0") else OAS31Validator
    faults = [fault.message for fault in validator(schema).iter_errors(answer.body)]
    assert faults == []

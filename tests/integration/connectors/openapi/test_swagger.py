"""A document of Swagger 2.0 makes the operations that its counterpart in OpenAPI 3.0 makes, to the letter."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
import yaml

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.openapi.document import DocumentInvalid, document_of
from interlock.integration.connectors.openapi.flattening import define
from interlock.integration.connectors.openapi.survey import recognises, survey
from interlock.integration.connectors.openapi.swagger import upgraded
from interlock.integration.connectors.surveys import SECRET, Source

OLD = """
swagger: "2.0"
info: {title: Shop, version: "1"}
host: api.shop.example
basePath: /v2
schemes: [http, https]
consumes: [application/json]
produces: [application/json]
securityDefinitions:
  key: {type: apiKey, in: header, name: X-Key}
  all: {type: oauth2, flow: application, tokenUrl: "https://api.shop.example/token", scopes: {}}
parameters:
  page: {name: page, in: query, type: integer, minimum: 1}
  pet: {name: pet, in: body, required: true, schema: {$ref: "#/definitions/Pet"}}
responses:
  one: {description: a pet, schema: {$ref: "#/definitions/Pet"}}
definitions:
  Pet:
    type: object
    required: [name]
    properties:
      name: {type: string, maxLength: 40}
      tag: {type: string, x-nullable: true}
      owner: {$ref: "#/definitions/Owner"}
  Owner: {type: object, properties: {name: {type: string}, pets: {type: array, items: {$ref: "#/definitions/Pet"}}}}
paths:
  /pets:
    parameters: [{$ref: "#/parameters/page"}]
    get:
      operationId: listPets
      parameters:
        - {name: tags, in: query, type: array, items: {type: string}}
        - {name: ids, in: query, type: array, items: {type: integer}, collectionFormat: multi}
        - {name: near, in: query, type: array, items: {type: number}, collectionFormat: pipes}
        - {name: X-Trace, in: header, type: string}
      responses:
        200: {description: ok, schema: {type: array, items: {$ref: "#/definitions/Pet"}}}
    post:
      operationId: addPet
      parameters: [{$ref: "#/parameters/pet"}]
      responses: {201: {$ref: "#/responses/one"}, default: {description: bad}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, type: string}]
    post:
      operationId: namePet
      consumes: [application/x-www-form-urlencoded]
      parameters:
        - {name: name, in: formData, type: string, required: true, description: the new name}
        - {name: tags, in: formData, type: array, items: {type: string}, collectionFormat: multi}
      responses: {204: {description: done}}
  /pets/{id}/photo:
    parameters: [{name: id, in: path, required: true, type: string}]
    get:
      operationId: getPhoto
      produces: [image/png]
      responses: {200: {description: the photo, schema: {type: file}}}
    put:
      operationId: putPhoto
      consumes: [multipart/form-data]
      parameters: [{name: photo, in: formData, type: file, required: true}]
      responses: {200: {description: ok}}
"""
NEW = """
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: "https://api.shop.example/v2"}, {url: "http://api.shop.example/v2"}]
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    all: {type: oauth2, flows: {clientCredentials: {tokenUrl: "https://api.shop.example/token", scopes: {}}}}
  parameters:
    page: {name: page, in: query, schema: {type: integer, minimum: 1}}
  responses:
    one: {description: a pet, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
  schemas:
    Pet:
      type: object
      required: [name]
      properties:
        name: {type: string, maxLength: 40}
        tag: {type: string, nullable: true}
        owner: {$ref: "#/components/schemas/Owner"}
    Owner:
      type: object
      properties: {name: {type: string}, pets: {type: array, items: {$ref: "#/components/schemas/Pet"}}}
paths:
  /pets:
    parameters: [{$ref: "#/components/parameters/page"}]
    get:
      operationId: listPets
      parameters:
        - {name: tags, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: ids, in: query, explode: true, schema: {type: array, items: {type: integer}}}
        - {name: near, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {type: number}}}
        - {name: X-Trace, in: header, schema: {type: string}}
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Pet"}}}}
    post:
      operationId: addPet
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
      responses: {"201": {$ref: "#/components/responses/one"}, default: {description: bad}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      operationId: namePet
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [name]
              properties:
                name: {type: string, description: the new name}
                tags: {type: array, items: {type: string}}
            encoding: {tags: {style: form, explode: true}}
      responses: {"204": {description: done}}
  /pets/{id}/photo:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: getPhoto
      responses: {"200": {description: the photo, content: {image/png: {}}}}
    put:
      operationId: putPhoto
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: {type: object, required: [photo], properties: {photo: {type: string, format: binary}}}
      responses: {"200": {description: ok}}
"""
OPERATIONS = ["listPets", "addPet", "namePet", "getPhoto", "putPhoto"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_defined_alike(name: str) -> None:
    old, new = (document_of(text.encode(), "shop.yaml") for text in (OLD, NEW))
    definitions = [define(document, document.find(name), ours=frozenset()) for document in (old, new)]
    assert definitions[0] == definitions[1]


def test_what_is_offered_is_alike() -> None:
    old, new = Source("shop.yaml", OLD.encode()), Source("shop.yaml", NEW.encode())
    assert recognises(old)
    found, expected = survey(old), survey(new)
    assert found.offers == expected.offers
    assert found.connection == expected.connection
    assert found.connection["base_url"] == "https://api.shop.example/v2"


def test_a_document_without_a_host_has_no_address() -> None:
    text = OLD.replace("host: api.shop.example\n", "")
    assert survey(Source("shop.yaml", text.encode())).notes[0] == "the document names no server: write `base_url`"
    assert document_of(text.encode(), "x").server() == ""


def _spots(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(spot for key, one in members for spot in _spots(one, (*path, key)))]


DOCUMENT = yaml.safe_load(OLD)


WRONG: list[Any] = [None, 1, "x", [], {}, [1], {"$ref": "#/definitions/No"}]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_document_that_is_wrong_somewhere_is_refused_or_read(value: Any) -> None:
    for spot in _spots(DOCUMENT)[1:]:
        broken = copy.deepcopy(DOCUMENT)
        node = broken
        for step in spot[:-1]:
            node = node[step]
        node[spot[-1]] = value
        assert upgraded(broken)["openapi"] == "3.0.3"
        text = json.dumps(broken, default=str).encode()
        with contextlib.suppress(DocumentInvalid):
            document = document_of(text, "shop.json")
            for name in OPERATIONS:
                define(document, document.find(name), ours=frozenset())
        with contextlib.suppress(SourceUnfit):
            survey(Source("shop.json", text))


@pytest.mark.parametrize(
    ("scheme", "auth"),
    [
        ({"type": "apiKey", "in": "query", "name": "key"}, {"api_key": {"query": "key", "value": "secret:NAME"}}),
        ({"type": "apiKey", "in": "cookie", "name": "sid"}, {"api_key": {"cookie": "sid", "value": "secret:NAME"}}),
        (
            {"type": "oauth2", "flow": "application", "tokenUrl": "https://a.example/token", "scopes": {}},
            {
                "oauth2": {
                    "token_url": "https://a.example/token",
                    "client_id": "interlock",
                    "client_secret": "secret:NAME",
                }
            },
        ),
        ({"type": "oauth2", "flow": "application", "tokenUrl": "/token", "scopes": {}}, {"bearer": "secret:NAME"}),
        ({"type": "oauth2", "flow": "implicit", "authorizationUrl": "https://a.example"}, {"bearer": "secret:NAME"}),
    ],
)
def test_how_a_system_is_authenticated_to_is_proposed(scheme: dict[str, Any], auth: dict[str, Any]) -> None:
    old = {"swagger": "2.0", "info": {"title": "x"}, "paths": {}, "securityDefinitions": {"one": scheme}}
    found = survey(Source("x.json", json.dumps(old).encode())).connection["auth"]
    assert json.loads(json.dumps(found).replace(SECRET, "secret:NAME")) == auth

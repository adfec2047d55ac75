"""What is proposed for a system is on the cautious side, loads as it is, and says what was guessed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.assessment.connecting import Proposal, picked, propose
from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.integration.systems import FILES, SECRET, Catalog, Offer, Survey, build_catalog
from interlock.values.labels import Integrity
from interlock.values.operations import Effect

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
KEY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}
FIND_KEY = {"name": "idempotency_key", "in": "query", "schema": {"type": "string"}}


def answers(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}


PICTURE = {"required": True, "content": {"image/png": {}}}
ORDER = {"type": "object", "properties": {"id": {"type": "string"}, "note": {"type": "string"}}}
ORDERS = {"type": "object", "properties": {"items": {"type": "array", "items": ORDER}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "servers": [{"url": "https://orders.acme.example"}],
    "paths": {
        "/orders": {
            "get": {"operationId": "listOrders", "parameters": [FIND_KEY], "responses": answers(ORDERS)},
            "post": {"operationId": "createOrder", "parameters": [KEY], "responses": answers(ORDER)},
        },
        "/orders/{id}": {
            "delete": {"operationId": "cancelOrder", "parameters": [ID], "responses": answers(ORDER)},
            "put": {"operationId": "putOrder", "parameters": [ID], "responses": answers(ORDER)},
        },
        "/pictures": {"post": {"operationId": "addPicture", "requestBody": PICTURE, "responses": {}}},
    },
}  # fmt: skip
OFFERS = (
    Offer("listOrders", "list_orders", "All of them.", ("orders",), Effect.read),
    Offer("createOrder", "create_order", effect=Effect.write, settings={"idempotency": {"header": "Idempotency-Key"}}),
    Offer("cancelOrder", "cancel_order", effect=Effect.irreversible, idempotent=True),
    Offer("putOrder", "put_order", effect=Effect.write, idempotent=True),
    Offer("addPicture", "add_picture", "A picture", ("pictures",), Effect.write),
)


def surveyed(document: dict[str, Any] = DOCUMENT) -> Survey:
    connection = {"spec": f"{FILES}openapi.json", "auth": {"bearer": SECRET}}
    return Survey("Orders", connection, OFFERS, files={"openapi.json": orjson.dumps(document)}, notes=("look here",))


def made(*offers: Offer, **more: Any) -> Proposal:
    return propose("shop", "openapi", surveyed(**more), offers or OFFERS, source="orders.json", owner="me")


def loaded(proposal: Proposal, root: Path) -> Catalog:
    """Write a proposal as connecting would, and load it."""
    for path, content in proposal.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    packs = [
        parse_document(content, "labels", name=path)
        for path, content in proposal.files.items()
        if path.startswith("labels/")
    ]
    system = parse_document(proposal.files["systems/shop.yaml"], "system", name="systems/shop.yaml")
    return build_catalog([system], root, packs)


def test_what_is_proposed_loads_and_says_what_was_guessed(tmp_path: Path) -> None:
    proposal = made()
    text = proposal.files["systems/shop.yaml"].decode()
    assert sorted(proposal.files) == ["labels/shop.yaml", "services/shop/openapi.json", "systems/shop.yaml"]
    operations = {name: one.operation for name, one in loaded(proposal, tmp_path).operations.items()}
    create, cancel = operations["shop.create_order"], operations["shop.cancel_order"]
    assert create.undo is not None
    assert create.undo.operation == "cancel_order"
    assert create.read_back is not None
    assert create.read_back.call.operation == "shop.list_orders"
    assert create.idempotency_header == "Idempotency-Key"
    assert (cancel.effect, cancel.idempotent) == (Effect.irreversible, True)
    assert operations["shop.put_order"].idempotent
    assert all(one.label.integrity is Integrity.untrusted for one in operations.values())
    assert not [one.output.trusted for one in operations.values() if one.output.trusted]
    for mark in ("by their names", "may be run again", "if it can be taken back", "# - look here", "orders.json"):
        assert mark in text
    assert proposal.notes[-1].startswith("put the secret 'shop'")
    assert "secret:shop" in text


def test_what_may_hold_anything_is_not_offered_as_trusted() -> None:
    order = {"type": "object", "properties": {"id": {"type": "string"}, "data": {}, "total": {"type": "number"}}}
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/orders"]["post"]["responses"] = answers(order)
    text = made(OFFERS[1], document=document).files["systems/shop.yaml"].decode()
    assert "trusted_fields: [/id, /total]" in text


def test_what_cannot_be_used_is_left_out_with_the_reason(tmp_path: Path) -> None:
    proposal = made()
    assert [one.origin for one in proposal.left_out] == ["addPicture"]
    assert "JSON" in proposal.left_out[0].why
    assert "add_picture" not in proposal.operations
    assert loaded(proposal, tmp_path).operations
    nothing = made(OFFERS[-1])
    assert nothing.operations == ()
    assert len(nothing.left_out) == 1


def test_what_is_wrong_with_all_of_it_is_said() -> None:
    with pytest.raises(ProjectInvalid):
        made(document=DOCUMENT | {"openapi": "4.0.0"})


@pytest.mark.parametrize(
    ("name", "said", "effect"),
    [
        ("get_order", None, Effect.write),  # a name alone makes nothing a read
        ("get_order", Effect.read, Effect.read),
        ("delete_order", None, Effect.irreversible),
        ("delete_order", Effect.write, Effect.irreversible),
        ("send_reminder", Effect.write, Effect.irreversible),
        ("create_order", Effect.write, Effect.write),
        ("drop", Effect.irreversible, Effect.irreversible),
    ],
)
def test_an_effect_is_at_least_what_is_said_of_it(
    name: str, said: Effect | None, effect: Effect, tmp_path: Path
) -> None:
    proposal = made(Offer("createOrder", name, effect=said, settings={"idempotency": {"header": "Idempotency-Key"}}))
    if said is Effect.read:  # which the connector does not let a POST be
        proposal = made(Offer("listOrders", name, effect=said))
    assert loaded(proposal, tmp_path).operations[f"shop.{name}"].operation.effect is effect


@pytest.mark.parametrize(
    ("maker", "other", "pairs"),
    [
        ("create_order", "cancel_order", True),
        ("create_orders", "delete_order_by_id", True),
        ("create_order", "cancel_invoice", False),
        ("update_order", "cancel_order", False),
        ("create_order", "close_order", False),
    ],
)
def test_only_what_is_about_the_same_thing_undoes(maker: str, other: str, pairs: bool, tmp_path: Path) -> None:
    proposal = made(
        Offer("createOrder", maker, effect=Effect.write, settings={"idempotency": {"header": "Idempotency-Key"}}),
        Offer("cancelOrder", other, effect=Effect.write),
    )
    undo = loaded(proposal, tmp_path).operations[f"shop.{maker}"].operation.undo
    assert (undo is not None) is pairs


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({}, ["list_orders", "create_order", "cancel_order", "put_order", "add_picture"], id="all"),
        pytest.param({"names": ["*_order"]}, ["create_order", "cancel_order", "put_order"], id="a pattern"),
        pytest.param({"names": ["listOrders"]}, ["list_orders"], id="an origin"),
        pytest.param({"tags": ["Pictures"]}, ["add_picture"], id="a tag"),
        pytest.param({"names": ["put_order"], "tags": ["orders"]}, ["list_orders", "put_order"], id="either"),
        pytest.param({"search": "order cancel"}, ["cancel_order"], id="words"),
        pytest.param({"search": "order"}, ["create_order", "cancel_order", "put_order", "list_orders"], id="best"),
        pytest.param({"search": "nothing"}, [], id="nothing"),
    ],
)  # fmt: skip
def test_operations_are_picked(given: dict[str, Any], found: list[str]) -> None:
    assert [offer.name for offer in picked(OFFERS, **given)] == found


def test_what_is_deprecated_is_picked_by_its_name_alone() -> None:
    old = Offer("x", "old_one", deprecated=True)
    assert picked([old]) == []
    assert picked([old], search="old") == []
    assert picked([old], names=["old_one"]) == [old]


WORDS = st.text(max_size=60)


@settings(max_examples=100, deadline=None)
@given(WORDS, WORDS, WORDS, WORDS)
def test_whatever_is_written_in_a_source_the_files_load(title: str, description: str, note: str, owner: str) -> None:
    survey = Survey(title, {"spec": f"{FILES}openapi.json"}, (), files=surveyed().files, notes=(note,))
    offer = Offer("listOrders", "list_orders", " ".join(description.split()), effect=Effect.read)
    proposal = propose("shop", "openapi", survey, [offer], source=title, owner=owner.strip())
    text = proposal.files["systems/shop.yaml"]
    document = parse_document(text, "system", name="x", environment={})
    assert document.data["operations"]["list_orders"].get("description", "") == " ".join(description.split())
    assert document.data["owner"] == owner.strip()

"""Facades as their files declare them: what is wrong is found before anything runs, and named where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid, parse_document, pointer_of
from interlock.governance.labels.masking import masked
from interlock.integration.contracts import Contract
from interlock.integration.facades import Facade, ListBroken, facade_from_document
from interlock.integration.facades.fields import Inputs, Outputs, member, part, path_of
from interlock.integration.facades.paging import Counting, Following, Keyed
from interlock.integration.systems import Catalog, build_catalog
from interlock.values.labels import Label

SHOP = """
system: shop
connector: sql
connection: {url: "sqlite:///shop.db"}
operations:
  get:
    from: SELECT id, name FROM thing WHERE id = :id
    effect: read
    input: {id: integer}
    columns: {id: integer, name: string}
    rows: one
  list:
    from: SELECT id, name FROM thing WHERE name > :after ORDER BY name LIMIT :limit
    effect: read
    input: {after: "string?", limit: integer}
    columns: {id: integer, name: string}
    rows: many
  put:
    from: UPDATE thing SET name = :name WHERE id = :id
    effect: write
    input: {id: integer, name: string}
    rows: none
"""
FAX = """
system: fax
connector: external
operations:
  send:
    effect: irreversible
    input: {type: object, properties: {to: {type: string}}}
"""


WEB = """
system: web
connector: http
connection: {base_url: "http://127.0.0.1:1"}
operations:
  search:
    from: POST /search
    effect: read
    input:
      type: object
      properties:
        filter: {type: object, properties: {owner: {type: string}, state: {type: string}}}
        limit: {type: integer, minimum: 1, maximum: 20}
        after: {type: string}
"""


PAGE = {"limit": "limit", "cursor": "after", "last": "id"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    documents = [parse_document(text.encode(), "system", name="systems/x.yaml") for text in (SHOP, FAX, WEB)]
    return build_catalog(documents, Path())


def compiled(catalog: Catalog, **operations: Any) -> Facade:
    text = yaml.safe_dump({"facade": "front", "operations": operations})
    return facade_from_document(parse_document(text.encode(), "facade", name="facades/front.yaml"), catalog)


@pytest.mark.parametrize(
    ("endpoint", "pointer", "said"),
    [
        ({"operation": "shop.none", "get": "/a"}, "/operation", "no system declares"),
        ({"operation": "fax.send", "post": "/a"}, "/operation", "its caller carries it out"),
        ({"operation": "shop.put", "get": "/a"}, "/get", "GET promises that nothing changes"),
        ({"operation": "shop.put", "post": "/a", "cache": "1s"}, "/cache", "only what is read"),
        ({"operation": "shop.get", "get": "/a/{nothing}"}, "/get", "none of its arguments"),
        ({"operation": "shop.get", "get": "/a/{id}/{id}"}, "/get", "stands twice"),
        ({"operation": "shop.get", "get": "/graphql"}, "/get", "the facade's own"),
        ({"operation": "shop.get", "get": "/a", "input": {"number": "nothing"}}, "/input/number", "no argument"),
        ({"operation": "shop.get", "get": "/a", "input": {}}, "", "nothing gives the operation's id"),
        ({"operation": "shop.get", "get": "/a", "fixed": {"nothing": 1}}, "/fixed", "no argument"),
        ({"operation": "shop.get", "get": "/a", "output": {"x": "nothing"}}, "/output/x", "has no 'nothing'"),
        ({"operation": "shop.get", "get": "/a", "items": "name"}, "/items", "no list there"),
        ({"operation": "shop.get", "get": "/a", "page": {}}, "/page", "say with `items`"),
        (
            {"operation": "shop.list", "get": "/a", "items": "", "page": {"size": 9, "most": 3}},
            "/page/size",
            "more than",
        ),
        (
            {"operation": "shop.list", "get": "/a", "items": "", "page": {"limit": "none", "offset": "after"}},
            "/page/limit",
            "no argument 'none'",
        ),
        ({"operation": "shop.list", "get": "/a", "items": "", "page": {}}, "/page", "an argument's name as well"),
        (
            {"operation": "shop.put", "post": "/a", "input": {"id": "id", "name": "name"}, "fixed": {"name": "x"}},
            "/input/name",
            "`fixed` set the same place",
        ),
        (
            {"operation": "web.search", "post": "/a", "input": {"all": "filter"}, "fixed": {"/filter/owner": "me"}},
            "/input/all",
            "`fixed` set the same place",
        ),
        (
            {"operation": "web.search", "post": "/a", "input": {"who": "/filter/owner", "all": "filter"}},
            "/input/who",
            "the argument 'all' set the same place",
        ),
        (
            {"operation": "web.search", "post": "/a", "fixed": {"limit": 3}, "items": "", "page": PAGE},
            "",
            "`page` set the same place",
        ),
        (
            {"operation": "web.search", "post": "/a", "items": "", "page": PAGE | {"most": 21}},
            "/page",
            "at most 20 items",
        ),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(
    catalog: Catalog, endpoint: dict[str, Any], pointer: str, said: str
) -> None:
    with pytest.raises(ProjectInvalid) as caught:
        compiled(catalog, one=endpoint)
    found = [(finding.pointer, finding.message) for finding in caught.value.findings]
    assert any(place == f"/operations/one{pointer}" and said in message for place, message in found), found


def test_one_way_leads_to_one_operation(catalog: Catalog) -> None:
    with pytest.raises(ProjectInvalid, match="is the way of 'one' already"):
        compiled(
            catalog,
            one={"operation": "shop.get", "get": "/a/{id}"},
            two={"operation": "shop.get", "get": "/a/{other}", "input": {"other": "id"}},
        )


def test_two_methods_at_once_are_none(catalog: Catalog) -> None:
    with pytest.raises(ProjectInvalid, match="more than one of the forms"):
        compiled(catalog, one={"operation": "shop.get", "get": "/a", "post": "/a"})


def test_shapes_follow_the_names(catalog: Catalog) -> None:
    facade = compiled(
        catalog,
        one={"operation": "shop.get", "get": "/a/{number}", "input": {"number": "id"}, "output": {"called": "name"}},
    )
    endpoint = facade.endpoints["one"]
    assert endpoint.input_schema["required"] == ["number"]
    assert endpoint.input_schema["properties"]["number"]["type"] == "integer"
    assert endpoint.output_schema(endpoint.compiled.operation.output_schema)["properties"].keys() == {"called"}  # type: ignore[index]  # it has a schema
    asked = endpoint.ask({"number": 4})
    assert (asked.operation, asked.arguments) == ("shop.get", {"id": 4})
    assert asked.tell({"id": 4, "name": "Four"}) == {"called": "Four"}


names = st.sampled_from(["a", "b", "c~d", "e/f", "0"])
values = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(names, min_size=1, max_size=4).map(tuple))
def test_a_pointer_is_read_as_it_is_written(path: tuple[str, ...]) -> None:
    assert path_of(pointer_of(path)) == path


def described(value: Any) -> dict[str, Any]:
    """Return a schema that holds for *value* and for nothing of another shape."""
    if isinstance(value, dict):
        properties = {name: described(one) for name, one in value.items()}
        return {"type": "object", "properties": properties, "required": list(value), "additionalProperties": False}
    if isinstance(value, list):
        return {"type": "array", "items": {"anyOf": [described(one) for one in value]} if value else {}}
    return {"const": value}


def places(value: Any) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [()]
    return [(name, *rest) for name, one in value.items() for rest in ([()] if not one else places(one))]


@given(st.dictionaries(names, values, min_size=1, max_size=4), st.data())
def test_what_is_told_fits_the_schema_that_is_promised(value: dict[str, Any], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(places(value)), min_size=1, max_size=4))
    outputs = Outputs({f"out{number}": path for number, path in enumerate(chosen)})
    promised = outputs.schema(described(value))
    told = outputs.outward(value)
    assert Contract(promised).holds(told)
    assert told == {f"out{number}": member(value, path) for number, path in enumerate(chosen)}


@given(st.dictionaries(names, values, min_size=1, max_size=4))
def test_what_is_given_arrives_where_it_belongs(value: dict[str, Any]) -> None:
    inner = described(value)
    inputs = Inputs({f"in{number}": path for number, path in enumerate(places(value))}, {})
    given_values = {name: member(value, path) for name, path in inputs.places.items()}
    assert Contract(inputs.schema(inner)).holds(given_values)
    assert inputs.inward(given_values) == value


def test_references_are_followed_and_stay() -> None:
    schema = {
        "type": "object",
        "properties": {"owner": {"$ref": "#/$defs/person"}},
        "$defs": {
            "person": {"type": "object", "properties": {"boss": {"$ref": "#/$defs/person"}, "age": {"type": "integer"}}}
        },
    }
    assert part(schema, ("owner", "boss", "boss", "age")) == {"type": "integer"}
    shown = Outputs({"who": ("owner", "boss")}).schema(schema)
    assert Contract(shown).holds({"who": {"boss": {"age": 4}}})
    assert not Contract(shown).holds({"who": {"boss": {"age": "4"}}})


def listed(catalog: Catalog, **page: Any) -> Any:
    """Return what tells pages of an operation whose results are of no declared form."""
    front = compiled(catalog, one={"operation": "web.search", "post": "/a", "items": "/rows", "page": page})
    return lambda output, **given: front.endpoints["one"].ask(given).tell(output)


def test_what_a_file_fixes_stays_fixed(catalog: Catalog) -> None:
    one = {"operation": "web.search", "post": "/a", "input": {"s": "/filter/state"}, "fixed": {"/filter/owner": "me"}}
    asked = compiled(catalog, one=one).endpoints["one"].ask({"s": "open"})
    assert asked.arguments == {"filter": {"owner": "me", "state": "open"}}


@pytest.mark.parametrize("output", [{"rows": {"id": 1}}, {"rows": "none"}, {"items": []}, None, [], "x"])
def test_what_is_no_list_is_not_shown_as_an_empty_one(catalog: Catalog, output: Any) -> None:
    with pytest.raises(ListBroken, match="no list"):
        listed(catalog, limit="limit", cursor="after", last="id")(output)


def test_a_list_ends_where_nothing_more_is_given(catalog: Catalog) -> None:
    """A system may give fewer than asked for by a limit of its own."""
    three: dict[str, Any] = {"rows": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}
    none: dict[str, Any] = {"rows": []}
    keyed = listed(catalog, limit="limit", cursor="after", last="id")
    assert "next" in keyed({"rows": [{"id": str(number)} for number in range(20)]})
    assert "next" not in keyed(three), "it says that it gives up to twenty at once"
    assert "next" not in keyed(none)
    for walk in (Keyed("after", "n", ("id",)), Counting("skipped", "n")):
        assert walk.page(three["rows"], three, None, 10)[1] in ("c", 3)
        assert walk.page([], none, None, 10)[1] is None


def test_a_list_that_cannot_go_on_is_an_error(catalog: Catalog) -> None:
    keyed = Keyed("after", "n", ("id",))
    for last, position in (({"name": "x"}, None), ({"id": None}, None), ({"id": {"a": 1}}, None), ({"id": "a"}, "a")):
        with pytest.raises(ListBroken):
            keyed.page([last], None, position, 1)
    following = Following("after", "", ("next",))
    for result, position in (({"next": "a"}, "a"), ({"next": ["a"]}, None), ({"next": True}, None)):
        with pytest.raises(ListBroken):
            following.page([1], result, position, 1)
    for ending in ({"next": None}, {"next": ""}, {}):
        assert following.page([1], ending, None, 1)[1] is None


def test_whoever_may_not_see_where_a_list_goes_on_learns_that_it_does(catalog: Catalog) -> None:
    hidden = masked(Label())
    shown = listed(catalog, limit="limit", cursor="after", next="next")({"rows": [{"id": "a"}], "next": hidden})
    assert shown == {"items": [{"id": "a"}], "next": hidden}

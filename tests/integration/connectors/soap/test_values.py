"""Values there and back: what is written fits the schema itself, another reader agrees, and nothing is lost."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from interlock.integration.connectors.soap.documents import load_wsdl
from interlock.integration.connectors.soap.envelopes import unwrapped, wrapped
from interlock.integration.connectors.soap.reading import AnswerUnfit, Reader, parse
from interlock.integration.connectors.soap.texts import KINDS, TextUnfit, kind_of
from interlock.integration.connectors.soap.writing import ValueUnfit, Writer
from interlock.integration.contracts import Contract, Definition
from tests.integration.connectors.soap.catalogue import NS, SCHEMA, files
from tests.integration.connectors.soap.ledger import described, system

OPERATIONS = {name: {"from": f"Old/{name}", "effect": "write"} for name in ("Order", "Tree", "Ping", "Rounds", "Paint")}
OPERATIONS["Add"] = {"from": "Add", "effect": "write"}
ORDER = {"number": "AB123", "card": "4711", "amount": {"value": "1.5", "@currency": "EUR"}, "rate": 1, "@level": 2}
SIGN = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="\ufffe\uffff"
)
WORD = st.text(SIGN, min_size=1, max_size=8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("catalogue")
    files(found)
    return found


@pytest.fixture(scope="module")
def definitions(root: Path) -> Mapping[str, Definition]:
    operations = {name.lower(): one for name, one in OPERATIONS.items()}
    found = described(root, system(operations=operations))
    assert not found.troubles
    return found.definitions


@pytest.fixture(scope="module")
def schema(root: Path) -> etree.XMLSchema:
    (root / "catalogue.xsd").write_text(SCHEMA, "utf-8")
    return etree.XMLSchema(etree.parse(str(root / "catalogue.xsd")))


def written(definition: Definition, value: Any) -> bytes:
    binding = definition.binding
    body = Writer(binding["types"]).element(binding["input"]["element"], binding["input"]["type"], value)
    return wrapped(binding["soap"], [], body)


def read_back(definition: Definition, envelope: bytes) -> Any:
    content = unwrapped(parse(envelope)).content
    assert content is not None
    return Reader(definition.binding["types"]).value(content, definition.binding["input"]["type"])


def with_lists(definition: Definition, value: Any) -> Any:
    """Return *value* as it is read: with an empty list for each that is absent."""
    return _lists(definition.input_schema, value, definition.input_schema)


def _lists(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema and isinstance(value, dict):
        variants = [root["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in schema["anyOf"]]
        schema = next(one for one in variants if one["properties"]["@xsi:type"]["const"] == value["@xsi:type"])
    if isinstance(value, list):
        return [_lists(schema["items"], one, root) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _lists(schema["properties"][key], one, root) for key, one in value.items()}
    for key, part in schema["properties"].items():
        if part.get("type") == "array" and key not in {"sizes", "words"}:
            found.setdefault(key, [])
    return found


def like(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values of *schema*, as far as schemas of this connector go."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return st.one_of([like(one, root, depth + 1) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    kind = schema["type"]
    if isinstance(kind, list):
        return st.one_of([like({**schema, "type": one}, root, depth) for one in kind])
    if kind == "object":
        return _objects(schema, root, depth)
    if kind == "array":
        if depth > 6:
            return st.just([])
        most = schema.get("maxItems", 3)
        items = like(schema["items"], root, depth + 1)
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=max(most, schema.get("minItems", 0)))
    if kind == "string":
        return _strings(schema)
    if kind == "integer":
        return st.integers(schema["minimum"], min(schema["maximum"], schema.get("exclusiveMaximum", 2**64) - 1))
    return {"number": st.floats(allow_nan=False, allow_infinity=False), "boolean": st.booleans(), "null": st.none()}[
        kind
    ]


def _strings(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("contentEncoding"):
        return st.binary(max_size=20).map(lambda content: base64.b64encode(content).decode())
    pattern = schema.get("pattern")
    named = {KINDS[name].schema({}).get("pattern"): name for name in ("time", "duration", "decimal")}
    if named.get(pattern) == "time":
        return st.times().map(lambda time: time.isoformat())
    if named.get(pattern) == "duration":
        return st.sampled_from(["P1D", "-PT3.5S", "P1Y2M"])
    return st.from_regex(pattern, fullmatch=True) if pattern else st.lists(WORD, max_size=3).map(" ".join)


def _objects(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    special = {"either": st.sampled_from(["7", "2026-01-02"]), "words": st.lists(st.sampled_from(["a", "b.c", "-1"]))}
    parts = {
        key: special[key] if key in special else like(part, root, depth + 1)
        for key, part in schema["properties"].items()
        if depth <= 6 or key in schema.get("required", ())  # what holds itself must end
    }
    always = {key: parts.pop(key) for key in schema.get("required", ())}
    choices = [one["oneOf"] for one in schema.get("allOf", ())] + ([schema["oneOf"]] if "oneOf" in schema else [])
    among = [[one.get("required", []) for one in options] for options in choices]
    among = [[[key for key in keys if key not in always] for keys in options] for options in among]
    chosen = {key: parts.pop(key) for options in among for keys in options for key in keys}
    made = [
        st.sampled_from(options).flatmap(lambda keys: st.fixed_dictionaries({k: chosen[k] for k in keys}))
        for options in among
    ]
    whole = st.fixed_dictionaries(always, optional=parts)
    return st.tuples(whole, *made).map(lambda found: {key: one for part in found for key, one in part.items()})


@pytest.mark.parametrize("name", ["order", "tree", "ping", "rounds", "paint"])
def test_what_fits_the_contract_is_written_by_the_schema_and_read_back(
    definitions: Mapping[str, Definition], schema: etree.XMLSchema, name: str
) -> None:
    definition = definitions[name]
    contract = Contract(definition.input_schema)

    @settings(max_examples=150, deadline=None)
    @given(like(definition.input_schema, definition.input_schema))
    def check(value: Any) -> None:
        assert contract.holds(value)
        envelope = written(definition, value)
        message = etree.fromstring(envelope)[0][0]
        assert schema.validate(message), schema.error_log
        assert read_back(definition, envelope) == with_lists(definition, value)

    check()


def test_a_value_of_an_abstract_type_says_of_which_it_is(definitions: Mapping[str, Definition]) -> None:
    circle = {"@xsi:type": "Circle", "name": "c", "radius": 1.5, "@type": "thin"}
    value = {"figure": [circle, {"@xsi:type": "Frame", "name": "f", "inner": circle}]}
    assert Contract(definitions["paint"].input_schema).holds(value)
    assert read_back(definitions["paint"], written(definitions["paint"], value)) == value
    for wrong in ({"name": "c"}, circle | {"@xsi:type": "Figure"}, circle | {"@xsi:type": "Frame"}):
        assert not Contract(definitions["paint"].input_schema).holds({"figure": [wrong]})
        with pytest.raises(ValueUnfit):
            written(definitions["paint"], {"figure": [wrong]})
    for kind in ("", ' xsi:type="c:Round"'):
        with pytest.raises(AnswerUnfit, match="of a type that the WSDL does not describe"):
            answered(definitions["paint"], f"<c:figure{kind}><c:name>x</c:name></c:figure>")


def test_another_reader_of_the_same_wsdl_agrees(root: Path, definitions: Mapping[str, Definition]) -> None:
    document = load_wsdl(root, "service.wsdl").document
    ports = document.services["Shop"].ports
    value = {"name": "n", "child": [{"name": "m", "child": [{"name": "o"}]}, {"name": ""}]}
    tree = etree.fromstring(written(definitions["tree"], value))[0][0]
    found = ports["Old"].binding.get("Tree").input.body.parse(tree, document.types)
    assert (found.name, found.child[0].child[0].name, found.child[1].name) == ("n", "o", None)

    added = etree.fromstring(written(definitions["add"], {"a": 1, "node": {"name": "n", "child": [{"name": "m"}]}}))[0][
        0
    ]
    assert added.tag == "{urn:sums}Add"
    sums = ports["Sums"].binding.get("Add").input.body.parse(added, document.types)
    assert (sums.a, sums.node.name, sums.node.child[0].name) == (1, "n", "m")


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"number": "AB12"}, False),
        ({"invoice": {"to": "x"}}, False),  # beside `card`
        ({"card": None}, False),
        ({"mail": "m"}, True),
        ({"mail": "m", "phone": "p"}, False),
        ({"part": [{"sku": "a"}] * 4}, False),
        ({"part": [{"sku": "a", "colour": "green"}]}, False),
        ({"amount": None}, False),  # `currency` is needed even where there is no amount
        ({"amount": {"value": 1.5, "@currency": "EUR"}}, False),
        ({"amount": {"value": "1.5"}}, False),
        ({"sizes": [1, 2]}, True),
        ({"days": 256}, False),
        ({"rate": "NaN"}, True),
        ({"rate": "nan"}, False),
        ({"@level": 6}, False),
        ({"items": [{"text": "a", "pause": "P1D"}]}, False),
        ({"items": [{"text": "a"}, {"pause": "P1D"}, {"text": "b"}]}, True),
        ({"unknown": 1}, False),
    ],
)
def test_arguments_are_held_to_the_types(
    definitions: Mapping[str, Definition], change: dict[str, Any], fits: bool
) -> None:
    assert Contract(definitions["order"].input_schema).holds(ORDER | change) is fits


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"card": "a", "bank": "b"}, "bank and card, of which only one goes"),
        ({"bank": "b", "card": 0}, "bank and card"),
        ({"number": 1}, "/number is no text"),
        ({"part": {}}, "/part is no list"),
        ({"part": [{}]}, "/part/0/sku is missing"),
        ({"part": [{"sku": "a"}] * 4}, "/part has not from 0 to 3 members"),
        ({"amount": {"value": "x", "@currency": "EUR"}}, "/amount/value is no decimal number"),
        ({"amount": "1.5"}, "/amount is no object"),
        ({"sizes": ["a"]}, "/sizes/0 is no whole number"),
        ({"words": ["a b"]}, "/words/0 is not a single word"),
        ({"words": "a"}, "/words is no list"),
        ({"items": [{"text": "a", "pause": "P1D"}]}, "/items/0 has pause and text, of which only one goes"),
        ({"items": [7]}, "/items/0 is no object"),
        ({"unknown": 1}, "/unknown is not known"),
        ({"rate": float("nan")}, "/rate is no number"),
        ({"number": "\ud800"}, "/number holds a sign that XML has not"),
    ],
)
def test_what_does_not_fit_is_not_written(
    definitions: Mapping[str, Definition], change: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueUnfit) as caught:
        written(definitions["order"], ORDER | change)
    assert says in str(caught.value)


def test_what_holds_itself_goes_only_so_deep(definitions: Mapping[str, Definition]) -> None:
    assert "$ref" in str(definitions["tree"].input_schema)
    deep: dict[str, Any] = {"name": "leaf"}
    for _ in range(70):
        deep = {"name": "n", "child": [deep]}
    with pytest.raises(ValueUnfit, match="deeper than 64 levels"):
        written(definitions["tree"], deep)


# --- reading ---------------------------------------------------------------------------------------------------------


def answered(definition: Definition, inner: str) -> Any:
    name = definition.binding["output"]["element"].rpartition("}")[2]
    text = f'<c:{name} xmlns:c="{NS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{inner}</c:{name}>'
    return Reader(definition.binding["types"]).value(parse(text.encode()), definition.binding["output"]["type"])


def test_rounds_of_a_group_are_told_apart(definitions: Mapping[str, Definition]) -> None:
    inner = (
        "<c:key>1</c:key><c:tag>a</c:tag><c:tag>b</c:tag><c:key>2</c:key><c:note>n</c:note>"
        "<c:key>3</c:key><c:note/><c:tag>c</c:tag>"
    )
    assert answered(definitions["rounds"], inner) == {
        "items": [
            {"key": "1", "tag": ["a", "b"]},
            {"key": "2", "note": "n", "tag": []},
            {"key": "3", "note": "", "tag": ["c"]},
        ]
    }


def test_what_the_wsdl_does_not_know_is_left_out_or_given_as_xml(definitions: Mapping[str, Definition]) -> None:
    assert answered(definitions["tree"], "<c:name>n</c:name><c:new>x</c:new>") == {"name": "n", "child": []}
    found = answered(definitions["order"], '<c:id>7</c:id><o:extra xmlns:o="urn:o">x<o:y/></o:extra>')
    assert found["id"] == 7
    assert found["xml"] == ['<ns0:extra xmlns:ns0="urn:o">x<ns0:y /></ns0:extra>']


def test_comments_and_white_space_are_no_values(definitions: Mapping[str, Definition]) -> None:
    assert answered(definitions["order"], "<c:id> 1<!-- -->2 </c:id>")["id"] == 12


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ("<c:id>x</c:id>", "'id' that is no whole number"),
        ("<c:id>9223372036854775808</c:id>", "'id' that is no whole number"),
        ("<c:id/>", "'id' that is no whole number"),
        ("<c:id>1</c:id><c:id>2</c:id>", "'id' twice"),
    ],
)
def test_results_that_are_not_of_their_type(definitions: Mapping[str, Definition], inner: str, says: str) -> None:
    with pytest.raises(AnswerUnfit, match=says):
        answered(definitions["order"], inner)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", " 1 ", True),
        ("boolean", "false", False),
        ("decimal", "+007.50", "007.50"),
        ("decimal", "-.5", "-0.5"),
        ("decimal", "5.", "5"),
        ("double", "INF", "INF"),
        ("double", "+INF", "INF"),
        ("float", "1e3", 1000.0),
        ("int", "+5", 5),
        ("token", " a \n b\u00a0c ", "a b\u00a0c"),
        ("string", " a\n", " a\n"),
        ("base64Binary", "YW\nJj", "YWJj"),
        ("dateTime", "2026-01-02T24:00:00-05:00", "2026-01-02T24:00:00-05:00"),
        ("anyURI", "urn:x", "urn:x"),
    ],
)
def test_texts_are_read_as_their_kind(kind: str, text: str, value: Any) -> None:
    assert kind_of(kind).read(text) == value
    schema = kind_of(kind).schema({})
    assert Contract(schema).holds(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("boolean", "yes"), ("decimal", "1e3"), ("decimal", "\u0661"), ("int", "2147483648"), ("int", "\u0661"),
     ("float", "1e999"), ("float", "Infinity"), ("base64Binary", "?"), ("unsignedByte", "-1")],
)  # fmt: skip
def test_texts_that_are_none_of_their_kind(kind: str, text: str) -> None:
    with pytest.raises(TextUnfit):
        kind_of(kind).read(text)


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_goes_there_and_back_or_is_refused(text: str) -> None:
    records = {"r": {"content": [], "text": {"kind": "string"}}}
    try:
        node = Writer(records).element("e", {"ref": "r"}, {"value": text})
    except ValueUnfit:
        assert any((sign < " " and sign not in "\t\n\r") or sign in "\ufffe\uffff" for sign in text)
        return
    content = unwrapped(parse(wrapped("1.1", [], node))).content
    assert content is not None
    assert Reader(records).value(content, {"ref": "r"}) == {"value": text}

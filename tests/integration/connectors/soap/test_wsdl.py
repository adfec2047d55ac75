"""What is read of a WSDL, and what is refused: nothing is fetched, nothing is expanded, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from interlock.integration.connectors import packages
from interlock.integration.connectors.errors import PackageMissing
from interlock.integration.connectors.soap import plugin
from interlock.integration.contracts import Contract
from tests.integration.connectors.soap.catalogue import PARTS, files, wsdl
from tests.integration.connectors.soap.ledger import declared, described, system

ADD = {"add": {"from": "Add", "effect": "write"}}
FTP = '<wsdl:import namespace="a" location="ftp://there.example/y"/>'
TREE = {"tree": {"from": "Shop/Old/Tree", "effect": "read"}}


def trouble(root: Path, operations: dict[str, Any] | None = None, **connection: Any) -> tuple[str, str]:
    found = described(root, system(operations=operations or ADD, **connection))
    assert len(found.troubles) == 1
    return found.troubles[0].pointer, found.troubles[0].message


def test_operations_are_named_in_full_or_by_what_is_enough(tmp_path: Path) -> None:
    files(tmp_path)
    names = {"one": "Shop/Old/Tree", "two": "New/Tree", "three": "Add"}
    operations = {name: {"from": origin, "effect": "write"} for name, origin in names.items()}
    found = described(tmp_path, system(operations=operations))
    assert not found.troubles
    assert [one.binding["soap"] for one in found.definitions.values()] == ["1.1", "1.2", "1.1"]
    assert found.definitions["three"].description == "Adds."
    assert found.definitions["one"].binding["address"] == "http://127.0.0.1:1/old"


def test_the_address_is_part_of_the_definition_only_where_it_is_used(tmp_path: Path) -> None:
    files(tmp_path)
    assert "address" not in described(tmp_path, system("http://there.example/", ADD)).definitions["add"].binding


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ("Tree", "could be any of Shop/Old/Tree, Shop/New/Tree; write one of them in full"),
        ("ree", "names no operation of the WSDL; there are: Add, Draw, Order, Paint, Ping, Rounds, Tell, Tree"),
        ("Get/Add", "names no operation"),
        ("Old/Draw", "needs 'shape', of an abstract type that has no or too many kinds"),
    ],
)
def test_an_operation_that_cannot_be_used_is_a_trouble(tmp_path: Path, origin: str, says: str) -> None:
    files(tmp_path)
    pointer, message = trouble(tmp_path, {"one": {"from": origin, "effect": "read"}})
    assert pointer == "/operations/one/from"
    assert says in message


def test_encoded_and_overloaded_operations_are_refused(tmp_path: Path) -> None:
    files(tmp_path, wsdl(use="encoded"))
    assert "use=encoded" in trouble(tmp_path)[1]
    files(tmp_path, wsdl(twice=True))
    assert "twice under one name" in trouble(tmp_path)[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "", "is no XML"),
        (lambda text: "{}", "is no XML"),
        (lambda text: text[:-20], "is no XML"),
        (lambda text: "<a/>", "names no operation"),
        (lambda text: text.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1), "declares a document type (DTD)"),
        (lambda text: text.replace("?>", '?><!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">', 1), "declares a document"),
        (lambda text: text.replace("schemas/parts.xsd", "https://there.example/parts.xsd"), "nothing is fetched"),
        (lambda text: text.replace("schemas/parts.xsd", "http://127.0.0.1:1/x?xsd=1"), "nothing is fetched"),
        (lambda text: text.replace("schemas/parts.xsd", "../../../etc/hostname"), "no file of the project"),
        (lambda text: text.replace("schemas/parts.xsd", "file:///etc/hostname"), "no file of the project"),
        (lambda text: text.replace("schemas/parts.xsd", "schemas/lost.xsd"), "'schemas/lost.xsd'"),
        (lambda text: text.replace("<wsdl:types>", f"{FTP}<wsdl:types>"), "ftp"),
        (lambda text: text.replace('type="c:Node"', 'type="c:Lost"'), "is no WSDL that can be used"),
        (lambda text: text.replace('type="c:Node"', 'type="lost:Node"'), "is no WSDL that can be used"),
        (lambda text: text.replace("<xs:all>", "<xs:sum>").replace("</xs:all>", "</xs:sum>"), "is no WSDL"),
    ],
    ids=["empty", "json", "cut", "other", "entity", "dtd", "https", "http", "outside", "file", "lost", "ftp", "type",
         "prefix", "schema"],
)  # fmt: skip
def test_a_wsdl_that_cannot_be_used_is_a_trouble(tmp_path: Path, change: Callable[[str], str], says: str) -> None:
    files(tmp_path, change(wsdl()) or " ")
    assert says in trouble(tmp_path)[1]


def test_files_outside_the_project_and_lost_ones_are_refused(tmp_path: Path) -> None:
    files(tmp_path)
    assert trouble(tmp_path, wsdl="../x")[1] == "must be a file of the project, given relative to it"
    assert trouble(tmp_path, wsdl="lost")[1] == "cannot be read: there is no such file"
    assert trouble(tmp_path, imports={"http://a/": "../x"})[1] == "must be a file of the project, given relative to it"
    assert "cannot be read" in trouble(tmp_path, imports={"http://a/": "lost"})[1]


def test_a_wsdl_that_imports_itself_ends(tmp_path: Path) -> None:
    files(tmp_path, wsdl().replace("<wsdl:types>", '<wsdl:import namespace="x" location="service.wsdl"/><wsdl:types>'))
    assert "imports more than 200 documents" in trouble(tmp_path)[1]


def test_what_others_import_from_the_web_is_given_by_files(tmp_path: Path) -> None:
    text = wsdl().replace("schemas/parts.xsd", "https://there.example/parts.xsd")
    files(tmp_path, text)
    (tmp_path / "schemas" / "parts.xsd").write_text(
        PARTS.replace("colours.xsd", "https://there.example/c.xsd"), "utf-8"
    )
    imports = {"https://there.example/parts.xsd": "schemas/parts.xsd"}
    assert "'https://there.example/c.xsd'" in trouble(tmp_path, imports=imports)[1]
    imports["https://there.example/c.xsd"] = "schemas/colours.xsd"
    operations = {"order": {"from": "Old/Order", "effect": "write"}}
    found = described(tmp_path, system(operations=operations, imports=imports))
    assert not found.troubles
    part = found.definitions["order"].input_schema["properties"]["part"]["items"]
    assert part["properties"]["colour"]["enum"] == ["red", "blue"]


def test_the_schemas_that_everybody_imports_are_at_hand(tmp_path: Path) -> None:
    files(
        tmp_path,
        wsdl().replace(
            'schemas/parts.xsd"/>',
            'schemas/parts.xsd"/><xs:import namespace="http://www.w3.org/XML/1998/namespace"/>'
            '<xs:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>',
        ).replace('<xs:attribute name="when" type="xs:time"/>', '<xs:attribute ref="xml:lang"/>'),
    )  # fmt: skip
    found = described(tmp_path, system(operations={"order": {"from": "Old/Order", "effect": "write"}}))
    assert not found.troubles
    assert found.definitions["order"].input_schema["properties"]["@lang"] == {"type": "string"}


def test_names_that_stand_for_two_things_are_refused(tmp_path: Path) -> None:
    twice = '<xs:element name="name" type="xs:string"/>'
    files(tmp_path, wsdl().replace(twice, twice + twice.replace("string", "int"), 1))
    assert "two members 'name' in the type 'Node'" in trouble(tmp_path, TREE)[1]
    files(tmp_path, wsdl().replace(twice, twice + twice, 1))
    assert "a member twice in the type 'Node'" in trouble(tmp_path, TREE)[1]


def test_groups_that_repeat_within_each_other_are_refused(tmp_path: Path) -> None:
    inner = '<xs:element name="text" type="xs:string"/>'
    nested = f'<xs:sequence maxOccurs="2">{inner}<xs:element name="more" type="xs:string"/></xs:sequence>'
    files(tmp_path, wsdl().replace(inner, nested))
    operations = {"order": {"from": "Old/Order", "effect": "write"}}
    assert "within one that repeats" in trouble(tmp_path, operations)[1]


def test_without_services_bindings_stand_for_ports(tmp_path: Path) -> None:
    text = wsdl()
    files(tmp_path, text[: text.index("<wsdl:service")] + "</wsdl:definitions>")
    operations = {"tree": {"from": "Catalogue12/Tree", "effect": "read"}}
    assert trouble(tmp_path, operations) == ("/connection", "needs `url`: the WSDL gives no address of HTTP")
    found = described(tmp_path, system("http://127.0.0.1:1/", operations))
    assert found.definitions["tree"].binding["soap"] == "1.2"


def test_a_large_type_is_written_once(tmp_path: Path) -> None:
    levels = "".join(
        f'<xs:complexType name="L{n}"><xs:sequence>'
        + "".join(
            f'<xs:element name="m{m}" type="{f"c:L{n + 1}" if n < 11 else "xs:int"}" minOccurs="0"/>' for m in range(3)
        )
        + "</xs:sequence></xs:complexType>"
        for n in range(12)
    )
    files(
        tmp_path,
        wsdl().replace('<xs:element name="Tree" type="c:Node"/>', f'{levels}<xs:element name="Tree" type="c:L0"/>'),
    )
    found = described(tmp_path, system(operations=TREE))
    assert not found.troubles, "3 ** 12 members, were they written in place"
    schema = found.definitions["tree"].input_schema
    assert len(schema["$defs"]) == 11
    deep: dict[str, Any] = {"m0": 1}
    for _ in range(11):
        deep = {"m1": deep, "m2": deep}
    assert Contract(schema).holds(deep)
    assert not Contract(schema).holds({"m1": {"m1": 1}})


OPERATIONS = {name.lower(): {"from": f"Old/{name}", "effect": "write"} for name in ("Order", "Tree", "Rounds", "Paint")}
VALUES = ["", "x", "c:Node", "xs:int", "-1", "unbounded", "c:Order", "p:Part", "xs:nothing", "{", "a b", "9" * 30]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_wsdl_whatever_breaks_the_description(tmp_path: Path, data: st.DataObject) -> None:
    files(tmp_path)
    root = etree.fromstring(wsdl().encode())
    for _ in range(data.draw(st.integers(1, 3))):
        nodes = list(root.iterdescendants())
        node, other = (nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        name = data.draw(st.sampled_from(sorted(node.attrib) or ["name"]))
        change = data.draw(st.sampled_from(["lose", "move", "twice", "unset", "set", "tag"]))
        if change == "lose":
            node.getparent().remove(node)
        elif change == "move":
            other.append(deepcopy(node))
        elif change == "twice":
            node.addnext(deepcopy(node))
        elif change == "unset":
            node.attrib.pop(name, None)
        elif change == "set":
            node.set(name, data.draw(st.sampled_from(VALUES)))
        else:
            node.tag = other.tag
    (tmp_path / "service.wsdl").write_bytes(etree.tostring(root))
    found = described(tmp_path, system(operations=OPERATIONS))
    assert found.troubles or set(found.definitions) == set(OPERATIONS)
    for definition in found.definitions.values():
        Contract(definition.input_schema)


@pytest.mark.parametrize(
    "change", [('<xs:group name="Terms"><xs:sequence>', '<xs:group name="Terms"><xs:element name="a"/>')]
)
def test_a_message_that_zeep_cannot_make_sense_of_is_a_trouble(tmp_path: Path, change: tuple[str, str]) -> None:
    text = (
        wsdl().replace(*change).replace('type="xs:double"/></xs:sequence></xs:group>', 'type="xs:double"/></xs:group>')
    )
    files(tmp_path, text)
    assert trouble(tmp_path, {"order": {"from": "Old/Order", "effect": "write"}})


# --- the connection --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "pointer", "says"),
    [
        ({"url": "ftp://x/"}, "/connection/url", "begins with http"),
        ({"url": "http://u:p@x/"}, "/connection/url", "must not hold credentials"),
        ({"headers": {"SOAPAction": "x"}}, "/connection/headers/SOAPAction", "is set by the connector"),
        ({"headers": {"Authorization": "x"}}, "/connection/headers/Authorization", "see `auth`"),
        ({"soap_headers": {"Lost": {}}}, "/connection/soap_headers", "no element of the schemas"),
        ({"soap_headers": {"Credential": {}}}, "/connection/soap_headers", "/Credential/key is missing"),
        ({"soap_headers": {"Credential": {"key": 1}}}, "/connection/soap_headers", "/Credential/key is no text"),
    ],
)
def test_a_connection_that_cannot_be_used_is_a_trouble(
    tmp_path: Path, connection: dict[str, Any], pointer: str, says: str
) -> None:
    files(tmp_path)
    found = trouble(tmp_path, **connection)
    assert found[0] == pointer
    assert says in found[1]


def test_headers_are_named_by_element(tmp_path: Path) -> None:
    files(tmp_path)
    for name in ("Credential", "{urn:catalogue}Credential"):
        content = system(operations=ADD, soap_headers={name: {"key": "secret:ledger"}})
        found = described(tmp_path, content)
        assert not found.troubles
        assert found.definitions["add"].binding["headers"][name]["element"] == "{urn:catalogue}Credential"
        assert "ledger" not in str(found.definitions["add"].to_json())


@pytest.mark.parametrize(
    ("connection", "holds"),
    [
        ({}, True),
        ({"headers": {"X-A": "a"}}, True),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, False),
        ({"headers": {"X A": "a"}}, False),
        ({"security": {"username": "u", "password": "plain"}}, False),
        ({"security": {"username": "u"}}, False),
        ({"refusals": [""]}, False),
    ],
)
def test_the_connection_has_a_schema(connection: dict[str, Any], holds: bool) -> None:
    assert Contract(plugin.connection_schema).holds({"wsdl": "a", **connection}) is holds


def test_without_its_package_the_connector_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path)
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    assert "pip install 'interlock-control[soap]'" in trouble(tmp_path)[1]
    with pytest.raises(PackageMissing):
        plugin.build(declared(system(operations=ADD)), {}, None)  # type: ignore[arg-type]  # nothing is asked of it

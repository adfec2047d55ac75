"""What a declaration may say; it is described without a driver and without a directory."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.ldap.attributes import Kind, ValueUnfit
from interlock.integration.connectors.ldap.filters import FilterInvalid, FilterTemplate
from interlock.integration.connectors.ldap.names import NameInvalid, NameTemplate, escaped, naming, parse
from interlock.integration.connectors.ldap.results import PASSWORD_POLICY, reason_of
from interlock.integration.connectors.ldap.schema import schema_of
from tests.integration.conftest import Workbench
from tests.integration.connectors.ldap.desk import GROUP, PERSON, read, system, write
from tests.integration.connectors.ldap.slapd import BASE

CN = {"cn": "string"}


def found(bench: Workbench, **connection: Any) -> str:
    operation = connection.pop("operation", read("search", filter="(cn=x)", attributes=CN))
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(system(389, {"one": operation}, **connection))
    return "; ".join(f"{one.pointer} {one.message}" for one in refused.value.findings)


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"url": "ldap://ldap.acme.example"}, "/connection/tls would send the password in the clear"),
        ({"url": "ldaps://ldap.acme.example"}, "/connection/tls is false"),
        ({"url": "ldaps://u:p@ldap.acme.example", "tls": None}, "/connection/url must not hold credentials"),
        ({"url": "ldaps://ldap.acme.example/dc=acme", "tls": None}, "and nothing more"),
        ({"url": "ldaps://:636", "tls": None}, "/connection/url"),
        ({"url": "ldaps://h:99999", "tls": None}, "/connection/url is no valid address"),
        ({"url": "http://h"}, "/connection/url"),
        ({"url": "ldaps://h", "tls": None, "ca": "none.pem"}, "/connection/ca names a file"),
        ({"base": "acme"}, "/connection/base is no distinguished name"),
        ({"base": "   "}, "/connection/base must not be empty"),
        ({"auth": {"dn": "cn=x", "password": "in-the-clear"}}, "/connection/auth/password"),
    ],
)
def test_a_connection_that_cannot_be_meant_is_refused(bench: Workbench, connection: dict[str, Any], words: str) -> None:
    assert words in found(bench, **connection)


def test_plain_ldap_is_declared_and_without_a_password_goes_anywhere(bench: Workbench) -> None:
    operations = {"one": read("search", filter="(cn=x)", attributes=CN)}
    assert bench.catalog(system(0, operations, url="ldap://ldap.acme.example", auth=None)).operations
    assert bench.catalog(system(0, operations, url="ldap://ldap.acme.example", tls=None)).operations


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"from": "bind", "effect": "read"}, "/from must be one of: search, read, compare, add"),
        (read("delete", dn=PERSON), "so its effect is another"),
        (write("search", filter="(cn=x)", attributes=CN), "so its effect is another"),
        (read("search", filter="(cn=x)"), "attributes"),
        (read("search", filter="(cn=x)", attributes={"*": "string"}), "options"),
        (read("search", filter="(cn=x)", attributes={"cn;lang-de": "string"}), "options"),
        (read("search", filter="(cn=x)", attributes={"cn": "text"}), "options"),
        (read("search", filter="cn=x", attributes=CN), "filter is no filter: a ( is expected"),
        (read("search", filter="(cn={a})(sn={b})", attributes=CN), "goes on behind its last )"),
        (read("search", filter="({a}=x)", attributes=CN), "an attribute with its value"),
        (read("search", filter="(cn={a b})", attributes=CN), "a { or } that is no place"),
        (read("search", filter="(cn=\\zz)", attributes=CN), "filter is no filter"),
        (read("search", filter="(&)", attributes=CN), "& has nothing behind it"),
        (read("search", filter="(!(cn=x)(cn=y))", attributes=CN), "! has several parts"),
        (read("search", filter="(&" * 40 + "(cn=x)" + ")" * 40, attributes=CN), "nested deeper"),
        (read("search", filter="(&(cn={a}))", optional=["a"], attributes=CN), "would be left empty"),
        (read("search", filter="(|(cn={a})(sn=x))", optional=["a"], attributes=CN), "would be left empty"),
        (read("search", filter="(&(cn={a})(sn=x))", optional=["b"], attributes=CN), "has no place {b}"),
        (read("search", filter="(cn={limit})", attributes=CN), "a name that is taken"),
        (read("search", filter="(cn=x)", base="dc=other", attributes=CN), "does not stand under"),
        (read("search", filter="(cn=x)", attributes=CN, page=5000), "page"),
        (read("read", dn="{where},dc=acme,dc=example", attributes=CN), "dn is no distinguished name"),
        (read("read", dn="cn=x,o={where}", attributes=CN), "does not stand under"),
        (read("read", dn=f"cn=x,{BASE},o={{a}}", attributes=CN), "does not stand under"),
        (read("read", dn=f"cn=x{{,{BASE}", attributes=CN), "no place"),
        (read("read", dn=PERSON, attributes={"userPassword": "string"}), "userPassword holds a secret"),
        (read("search", filter="(USERPASSWORD={x})", attributes=CN), "holds a secret"),
        (read("search", filter="(userPassword;x-a={x})", attributes=CN), "holds a secret"),
        (read("search", filter="(:dn:2.5.4.35:={x})", attributes=CN), "is no filter"),
        (read("search", filter="(2.5.4.35={x})", attributes=CN), "is no filter"),
        (read("compare", dn=PERSON, attribute="userPassword"), "whether a password is right"),
        (write("rename", dn=PERSON, to="uid={a},ou=b"), "must be one part of a name"),
        (write("rename", dn=PERSON, to="uid={a}", under="ou=x,dc=other"), "under does not stand under"),
        (write("rename", dn=PERSON, to="uid={a}", idempotent=True), "cannot be run twice"),
        (write("add", dn=PERSON, classes=["person"], attributes=CN, required=["sn"]), "required names sn"),
        ({**write("delete", dn=PERSON), "idempotency": {"header": "X-Key"}}, "takes no key"),
        ({**write("delete", dn=PERSON), "input": {"properties": {"x": {}}}}, "declares 'x'"),
        ({**write("delete", dn=PERSON), "input": {"properties": {"uid": {"type": "array"}}}}, "fills a place"),
        ({**write("delete", dn=PERSON), "input": {"properties": {"uid": {"type": "string"}}}}, "needs a minLength"),
        (
            {**write("delete", dn=PERSON), "input": {"properties": {"uid": {"type": "string", "enum": 1}}}},
            "JSON Schema",
        ),
    ],
)
def test_an_operation_that_cannot_be_meant_is_refused(bench: Workbench, operation: dict[str, Any], words: str) -> None:
    assert words in found(bench, operation=operation)


def test_arguments_follow_from_places_and_attributes_and_can_be_narrowed(bench: Workbench) -> None:
    narrowed = {"properties": {"group": {"type": "string", "enum": ["buyers"]}}}
    join = {**write("modify add", dn=GROUP, attributes={"member": "dn"}, required=["member"]), "input": narrowed}
    schema = bench.catalog(system(389, {"join": join})).operations["directory.join"].operation.input_schema
    assert schema["properties"]["group"] == {"type": "string", "enum": ["buyers"]}
    assert schema["properties"]["member"]["type"] == "string"
    assert schema["required"] == ["group", "member"]
    usual = {"properties": {"kind": {"type": "string", "minLength": 1, "default": "staff"}}}
    find = {**read("search", filter="(employeeType={kind})", attributes=CN), "input": usual}
    schema = bench.catalog(system(389, {"find": find})).operations["directory.find"].operation.input_schema
    assert set(schema["properties"]) == {"kind", "limit"}
    assert "required" not in schema


def test_a_place_may_stand_anywhere_under_the_base(bench: Workbench) -> None:
    for name in (f"cn=x,ou={{a}},ou=b,ou={{c}}-{{d}},{BASE}", f"cn={{a}}+sn={{c}}{{d}},{BASE.upper()}"):
        operation = read("read", dn=name, attributes=CN)
        found = bench.catalog(system(389, {"one": operation})).operations["directory.one"].operation
        assert found.input_schema["required"] == ["a", "c", "d"]


# --- names, filters, values ------------------------------------------------------------------------------------------

ANY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(value=ANY)
def test_a_value_in_a_name_is_one_value(value: str) -> None:
    name = NameTemplate(f"uid={{uid}},ou=people,{BASE}", parse(BASE)).fill({"uid": value})
    assert parse(name)[1:] == parse(f"ou=people,{BASE}")
    assert naming(name) == {"uid": value}
    assert parse(f"cn=a{escaped(value)}b") != ()


@given(value=ANY)
def test_a_value_in_a_filter_is_one_value(value: str) -> None:
    filled = FilterTemplate("(&(a=x)(cn=*{v}*))").fill({"v": value})
    assert filled.count("(") == 3
    octets = filled.removeprefix("(&(a=x)(cn=*").removesuffix("*))").encode()
    assert b"*" not in octets
    assert re.sub(rb"\\(..)", lambda one: bytes.fromhex(one[1].decode()), octets) == value.encode()
    assert FilterTemplate(filled).attributes == {"a", "cn"}


@given(text=ANY)
def test_what_is_no_name_or_filter_is_refused_and_never_breaks(text: str) -> None:
    with suppress(NameInvalid):
        parse(text)
    with suppress(FilterInvalid):
        FilterTemplate(text)


def test_names_are_compared_as_directories_do() -> None:
    assert parse("UID=Ann\\20 Other , OU = People") == parse("uid=ann  other,ou=people")
    assert parse("cn=a\\2Cb+sn=x") == parse("sn=X+cn=A\\,B")
    assert parse("") == ()
    for text in ("x", "=x", "cn=", "cn=a,", 'cn="a"', "cn=a\\", "cn=a<b", ",cn=a", "cn=a,,cn=b", "1=x"):
        with pytest.raises(NameInvalid):
            parse(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260302090000Z", "2026-03-02T09:00:00Z"),
        ("202603021000+0100", "2026-03-02T09:00:00Z"),
        ("2026030210+01", "2026-03-02T09:00:00Z"),
        ("20260302090000.5Z", "2026-03-02T09:00:00.500000Z"),
        ("2026030209,5Z", "2026-03-02T09:30:00Z"),
        ("20261231235960Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_moments_are_written_as_rfc_3339(text: str, moment: str) -> None:
    assert Kind("time").read("t", [text.encode()]) == moment


@pytest.mark.parametrize("text", ["20260302090000", "20261302090000Z", "2026030209Zx", "00000101000000Z", "now"])
def test_what_is_no_moment_is_unfit(text: str) -> None:
    with pytest.raises(ValueUnfit):
        Kind("time").read("t", [text.encode()])


def test_integers_are_exact_and_others_unfit() -> None:
    assert Kind("integer").read("n", [b"-42"]) == -42
    for text in (b"", b"1.0", b"007", b"1" * 30, b"\xff", "١".encode()):
        with pytest.raises(ValueUnfit):
            Kind("integer").read("n", [text])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data 775, v4563", "account_locked"),
        ("80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data 532, v4563", "password_expired"),
        ("80090308: LdapErr: DSID-0C09, comment: AcceptSecurityContext error, data 52e, v4563", ""),
        ("", ""),
    ],
)
def test_why_a_login_is_refused_is_one_word(words: str, reason: str) -> None:
    assert reason_of({"message": words}) == reason
    control = {"controls": {PASSWORD_POLICY: {"value": bytes.fromhex("3003810101")}}}
    assert reason_of({**control, "message": words}) == "account_locked"
    for broken in (b"", b"\x30", b"\x30\x03\x81\x01", b"\xff" * 40, None):
        assert reason_of({"controls": {PASSWORD_POLICY: {"value": broken}}}) == ""


def test_a_schema_says_types_and_what_classes_hold() -> None:
    schema = schema_of(
        [
            "( 1.1 NAME 'name' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
            "( 1.2 NAME ( 'cn' 'commonName' ) DESC 'a (paren) $ NAME' SUP name )",
            "( 1.3 NAME 'age' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )",
            "( 1.4 NAME 'loop' SUP loop )",
            "nonsense (",
            "x" * 30000,
        ],
        [
            "( 2.1 NAME 'top' ABSTRACT MUST objectClass )",
            "( 2.2 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( age $ description ) )",
        ],
    )
    assert schema.kind("commonname") == Kind("string", many=True)
    assert schema.kind("age") == Kind("integer")
    assert schema.kind("loop") == Kind("string", many=True)
    assert schema.kind("none") is None
    assert schema.must("PERSON") == ("sn", "cn", "objectClass")
    assert schema.may("person") == ("age", "description")


@given(text=st.text("()'$ NAMESUP12.{}abc", max_size=60))
def test_any_description_is_read_or_left_out(text: str) -> None:
    schema_of([text], [text])

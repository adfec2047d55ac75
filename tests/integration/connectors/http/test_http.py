"""Requests described by hand: what is sent for which arguments, what answers mean, and declarations that are wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.http import plugin
from interlock.integration.connectors.http.values import Values
from interlock.integration.connectors.templates import Unsendable
from interlock.integration.connectors.web.request import RequestTemplate
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Answer, Description, Ports, SystemDeclaration
from interlock.integration.systems.declarations import declare
from interlock.testing.servers import (
    Behaviour,
    Received,
    ScriptedServer,
    answers,
    cuts_off,
    hangs,
    redirects,
    resets,
    streams,
)
from tests.integration.conftest import Workbench

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def arguments(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def operation(origin: str, effect: str, schema: Any = None, *, options: Any = None, **more: Any) -> dict[str, Any]:
    known = {"input": schema, "options": options} | more
    return {"from": origin, "effect": effect} | {key: value for key, value in known.items() if value is not None}


GET = operation("GET /orders/{id}", "read", arguments("id", id=TEXT))
FIND = operation(
    "GET /orders",
    "read",
    arguments(state=TEXT, tags={"type": "array", "items": TEXT}, limit={"type": "integer", "default": 20}),
    options={"query": {"state": "{state}", "tag": "{tags}", "n": "{limit}", "format": "json"}, "result": "/data"},
)
PLACE = operation(
    "POST /orders",
    "write",
    arguments("customer", customer=TEXT, note=TEXT, lines={"type": "array"}),
    options={
        "json": {"order": {"customer": "{customer}", "lines": "{lines}", "note": "{note}"}, "channel": "agent"},
        "headers": {"X-Channel": "agent", "accept": "application/vnd.acme+json"},
        "expect": [201],
        "result": "/order/id",
    },
)
PAY = operation(
    "POST /orders/{id}/pay",
    "write",
    arguments("id", "amount", id=TEXT, amount={"type": "number"}),
    options={"form": {"amount": "{amount}", "currency": "EUR"}, "expect": [204, 303], "answer": "none"},
)


def system(operations: dict[str, Any], base_url: str = "http://127.0.0.1:1", **connection: Any) -> SystemDeclaration:
    content = {
        "system": "shop",
        "connector": "http",
        "connection": {"base_url": base_url} | connection,
        "operations": operations,
    }
    return declare(parse_document(json.dumps(content).encode(), "system", environment={}))


def described(operations: dict[str, Any], base_url: str = "http://127.0.0.1:1", **connection: Any) -> Description:
    return plugin.describe(system(operations, base_url, **connection), Path())


def troubles(one: dict[str, Any], **connection: Any) -> dict[str, str]:
    return {trouble.pointer: trouble.message for trouble in described({"one": one}, **connection).troubles}


class Shop:
    """The connector to a server that behaves as it is told."""

    def __init__(self, server: ScriptedServer, call: Any, probe: Any) -> None:
        self.server = server
        self._call = call
        self.probe = probe

    async def call(self, name: str, timeout: float = 5, key: str = "", **values: Any) -> Answer:
        found: Answer = await self._call(name, values, key=key, timeout=timeout)
        return found

    @property
    def last(self) -> Received:
        return self.server.received[-1]


@asynccontextmanager
async def shop(
    behaviour: Behaviour, operations: dict[str, Any] | None = None, **connection: Any
) -> AsyncIterator[Shop]:
    async with ScriptedServer(behaviour) as server, HttpClient() as http:
        known = operations or {"get": GET, "find": FIND, "place": PLACE, "pay": PAY}
        declared = system(known, f"{server.url}/v1/", **connection)
        description = plugin.describe(declared, Path())
        assert not description.troubles
        secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_SHOP": "hidden-token"})
        connector = plugin.build(declared, description.definitions, Ports(http, secrets, Path()))
        yield Shop(server, connector.call, connector.probe)


# --- what is sent ----------------------------------------------------------------------------------------------------


async def test_a_path_is_filled_and_cannot_be_left() -> None:
    async with shop(answers(200, {"id": 1})) as known:
        answer = await known.call("get", id="A 1/2")
        assert (answer.status, answer.output, known.last.target) == (SUCCEEDED, {"id": 1}, "/v1/orders/A%201%2F2")
        refused = await known.call("get", id="../admin")
        assert refused.problem is not None
        assert (refused.problem["code"], refused.sent, len(known.server.received)) == ("argument_unsendable", False, 1)


async def test_a_query_has_constants_usual_values_and_no_more_than_was_given() -> None:
    async with shop(answers(200, {"data": [1]})) as known:
        assert (await known.call("find")).output == [1]
        assert known.last.target == "/v1/orders?n=20&format=json"
        await known.call("find", state="a&b", tags=["x", "y"], limit=5)
        query = parse_qsl(urlsplit(known.last.target).query)
        assert query == [("state", "a&b"), ("tag", "x"), ("tag", "y"), ("n", "5"), ("format", "json")]


async def test_a_json_body_is_a_template_and_headers_are_constants() -> None:
    async with shop(answers(201, {"order": {"id": 7}}), auth={"bearer": "secret:shop"}) as known:
        answer = await known.call("place", customer="C1", lines=[{"sku": 1}])
        assert (answer.status, answer.output) == (SUCCEEDED, 7)
        assert known.last.json() == {"order": {"customer": "C1", "lines": [{"sku": 1}]}, "channel": "agent"}
        headers = known.last.headers
        assert (headers["x-channel"], headers["accept"]) == ("agent", "application/vnd.acme+json")
        assert (headers["content-type"], headers["authorization"]) == ("application/json", "Bearer hidden-token")


async def test_a_form_is_written_as_browsers_do() -> None:
    async with shop(answers(204)) as known:
        assert (await known.call("pay", id="1", amount=2.5)).status == SUCCEEDED
        assert known.last.headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(known.last.body.decode()) == [("amount", "2.5"), ("currency", "EUR")]


async def test_arguments_of_which_nothing_is_said_go_where_their_method_takes_them() -> None:
    operations = {
        "list": operation("GET /notes", "read", arguments(page=NUMBER)),
        "add": operation("POST /notes/{id}", "write", arguments("id", id=TEXT, text=TEXT), idempotency={"header": "K"}),
    }
    async with shop(answers(200, {}), operations) as known:
        await known.call("list", page=2)
        assert known.last.target == "/v1/notes?page=2"
        await known.call("add", id="a", text="b", key="act_1")
        assert (known.last.target, known.last.json(), known.last.headers["k"]) == (
            "/v1/notes/a",
            {"text": "b"},
            "act_1",
        )


async def test_a_kind_of_json_may_be_named() -> None:
    kind = "application/merge-patch+json"
    change = operation(
        "PATCH /notes/{id}",
        "write",
        arguments("id", "text", id=TEXT, text=TEXT),
        options={"json": {"text": "{text}"}, "headers": {"content-type": kind}},
    )
    async with shop(answers(200, {}), {"change": change}) as known:
        await known.call("change", id="a", text="b")
        assert known.last.headers["content-type"] == kind


async def test_an_object_cannot_pass_for_parameters() -> None:
    """Written as a form writes objects, its members would stand beside the constants, and override them."""
    loose = operation("GET /orders", "read", arguments(any={}), options={"query": {"a": "{any}", "scope": "own"}})
    async with shop(answers(200, {}), {"loose": loose}) as known:
        refused = await known.call("loose", any={"scope": "all"})
        assert refused.problem is not None
        assert refused.problem["code"] == "argument_unsendable"
        assert known.server.received == []


@given(st.dictionaries(st.sampled_from(["state", "tags", "note"]), st.text(st.characters(codec="utf-8"))))
def test_no_text_changes_what_else_is_sent(values: dict[str, str]) -> None:
    one = operation(
        "POST /a/b",
        "write",
        arguments(state=TEXT, tags=TEXT, note=TEXT),
        options={"query": {"state": "{state}", "own": "1"}, "form": {"tags": "{tags}", "note": "{note}", "own": "2"}},
    )
    binding = described({"one": one}).definitions["one"].binding
    template = RequestTemplate(binding, "http://shop")
    filled = Values(binding["values"], binding["usual"]).of(values)
    address = urlsplit(template.url(filled))
    query = [("state", values["state"])] if "state" in values else []
    assert (address.path, parse_qsl(address.query, True)) == ("/a/b", [*query, ("own", "1")])
    form = [(name, values[name]) for name in ("tags", "note") if name in values]
    body = template.fill({}, filled)
    assert body is not None
    assert parse_qsl(body.decode(), True) == [*form, ("own", "2")]


def test_a_list_that_lacks_one_in_its_middle_is_not_sent() -> None:
    with pytest.raises(Unsendable, match="position"):
        Values({"json": ["{a}", "{b}"]}, {}).of({"b": 1})


# --- what answers mean -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        (answers(200, {"order": {"id": 1}}), UNKNOWN, "status_unexpected"),
        (answers(202), UNKNOWN, "status_unexpected"),
        (answers(201, {"order": {}}), UNKNOWN, "result_breaks_contract"),
        (answers(201), UNKNOWN, "result_breaks_contract"),
        (answers(201, b"<p>done</p>", media_type="text/html"), UNKNOWN, "result_breaks_contract"),
        (answers(201, b"{", media_type="application/json"), UNKNOWN, "result_breaks_contract"),
        (redirects(302, "http://127.0.0.1:1/login"), UNKNOWN, "redirected"),
        (answers(307), FAILED, "redirected"),
        (answers(400, {}), FAILED, "refused"),
        (answers(403, {}), FAILED, "access_denied"),
        (answers(404, {}), FAILED, "not_found"),
        (answers(409, {}), FAILED, "conflict"),
        (answers(500, {}), UNKNOWN, "system_error"),
        (resets(), UNKNOWN, "connection_lost"),
        (cuts_off(), UNKNOWN, "connection_lost"),
        (streams(), UNKNOWN, "response_too_large"),
    ],
)
async def test_what_an_answer_means_for_a_write(behaviour: Behaviour, status: str, code: str) -> None:
    async with shop(behaviour) as known:
        answer = await known.call("place", customer="C1")
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"], len(known.server.received)) == (status, code, 1)


async def test_a_read_fails_where_a_write_would_be_in_doubt() -> None:
    async with shop(answers(200, {"else": 1})) as known:
        nothing = await known.call("find")
        assert nothing.problem is not None
        assert (nothing.status, nothing.problem["code"]) == (FAILED, "not_found")
    async with shop(answers(500)) as known:
        assert (await known.call("find")).status == FAILED
    async with shop(hangs()) as known:
        late = await known.call("find", timeout=1.0)
        assert late.problem is not None
        assert (late.status, late.problem["code"]) == (FAILED, "timed_out")


async def test_a_redirect_that_is_expected_is_done_and_not_followed() -> None:
    async with ScriptedServer(answers(200)) as elsewhere, shop(redirects(303, elsewhere.url)) as known:
        answer = await known.call("pay", id="1", amount=1)
        assert (answer.status, answer.output, elsewhere.received) == (SUCCEEDED, None, [])


async def test_text_and_bytes_are_results_where_that_is_said() -> None:
    operations = {
        "text": operation("GET /t", "read", options={"answer": "text"}),
        "bytes": operation("GET /b", "read", options={"answer": "bytes", "result": "/content"}),
    }
    async with shop(answers(200, b"plain", media_type="text/plain"), operations) as known:
        assert (await known.call("text")).output == "plain"
        assert (await known.call("bytes")).output == "cGxhaW4="


async def test_a_secret_that_comes_back_is_masked() -> None:
    async with shop(answers(200, {"you": "Bearer hidden-token"}), auth={"bearer": "secret:shop"}) as known:
        assert "hidden-token" not in str((await known.call("get", id="1")).output)


async def test_health_is_asked_for() -> None:
    async with shop(answers(200), health="/ping") as known:
        assert (await known.probe(timeout=30)).succeeded
        assert known.last.target == "/v1/ping"
    async with shop(answers(404), health="/ping") as known:
        assert not (await known.probe(timeout=30)).succeeded


# --- declarations that are wrong -------------------------------------------------------------------------------------

ONE = "/operations/one/"


@pytest.mark.parametrize(
    ("one", "pointer", "words"),
    [
        (operation("orders", "read"), "from", "a method and a path"),
        (operation("GET /a?b=c", "read"), "from", "a method and a path"),
        (operation("GET /a/../b", "read"), "from", "segment"),
        (operation("GET /a/{b c}", "read"), "from", "a method and a path"),
        (operation("GET /a/{}", "read"), "from", "braces"),
        (operation("DELETE /a", "read"), "from", "cannot be `read`"),
        (operation("GET /a/{id}", "read"), "from", "{id}, which `input` does not declare"),
        (operation("GET /a/{id}", "read", arguments(id=TEXT)), "input", "must require 'id'"),
        (operation("GET /a", "read", {"type": "array"}), "input", "of type object"),
        (operation("GET /a", "read", {"properties": {"a": {"type": 5}}}), "input", "no JSON Schema"),
        (operation("GET /a", "read", output_schema={"type": 5}), "output_schema", "no JSON Schema"),
        (operation("GET /a", "read", arguments(a=TEXT), options={"query": {}}), "input", "'a', for which"),
        (operation("GET /a", "read", arguments(a={"type": "object"})), "input", "only a JSON body"),
        (operation("GET /a", "read", options={"query": {"a": "{b}"}}), "options", "{b}, which `input`"),
        (operation("GET /a", "read", options={"query": {"a": {"b": 1}}}), "options", "query/a"),
        (operation("GET /a", "read", options={"json": {}}), "options", "GET has no body"),
        (operation("POST /a", "write", options={"json": {}, "form": {}}), "options", ""),
        (operation("POST /a", "write", options={"expect": [404]}), "options", "expect"),
        (operation("POST /a", "write", options={"result": "no"}), "options", "result"),
        (operation("POST /a", "write", options={"headers": {"Host": "b"}}), "options", "set by Interlock"),
        (
            operation("POST /a", "write", options={"headers": {"X-Key": "b"}}),
            "options",
            "set by Interlock or by `auth`",
        ),
        (operation("POST /a", "write", options={"headers": {"a b": "c"}}), "options", "headers"),
        (operation("POST /a", "write", options={"headers": {"a": "b\r\nc: d"}}), "options", "headers"),
        (operation("POST /a", "write", options={"headers": {"A": "b", "a": "c"}}), "options", "twice"),
        (operation("POST /a", "write", options={"headers": {"Content-Type": "text/csv"}}), "options", "kind of JSON"),
        (operation("POST /a", "write", options={"surprise": 1}), "options", "surprise"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(one: dict[str, Any], pointer: str, words: str) -> None:
    auth = {"api_key": {"header": "X-Key", "value": "secret:shop"}}
    found = troubles(one, auth=auth)
    assert list(found) == [ONE + pointer]
    assert words in found[ONE + pointer]


def test_a_body_that_is_too_deep_is_refused() -> None:
    deep: Any = "x"
    for _ in range(34):
        deep = [deep]
    assert "deeper" in troubles(operation("POST /a", "write", options={"json": deep}))[ONE + "options"]


def test_a_key_in_the_query_is_not_an_argument() -> None:
    one = operation("GET /a", "read", arguments(key=TEXT))
    auth = {"api_key": {"query": "key", "value": "secret:shop"}}
    assert "set by `auth`" in troubles(one, auth=auth)[ONE + "options"]


@pytest.mark.parametrize("base_url", ["shop", "ftp://shop", "http://a:b@shop", "http://shop?a=b"])
def test_an_address_that_is_none_is_refused(base_url: str) -> None:
    (trouble,) = described({"one": GET}, base_url).troubles
    assert trouble.pointer == "/connection/base_url"


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain", "grün".encode(), "grün"),
        ("text/plain; charset=iso-8859-1", "grün".encode("latin-1"), "grün"),
        ('text/plain; charset="UTF-16"', "grün".encode("utf-16"), "grün"),
        ("text/plain", "grün".encode("latin-1"), None),
        ("text/plain; charset=utf-8", b"\xff\xfe", None),
        ("text/plain; charset=klingon", b"abc", None),
        ("text/plain; charset=hex", b"6162", None),
    ],
)
async def test_a_text_is_read_in_the_encoding_that_it_names(
    bench: Workbench, kind: str, body: bytes, text: str | None
) -> None:
    async with ScriptedServer(answers(200, body, headers={"content-type": kind})) as server:
        declared = {
            "system": "notes",
            "connector": "http",
            "connection": {"base_url": server.url},
            "operations": {
                "look": {"from": "GET /note", "effect": "read", "options": {"answer": "text"}},
                "note": {"from": "POST /note", "effect": "write", "options": {"answer": "text"}},
            },
        }
        systems = await bench.serve(declared)
        read, written = await systems.call("notes.look", {}), await systems.call("notes.note", {})
    if text is not None:
        assert read.output == written.output == text
    else:
        assert (read.status, written.status) == ("failed", "unknown")
        assert (read.problem or {})["code"] == "result_breaks_contract"


def test_a_changed_request_is_a_changed_definition() -> None:
    changed = {
        **PLACE,
        "options": {**PLACE["options"], "json": {"customer": "{customer}", "n": "{note}", "l": "{lines}"}},
    }
    assert described({"one": PLACE}).definitions != described({"one": changed}).definitions

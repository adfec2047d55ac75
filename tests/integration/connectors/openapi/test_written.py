"""Parameters, forms and parts as they arrive at a real server, read by somebody else's code."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.formparser import parse_form_data
from werkzeug.http import parse_cookie

from interlock.integration.connectors.templates import Unsendable
from interlock.integration.connectors.web.request import RequestTemplate
from interlock.integration.systems import Answer, Systems
from interlock.testing.servers import Received, ScriptedServer, answers
from tests.integration.conftest import Workbench

LIST = {"type": "array", "items": {"type": ["string", "integer"]}}
OBJECT = {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}
COLOURS: dict[str, Any] = {"list": ["blue", "black", "brown"], "object": {"R": 100, "G": 200, "B": 150}, "one": "blue"}

# As the tables of style values in the OpenAPI specification have them (3.1.1, 4.8.12.2 and 4.8.12.3), after RFC 6570.
EXAMPLES = [
    ("path", "simple", False, "one", "blue"),
    ("path", "simple", False, "list", "blue,black,brown"),
    ("path", "simple", False, "object", "R,100,G,200,B,150"),
    ("path", "simple", True, "object", "R=100,G=200,B=150"),
    ("path", "label", False, "one", ".blue"),
    ("path", "label", False, "list", ".blue,black,brown"),
    ("path", "label", True, "list", ".blue.black.brown"),
    ("path", "label", False, "object", ".R,100,G,200,B,150"),
    ("path", "label", True, "object", ".R=100.G=200.B=150"),
    ("path", "matrix", False, "one", ";color=blue"),
    ("path", "matrix", False, "list", ";color=blue,black,brown"),
    ("path", "matrix", True, "list", ";color=blue;color=black;color=brown"),
    ("path", "matrix", False, "object", ";color=R,100,G,200,B,150"),
    ("path", "matrix", True, "object", ";R=100;G=200;B=150"),
    ("query", "form", False, "one", "color=blue"),
    ("query", "form", False, "list", "color=blue,black,brown"),
    ("query", "form", True, "list", "color=blue&color=black&color=brown"),
    ("query", "form", False, "object", "color=R,100,G,200,B,150"),
    ("query", "form", True, "object", "R=100&G=200&B=150"),
    ("query", "spaceDelimited", False, "list", "color=blue%20black%20brown"),
    ("query", "spaceDelimited", False, "object", "color=R%20100%20G%20200%20B%20150"),
    ("query", "pipeDelimited", False, "list", "color=blue%7Cblack%7Cbrown"),
    ("query", "pipeDelimited", False, "object", "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("query", "deepObject", True, "object", "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ("header", "simple", False, "list", "blue,black,brown"),
    ("header", "simple", False, "object", "R,100,G,200,B,150"),
    ("header", "simple", True, "object", "R=100,G=200,B=150"),
    ("cookie", "form", True, "one", "color=blue"),
    ("cookie", "form", False, "list", "color=blue,black,brown"),
]


class Rig:
    """A server that takes anything, and the system that is called there."""

    def __init__(self, bench: Workbench, server: ScriptedServer) -> None:
        self._bench = bench
        self._server = server

    async def sent(self, operation: dict[str, Any], path: str, arguments: dict[str, Any]) -> Received:
        """Call one operation and return the request that arrived."""
        systems = await self.systems(operation, path)
        answer = await systems.call("shop.do", arguments)
        assert answer.succeeded, answer.problem
        return self._server.received[-1]

    async def systems(self, operation: dict[str, Any], path: str) -> Systems:
        told: dict[str, Any] = {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "x", "version": "1"},
            "paths": {path: {"post": told | operation}},
        }
        self._bench.write("shop.json", document)
        return await self._bench.serve(
            {
                "system": "shop",
                "connector": "openapi",
                "connection": {"spec": "shop.json", "base_url": f"http://127.0.0.1:{self._server.port}"},
                "operations": {"do": {"from": f"POST {path}", "effect": "write"}},
            }
        )


@pytest.fixture
async def rig(bench: Workbench) -> AsyncIterator[Rig]:
    async with ScriptedServer(answers(200, {})) as server:
        yield Rig(bench, server)


@pytest.mark.parametrize(("place", "style", "explode", "kind", "written"), EXAMPLES)
async def test_styles_are_written_as_the_specification_has_them(
    rig: Rig, place: str, style: str, explode: bool, kind: str, written: str
) -> None:
    schema = {"list": LIST, "object": OBJECT, "one": {"type": "string"}}[kind]
    parameter = {"name": "color", "in": place, "style": style, "explode": explode, "schema": schema}
    path = "/x/{color}" if place == "path" else "/x"
    request = await rig.sent({"parameters": [parameter | {"required": True}]}, path, {"color": COLOURS[kind]})
    found = {
        "path": request.target.removeprefix("/x/"),
        "query": urlsplit(request.target).query,
        "header": request.headers.get("color", ""),
        "cookie": request.headers.get("cookie", ""),
    }[place]
    assert found == written


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def template(style: str, place: str, **body: Any) -> RequestTemplate:
    parameter = {"argument": "a", "in": place, "name": "n & m", **({"style": style} if style else {})}
    path = "/x/{n & m}" if place == "path" else "/x"
    return RequestTemplate(
        {"method": "POST", "results": {}, "path": path, "parameters": [parameter], **body}, "http://h"
    )


@given(st.lists(texts, min_size=1, max_size=4), st.sampled_from(["simple", "label*", "matrix*"]))
def test_whatever_is_in_a_path_stays_one_segment_and_comes_back(items: list[str], style: str) -> None:
    try:
        url = template(style, "path").url({"a": items})
    except Unsendable:
        assert any(set(item) & set("./\\") for item in items)
        return
    head, _, last = url.rpartition("/")
    assert head == "http://h/x"
    separator = {"simple": ",", "label*": ".", "matrix*": ";n%20%26%20m="}[style]
    body = last if style == "simple" else last.removeprefix(separator)
    assert style != "label*" or not any("." in item for item in items)  # which it separates by, and cannot escape
    assert [unquote(one) for one in body.split(separator)] == items


@given(st.lists(texts, min_size=1, max_size=4))
def test_what_is_in_a_query_comes_back(items: list[str]) -> None:
    exploded = urlsplit(template("form", "query").url({"a": items})).query
    assert parse_qsl(exploded, keep_blank_values=True) == [("n & m", item) for item in items]
    for style, sign in (("csv", ","), ("spaceDelimited", "%20"), ("pipeDelimited", "%7C")):
        try:
            name, _, joined = urlsplit(template(style, "query").url({"a": items})).query.partition("=")
        except Unsendable:
            assert style != "csv"
            assert any(unquote(sign) in item for item in items)
            continue
        assert unquote(name) == "n & m"
        assert [unquote(one) for one in joined.split(sign)] == items


# Styles that separate by a sign which they cannot escape: what holds it would be read as two.
TWO_FOR_ONE = [
    ("path", "label*", ["a.b"]),
    ("query", "spaceDelimited", ["a b"]),
    ("query", "spaceDelimited", {"a b": "c"}),
    ("query", "pipeDelimited", ["a", "b|c"]),
    ("header", "simple", ["a,b"]),
    ("header", "simple", {"role": "user,role,admin"}),
    ("header", "simple*", {"a": "b,admin=true"}),
    ("header", "simple*", {"a=b": "c"}),
]


@pytest.mark.parametrize(("place", "style", "value"), TWO_FOR_ONE)
def test_no_item_is_taken_for_two(place: str, style: str, value: Any) -> None:
    with pytest.raises(Unsendable, match="told apart"):
        written(template(style, place), value)


@pytest.mark.parametrize("empty", [[], {}, {"a": None}])
@pytest.mark.parametrize(
    ("place", "style"),
    [(place, style) for place in ("query", "cookie") for style in ("form", "csv", "deepObject")]
    + [("path", "simple"), ("path", "matrix"), ("header", "simple"), ("query", "pipeDelimited")],
)
def test_what_would_leave_nothing_behind_is_not_sent(place: str, style: str, empty: Any) -> None:
    """`DELETE /orders?ids=` of no ids must not become `DELETE /orders`."""
    with pytest.raises(Unsendable, match="empty"):
        written(template(style, place), empty)


def written(made: RequestTemplate, value: Any) -> tuple[str, dict[str, str]]:
    headers: dict[str, str] = {}
    made.fill(headers, {"a": value})
    return made.url({"a": value}), headers


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_an_empty_list_in_a_form_is_not_left_out_in_silence(form: str) -> None:
    body = {"form": form, "members": {"a": "tags", "b": "note"}, "required": True}
    binding = {"method": "POST", "results": {}, "path": "/x", "parameters": [], "body": body}
    with pytest.raises(Unsendable, match="empty"):
        RequestTemplate(binding, "http://h").fill({}, {"a": [], "b": "x"})
    nested = {**body, "styles": {"a": "deepObject"}}
    if form.startswith("application/"):
        with pytest.raises(Unsendable, match="empty"):
            RequestTemplate({**binding, "body": nested}, "http://h").fill({}, {"a": {"x": [{"y": {}}]}})


async def test_no_member_of_an_object_passes_for_another_argument(rig: Rig) -> None:
    """Policies judge `owner`; an object whose members become parameters must not set it a second time."""
    listed = {"name": "owner", "in": "query", "schema": {"type": "string"}}
    members = {"name": "filter", "in": "query", "schema": OBJECT}
    systems = await rig.systems({"parameters": [listed, members]}, "/x")
    answer = await systems.call("shop.do", {"owner": "me", "filter": {"state": "open", "owner": "you"}})
    assert (answer.problem or {})["code"] == "argument_unsendable"
    answer = await systems.call("shop.do", {"filter": {"owner": "you"}})
    assert (answer.problem or {})["code"] == "argument_unsendable"
    request = await rig.sent({"parameters": [listed, members]}, "/x", {"owner": "me", "filter": {"state": "open"}})
    assert parse_qsl(urlsplit(request.target).query) == [("owner", "me"), ("state", "open")]


async def test_a_parameter_of_json_is_json_wherever_it_is(rig: Rig) -> None:
    kinds: dict[str, Any] = {"application/json": {"schema": {}}}
    value = {"path": "/Ü", "ids": [1, None]}
    places = [{"name": f"in-{place}", "in": place, "content": kinds} for place in ("path", "query", "header", "cookie")]
    plain = {"name": "note", "in": "header", "content": {"text/plain": {"schema": {"type": "string"}}}}
    arguments = dict.fromkeys(("in_path", "in_query", "in_header", "in_cookie"), value)
    request = await rig.sent({"parameters": [*places, plain]}, "/x/{in-path}", {**arguments, "note": "a b"})
    found = urlsplit(request.target)
    (cookie,) = parse_cookie(request.headers["cookie"]).values()
    texts = unquote(found.path.removeprefix("/x/")), dict(parse_qsl(found.query))["in-query"], unquote(cookie)
    assert [json.loads(text) for text in (*texts, request.headers["in-header"])] == [value] * 4
    assert request.headers["in-header"].isascii()
    assert request.headers["note"] == "a b"


async def test_a_body_is_called_what_the_document_calls_it(rig: Rig) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    patch = {"application/merge-patch+json": {"schema": schema}}
    request = await rig.sent({"requestBody": {"content": patch}}, "/x", {"name": "a"})
    assert (request.headers["content-type"], request.json()) == ("application/merge-patch+json", {"name": "a"})
    whole = {"application/json-patch+json": {"schema": {"type": "array"}}}
    request = await rig.sent({"requestBody": {"content": whole}}, "/x", {"body": []})
    assert request.headers["content-type"] == "application/json-patch+json"
    request = await rig.sent({"requestBody": {"content": patch | {"application/json": {"schema": schema}}}}, "/x", {})
    assert "content-type" not in request.headers
    request = await rig.sent(
        {"requestBody": {"content": patch | {"application/json": {"schema": schema}}}}, "/x", {"name": "a"}
    )
    assert request.headers["content-type"] == "application/json"


async def test_parts_are_called_what_the_document_calls_them(rig: Rig) -> None:
    schema = {
        "type": "object",
        "properties": {
            "about": {"type": "string"},
            "rows": {"type": "string"},
            "picture": {"type": "string", "format": "binary"},
            "any": {"type": "string", "format": "binary"},
        },
    }
    encoding = {
        "about": {"contentType": "application/json"},
        "rows": {"contentType": "text/csv; charset=utf-8"},
        "picture": {"contentType": "image/png"},
        "any": {"contentType": "image/png, image/*"},
    }
    media = {"multipart/form-data": {"schema": schema, "encoding": encoding}}
    file = {"content": base64.b64encode(b"x").decode()}
    arguments = {"about": 'a "b"', "rows": "1,2", "picture": file, "any": file}
    request = await rig.sent({"requestBody": {"content": media}}, "/x", arguments)
    form, files = read(request.body, request.headers["content-type"])
    assert form == [("about", '"a \\"b\\""'), ("rows", "1,2")]
    assert b"Content-Type: text/csv; charset=utf-8\r\n" in request.body
    assert [files[name][1] for name in ("picture", "any")] == ["image/png", "application/octet-stream"]


@given(texts)
def test_what_is_in_a_cookie_comes_back(text: str) -> None:
    headers: dict[str, str] = {}
    template("form", "cookie").fill(headers, {"a": text})
    (value,) = (unquote(one) for one in parse_cookie(headers["Cookie"]).values())
    assert value == text


members = st.dictionaries(
    st.sampled_from(["a", "b b", "c&=", "d[0]", 'e"f']), texts | st.integers(-(1 << 63), (1 << 63) - 1), max_size=4
)


def read(body: bytes, kind: str) -> tuple[list[tuple[str, str]], dict[str, tuple[str, str, bytes]]]:
    """Read a body as a server would, by a library of its own."""
    environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": kind}
    _, form, files = parse_form_data({**environ, "REQUEST_METHOD": "POST"})
    uploaded = {}
    for name, one in files.items(multi=True):
        uploaded[name] = (one.filename or "", one.mimetype, one.read())
        one.close()
    return list(form.items(multi=True)), uploaded


@given(members)
def test_forms_are_read_back_whole(given_members: dict[str, Any]) -> None:
    arguments = {f"x{number}": value for number, value in enumerate(given_members.values())}
    names = dict(zip(arguments, given_members, strict=True))
    for form in ("application/x-www-form-urlencoded", "multipart/form-data"):
        binding = {"method": "POST", "results": {}, "path": "/x", "parameters": []}
        body = {"form": form, "members": names, "required": True}
        headers: dict[str, str] = {}
        written = RequestTemplate({**binding, "body": body}, "http://h").fill(headers, arguments)
        assert written is not None
        found, files = read(written, headers["Content-Type"])
        assert not files
        expected = {name: str(value) for name, value in given_members.items()}
        assert dict(found) == expected


@given(st.binary(max_size=2000), texts)
def test_files_arrive_byte_for_byte(content: bytes, name: str) -> None:
    body = {"form": "multipart/form-data", "members": {"f": "file"}, "files": ["f"], "required": True}
    binding = {"method": "POST", "results": {}, "path": "/x", "parameters": [], "body": body}
    headers: dict[str, str] = {}
    file = {"content": base64.b64encode(content).decode(), "name": name, "type": "image/png"}
    written = RequestTemplate(binding, "http://h").fill(headers, {"f": file})
    assert written is not None
    _, files = read(written, headers["Content-Type"])
    _, kind, read_back = files["file"]
    assert (kind, read_back) == ("image/png", content)


UPLOAD = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The picture."},
        "pages": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "about": {"type": "object", "properties": {"title": {"type": "string"}}},
        "title": {"type": "string"},
    },
}


async def test_a_document_with_parts_is_called_with_files(rig: Rig) -> None:
    content = {"multipart/form-data": {"schema": UPLOAD}}
    one = {"content": base64.b64encode(b"\x00\xff").decode(), "name": "a.png", "type": "image/png"}
    arguments = {"file": one, "pages": [one, {"content": ""}], "about": {"title": "x"}, "title": "Ü"}
    request = await rig.sent({"requestBody": {"required": True, "content": content}}, "/x", arguments)
    form, _ = read(request.body, request.headers["content-type"])
    assert form == [("about", '{"title":"x"}'), ("title", "Ü")]
    assert request.body.count(b"filename=") == 3
    systems = await rig.systems({"requestBody": {"required": True, "content": content}}, "/x")
    unsent = await systems.call("shop.do", {"file": {"content": "no base64!"}})
    assert (unsent.problem or {})["code"] == "argument_unsendable"


async def test_a_form_says_how_its_members_are_written(rig: Rig) -> None:
    schema = {
        "type": "object",
        "properties": {
            "amount": {"type": "integer"},
            "metadata": {"type": "object", "additionalProperties": True},
            "expand": {"type": "array", "items": {"type": "string"}},
            "raw": {"type": "object", "additionalProperties": True},
        },
    }
    encoding = {
        "metadata": {"style": "deepObject", "explode": True},
        "expand": {"style": "deepObject", "explode": True},
        "raw": {"contentType": "application/json"},
    }
    media = {"application/x-www-form-urlencoded": {"schema": schema, "encoding": encoding}}
    arguments = {"amount": 5, "metadata": {"a": {"b": 1}, "c": "&"}, "expand": ["x", "y"], "raw": {"k": [1]}}
    request = await rig.sent({"requestBody": {"content": media}}, "/x", arguments)
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(request.body.decode()) == [
        ("amount", "5"),
        ("metadata[a][b]", "1"),
        ("metadata[c]", "&"),
        ("expand[0]", "x"),
        ("expand[1]", "y"),
        ("raw", json.dumps({"k": [1]}, separators=(",", ":"))),
    ]


async def test_bytes_come_back_as_base64(bench: Workbench) -> None:
    png = b"\x89PNG\r\n\x00\xff"
    async with ScriptedServer(answers(200, png, media_type="image/png")) as server:
        rig = Rig(bench, server)
        operation: dict[str, Any] = {"responses": {"200": {"content": {"image/png": {}}}}}
        systems = await rig.systems(operation, "/x")
        answer: Answer = await systems.call("shop.do", {})
        assert answer.output == {"type": "image/png", "content": base64.b64encode(png).decode()}
        assert "*/*" in server.received[-1].headers["accept"]


async def test_a_query_that_is_part_of_the_path_stays_there(rig: Rig) -> None:
    more = [{"name": "to", "in": "query", "schema": {"type": "string"}}]
    request = await rig.sent({"parameters": more}, "/x?action=move", {"to": "a?b&c"})
    assert parse_qsl(urlsplit(request.target).query) == [("action", "move"), ("to", "a?b&c")]

"""Answers that say more than their status: refusals with a good one, a system's own words, and headers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.wording import worded
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN
from interlock.testing.servers import Behaviour, Received, answers, head
from tests.integration.connectors.http.test_http import ONE, TEXT, arguments, described, operation, shop, troubles

MOVE = operation(
    "PUT /orders/{id}",
    "write",
    arguments("id", "version", id=TEXT, version=TEXT),
    options={
        "json": {"state": "sent"},
        "headers": {"If-Match": "{version}"},
        "refused": {"type": "array", "minItems": 1, "items": {"pattern": "^(Not allowed|No such)"}},
        "words": ["/message", "/0"],
    },
)
GET = operation(
    "GET /orders/{id}",
    "read",
    arguments("id", id=TEXT),
    options={"answer_headers": {"version": "ETag", "place": "Location"}},
)
OPERATIONS = {"move": MOVE, "get": GET}


def says(status: int, body: bytes, **headers: str) -> Behaviour:
    """Answer with headers of its own."""

    async def behave(_: Received, writer: asyncio.StreamWriter) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        usual = {"content-type": "application/json", "content-length": str(len(body))}
        writer.write(head(status, {**usual, **named}) + body)

    return behave


# --- refusals with a good status -------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [["Not allowed"], ["No such state", "Not allowed here"]])
async def test_an_answer_that_fits_refused_is_a_refusal(body: Any) -> None:
    async with shop(answers(200, body), OPERATIONS) as known:
        answer = await known.call("move", id="1", version='"7"')
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"], answer.problem["status"]) == (FAILED, "refused", 200)
        assert answer.problem["system"] == {"title": body[0]}


@pytest.mark.parametrize("body", [[], ["Moved"], ["Moved", "Not allowed"], {"message": "Not allowed"}])
async def test_an_answer_that_does_not_is_none(body: Any) -> None:
    """What was done in part is no refusal; whether it is a result, the output's schema says."""
    async with shop(answers(200, body), OPERATIONS) as known:
        answer = await known.call("move", id="1", version='"7"')
        assert (answer.status, answer.output) == (SUCCEEDED, body)
        assert known.last.headers["if-match"] == '"7"'


async def test_a_read_can_be_refused_so_too() -> None:
    one = operation("GET /a", "read", options={"refused": {"required": ["error"]}, "result": "/data"})
    async with shop(answers(200, {"error": 5}), {"one": one}) as known:
        answer = await known.call("one")
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"]) == (FAILED, "refused")


# --- a system's own words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "body", "title"),
    [
        (412, "conflict", {"message": "It was changed"}, "It was changed"),
        (403, "access_denied", {"message": "No right in queue 'Board'"}, "No right in queue ..."),
        (400, "refused", {"message": "Unknown:\nann@there.example"}, "Unknown:"),
        (400, "refused", {"message": 5}, None),
        (400, "refused", {"message": "12 34"}, None),
        (400, "refused", {"detail": "elsewhere"}, None),
        (500, "system_error", {"message": "The database is away"}, "The database is away"),
    ],
)
async def test_words_of_a_refusal_are_shown_where_they_stand(status: int, code: str, body: Any, title: Any) -> None:
    async with shop(answers(status, body), OPERATIONS) as known:
        answer = await known.call("move", id="1", version="7")
        assert answer.problem is not None
        assert answer.problem["code"] == code
        assert answer.problem.get("system", {}).get("title") == title


@pytest.mark.parametrize(("body", "media"), [(b"{", "application/json"), (b'{"message": "No"}', "text/html")])
async def test_words_in_what_is_no_json_are_not_read(body: bytes, media: str) -> None:
    async with shop(answers(409, body, media_type=media), OPERATIONS) as known:
        answer = await known.call("move", id="1", version="7")
        assert answer.problem is not None
        assert (answer.problem["code"], "system" in answer.problem) == ("conflict", False)


@given(st.text(max_size=3000))
def test_words_are_one_short_line_without_numbers_and_addresses(text: str) -> None:
    shown = worded(text)
    assert len(shown) <= 100
    assert shown.isprintable()
    assert not any(sign == "@" or sign.isdecimal() for sign in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Status 'paid' isn't a valid status", "Status ... isn't a valid status"),
        ('No user "Ann Smith" here', "No user ... here"),
        ("Order 4711 of ann@there.example is closed", "Order ... of ... is closed"),
        ("word " * 40, ("word " * 40)[:97] + "..."),
        ("", ""),
        ("4711", ""),
    ],
)
def test_what_repeats_data_is_left_out_of_words(text: str, shown: str) -> None:
    assert worded(text) == shown


# --- headers ---------------------------------------------------------------------------------------------------------


async def test_headers_join_the_result_and_one_that_did_not_come_is_left_out() -> None:
    async with shop(says(200, b'{"id": 1}', etag='"44"'), OPERATIONS) as known:
        assert (await known.call("get", id="1")).output == {"id": 1, "version": '"44"'}
    async with shop(says(200, b'{"version": "of the body"}', ETag='"45"'), OPERATIONS) as known:
        assert (await known.call("get", id="1")).output == {"version": '"45"'}


async def test_an_answer_without_a_body_has_headers() -> None:
    one = operation("POST /a", "write", options={"answer_headers": {"place": "Location"}, "answer": "none"})
    async with shop(says(201, b"", location="/a/5"), {"one": one}) as known:
        assert (await known.call("one")).output == {"place": "/a/5"}


@pytest.mark.parametrize(("effect", "status"), [("read", FAILED), ("write", UNKNOWN)])
async def test_headers_join_no_list(effect: str, status: str) -> None:
    method = "GET" if effect == "read" else "POST"
    one = operation(f"{method} /a", effect, options={"answer_headers": {"place": "Location"}})
    async with shop(says(200, b"[]", location="/a/5"), {"one": one}) as known:
        answer = await known.call("one")
        assert answer.problem is not None
        assert (answer.status, answer.problem["code"]) == (status, "result_breaks_contract")


async def test_a_secret_that_comes_back_in_a_header_is_masked() -> None:
    behaviour = says(200, b"{}", etag="of-hidden-token")
    async with shop(behaviour, OPERATIONS, auth={"bearer": "secret:shop"}) as known:
        output = (await known.call("get", id="1")).output
        assert "hidden-token" not in output["version"]
        assert output["version"].startswith("of-")


# --- declarations that are wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"refused": {"type": 5}}, "no JSON Schema"),
        ({"refused": {}}, "refused"),
        ({"refused": {"required": ["a"]}, "answer": "text"}, "needs an answer in JSON"),
        ({"words": "/message"}, "words"),
        ({"words": ["message"]}, "words"),
        ({"answer_headers": {"version": "E Tag"}}, "answer_headers"),
        ({"answer_headers": {"a/b": "ETag"}}, "answer_headers"),
        ({"answer_headers": {"version": "ETag"}, "answer": "bytes"}, "need an answer in JSON"),
        ({"answer_headers": {"session": "Set-Cookie"}}, "may hold a secret"),
    ],
)
def test_what_is_wrong_of_an_answer_is_said(options: dict[str, Any], words: str) -> None:
    found = troubles(operation("POST /a", "write", options=options))
    assert list(found) == [ONE + "options"]
    assert words in found[ONE + "options"]


def test_what_is_not_said_of_an_answer_leaves_the_definition_as_it_was() -> None:
    binding = described({"one": operation("GET /a", "read")}).definitions["one"].binding
    assert not {"refused", "words", "answer_headers"} & binding.keys()

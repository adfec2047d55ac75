"""GraphQL in front of a database: fields are calls, hidden values are errors beside null, and requests are bounded."""

from __future__ import annotations

from importlib import util
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.experience.facades.errors import InterfaceMissing, QueryInvalid
from interlock.experience.facades.graphql.serving import MOST_CALLS
from tests.experience.facades.conftest import BOOKS, Library

BOOK = 'book(number: "isbn-003") {number name in_stock costs}'


async def test_each_field_is_a_call_and_what_is_asked_for_is_told(library: Library) -> None:
    answer = await library.query(f'{{ one: {BOOK} other: book(number: "isbn-004") {{name __typename}} }}')
    assert answer == {
        "data": {
            "one": {"number": "isbn-003", "name": "Book 3", "in_stock": 13, "costs": 4.5},
            "other": {"name": "Book 4", "__typename": "BookResult"},
        }
    }


async def test_lists_come_in_pages(library: Library) -> None:
    text = "query($cursor: String) { books(limit: 8, cursor: $cursor) { items { number } next } }"
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        page = (await library.query(text, {"cursor": cursor} if cursor else {}))["data"]["books"]
        seen += [item["number"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [isbn for isbn, *_ in BOOKS]


async def test_what_is_hidden_is_null_and_says_so(library: Library) -> None:
    answer = await library.query(f"{{ {BOOK} }}", key="gus")
    assert answer["data"]["book"] == {"number": "isbn-003", "name": "Book 3", "in_stock": 13, "costs": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["book", "costs"], "hidden")
    ]
    assert "4.5" not in str(answer)


async def test_changes_are_mutations_made_one_after_the_other(library: Library) -> None:
    fields = " ".join(f'c{number}: stock(number: "isbn-001", amount: {number}) {{affected}}' for number in range(1, 6))
    answer = await library.query(f"mutation {{ {fields} }}")
    assert answer["data"] == {f"c{number}": {"affected": 1} for number in range(1, 6)}
    assert library.stock("isbn-001") == 5
    read = await library.query('{ stock(number: "isbn-001", amount: 1) {affected} }')
    assert "data" not in read
    assert library.stock("isbn-001") == 5


async def test_where_a_call_stands_is_an_error_with_its_action(library: Library) -> None:
    answer = await library.query(
        'mutation { price(number: "isbn-001", price: 2.5) {affected} drop: stock(number: "no", amount: 1) {affected} }'
    )
    assert answer["data"] == {"price": None, "drop": None}
    waiting, failed = (error["extensions"] for error in answer["errors"])
    assert (waiting["code"], waiting["waiting_for"]) == ("waiting", ["approval:lead"])
    assert waiting["action"].startswith("act_")
    assert (failed["state"], library.stock("isbn-001")) == ("failed", 11)
    missing = await library.query('{ book(number: "none") {name} }')
    assert missing["errors"][0]["extensions"]["code"] == "not_found"
    page = await library.query('{ books(cursor: "x") {next} }')
    assert page["errors"][0]["extensions"]["code"] == "cursor_invalid"


async def test_a_key_counts_for_each_field_by_itself(library: Library) -> None:
    one, other = 'stock(number: "isbn-001", amount: 3)', 'stock(number: "isbn-002", amount: 4)'
    text = f"mutation {{ a: {one} {{affected}} b: {other} {{affected}} }}"
    for _ in range(2):
        await library.query(text, headers={"idempotency-key": "k"})
        library.change("UPDATE book SET stock = stock + 100 WHERE isbn IN ('isbn-001', 'isbn-002')")
    assert (library.stock("isbn-001"), library.stock("isbn-002")) == (203, 204)


async def test_the_schema_is_what_the_caller_may_use(library: Library) -> None:
    schema = build_client_schema((await library.query(get_introspection_query()))["data"])
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert set(schema.query_type.fields) == {"book", "books", "skipped", "stocked"}
    assert set(schema.mutation_type.fields) == {"stock", "price", "empty"}
    guests = build_client_schema((await library.query(get_introspection_query(), key="gus"))["data"])
    assert guests.mutation_type is None
    answer = await library.query('mutation { stock(number: "isbn-001", amount: 1) {affected} }', key="gus")
    assert "data" not in answer


async def test_queries_may_come_with_get_and_mutations_may_not(library: Library) -> None:
    asked = {"query": "query($n: String!) { book(number: $n) {name} }", "variables": '{"n": "isbn-001"}'}
    answer = await library.ask("GET", "library/graphql", query=asked)
    assert answer.json == {"data": {"book": {"name": "Book 1"}}}
    changing = {"query": 'mutation { stock(number: "isbn-001", amount: 1) {affected} }'}
    refused = await library.ask("GET", "library/graphql", query=changing)
    assert (refused.status, refused.json["code"]) == (400, QueryInvalid.code)
    assert library.stock("isbn-001") == 11


async def test_the_status_is_as_the_client_accepts_it(library: Library) -> None:
    for accept, status in (("application/graphql-response+json", 400), ("application/json", 200)):
        answer = await library.ask("POST", "library/graphql", {"query": "{ nothing }"}, headers={"accept": accept})
        assert (answer.status, answer.headers["content-type"]) == (status, accept)
        assert "data" not in answer.json


FRAGMENTS = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": 1},
        {"query": "{ __typename }", "variables": [1]},
        {"query": "{ __typename }", "operationName": 1},
        {"query": "query a { __typename } query b { __typename }"},
        {"query": "{ " + " ".join(f'b{n}: book(number: "x") {{name}}' for n in range(MOST_CALLS + 1)) + " }"},
        {"query": "{ " + "a" * 60_000 + " }"},
        {"query": "{ " + "a " * 6000 + "}"},
        {"query": "{ " + "book { " * 2000 + "}" * 2001},
        {"query": "{ ...f0 } " + FRAGMENTS + ' fragment f60 on Query { book(number: "x") {name} }'},
    ],
)
async def test_what_asks_for_too_much_or_is_none_makes_no_call(library: Library, body: Any) -> None:
    answer = await library.ask("POST", "library/graphql", body)
    assert answer.status in (200, 400)
    assert "data" not in answer.json
    assert answer.json.get("code") == QueryInvalid.code or answer.json["errors"]


async def test_variables_that_do_not_fit_make_no_call(library: Library) -> None:
    text = 'mutation($n: Long!) { stock(number: "isbn-001", amount: $n) {affected} }'
    unfit: list[Any] = ["1", 1.5, True, None, {}]
    for value in unfit:
        answer = await library.query(text, {"n": value})
        assert "data" not in answer
        assert answer["errors"]
    assert (await library.query(text, {"n": 1 << 40}))["data"]["stock"] == {"affected": 1}
    assert library.stock("isbn-001") == 1 << 40


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet='{}()[]:$!@."\\ \nabookns123,#&|=', max_size=60))
async def test_no_text_breaks_it(library: Library, text: str) -> None:
    answer = await library.ask("POST", "library/graphql", {"query": text})
    assert answer.status < 500


async def test_without_the_package_it_says_what_to_install(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.experience.facades.graphql.types.find_spec", lambda _: None)
    assert util.find_spec("graphql") is not None
    answer = await library.ask("POST", "library/graphql", {"query": "{ __typename }"})
    assert (answer.status, answer.json["code"]) == (501, InterfaceMissing.code)
    assert "graphql" in answer.json["fix"]

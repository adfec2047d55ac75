"""REST in front of a database: what is asked and told, pages, what is kept, keys, and everything that can be wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.experience.facades.calling import Calling, Rates, Visit
from interlock.experience.facades.errors import FacadeUnknown, RateExceeded
from interlock.governance.limits import SwitchTarget
from interlock.governance.limits.switch import SwitchScope
from interlock.integration.facades import CursorInvalid
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from interlock.values.principals import Kind, Principal
from tests.experience.facades.conftest import BOOKS, Library, open_library, served, write_library
from tests.experience.facades.test_mcp import call


async def test_names_and_paths_are_its_own_and_the_answer_is_the_systems(library: Library) -> None:
    answer = await library.ask("GET", "library/books/isbn-003")
    assert (answer.status, answer.json) == (200, {"number": "isbn-003", "name": "Book 3", "in_stock": 13, "costs": 4.5})
    action = await library.installation.actions.get(answer.headers["interlock-action"], person("ada"))
    assert (action.operation, action.input) == ("books.get_book", {"isbn": "isbn-003"})
    session = await library.installation.sessions.get(action.session)
    assert session is not None
    assert (session.channel, session.opener) == ("facade", "person:ada")


async def test_what_a_caller_may_not_see_is_hidden_there_as_well(library: Library) -> None:
    shown = (await library.ask("GET", "library/books/isbn-003", key="gus")).json
    assert shown["name"] == "Book 3"
    assert "4.5" not in str(shown["costs"])
    assert "confidential" in shown["costs"]
    # and what is kept for one is not given to another
    assert (await library.ask("GET", "library/books/isbn-003")).json["costs"] == 4.5
    assert "confidential" in (await library.ask("GET", "library/books/isbn-003", key="gus")).json["costs"]


@pytest.mark.parametrize("isbn", ["a/b", "%41", "100%", "a%2Fb", "ü ?#", "..", "%FF"])
async def test_a_name_in_a_path_is_read_once_and_whole(library: Library, isbn: str) -> None:
    for number, one in enumerate((isbn, unquote(isbn), "A")):
        library.change(f"INSERT OR IGNORE INTO book VALUES ('{one}', 'Wrong {number}', 1, 1)")
    library.change(f"UPDATE book SET title = 'Right' WHERE isbn = '{isbn}'")
    answer = await library.ask("GET", f"library/books/{quote(isbn, safe='')}")
    assert (answer.status, answer.json["name"], answer.json["number"]) == (200, "Right", isbn)


async def test_a_path_that_is_no_text_is_nowhere(library: Library) -> None:
    assert (await library.ask("GET", "library/books/%FF")).status == 404


async def test_a_write_is_carried_out_and_told(library: Library) -> None:
    answer = await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 77})
    assert (answer.status, answer.json, library.stock("isbn-001")) == (200, {"affected": 1}, 77)
    assert (await library.ask("POST", "library/empty", {"number": "isbn-001"})).status == 200
    assert library.stock("isbn-001") == 0


async def test_what_waits_is_taken_and_says_where_to_look(library: Library) -> None:
    answer = await library.ask("PATCH", "library/books/isbn-001", {"price": 9.5})
    assert (answer.status, answer.json["state"], answer.json["waiting_for"]) == (202, "waiting", ["approval:lead"])
    assert answer.headers["location"] == f"/v1/actions/{answer.json['action']}"
    assert answer.json["reasons"][0]["text"] == "A lead looks at prices"


async def test_a_refusal_names_its_rule(library: Library) -> None:
    answer = await library.ask("DELETE", "library/books/isbn-001")
    assert (answer.status, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.json["code"] == "denied"
    assert answer.json["reasons"] == [{"rule": "kept", "text": "Nothing leaves the archive"}]
    assert library.stock("isbn-001") == 11


async def test_what_the_system_would_not_do_is_told_as_such(library: Library) -> None:
    missing = await library.ask("GET", "library/books/none")
    assert (missing.status, missing.json["code"]) == (404, "not_found")
    library.change("CREATE TRIGGER no BEFORE UPDATE ON book BEGIN SELECT RAISE(ABORT, 'no'); END")
    refused = await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 1})
    assert (refused.status, refused.json["code"], refused.json["state"]) == (422, "refused", "failed")


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "status", "code"),
    [
        ("GET", "library/nowhere", None, None, 404, "not_found"),
        ("GET", "none/books", None, None, 404, FacadeUnknown.code),
        ("POST", "library/books", {}, None, 405, "method_not_allowed"),
        ("GET", "library/books", None, {"limit": "x"}, 422, "input_invalid"),
        ("GET", "library/books", None, {"limit": 21}, 422, "input_invalid"),
        ("GET", "library/books", None, {"limit": 0}, 422, "input_invalid"),
        ("GET", "library/books", None, "limit=3&limit=4", 422, "input_invalid"),
        ("GET", "library/books", None, {"unknown": 1}, 422, "input_invalid"),
        ("GET", "library/books", None, "limit=%FF", 400, "request_malformed"),
        ("GET", "library/books", {"limit": 3}, None, 422, "request_invalid"),
        ("GET", "library/books", None, {"cursor": "x"}, 422, CursorInvalid.code),
        ("GET", "library/stocked", None, None, 422, "input_invalid"),
        ("PUT", "library/books/isbn-001/stock", {"amount": "1"}, None, 422, "input_invalid"),
        ("PUT", "library/books/isbn-001/stock", {"amount": 1, "number": "isbn-002"}, None, 422, "request_invalid"),
        ("PUT", "library/books/isbn-001/stock", {"amount": 1, "isbn": "isbn-002"}, None, 422, "input_invalid"),
        ("PUT", "library/books/isbn-001/stock", [1], None, 400, "request_malformed"),
        ("PUT", "library/books/isbn-001/stock", b"{", None, 400, "request_malformed"),
        ("PUT", "library/books/isbn-001/stock", b'{"amount":' + b"1" * 70_000 + b"}", None, 413, "request_too_large"),
        ("PUT", "library/books/isbn-001/stock", b"[" * 14 + b"]" * 14, None, 400, "request_malformed"),
        ("POST", "library/openapi.json", {}, None, 405, "method_not_allowed"),
    ],
)
async def test_what_does_not_fit_changes_nothing(
    library: Library, method: str, path: str, body: Any, query: Any, status: int, code: str
) -> None:
    answer = await library.ask(method, path, body, query=query)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert [library.stock(isbn) for isbn, *_ in BOOKS] == [stock for _, _, stock, _ in BOOKS]


async def test_without_a_credential_or_its_scope_nothing_is_told(library: Library) -> None:
    for path in ("library", "library/openapi.json", "library/books", "library/graphql", "none"):
        answer = await library.ask("GET", path, key="")
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
        assert "resource_metadata" in answer.headers["www-authenticate"]
    for path in ("library/books", "library/graphql"):
        assert (await library.ask("GET", path, key="looker")).status == 403


# --- Pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "size", "name", "expected"),
    [
        ("books", {}, 10, "number", [isbn for isbn, *_ in BOOKS]),
        ("books", {"limit": 4}, 4, "number", [isbn for isbn, *_ in BOOKS]),
        ("skipped", {}, 7, "isbn", [isbn for isbn, *_ in BOOKS]),
        ("stocked", {"least": 20}, 4, "isbn", [isbn for isbn, _, stock, _ in BOOKS if stock >= 20]),
        ("stocked", {"least": 99}, 4, "isbn", []),
    ],
)
async def test_every_page_comes_once_and_the_last_names_no_other(
    library: Library, path: str, query: dict[str, Any], size: int, name: str, expected: list[str]
) -> None:
    seen: list[str] = []
    asked = dict(query)
    for _ in range(20):
        page = (await library.ask("GET", f"library/{path}", query=asked)).json
        assert len(page["items"]) <= size
        seen += [item[name] for item in page["items"]]
        if "next" not in page:
            break
        asked["cursor"] = page["next"]
    assert seen == expected


async def test_a_cursor_goes_on_with_its_own_list_only(library: Library) -> None:
    cursor = (await library.ask("GET", "library/stocked", query={"least": 12})).json["next"]
    for path, query in (("stocked", {"least": 13}), ("books", {}), ("skipped", {})):
        answer = await library.ask("GET", f"library/{path}", query={**query, "cursor": cursor})
        assert (answer.status, answer.json["code"]) == (422, "cursor_invalid")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.hex()))
async def test_no_cursor_breaks_anything(library: Library, cursor: str) -> None:
    answer = await library.ask("GET", "library/stocked", query={"least": 1, "cursor": cursor})
    assert answer.status in (422, 429)


# --- What is kept ----------------------------------------------------------------------------------------------------


async def test_an_answer_is_given_again_while_it_is_valid(library: Library) -> None:
    first = await library.ask("GET", "library/books/isbn-001")
    assert first.headers["cache-control"] == "private, max-age=30"
    library.change("UPDATE book SET stock = 500 WHERE isbn = 'isbn-001'")
    library.clock.advance(29)
    again = await library.ask("GET", "library/books/isbn-001")
    assert (again.json, again.headers["age"], again.headers["cache-control"]) == (
        first.json,
        "29",
        "private, max-age=30",
    )
    assert "interlock-action" not in again.headers
    fresh = await library.ask("GET", "library/books/isbn-001", headers={"cache-control": "no-cache"})
    assert fresh.json["in_stock"] == 500
    library.change("UPDATE book SET stock = 501 WHERE isbn = 'isbn-001'")
    library.clock.advance(31)
    assert (await library.ask("GET", "library/books/isbn-001")).json["in_stock"] == 501


async def test_what_has_not_changed_is_not_sent_again(library: Library) -> None:
    first = await library.ask("GET", "library/books/isbn-001")
    same = await library.ask("GET", "library/books/isbn-001", headers={"if-none-match": first.headers["etag"]})
    assert (same.status, same.body) == (304, b"")
    other = await library.ask("GET", "library/books/isbn-001", headers={"if-none-match": '"other"'})
    assert other.status == 200


async def test_a_write_through_a_facade_makes_it_invalid(library: Library) -> None:
    await library.ask("GET", "library/books/isbn-001")
    await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 3}, key="site")
    assert (await library.ask("GET", "library/books/isbn-001")).json["in_stock"] == 3


async def test_a_switch_or_another_project_ends_it(library: Library) -> None:
    operator = Principal(Kind.service, "operator", "main", scopes=frozenset({"admin"}))
    await library.ask("GET", "library/books/isbn-001")
    await library.installation.switches.set(SwitchTarget(SwitchScope.system, "books"), reason="fire", by=operator)
    stopped = await library.ask("GET", "library/books/isbn-001")
    assert (stopped.status, stopped.json["reasons"][0]["rule"]) == (403, "switch-system")
    await library.installation.switches.clear(SwitchTarget(SwitchScope.system, "books"), by=operator)
    assert (await library.ask("GET", "library/books/isbn-001")).status == 200
    policies = library.root / "policies" / "books.cedar"
    policies.write_text(policies.read_text("utf-8").replace('action in Action::"read"', 'action == Action::"books.x"'))
    policies.write_text(policies.read_text("utf-8").replace("books.x", "books.find_books"))
    await library.installation.projects.reload()
    assert (await library.ask("GET", "library/books/isbn-001")).status == 403


async def test_sessions_that_remember_hear_of_every_answer(library: Library) -> None:
    session = (await library.installation.sessions.open(person("ada"), Opening())).id
    for _ in range(2):
        answer = await library.ask("GET", "library/books/isbn-001", headers={"interlock-session": session})
        assert "interlock-action" in answer.headers
    actions = set()
    for _ in range(2):
        answer = await library.ask("GET", "library/books/isbn-001", key="clerk")
        actions.add(answer.headers["interlock-action"])
    assert len(actions) == 2


async def test_people_and_programs_may_ask_again_and_agents_are_held_by_their_guard(library: Library) -> None:
    for _ in range(6):
        answer = await library.ask("GET", "library/books", key="site")
        assert answer.status == 200
    codes = [(await library.ask("GET", "library/books", key="clerk")).status for _ in range(6)]
    assert codes == [200, 200, 200, 403, 403, 403]


async def test_what_is_kept_for_some_rights_is_not_given_to_others(library: Library) -> None:
    """A token's roles may change between two calls, while who bears it and who issued it stay the same."""
    calling = Calling(library.installation, Rates(library.installation))
    facade = library.installation.projects.current.facades["library"]

    async def told(*roles: str, **more: Any) -> Any:
        visitor = Principal(Kind.person, "ada", "main", frozenset(roles), credential="issuer", **more)
        return await calling.call(Visit(facade, visitor), facade.endpoints["book"], {"number": "isbn-003"})

    first = await told("staff")
    assert (first.value["costs"], (await told("staff")).action) == (4.5, None)
    other = await told("guest")
    assert other.action is not None
    assert "confidential" in other.value["costs"]
    for more in ({"attributes": {"branch": "b"}}, {"present": True}):
        assert (await told("staff", **more)).action is not None


async def test_each_endpoint_keeps_to_its_own_validity(library: Library) -> None:
    await fronted(library, second={"operation": "books.get_book", "get": "/second/{isbn}", "cache": "2s"})
    await library.ask("GET", "library/books/isbn-001")
    library.change("UPDATE book SET stock = 500 WHERE isbn = 'isbn-001'")
    library.clock.advance(10)
    assert (await library.ask("GET", "second/second/isbn-001")).json["stock"] == 500
    assert (await library.ask("GET", "library/books/isbn-001")).json["in_stock"] == 11


async def test_any_write_of_this_process_makes_it_invalid(library: Library) -> None:
    read = partial(library.ask, "GET", "library/books/isbn-001")
    await read()
    written = await call(library, "stock", {"number": "isbn-001", "amount": 3}, key="site")
    assert not written["isError"]
    assert (await read()).json["in_stock"] == 3
    waiting = (await library.ask("PATCH", "library/books/isbn-001", {"price": 9.5})).json["action"]
    assert (await read()).json["costs"] == 1.5
    (approval,) = await library.installation.approvals.of_action(waiting)
    lead = Principal(
        Kind.person, "lea", "main", frozenset({"staff", "lead"}), scopes=frozenset({"approve"}), present=True
    )
    await library.installation.approvals.decide(Verdict(approval.id, True, approval.consent), lead)
    assert (await read()).json["costs"] == 9.5


async def test_what_browsers_keep_is_for_one_caller_and_one_session(library: Library) -> None:
    answer = await library.ask("GET", "library/books/isbn-001")
    assert answer.headers["vary"] == "authorization, interlock-session"


async def test_a_system_that_gives_fewer_than_asked_for_loses_nothing(tmp_path: Path) -> None:
    write_library(tmp_path)
    systems = tmp_path / "systems" / "books.yaml"
    capped = systems.read_text("utf-8").replace("isbn LIMIT :limit OFFSET", "isbn LIMIT min(:limit, 5) OFFSET")
    systems.write_text(capped, "utf-8")
    seen: list[str] = []
    asked: dict[str, Any] = {"limit": 7}
    async with open_library(tmp_path) as library:
        for _ in range(20):
            page = (await library.ask("GET", "library/skipped", query=asked)).json
            seen += [item["isbn"] for item in page["items"]]
            if "next" not in page:
                break
            asked["cursor"] = page["next"]
    assert seen == [isbn for isbn, *_ in BOOKS]


# --- Keys and rates --------------------------------------------------------------------------------------------------


async def test_an_idempotency_key_makes_a_repeated_call_the_same_action(library: Library) -> None:
    once = {"idempotency-key": "k-1"}
    first = await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 5}, headers=once)
    library.change("UPDATE book SET stock = 900 WHERE isbn = 'isbn-001'")
    again = await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 5}, headers=once)
    assert again.headers["interlock-action"] == first.headers["interlock-action"]
    assert library.stock("isbn-001") == 900
    other = await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 6}, headers=once)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    # the same word of somebody else is another key
    await library.ask("PUT", "library/books/isbn-001/stock", {"amount": 6}, headers=once, key="site")
    assert library.stock("isbn-001") == 6
    long = await library.ask(
        "PUT", "library/books/isbn-001/stock", {"amount": 6}, headers={"idempotency-key": "k" * 201}
    )
    assert (long.status, long.json["code"]) == (422, "request_invalid")


async def test_a_key_is_known_to_another_process(library: Library) -> None:
    once = {"idempotency-key": "k-2"}
    first = await library.ask("PUT", "library/books/isbn-002/stock", {"amount": 5}, headers=once)
    library.api = served(library.installation)
    again = await library.ask("PUT", "library/books/isbn-002/stock", {"amount": 5}, headers=once)
    assert again.headers["interlock-action"] == first.headers["interlock-action"]


async def test_a_caller_who_calls_too_often_is_told_when_to_come_back(library: Library) -> None:
    codes = [(await library.ask("GET", "slow/books/isbn-001")).status for _ in range(3)]
    assert codes == [200, 200, 429]
    refused = await library.ask("GET", "slow/books/isbn-001")
    assert (refused.json["code"], refused.headers["retry-after"]) == (RateExceeded.code, "1")
    assert (await library.ask("GET", "slow/books/isbn-001", key="site")).status == 200
    library.clock.advance(0.5)
    assert (await library.ask("GET", "slow/books/isbn-001")).status == 200


# --- Its document ----------------------------------------------------------------------------------------------------


async def test_its_document_names_what_the_caller_may_use(library: Library) -> None:
    document = (await library.ask("GET", "library/openapi.json")).json
    assert document["servers"] == [{"url": "http://127.0.0.1:8640/facades/library"}]
    assert set(document["paths"]["/books/{number}"]) == {"get", "patch"}
    guests = (await library.ask("GET", "library/openapi.json", key="gus")).json
    assert set(guests["paths"]["/books/{number}"]) == {"get"}
    book = document["paths"]["/books/{number}"]["get"]
    assert [one["name"] for one in book["parameters"]] == ["number", "Interlock-Session"]
    shown = book["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(shown["properties"]) == {"number", "name", "in_stock", "costs"}
    overview = (await library.ask("GET", "library")).json
    assert overview["interfaces"]["graphql"] == "http://127.0.0.1:8640/facades/library/graphql"


NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE"]),
    st.text(max_size=20).map(lambda text: quote(text, safe="")),
    st.recursive(st.none() | NUMBERS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
)
async def test_whatever_is_sent_has_an_answer(
    library: Library, method: str, segment: str, body: Any, query: dict[str, str]
) -> None:
    for path in (f"library/books/{segment}", f"library/books/{segment}/stock", f"library/{segment}"):
        answer = await library.ask(method, path, body, query=query)
        assert answer.status < 500, answer.body


def person(name: str) -> Principal:
    return Principal(Kind.person, name, "main", frozenset({"staff"}), scopes=frozenset({"act"}))


async def fronted(library: Library, **operations: Any) -> None:
    """Put one more facade, named `second`, into the project."""
    text = yaml.safe_dump({"facade": "second", "operations": operations})
    (library.root / "facades" / "second.yaml").write_text(text, "utf-8")
    await library.installation.projects.reload()

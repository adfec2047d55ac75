"""Lists that come in pages: alike to callers, whatever the system's way, and never short of an item in silence."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.connectors.web.links import LinkUnfit, next_in, parameters_of
from interlock.integration.contracts.cursors import cursor_of, position_in
from interlock.testing.servers import ScriptedServer, answers, in_turn, says
from tests.integration.conftest import Workbench
from tests.integration.connectors.web.listing import (
    ROWS,
    Reply,
    by_cursor,
    by_last,
    by_link,
    by_offset,
    by_page,
    listing,
    operation,
    rows,
    walked,
)

CURSOR = {"items": "/data", "cursor": {"parameter": "after", "next": "/meta/next"}}
PAGE = {"items": "/data", "page": {"parameter": "page"}}
OFFSET = {"items": "/data", "offset": {"parameter": "offset"}}
LINK = {"link": {"parameters": ["page"]}}
SIZE = {"parameter": "n", "items": 3}
WAYS: list[tuple[Reply, dict[str, Any], tuple[str, ...], int]] = [
    (by_cursor, CURSOR, ("after",), 3),
    (
        by_last,
        {"items": "/data", "cursor": {"parameter": "after", "last": "/id"}, "end": {"more": "/has_more"}},
        ("after",),
        3,
    ),
    (by_last, {"items": "/data", "cursor": {"parameter": "after", "last": "/id"}}, ("after",), 4),
    (by_page, PAGE, ("page",), 4),
    (by_page, PAGE | {"end": {"total": "/total"}}, ("page",), 3),
    (by_page, PAGE | {"end": {"pages": "/pages"}}, ("page",), 3),
    (by_page, PAGE | {"end": "short", "size": SIZE}, ("page", "n"), 3),
    (by_offset, OFFSET, ("offset",), 4),
    (by_offset, OFFSET | {"end": {"total": "/total"}}, ("offset",), 3),
    (by_link, LINK, ("page",), 3),
]


@pytest.mark.parametrize(("reply", "pages", "names", "calls"), WAYS)
async def test_every_way_gives_every_item_once(
    bench: Workbench, reply: Reply, pages: dict[str, Any], names: tuple[str, ...], calls: int
) -> None:
    async with listing(bench, reply, operation(pages, *names)) as (server, systems):
        assert await walked(systems, state="open") == (ROWS, calls)
        assert all(query["state"] == "open" for query in server.queries)


@pytest.mark.parametrize(("reply", "pages", "names", "calls"), WAYS)
async def test_pages_are_gathered_in_one_call(
    bench: Workbench, reply: Reply, pages: dict[str, Any], names: tuple[str, ...], calls: int
) -> None:
    async with listing(bench, reply, operation(pages | {"follow": 2}, *names)) as (server, systems):
        assert await walked(systems, state="open") == (ROWS, (calls + 1) // 2)
        assert len(server.queries) == calls


async def test_gathering_keeps_to_its_bounds_and_loses_nothing(bench: Workbench) -> None:
    gathers = operation(CURSOR | {"follow": 9, "most": 6}, "after")
    async with listing(bench, by_cursor, gathers) as (_, systems):
        assert await walked(systems) == (ROWS, 2)
    async with listing(bench, by_cursor, operation(CURSOR | {"follow": 9}, "after"), limits={"response": "300B"}) as (
        _,
        systems,
    ):
        assert await walked(systems) == (ROWS, 2)


async def test_a_page_that_fails_while_gathering_is_asked_for_again(bench: Workbench) -> None:
    async with listing(bench, by_cursor, operation(CURSOR | {"follow": 3}, "after")) as (server, systems):
        server.breaks_at = 2
        assert await walked(systems) == (ROWS, 2)


async def test_a_cursor_goes_on_with_its_own_list_only(bench: Workbench) -> None:
    async with listing(bench, by_page, operation(PAGE, "page")) as (server, systems):
        cursor = (await rows(systems, state="open")).output["next"]
        mark = mark_of(cursor)
        forged = [
            cursor_of(["http://169.254.169.254/", 1, 3, "", ""], mark),
            cursor_of([True, 1, 3, "", ""], mark),
            cursor_of([None, 1, 3, "", ""], mark),
            cursor_of([2, -1, 3, "", ""], mark),
            cursor_of({"page": 2}, mark),
            "http://elsewhere.example/",
            "é",
        ]
        for one in forged:
            answer = await rows(systems, state="open", cursor=one)
            assert answer.problem is not None
            assert (answer.problem["code"], answer.sent) == ("cursor_invalid", False)
        assert (await rows(systems, state="closed", cursor=cursor)).problem is not None
        assert len(server.queries) == 1
        assert (await rows(systems, state="open", cursor=cursor)).output["items"] == ROWS[3:6]


def mark_of(cursor: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0])


def _code(problem: dict[str, Any] | None) -> str:
    return str((problem or {}).get("code"))


BROKEN: list[tuple[str, dict[str, Any], tuple[str, ...], Any, dict[str, str]]] = [
    ("paging_repeats", CURSOR, ("after",), {"data": [1], "meta": {"next": "same"}}, {}),
    ("paging_repeats", PAGE, ("page",), {"data": [{"id": 1}]}, {}),
    ("paging_repeats", OFFSET, ("offset",), {"data": [{"id": 1}]}, {}),
    ("paging_endless", PAGE | {"end": {"total": "/n"}}, ("page",), {"data": [], "n": 5}, {}),
    ("paging_broken", PAGE | {"end": {"total": "/n"}}, ("page",), {"data": [{"id": 1}]}, {}),
    ("paging_broken", PAGE | {"end": {"more": "/more"}}, ("page",), {"data": [{"id": 1}], "more": "yes"}, {}),
    ("paging_broken", CURSOR, ("after",), {"data": [{"id": 1}], "meta": {"next": {"a": 1}}}, {}),
    ("result_breaks_contract", CURSOR, ("after",), {"data": {"id": 1}}, {}),
    ("result_breaks_contract", CURSOR, ("after",), [], {}),
    ("paging_refused", LINK, ("page",), [{"id": 1}], {"Link": '<https://evil.example/v1/rows?page=2>; rel="next"'}),
    ("paging_refused", LINK, ("page",), [{"id": 1}], {"Link": "</v2/rows?page=2>; rel=next"}),
    ("paging_refused", LINK, ("page",), [{"id": 1}], {"Link": "</v1/%2e%2e/admin?page=2>; rel=next"}),
    ("paging_broken", LINK, ("page",), [{"id": 1}], {"Link": "<?page=2&snapshot=9>; rel=next"}),
    ("paging_broken", LINK, ("page",), [{"id": 1}], {"Link": "<?>; rel=next"}),
    ("paging_repeats", LINK, ("page",), [{"id": 1}], {"Link": "<?page=2>; rel=next"}),
    ("paging_broken", LINK, ("page",), [{"id": 1}], {"Link": '<?page=2>; title="; rel=next'}),
]


@pytest.mark.parametrize(("code", "pages", "names", "body", "headers"), BROKEN)
async def test_paging_that_goes_wrong_is_told(
    bench: Workbench, code: str, pages: dict[str, Any], names: tuple[str, ...], body: Any, headers: dict[str, str]
) -> None:
    declared = operation(pages, *names, output_schema={"type": "array"})
    async with listing(bench, lambda *_: (body, headers), declared) as (server, systems):
        answer = await rows(systems)
        for _ in range(3):
            if answer.succeeded:
                answer = await rows(systems, cursor=answer.output["next"])
        assert _code(answer.problem) == code
        assert len(server.queries) <= 3


async def test_a_circle_of_any_length_is_found(bench: Workbench) -> None:
    def around(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
        return {"data": [{"id": 1}], "meta": {"next": (int(query.get("after", "0")) + 1) % 5}}, {}

    async with listing(bench, around, operation(CURSOR, "after")) as (server, systems):
        answer = await rows(systems)
        while answer.succeeded and len(server.queries) < 40:
            answer = await rows(systems, cursor=answer.output["next"])
        assert _code(answer.problem) == "paging_repeats"


async def test_gathering_a_circle_fails_whole(bench: Workbench) -> None:
    def around(query: dict[str, str], _target: str) -> tuple[Any, dict[str, str]]:
        return {"data": [{"id": 1}], "meta": {"next": {"a": "b", "b": "a"}.get(query.get("after", ""), "a")}}, {}

    async with listing(bench, around, operation(CURSOR | {"follow": 50}, "after")) as (server, systems):
        assert _code((await rows(systems)).problem) == "paging_repeats"
        assert len(server.queries) <= 4


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"effect": "write"}, "only an operation that reads"),
    ({"options": {"pages": {"cursor": {"parameter": "gone", "next": "/n"}}}}, "no argument 'gone'"),
    ({"options": {"pages": PAGE | {"end": "short"}, "query": {"page": "{page}"}}}, "needs `size`"),
    ({"options": {"pages": LINK | {"end": "empty"}, "query": {"page": "{page}"}}}, "leave `end` out"),
    ({"options": {"pages": OFFSET | {"end": {"pages": "/p"}}, "query": {"page": "{page}"}}}, "is for `page`"),
    ({"options": {"pages": PAGE | OFFSET}}, "/pages"),
    ({"options": {"pages": PAGE, "result": "/data"}}, "leave `result` out"),
]


@pytest.mark.parametrize(("more", "words"), WRONG)
def test_declarations_that_are_wrong_are_found_before_they_run(
    bench: Workbench, more: dict[str, Any], words: str
) -> None:
    declared = operation(PAGE, "page") | {"input": {"type": "object", "properties": {"page": {"type": "integer"}}}}
    declared["options"] = {"pages": PAGE}
    system = {
        "system": "desk",
        "connector": "http",
        "connection": {"base_url": "http://127.0.0.1:1"},
        "operations": {"rows": declared | more},
    }
    with pytest.raises(ProjectInvalid, match=re.escape(words)):
        bench.catalog(system)


@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(), lambda inner: st.lists(inner, max_size=3)), st.text())
def test_a_cursor_holds_any_position_of_its_list(position: Any, mark: str) -> None:
    assert position_in(cursor_of(position, mark), mark) == position
    with pytest.raises(ValueError, match="cursor"):
        position_in(cursor_of(position, mark), f"{mark}x")


@given(st.text(alphabet='<>;,="\\ relnxt/?&:.%@[]1', max_size=120))
def test_no_link_leads_out_of_the_declared_place(text: str) -> None:
    base = "https://api.acme.example/v1"
    try:
        found = parameters_of(next_in({"Link": f'<{text}>; rel="next"'}) or text, f"{base}/rows?a=1", base)
    except LinkUnfit:
        return
    assert all(isinstance(value, str) for value in found.values())


def test_links_are_read_as_they_are_written() -> None:
    written = '<https://a.example/?p=1,2>; rel=prev, <b?p=3>; title="x; rel=next, y"; REL="last NEXT" , <c>; rel=up'
    assert next_in({"link": written}) == "b?p=3"
    assert next_in({"Other": written}) == next_in({"Link": "<c>; rel=up"}) == next_in({"Link": ""}) == ""
    assert next_in({"Link": "<a>; rel=prev,, <b>; rel='next' ,"}) == "b"


@pytest.mark.parametrize(
    "written", ["nonsense", '<a>; title="open; rel=next', "<a<b>; rel=next", "<a>; rel=prev <b>; rel=next"]
)
def test_a_list_does_not_end_where_its_links_cannot_be_read(written: str) -> None:
    with pytest.raises(LinkUnfit, match="cannot be read"):
        next_in({"Link": written})


async def test_links_in_fields_of_their_own_are_all_followed(bench: Workbench) -> None:
    first = (
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\nLink: <?page=1>; rel="prev"\r\n'
    )
    pages = says(first + b'Link: <?page=2>; rel="next"\r\n\r\n[{"id":1}]'), answers(200, [{"id": 2}])
    async with ScriptedServer(in_turn(*pages)) as server:
        system = {"system": "desk", "connector": "http", "connection": {"base_url": f"{server.url}/v1"}}
        systems = await bench.serve(system | {"operations": {"rows": operation(LINK, "page")}})
        assert (await walked(systems))[0] == [{"id": 1}, {"id": 2}]

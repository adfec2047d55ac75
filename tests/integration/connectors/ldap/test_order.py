"""Lists in an order go on in the next call, in any session: none is left out and none comes twice, or it is said."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.contracts.cursors import cursor_of
from interlock.integration.systems import Systems
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.ldap.desk import OPERATIONS, STAFF, read, system
from tests.integration.connectors.ldap.relay import Relay
from tests.integration.connectors.ldap.slapd import BASE, PASSWORD, Directory, running

PEOPLE = f"ou=people,{BASE}"


def listing(order: str, **options: Any) -> dict[str, Any]:
    shown = {"base": PEOPLE, "filter": "(objectClass=inetOrgPerson)", "attributes": {"uid": "string"}, "page": 3}
    return read("search", **{**shown, "order": order, **options})


LISTS: dict[str, Any] = {
    "by_id": listing("entryUUID"),
    "by_badge": listing("acmeBadge", attributes={"uid": "string", "acmeBadge": "integer"}),
    "by_uid": listing("uid"),
    "by_mail": listing("mail"),
    "found": listing("entryUUID", filter="(&(objectClass=inetOrgPerson)(sn={sn})(cn=*{cn}*))", optional=["cn"]),
}


@pytest.fixture
async def desk(bench: Workbench, directory: Directory) -> Systems:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    return await bench.serve({**system(directory.port, {**OPERATIONS, **LISTS}), "limits": {"failures": 1000}})


def people(directory: Directory, count: int, *, badge: int | None = None, classes: list[str] | None = None) -> None:
    """Let *count* people be there, whose badges count down from 100 in steps of 10 unless all have the same."""
    directory.ldif(
        "\n".join(
            f"dn: uid=p{one:02},{PEOPLE}\n"
            + "".join(f"objectClass: {name}\n" for name in classes or STAFF)
            + f"uid: p{one:02}\ncn: Person {one:02}\nsn: Many\nmail: p{one:02}@acme.example\n"
            + ("" if classes else f"acmeBadge: {100 - one * 10 if badge is None else badge}\n")
            for one in range(count)
        )
    )


async def walked(desk: Systems, operation: str, limit: int, **arguments: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    after: str | None = None
    while after is not None or not pages:
        given = {"limit": limit, **arguments, **({"after": after} if after is not None else {})}
        answer = await desk.call(f"directory.{operation}", given)
        assert answer.succeeded, answer.problem
        pages.append([one["uid"] for one in answer.output["entries"]])
        after = answer.output["next"]
        assert answer.output["complete"] is (after is None)
        assert len(pages) < 40
    return pages


async def problem(desk: Systems, operation: str, **arguments: Any) -> dict[str, Any]:
    answer = await desk.call(f"directory.{operation}", arguments)
    assert answer.status == "failed", answer
    assert answer.problem is not None
    return answer.problem


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 9, 10, 11])
async def test_every_entry_comes_once(desk: Systems, directory: Directory, limit: int) -> None:
    people(directory, 10)
    pages = await walked(desk, "by_id", limit)
    assert sorted(uid for page in pages for uid in page) == [f"p{one:02}" for one in range(10)]
    assert {len(page) for page in pages[:-1]} <= {limit}


async def test_numbers_are_in_the_order_of_numbers(desk: Systems, directory: Directory) -> None:
    people(directory, 12)  # from 100 down to -10
    pages = await walked(desk, "by_badge", 5)
    assert [uid for page in pages for uid in page] == [f"p{one:02}" for one in range(11, -1, -1)]


async def test_a_list_goes_on_in_another_session_and_is_not_shaken_by_changes(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    people(directory, 8)
    first = (await desk.call("directory.by_badge", {"limit": 3})).output
    assert [one["uid"] for one in first["entries"]] == ["p07", "p06", "p05"]
    directory.ldif(f"dn: uid=p05,{PEOPLE}\nchangetype: delete\n", "ldapmodify")  # the one that the mark is of
    directory.ldif(f"dn: uid=p04,{PEOPLE}\nchangetype: delete\n", "ldapmodify")
    await bench.systems.close()
    again = await bench.serve({**system(directory.port, {**OPERATIONS, **LISTS}), "limits": {"failures": 1000}})
    second = (await again.call("directory.by_badge", {"limit": 3, "after": first["next"]})).output
    assert [one["uid"] for one in second["entries"]] == ["p03", "p02", "p01"]


async def test_more_lists_are_begun_than_a_server_sorts_at_once(desk: Systems, directory: Directory) -> None:
    people(directory, 10)
    for _ in range(12):
        answer = await desk.call("directory.by_id", {"limit": 2})
        assert answer.succeeded, answer.problem
        assert len(answer.output["entries"]) == 2


async def test_a_cursor_holds_for_its_list_alone(desk: Systems, directory: Directory) -> None:
    people(directory, 6)
    after = (await desk.call("directory.found", {"sn": "Many", "limit": 2})).output["next"]
    assert (await desk.call("directory.found", {"sn": "Many", "limit": 3, "after": after})).succeeded
    for wrong in ({"sn": "Few"}, {"sn": "Many", "cn": "erson"}):
        told = await desk.call("directory.found", {**wrong, "after": after})
        assert told.problem is not None
        assert (told.status, told.problem["code"], told.sent) == ("failed", "cursor_invalid", False)
    for forged in ("x", "", "W10", after[:-4], "bnVsbA"):
        assert (await problem(desk, "by_id", after=forged))["code"] == "cursor_invalid"


async def test_a_mark_is_a_value_and_nothing_else(desk: Systems, directory: Directory) -> None:
    people(directory, 4)
    after = (await desk.call("directory.found", {"sn": "Many", "limit": 1})).output["next"]
    mark, _ = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    for key in ("*)(objectClass=*", "*", "x)(|(uid=*", "\\2a"):
        answer = await desk.call("directory.found", {"sn": "Many", "after": cursor_of(key, mark)})
        assert answer.status == "failed" or answer.output["entries"] == [], answer
    for position in (None, 5, ["x"], {"a": 1}):
        told = await problem(desk, "found", sn="Many", after=cursor_of(position, mark))
        assert told["code"] == "cursor_invalid"


# --- what would leave somebody out -----------------------------------------------------------------------------------


async def test_an_attribute_without_an_order_of_its_own_is_refused(desk: Systems, directory: Directory) -> None:
    people(directory, 6)
    for operation in ("by_uid", "by_mail"):
        told = await problem(desk, operation, limit=2)
        assert told["code"] in {"refused", "not_supported"}, told


async def test_an_entry_without_the_attribute_is_told(desk: Systems, directory: Directory) -> None:
    people(directory, 4)
    directory.ldif(f"dn: uid=new,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: new\ncn: New\nsn: Many\n")
    told = await problem(desk, "by_badge", limit=2)
    assert (told["code"], "has no acmeBadge" in told["detail"]) == ("result_breaks_contract", True)


async def test_two_entries_with_one_value_are_told_where_a_page_ends_between_them(
    desk: Systems, directory: Directory
) -> None:
    people(directory, 4, badge=7)
    told = await problem(desk, "by_badge", limit=2)
    assert (told["code"], "same acmeBadge" in told["detail"]) == ("result_breaks_contract", True)
    assert len((await desk.call("directory.by_badge", {"limit": 4})).output["entries"]) == 4


async def test_a_directory_that_does_not_sort_is_told(bench: Workbench, tmp_path: Path) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    with running(certificate(tmp_path), sorts=False) as plain:
        people(plain, 4)
        desk = await bench.serve({**system(plain.port, LISTS), "limits": {"failures": 1000}})
        told = await problem(desk, "by_id", limit=2)
    assert (told["code"], told["status"]) == ("not_supported", 12)


class Careless(Relay):
    """Stands before a directory, and says nothing of having sorted."""

    def altered(self, answer: bytes) -> bytes | None:
        return answer.replace(b"1.2.840.113556.1.4.474", b"1.2.840.113556.1.4.479")


async def test_a_directory_that_does_not_say_that_it_sorted_is_not_believed(
    bench: Workbench, directory: Directory
) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    people(directory, 4)
    async with Careless(directory.port, b"ou=people", "careless") as relay:
        desk = await bench.serve({**system(relay.port, LISTS), "limits": {"failures": 1000}})
        told = await problem(desk, "by_id", limit=2)
    assert (told["code"], "does not say that it sorted" in told["detail"]) == ("not_supported", True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"order": "userPassword"}, "holds a secret", id="a secret"),
        pytest.param({"page": 0}, "needs pages", id="no pages"),
        pytest.param({"filter": "(uid={after})"}, "a name that is taken", id="a place of its name"),
    ],
)
def test_an_order_that_cannot_be_is_refused(bench: Workbench, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(system(1, {"one": listing(**{"order": "entryUUID", **options})}))
    assert said in str([finding.message for finding in refused.value.findings])

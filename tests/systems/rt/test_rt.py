"""Tickets of a real Request Tracker: pages, its refusals with a good status, versions, lost answers and a restart."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.app.main import main
from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, Proposal
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from interlock.testing.servers import Received, ScriptedServer
from tests.orchestration.desk import person, running
from tests.systems.relay import Relay
from tests.systems.rt import machine
from tests.systems.rt.machine import Tracker

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]
PROJECT = Path(__file__).parent / "project"
CARLA, LENA = person("carla", "support"), person("lena", "lead")
NEW = {"queue": "Support", "text": "It does not print.", "requestor": "ann@there.example"}


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    with machine.prepared() as found, found.serving():
        yield found


def _named(request: Received) -> str:
    return f"{request.method} {request.target.partition('?')[0].rpartition('/')[2]}"


class Desk:
    """Carla at work in one session."""

    def __init__(self, office: Installation, session: str) -> None:
        self.office = office
        self.session = session

    async def try_(self, operation: str, **arguments: Any) -> Action:
        return await self.office.actions.propose(CARLA, Proposal(self.session, f"rt.{operation}", arguments))

    async def do(self, operation: str, **arguments: Any) -> Any:
        action = await self.try_(operation, **arguments)
        assert action.state == "succeeded", (action.problem, action.decision.reasons)
        return action.output

    async def open(self, subject: str) -> int:
        return int((await self.do("create_ticket", subject=subject, **NEW))["id"])

    async def read(self, ticket: int) -> Any:
        return await self.do("get_ticket", id=ticket)

    async def version(self, ticket: int) -> str:
        return str((await self.read(ticket))["version"])


@asynccontextmanager
async def at(url: str, token: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setenv("RT_URL", url)
    monkeypatch.setenv("INTERLOCK_SECRET_RT", f"token {token}")
    async with running(root) as composed:
        office = composed.installation
        session = await office.sessions.open(CARLA, Opening(request="Look after the tickets"))
        yield Desk(office, session.id)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


@pytest.fixture
async def relay(tracker: Tracker) -> AsyncIterator[tuple[Relay, str]]:
    found = Relay(tracker.port, _named)
    async with ScriptedServer(found) as listener:
        yield found, listener.url


@pytest.fixture
async def desk(tracker: Tracker, root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with at(tracker.url, tracker.token, root, monkeypatch) as found:
        yield found


@pytest.fixture
async def desk_by_relay(
    relay: tuple[Relay, str], tracker: Tracker, root: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    async with at(relay[1], tracker.token, root, monkeypatch) as found:
        yield found


def refusal(action: Action, code: str) -> str:
    """Return RT's own words for a refusal that certainly had no effect."""
    assert action.problem is not None
    assert (action.state, action.problem["code"]) == ("failed", code)
    return str(action.problem["system"]["title"])


def test_the_project_is_valid() -> None:
    assert main(["check", str(PROJECT)]) == 0


async def test_a_ticket_from_opening_to_its_end(desk: Desk, tracker: Tracker) -> None:
    number = await desk.open("Can't print (A)")
    (ticket,) = tracker.tickets("Can't print (A)")
    assert (ticket["id"], ticket["Status"]) == (number, "new")
    assert "ann@there.example" in tracker.mails()
    await desk.do("comment", id=number, text="The toner is old.")
    assert len(tracker.transactions(number, "Comment")) == 1
    assert await desk.do("set_owner", id=number, owner="interlock", version=await desk.version(number)) != []
    await desk.do("set_site", id=number, site="Basel", version=await desk.version(number))
    said = await desk.do("set_status", id=number, status="resolved", version=await desk.version(number))
    assert said == [f"Ticket {number}: Status changed from 'new' to 'resolved'"]
    again = await desk.do("set_status", id=number, status="resolved", version=await desk.version(number))
    assert again == [], "it was so already"
    read = await desk.read(number)
    assert (read["Status"], read["Owner"]["id"], read["Queue"]["id"]) == ("resolved", "interlock", "3")
    assert [(one["name"], one["values"]) for one in read["CustomFields"]] == [("Site", ["Basel"])]
    history = await desk.do("get_history", id=number)
    assert [one["Type"] for one in history["items"]][:1] == ["Create"]
    assert {"Comment", "Status", "CustomField"} <= {one["Type"] for one in history["items"]}
    texts = await desk.do("get_texts", id=number)
    assert [one["Content"] for one in texts["items"]] == ["The toner is old.", NEW["text"]]


async def test_what_outsiders_wrote_is_untrusted_and_what_rt_says_is_not(desk: Desk) -> None:
    number = await desk.open("Labelled")
    await desk.read(number)
    await desk.do("get_texts", id=number)
    places = (await desk.office.sessions.use(desk.session, CARLA)).memory.places()
    trust = {str(place): str(held.now.integrity) for place, held in places.items()}
    assert {trust[f"rt.get_ticket#/{name}"] for name in ("id", "Status", "version")} == {"trusted"}
    assert trust["rt.get_ticket#/Subject"] == "untrusted"
    texts = {name: found for name, found in trust.items() if name.startswith("rt.get_texts#") and "Content" in name}
    assert set(texts.values()) == {"untrusted"}


async def test_who_and_where_are_looked_up(desk: Desk) -> None:
    assert [one["Name"] for one in await desk.do("list_queues")] == ["Board", "Support"]
    assert (await desk.do("get_user", name="interlock"))["EmailAddress"] == "interlock@acme.example"
    assert refusal(await desk.try_("get_user", name="nobody-known"), "not_found") == "Not Found"


async def test_an_answer_to_a_customer_waits_for_a_lead(desk: Desk, tracker: Tracker) -> None:
    number = await desk.open("Printer B")
    waits = await desk.try_("correspond", id=number, text="We come on Monday.")
    assert (waits.state, tracker.transactions(number, "Correspond")) == ("waiting", [])
    assert "We come on Monday." not in tracker.mails()
    (approval,) = await desk.office.approvals.of_action(waits.id)
    await desk.office.approvals.decide(Verdict(approval.id, True, approval.consent), LENA)
    assert (await desk.office.actions.get(waits.id, CARLA)).state == "succeeded"
    assert len(tracker.transactions(number, "Correspond")) == 1
    assert "We come on Monday." in tracker.mails()


async def test_a_search_over_pages_loses_and_doubles_nothing(desk: Desk) -> None:
    opened = [await desk.open(f"Paged {index}") for index in range(7)]
    found: list[int] = []
    for page in range(1, 10):
        answer = await desk.do("search_tickets", query="Subject LIKE 'Paged'", page=page, per_page=3)
        found += [int(one["id"]) for one in answer["items"]]
        if answer["count"] < answer["per_page"]:
            break
    assert (found, page) == (opened, 3)
    behind = await desk.do("search_tickets", query="Subject LIKE 'Paged'", page=4, per_page=3)
    assert behind["items"] == []


async def test_history_is_read_page_by_page(desk: Desk) -> None:
    number = await desk.open("Long history")
    for index in range(4):
        await desk.do("comment", id=number, text=f"Note {index}.")
    seen: list[str] = []
    for page in range(1, 20):
        items = (await desk.do("get_history", id=number, page=page, per_page=2))["items"]
        if not items:
            break
        seen += [one["id"] for one in items]
    whole = (await desk.do("get_history", id=number))["items"]
    assert seen == [one["id"] for one in whole]
    assert len(set(seen)) == len(seen)


async def test_what_rt_refuses_is_told_in_its_words(desk: Desk, tracker: Tracker) -> None:
    unknown = await desk.try_("create_ticket", subject="Refused 1", **{**NEW, "queue": "Nowhere"})
    assert refusal(unknown, "access_denied") == "No permission to create tickets in the queue ..."
    forbidden = await desk.try_("create_ticket", subject="Refused 2", **{**NEW, "queue": "Board"})
    assert refusal(forbidden, "access_denied") == "No permission to create tickets in the queue ..."
    status = await desk.try_("create_ticket", subject="Refused 3", status="nonsense", **NEW)
    assert refusal(status, "refused") == "Status ... isn't a valid status for tickets in this queue."
    assert [tracker.tickets(f"Refused {index}") for index in (1, 2, 3)] == [[], [], []]
    query = await desk.try_("search_tickets", query="Nonsense foo")
    assert refusal(query, "refused").startswith("Wrong query, expecting a OPERATOR in ...")
    assert refusal(await desk.try_("get_ticket", id=99_999), "not_found") == "Not Found"


async def test_a_refusal_with_a_good_status_is_none_of_success(desk: Desk, tracker: Tracker) -> None:
    """RT answers 200 to a PUT that did nothing, with the reason in a list."""
    number = await desk.open("Printer C")
    version = await desk.version(number)
    status = await desk.try_("set_status", id=number, status="nonsense", version=version)
    assert refusal(status, "refused") == "Ticket ... Status ... isn't a valid status for this ticket."
    owner = await desk.try_("set_owner", id=number, owner="nobody-known", version=version)
    assert refusal(owner, "refused") == "Ticket ... That user does not exist"
    site = await desk.try_("set_site", id=number, site="Paris", version=version)
    assert refusal(site, "refused") == "Invalid value for custom field"
    assert tracker.tickets("Printer C")[0]["Status"] == "new"
    assert await desk.version(number) == version


async def test_a_missing_right_is_told(desk: Desk, tracker: Tracker) -> None:
    """The board's tickets may be read, and nothing more."""
    (budget,) = tracker.tickets("The budget")
    version = await desk.version(budget["id"])
    status = await desk.try_("set_status", id=budget["id"], status="open", version=version)
    assert refusal(status, "refused") == "Ticket ... Permission Denied"
    assert refusal(await desk.try_("comment", id=budget["id"], text="No."), "refused") == "Permission Denied"
    assert tracker.tickets("The budget") == [budget]


async def test_a_ticket_that_somebody_changed_is_a_conflict(desk: Desk, tracker: Tracker) -> None:
    number = await desk.open("Printer D")
    version = await desk.version(number)
    tracker.touch(number)
    late = await desk.try_("set_status", id=number, status="open", version=version)
    assert refusal(late, "conflict") == "Precondition Failed"
    assert tracker.tickets("Printer D")[0]["Status"] == "new"
    await desk.do("set_status", id=number, status="open", version=await desk.version(number))
    assert tracker.tickets("Printer D")[0]["Status"] == "open"


async def test_lost_answers_are_settled_by_reading_back(
    desk_by_relay: Desk, relay: tuple[Relay, str], tracker: Tracker
) -> None:
    desk, (line, _) = desk_by_relay, relay
    line.lost = {"POST ticket", "POST comment"}
    opened = await desk.try_("create_ticket", subject="Printer E", **NEW)
    assert opened.state == "in_doubt"
    (ticket,) = tracker.tickets("Printer E")
    settled = await desk.office.settlement.settle(opened)
    assert (settled.state, settled.output) == ("succeeded", {"id": str(ticket["id"])})
    noted = await desk.try_("comment", id=ticket["id"], text="Once only.")
    assert noted.state == "in_doubt"
    assert (await desk.office.settlement.settle(noted)).state == "succeeded"
    line.lost = {f"PUT {ticket['id']}"}
    changed = await desk.try_("set_status", id=ticket["id"], status="open", version=await desk.version(ticket["id"]))
    assert changed.state == "in_doubt"
    assert (await desk.office.settlement.settle(changed)).state == "succeeded"
    writes = [call for call in line.calls if not call.startswith("GET")]
    assert writes == ["POST ticket", "POST comment", f"PUT {ticket['id']}"], "nothing was sent again"
    assert len(tracker.tickets("Printer E")) == len(tracker.transactions(ticket["id"], "Comment")) == 1


async def test_what_is_there_is_not_written_again(desk: Desk, tracker: Tracker) -> None:
    number = await desk.open("Printer F")
    assert (await desk.try_("create_ticket", subject="Printer F", **{**NEW, "text": "Still."})).state == "denied"
    await desk.do("comment", id=number, text="Seen.")
    assert (await desk.try_("comment", id=number, text="Seen.")).state == "denied"
    assert len(tracker.transactions(number, "Comment")) == 1


async def test_a_wrong_token_is_denied(tracker: Tracker, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at(tracker.url, "1-35-wrong-token", root, monkeypatch) as desk:
        action = await desk.try_("get_ticket", id=1)
        assert refusal(action, "access_denied") == "Unauthorized"
        assert not (await desk.office.systems.probe("rt")).succeeded


async def test_a_restart_in_the_middle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with machine.prepared() as tracker, ExitStack() as first:
        first.enter_context(tracker.serving())
        async with at(tracker.url, tracker.token, root, monkeypatch) as desk:
            number = await desk.open("Printer G")
            version = await desk.version(number)
            first.close()
            away = await desk.try_("set_status", id=number, status="open", version=version)
            assert away.problem is not None
            assert (away.state, away.problem["code"]) == ("failed", "unreachable"), "it was certainly not sent"
            assert tracker.tickets("Printer G")[0]["Status"] == "new"
            with tracker.serving():
                await desk.do("set_status", id=number, status="open", version=version)
                assert tracker.tickets("Printer G")[0]["Status"] == "open"


async def test_the_system_is_there(desk: Desk) -> None:
    assert (await desk.office.systems.probe("rt")).succeeded

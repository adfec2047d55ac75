"""Tickets of a real django-helpdesk; without its mail server it answers that it failed, and has opened the ticket."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.app.main import main
from interlock.experience.installation import Installation
from interlock.orchestration.actions import Action, Proposal
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from tests.orchestration.desk import person, running
from tests.systems.helpdesk import machine
from tests.systems.helpdesk.machine import PASSWORD, Helpdesk

pytestmark = [pytest.mark.systems, pytest.mark.timeout(1800)]
PROJECT = Path(__file__).parent / "project"
CARLA, LENA = person("carla", "support"), person("lena", "lead")
PRINTER = {"text": "It does not print.", "email": "ann@there.example", "priority": 3}


@pytest.fixture(scope="module")
def helpdesk() -> Iterator[Helpdesk]:
    with machine.running(mail=True) as found:
        yield found


@pytest.fixture(scope="module")
def without_mail() -> Iterator[Helpdesk]:
    with machine.running(mail=False) as found:
        yield found


class Desk:
    """Carla at work in one session."""

    def __init__(self, office: Installation, session: str) -> None:
        self.office = office
        self._session = session

    async def try_(self, operation: str, **arguments: Any) -> Action:
        return await self.office.actions.propose(CARLA, Proposal(self._session, f"helpdesk.{operation}", arguments))

    async def kinds(self, action: Action) -> list[str]:
        """Return what the journal holds of an action."""
        return [record.kind for record in await self.office.journal.show(action.id, tenant="acme")]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERLOCK_SECRET_HELPDESK", PASSWORD)
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


@asynccontextmanager
async def at(helpdesk: Helpdesk, root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setenv("HELPDESK_URL", helpdesk.url)
    async with running(root) as composed:
        office = composed.installation
        session = await office.sessions.open(CARLA, Opening(request="Look after the tickets"))
        yield Desk(office, session.id)


@pytest.fixture
async def desk(helpdesk: Helpdesk, root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with at(helpdesk, root, monkeypatch) as found:
        yield found


@pytest.fixture
async def desk_without_mail(without_mail: Helpdesk, root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with at(without_mail, root, monkeypatch) as found:
        yield found


def test_the_project_is_valid() -> None:
    assert main(["check", str(PROJECT)]) == 0


async def test_a_ticket_from_opening_to_removal(desk: Desk, helpdesk: Helpdesk) -> None:
    opened = await desk.try_("open_ticket", title="Printer A", **PRINTER)
    assert opened.state == "succeeded", (opened.problem, opened.decision.reasons)
    (ticket,) = helpdesk.tickets("Printer A")
    assert (ticket["id"], ticket["submitter_email"], ticket["priority"]) == (opened.output["id"], PRINTER["email"], 3)
    read = await desk.try_("get_ticket", id=ticket["id"])
    assert (read.state, read.output["title"]) == ("succeeded", "Printer A")
    raised = await desk.try_("set_priority", id=ticket["id"], priority=2)
    assert (raised.state, raised.output) == ("succeeded", 2)
    assert helpdesk.tickets("Printer A")[0]["priority"] == 2
    listed = await desk.try_("newest_tickets", status=1)
    assert ticket["id"] in [one["id"] for one in listed.output]
    await desk.office.actions.undo(opened.id, CARLA)
    assert helpdesk.tickets("Printer A") == []
    gone = await desk.try_("get_ticket", id=ticket["id"])
    assert gone.problem is not None
    assert (gone.state, gone.problem["code"]) == ("failed", "not_found")


async def test_a_wrong_address_is_refused_and_nothing_is_in_doubt(desk: Desk, helpdesk: Helpdesk) -> None:
    action = await desk.try_("open_ticket", title="Printer B", **{**PRINTER, "email": "nonsense"})
    assert action.problem is not None
    assert (action.state, action.problem["code"]) == ("failed", "refused")
    assert helpdesk.tickets("Printer B") == []


async def test_an_urgent_ticket_waits_for_a_lead(desk: Desk, helpdesk: Helpdesk) -> None:
    waits = await desk.try_("open_ticket", title="Printer C", **{**PRINTER, "priority": 1})
    assert (waits.state, helpdesk.tickets("Printer C")) == ("waiting", [])
    (approval,) = await desk.office.approvals.of_action(waits.id)
    await desk.office.approvals.decide(Verdict(approval.id, True, approval.consent), LENA)
    assert (await desk.office.actions.get(waits.id, CARLA)).state == "succeeded"
    assert len(helpdesk.tickets("Printer C")) == 1


async def test_a_failure_that_was_none_is_settled_by_reading_back(
    desk_without_mail: Desk, without_mail: Helpdesk
) -> None:
    """The ticket is opened, then the mail about it fails, and the answer is 500."""
    desk, posts = desk_without_mail, without_mail.posts()
    action = await desk.try_("open_ticket", title="Printer D", **PRINTER)
    assert action.state == "in_doubt"
    assert action.problem is not None
    assert (action.problem["code"], action.problem["status"]) == ("system_error", 500)
    (ticket,) = without_mail.tickets("Printer D")
    settled = await desk.office.settlement.settle(action)
    assert settled.state == "succeeded"
    assert settled.output["id"] == ticket["id"]
    kinds = await desk.kinds(action)
    assert kinds.index("action.in_doubt") < kinds.index("action.succeeded")
    assert "action.failed" not in kinds
    assert without_mail.posts() == posts + 1, "it was not sent again"
    assert len(without_mail.tickets("Printer D")) == 1


async def test_a_title_that_is_there_is_not_opened_again(desk_without_mail: Desk, without_mail: Helpdesk) -> None:
    """Two tickets of one title could not be told apart when an answer is lost, so there is never a second."""
    desk = desk_without_mail
    first = await desk.try_("open_ticket", title="Printer E", **PRINTER)
    assert (await desk.office.settlement.settle(first)).state == "succeeded"
    posts = without_mail.posts()
    second = await desk.try_("open_ticket", title="Printer E", **{**PRINTER, "text": "Still not."})
    assert second.state == "denied"
    assert without_mail.posts() == posts


async def test_wrong_credentials_are_denied(helpdesk: Helpdesk, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_SECRET_HELPDESK", "wrong-password")
    async with at(helpdesk, root, monkeypatch) as desk:
        action = await desk.try_("set_priority", id=1, priority=2)
        assert action.problem is not None
        assert (action.state, action.problem["code"]) == ("failed", "access_denied")
        assert not (await desk.office.systems.probe("helpdesk")).succeeded


async def test_the_system_is_there(desk: Desk) -> None:
    assert (await desk.office.systems.probe("helpdesk")).succeeded

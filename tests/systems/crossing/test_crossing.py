"""One order crosses four systems: a ticket, a customer in the CRM, an order in the ERP, a posting in a COBOL file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from interlock.app.main import main
from tests.systems.crossing import house as houses
from tests.systems.crossing.house import PROJECT, Agent, House

pytestmark = [
    pytest.mark.systems,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        shutil.which("cobc") is None, reason="no GnuCOBOL compiler (cobc) on the PATH (hint: apt-get install gnucobol3)"
    ),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with (
        houses.systems(mail=True) as (tryton, helpdesk),
        houses.running(tmp_path_factory.mktemp("crossing"), tryton, helpdesk) as found,
    ):
        yield found


def test_the_project_is_valid() -> None:
    assert main(["check", str(PROJECT)]) == 0


def test_a_ticket_becomes_an_order_a_posting_and_an_answer(house: House) -> None:
    account = house.customer("ann@there.example")
    ticket = house.helpdesk.receive("Chairs", "Hello, please order 40 of C1. Ann", "ann@there.example")
    agent = Agent(house, ticket)
    wish, _ = agent.quoted()
    print(wish)
    post = agent.post(wish)
    print(post)
    post = house.approved(post, "greta")
    print(post["state"])
    confirm = agent.try_("erp.confirm_order", id=wish.order)
    print(confirm)
    confirm = house.confirmed(confirm)
    ans = agent.answer("Your chairs are on their way.")
    print(ans)
    for r in house.journal(agent.session): print(r)
    assert 0

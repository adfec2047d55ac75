"""The business system itself dies in the middle of a call; what it did is found out, or a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.journeys.crash.campaign import Campaign
from tests.journeys.crash.wish import BLIND, CREDITS, NO_EFFECT
from tests.journeys.place import Place, place
from tests.journeys.process import until

BEFORE, AFTER = "--crash-before-commit", "--crash-after-commit"
# After billing came back: the state that the action reaches by itself, and how often the credit was made.
CASES = {
    ("billing.credit", BEFORE): ("failed", 0),
    ("billing.credit", AFTER): ("succeeded", 1),
    ("oldbilling.credit_found", BEFORE): ("failed", 0),
    ("oldbilling.credit_found", AFTER): ("succeeded", 1),
    ("billing.credit_repeated", BEFORE): ("succeeded", 1),
    ("billing.credit_repeated", AFTER): ("succeeded", 1),
    (BLIND, BEFORE): ("in_doubt", 0),
    (BLIND, AFTER): ("in_doubt", 1),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("billing")) as found:
        yield found


def test_every_credit_is_tried() -> None:
    assert {operation for operation, _ in CASES} == set(CREDITS)


def test_billing_dies_in_the_middle_of_every_kind_of_call(town: Place) -> None:
    session = town.session()
    doubtful = set()
    for order, ((operation, death), (state, times)) in enumerate(CASES.items(), start=1):
        town.billing.kill()
        town.billing.start(death, "1")
        arguments = {"order_id": order, "customer_id": "ALFKI", "amount": 5.0, "reason": "A broken jar"}
        action = town["helper"].propose(session, operation, arguments)
        while action["state"] == "failed":  # on a busy machine a connection may take too long; nothing was sent then
            assert action["problem"]["code"] in NO_EFFECT, action
            action = town["helper"].propose(session, operation, arguments)
        assert action["state"] == "in_doubt", (operation, death, action)
        assert action["problem"]["code"] in ("connection_lost", "timed_out", "unreachable")
        town.billing.wait_dead()
        town.billing.start()  # what is in doubt is settled now, before the next case could be hit by it
        if state == "in_doubt":
            doubtful.add(action["id"])
        else:
            until(partial(_settled, town, action["id"]), f"{operation} after {death} to settle")
        found = town["helper"].action(action["id"])
        assert (found["state"], town.billing.effects("created")[order]) == (state, times), (operation, death, found)
    assert town.server.running()
    assert {action["id"] for action in town["lena"].actions(state="in_doubt")} == doubtful


def _settled(town: Place, action: str) -> bool:
    return bool(town["helper"].action(action)["state"] != "in_doubt")


def test_billing_that_is_away_for_a_while_gets_every_credit_once(town: Place) -> None:
    campaign = Campaign(town)
    for operation in CREDITS:
        campaign.wish(operation).order += 1000
        campaign.wish(operation, undo=True).order += 1000
    town.billing.kill()
    for wish in campaign.wishes:
        wish.advance(town)
        assert wish.state in ("failed", "in_doubt"), "billing is not even there"
    town.billing.start()
    campaign.settle()
    created = town.billing.effects("created")
    assert [created[wish.order] for wish in campaign.wishes] == [1] * len(campaign.wishes)
    cancelled = town.billing.effects("cancelled")
    assert [cancelled[wish.order] for wish in campaign.wishes] == [int(wish.undo) for wish in campaign.wishes]

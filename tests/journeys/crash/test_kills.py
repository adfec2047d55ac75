"""The server is killed at every boundary between journal and system; nothing is lost and nothing is done twice."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.foundation.faults import POINTS
from tests.journeys.crash.campaign import READ_BACK, Campaign, Strike
from tests.journeys.place import place

ELSEWHERE = (
    "budget.",
    "files.",
    "turn.",
    "team.",
    "escalation.",
    "event.",
    "trigger.",
)  # this campaign calls no models, and asks no agents
REACHED = [point for point in POINTS if not point.startswith(ELSEWHERE)]
SETTLING = {point for point in REACHED if point.startswith("settle.")}
IN_DOUBT = Strike("action.after_call", mix=READ_BACK)  # leaves something that a read-back must settle
ROUNDS = 22
"""Rounds of the long test; each is one kill per point, one before each settling point, and some at random."""


def strikes(seed: int, *, at_random: int, furthest: int) -> list[Strike]:
    """Return a kill at every fault point, and some at random moments, in random order."""
    chance = random.Random(seed)
    plan: list[list[Strike]] = [[Strike(delay=chance.uniform(0.02, 0.8))] for _ in range(at_random)]
    for point in REACHED:
        armed = Strike(point, chance.randint(1, 4 * furthest if point.startswith("journal.") else furthest))
        plan.append([IN_DOUBT, Strike(point)] if point in SETTLING else [armed])
    chance.shuffle(plan)
    return [strike for group in plan for strike in group]


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    with place(tmp_path) as found:
        found.server.kill()
        yield Campaign(found)


def test_a_kill_at_every_point_loses_nothing_and_repeats_nothing(campaign: Campaign) -> None:
    for strike in strikes(1, at_random=2, furthest=3):
        campaign.strike(strike)
    _end(campaign)
    assert campaign.kills >= 12


@pytest.mark.crash
def test_hundreds_of_kills_lose_nothing_and_repeat_nothing(
    campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    for round_ in range(ROUNDS):
        for strike in strikes(round_, at_random=3, furthest=8):
            campaign.strike(strike)
        with capsys.disabled():
            sys.stdout.write(
                f"\nround {round_ + 1} of {ROUNDS}: {campaign.kills} kills, {len(campaign.wishes)} wishes\n"
            )
    counts = _end(campaign)
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{count:8} {what}\n" for what, count in counts.items()))
    assert campaign.kills >= 300


def _end(campaign: Campaign) -> dict[str, int]:
    """Restart unharmed, let everything settle, and compare the books; the files left behind verify."""
    assert campaign.start()
    campaign.settle()
    counts = campaign.audit()
    campaign.place.server.stop()
    verified = campaign.place.server.verify()
    assert verified["first_bad"] is None
    return counts

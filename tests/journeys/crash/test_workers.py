"""Several processes serve one installation; one of them is killed again and again, and the others go on."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.journeys.crash.campaign import Campaign
from tests.journeys.place import place
from tests.journeys.process import until

PROCESSES = 2


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    with place(tmp_path) as found:
        found.server.stop()
        found.server.start(workers=PROCESSES)
        yield Campaign(found)


def serving(campaign: Campaign) -> list[psutil.Process]:
    """Return the processes that answer requests: those that hold the database open."""
    found = []
    for child in psutil.Process(campaign.place.server.pid).children():
        try:
            if any(file.path.endswith("interlock.db") for file in child.open_files()):
                found.append(child)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def kill_some(campaign: Campaign, kills: int) -> dict[str, int]:
    """Kill one of the processes at random moments while clients work; each time see the place filled again."""
    chance, stop = random.Random(kills), threading.Event()
    with ThreadPoolExecutor(1) as clients:
        work = clients.submit(campaign.work_until, stop)
        try:
            for _ in range(kills):
                until(lambda: len(serving(campaign)) == PROCESSES, "all processes to serve")
                stop.wait(chance.uniform(0.05, 0.5))
                chance.choice(serving(campaign)).kill()
                campaign.kills += 1
        finally:
            stop.set()
        work.result()
    until(lambda: len(serving(campaign)) == PROCESSES, "all processes to serve")
    campaign.settle()
    counts = campaign.audit()
    assert counts["effects"] > counts["kills"] == kills
    assert campaign.place["ada"].post("/v1/journal/verify")["ok"]
    campaign.place.server.stop()
    assert campaign.place.server.verify()["ok"]
    return counts


def test_the_others_go_on_when_one_process_is_killed(campaign: Campaign) -> None:
    kill_some(campaign, 3)


@pytest.mark.crash
def test_the_others_go_on_however_often_one_process_is_killed(
    campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = kill_some(campaign, 60)
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"{count:8} {what}\n" for what, count in counts.items()))

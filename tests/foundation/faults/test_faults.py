"""Fault points kill the process where a test says, and do nothing otherwise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from interlock.foundation.faults import POINTS, armed, fault
from interlock.foundation.faults.errors import FaultUnknown

PROGRAM = """
from interlock.foundation.faults import fault
for _ in range(3):
    fault("action.after_intent")
    fault("action.after_call")
    print("alive", flush=True)
"""


def run(setting: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "INTERLOCK_FAULT": setting}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("setting", "lines"), [("action.after_call", 0), ("action.after_intent:3", 2)])
def test_the_process_dies_at_the_nth_time_and_not_before(setting: str, lines: int) -> None:
    done = run(setting)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["alive"] * lines


def test_without_a_setting_nothing_happens() -> None:
    done = run("")
    assert (done.returncode, done.stdout.split()) == (0, ["alive"] * 3)
    for point in POINTS:
        fault(point)


@pytest.mark.parametrize("setting", ["action.nowhere", "action.after_call:0", "action.after_call:x", ":"])
def test_a_setting_that_names_no_point_is_loud(setting: str) -> None:
    with pytest.raises(FaultUnknown) as caught:
        armed(setting, lambda: None)
    assert POINTS[0] in caught.value.fix
    assert run(setting).returncode == 1


def test_it_fires_once() -> None:
    deaths: list[int] = []
    reach = armed("journal.before_commit:2", lambda: deaths.append(1))
    for _ in range(5):
        reach("journal.before_commit")
        reach("journal.after_commit")
    assert deaths == [1]

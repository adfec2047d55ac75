"""What stands where right now: questions that wait for people, and for how long the oldest has."""

from __future__ import annotations

from pathlib import Path

from interlock.app.composition import Running
from interlock.app.gauges import Gauges
from interlock.orchestration.escalations import Question, Source
from tests.orchestration.desk import LENA, SteppingClock, running, write_project


async def test_questions_that_wait_are_counted_with_their_age(tmp_path: Path) -> None:
    async with running(write_project(tmp_path)) as composed:
        installation, clock = composed.installation, composed.installation.clock
        assert isinstance(clock, SteppingClock)
        assert await _measured(composed) == (0.0, 0.0)
        asked = Question("acme", "lead", Source.person, "carla", "ses_1", "asked_for", "Please take over.")
        opened = await installation.escalations.open(asked, "person:carla")
        clock.set(clock.now() + 600)
        await installation.escalations.take(opened.id, LENA)
        count, age = await _measured(composed)
        assert count == 1
        assert 600 <= age < 660
        await installation.escalations.answer(opened.id, LENA, {"text": "Done."})
        assert await _measured(composed) == (0.0, 0.0)


async def _measured(composed: Running) -> tuple[float, float]:
    installation = composed.installation
    metrics = installation.telemetry.metrics
    await Gauges(composed.database, installation.systems, metrics, installation.clock).measure()
    text, _ = metrics.render()
    lines = [line.split() for line in text.decode().splitlines() if line.startswith("interlock_escalations")]
    found = {name: float(value) for name, value in lines}
    return found["interlock_escalations_waiting"], found["interlock_escalations_oldest"]

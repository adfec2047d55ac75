"""Asking an agent: only one that exists, and only in a session that is for it."""

from __future__ import annotations

import pytest

from interlock.experience.installation import Installation
from interlock.orchestration.sessions import Opening
from interlock.orchestration.turns import AgentUnknown
from tests.orchestration.desk import CARLA


async def test_an_agent_that_does_not_exist_cannot_be_asked(desk: Installation) -> None:
    session = await desk.sessions.open(CARLA, Opening(request="Hello"))
    with pytest.raises(AgentUnknown) as error:
        await desk.turns.ask("nobody", session, "Hello")
    assert "helper" in str(error.value)

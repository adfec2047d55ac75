"""A running desk for tests of orchestration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interlock.experience.installation import Installation
from tests.orchestration.desk import running, write_project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture
async def desk(root: Path) -> AsyncIterator[Installation]:
    async with running(root) as composed:
        yield composed.installation

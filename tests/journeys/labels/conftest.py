"""The vault, running, for each test of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.labels.vault import Vault, open_vault, write_vault


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    async with open_vault(write_vault(tmp_path)) as opened:
        yield opened

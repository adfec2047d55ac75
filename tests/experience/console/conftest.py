"""One served shop for all tests of the console; each works on orders of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.experience.cli.shop import Shop, open_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened

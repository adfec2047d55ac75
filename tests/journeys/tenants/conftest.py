"""Two tenants of one installation: `acme` with work of every kind in it, and `other`, which must see none of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.place import EVERYTHING, Place, place
from tests.journeys.tenants.world import World

OUTSIDERS = {
    "administrator": ("person", "otto", EVERYTHING),
    "service": ("service", "kiosk", ("act", "read", "admin")),
    "agent": ("agent", "helper", ("act", "read", "admin")),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("tenants")) as found:
        found.add_administrator("person", "otto", "other")
        for name, (kind, holder, scopes) in OUTSIDERS.items():
            found.callers[name] = found.key(kind, holder, *scopes, by="otto")
        yield found
        assert found["ada"].post("/v1/journal/verify")["ok"]


@pytest.fixture(scope="module")
def world(town: Place) -> World:
    return World.make(town)


@pytest.fixture(params=OUTSIDERS)
def outsider(request: pytest.FixtureRequest) -> Any:
    return request.param

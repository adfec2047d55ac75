"""One installation for all hostile callers; whatever they did, it has to be whole at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.place import Place, place

CREDIT = {"order_id": 1, "customer_id": "ALFKI", "amount": 5.0, "reason": "A broken jar"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("hostile")) as found:
        yield found
        _still_whole(found)


def _still_whole(town: Place) -> None:
    """The server lives, works, and its journal verifies, both running and as files."""
    assert town.server.running(), town.server.last_words()
    before = town.billing.effects("created")[999_999]
    action = town["helper"].propose(town.session(), "billing.credit", {**CREDIT, "order_id": 999_999})
    assert action["state"] == "succeeded"
    assert town.billing.effects("created")[999_999] == before + 1
    assert town["ada"].post("/v1/journal/verify")["ok"]
    town.server.stop()
    assert town.server.verify()["ok"]
    assert "Traceback" not in town.server.log.read_text("utf-8", "replace"), town.server.last_words()

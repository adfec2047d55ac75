"""The running server keeps to its own OpenAPI document, for data that fits it and for data that does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from interlock.experience.api.document import ROUTES, openapi
from tests.journeys.place import Place, place

EXAMPLES = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
MODES = {"fitting": GenerationMode.POSITIVE, "unfitting": GenerationMode.NEGATIVE}
KEY_ROUTES = {"rotate_key", "revoke_key"}


@dataclass(frozen=True)
class Running:
    """The server's document as it serves it, who calls, and ids that exist."""

    town: Place
    schema: OpenApiSchema
    ids: tuple[str, ...]
    keys: tuple[str, ...]
    words: dict[str, tuple[Any, ...]]

    def known(self, route: str) -> tuple[str, ...]:
        """Return ids for the path of a route; of keys only those that nobody here needs."""
        return self.keys if route in KEY_ROUTES else self.ids


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with place(tmp_path_factory.mktemp("conformance")) as town:
        yield Running(town, schemathesis.openapi.from_url(f"{town.server.url}/openapi.json"), *_things(town))
        assert town.server.running()
        assert town["ada"].post("/v1/journal/verify")["ok"]
        assert "Traceback" not in town.server.log.read_text("utf-8", "replace")


def _things(town: Place) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, tuple[Any, ...]]]:
    """Let there be one of everything; return ids for paths, keys to change, and words that bodies may use."""
    session = town["ada"].post("/v1/sessions", {"agent": "helper"})["id"]
    credit = {"order_id": 1, "customer_id": "ALFKI", "amount": 5.0, "reason": "A broken jar"}
    made = [town["helper"].propose(session, "billing.credit", {**credit, "amount": a}) for a in (5.0, 75.0, 250.0)]
    actions = [str(action["id"]) for action in made]
    actions.append(str(town["helper"].propose(session, "notes.write_note", {"text": "hello"})["id"]))
    approval = town["ada"].action(actions[2])["approvals"][0]["id"]
    keys = [town["ada"].post("/v1/keys", {"kind": "agent", "id": "helper"})["id"] for _ in range(3)]
    words: dict[str, tuple[Any, ...]] = {
        "session": (session,),
        "operation": ("billing.find", "billing.credit", "notes.write_note"),
        "input": ({"order_id": 1}, credit, {"text": "hello"}),
        "agent": ("helper",),
        "request": ("which credits has order 1",),
        "id": ("helper", "carla", "portal"),
        "to": ("luis",),
        "level": ("basic",),
        "target": ("shady.look",),
        "output": ({"id": "1"},),
    }
    return (session, *actions, approval, "billing.credit", "billing"), tuple(keys), words


def test_the_document_served_is_the_one_written(running: Running) -> None:
    assert running.town["ada"].get("/openapi.json") == openapi()
    assert {operation["operationId"] for path in openapi()["paths"].values() for operation in path.values()} == {
        route.name for route in ROUTES
    }


def documented(route: str) -> dict[str, Any]:
    """Return the responses that the document gives for a route."""
    operations = [operation for path in openapi()["paths"].values() for operation in path.values()]
    return next(dict(operation["responses"]) for operation in operations if operation["operationId"] == route)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("route", [route.name for route in ROUTES])
def test_a_route_keeps_to_the_document(running: Running, route: str, mode: str) -> None:
    operation = running.schema.find_operation_by_id(route)
    responses = documented(route)
    headers = {"Authorization": f"Bearer {running.town['ada'].key}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=MODES[mode]),
        id=st.sampled_from((None, *running.known(route))),
        words=st.fixed_dictionaries({name: st.sampled_from(known) for name, known in running.words.items()}),
        use=st.booleans() if mode == "fitting" else st.just(value=False),
    )
    def keeps(case: Any, id: str | None, words: dict[str, Any], use: bool) -> None:
        for name in case.path_parameters or {}:
            if id is not None:
                case.path_parameters[name] = id
        if use and isinstance(case.body, dict):
            case.body.update({name: words[name] for name in words.keys() & case.body.keys()})
        reply = case.call_and_validate(base_url=running.town.server.url, headers=headers, checks=CHECKS)
        if reply.status_code >= 400:
            listed = responses[str(reply.status_code)]["description"].removeprefix("One of: ").rstrip(".").split(", ")
            assert reply.json()["code"] in listed, f"{reply.json()['code']} is not among the route's codes {listed}"

    keeps()

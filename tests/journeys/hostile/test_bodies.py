"""Bodies that are broken, too large, too deep, or of the wrong shape: each gets its own code, and nothing is done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.journeys.caller import Reply
from tests.journeys.hostile.conftest import CREDIT
from tests.journeys.place import Place

LARGEST = 64 * 1024
DEEPEST = 24


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


UNREADABLE = {
    "no JSON": b"{",
    "text after the value": b"{} {}",
    "a comment": b'{"session": "x" /* y */}',
    "single quotes": b"{'session': 'x'}",
    "not a number": b'{"session": "x", "operation": "y", "input": {"amount": NaN}}',
    "infinite": b'{"session": "x", "operation": "y", "input": {"amount": Infinity}}',
    "UTF-16": '{"session": "ü"}'.encode("utf-16"),
    "Latin-1": '{"session": "ü"}'.encode("latin-1"),
    "overlong UTF-8": b'{"session": "\xc0\xaf"}',
    "half a character": b'{"session": "\\ud800", "operation": "x"}',
    "a null byte": b"\x00",
    "deeper than allowed": b'{"session":"x","operation":"y","input":' + nested(DEEPEST) + b"}",
    "deep enough to break a parser": b"[" * 30_000,
    "deep and closed": nested(5_000),
}
WRONG_SHAPE: dict[str, Any] = {
    "nothing": {},
    "a list": [],
    "a text": "propose",
    "null": None,
    "a member missing": {"session": "x"},
    "a member too many": {"session": "x", "operation": "y", "state": "succeeded"},
    "a session that is a number": {"session": 1, "operation": "y"},
    "an input that is a list": {"session": "x", "operation": "y", "input": []},
    "an empty session": {"session": "", "operation": "y"},
    "a very long operation": {"session": "x", "operation": "y" * 201},
}
WRONG_INPUT: dict[str, dict[str, Any]] = {
    "an argument missing": {"order_id": 1},
    "an argument too many": {**CREDIT, "approved": True},
    "a text for a number": {**CREDIT, "amount": "5"},
    "a list for a number": {**CREDIT, "amount": [5]},
    "below the least": {**CREDIT, "amount": -5},
    "beyond the largest": {**CREDIT, "amount": 1e9},
    "a huge number": {**CREDIT, "amount": 1e308},
    "a huge integer": {**CREDIT, "order_id": 10**400},
    "beyond 64 bits": {**CREDIT, "order_id": 2**64},
    "a fraction for an integer": {**CREDIT, "order_id": 1.5},
    "the key smuggled in": {**CREDIT, "Idempotency-Key": "mine"},
    "a wrong pattern": {**CREDIT, "customer_id": "alfki; DROP TABLE customers"},
    "a null byte": {**CREDIT, "reason": "a\u0000b" * 400},
}


def propose(town: Place, **more: Any) -> Reply:
    return town["helper"].send("POST", "/v1/actions", **more)


def refused(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code), reply.content
    assert reply.kind == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= reply.body.keys()
    assert "Traceback" not in reply.content.decode()


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_body_that_cannot_be_read(town: Place, case: str) -> None:
    refused(propose(town, raw=UNREADABLE[case]), 400, "request_malformed")


@pytest.mark.parametrize("case", WRONG_SHAPE)
def test_a_body_of_the_wrong_shape(town: Place, case: str) -> None:
    refused(propose(town, raw=json.dumps(WRONG_SHAPE[case]).encode()), 422, "request_invalid")


@pytest.mark.parametrize("case", WRONG_INPUT)
def test_arguments_that_break_the_contract_are_recorded_and_not_sent(town: Place, case: str) -> None:
    session = town.session()
    before = town.billing.effects("created").total()
    proposal = {"session": session, "operation": "billing.credit", "input": WRONG_INPUT[case]}
    reply = propose(town, body=proposal)
    if reply.status == 400:  # a number that no reader of JSON has to take
        assert reply.code == "request_malformed"
    else:
        refused(reply, 422, "input_invalid")
        kinds = [record["kind"] for record in town["ada"].get(f"/v1/journal/{session}")["items"]]
        assert "proposal.refused" in kinds
    assert town.billing.effects("created").total() == before


def test_an_unknown_operation_is_recorded_and_refused(town: Place) -> None:
    session = town.session()
    reply = propose(town, body={"session": session, "operation": "billing.create_everything", "input": {}})
    refused(reply, 404, "operation_unknown")
    kinds = [record["kind"] for record in town["ada"].get(f"/v1/journal/{session}")["items"]]
    assert "proposal.refused" in kinds


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_another_content_type(town: Place, kind: str) -> None:
    refused(propose(town, raw=b"{}", headers={"content-type": kind}), 415, "media_type_unsupported")


def test_a_body_that_announces_too_much(town: Place) -> None:
    refused(propose(town, raw=b'{"session":"' + b"x" * LARGEST + b'"}'), 413, "request_too_large")


def test_a_body_that_grows_too_large_in_chunks(town: Place) -> None:
    chunks = (b"x" * 4096 for _ in range(LARGEST // 4096 + 2))
    refused(propose(town, raw=chunks), 413, "request_too_large")


def test_the_largest_body_that_is_allowed_is_read(town: Place) -> None:
    empty = b'{"session":"x","operation":"y"}'
    reply = propose(town, raw=empty + b" " * (LARGEST - len(empty)))
    refused(reply, 404, "session_unknown")

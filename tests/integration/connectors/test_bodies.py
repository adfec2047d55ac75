"""What systems answer in JSON is kept as it is, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.bodies import NumberTooLarge, whole
from interlock.integration.systems import FAILED, UNKNOWN
from interlock.testing.servers import ScriptedServer, answers
from tests.integration.conftest import Workbench

SMALLEST, LARGEST = -(1 << 63), (1 << 64) - 1
values = st.recursive(
    st.none() | st.integers(SMALLEST, LARGEST) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(values)
def test_what_64_bits_can_hold_comes_back(value: Any) -> None:
    assert whole(json.dumps(value).encode()) == value


@given(st.integers(max_value=SMALLEST - 1) | st.integers(min_value=LARGEST + 1), values)
def test_no_number_is_kept_as_another_one(number: int, value: Any) -> None:
    with pytest.raises(NumberTooLarge, match="64 bits"):
        whole(json.dumps([value, {"id": number}]).encode())
    texts = {"id": str(number), "at": 0.12345678901234567890123}
    assert whole(json.dumps(texts).encode()) == texts


def test_a_very_long_number_is_none_either() -> None:
    with pytest.raises(NumberTooLarge):
        whole(b"[" + b"9" * 300 + b"]")
    with pytest.raises(ValueError, match="number"):
        whole(b"[" + b"9" * 1_000_000 + b"]")


def test_what_is_no_json_is_no_value() -> None:
    for content in (b"", b"{", b"NaN", b"[" * 900 + b"1" * 30 + b"]" * 900, b"\xff"):
        with pytest.raises(ValueError, match=r".*"):
            whole(content)


@pytest.mark.parametrize(("effect", "status"), [("read", FAILED), ("write", UNKNOWN)])
async def test_an_answer_with_a_larger_number_breaks_the_contract(bench: Workbench, effect: str, status: str) -> None:
    async with ScriptedServer(answers(200, b'{"id": 123456789012345678901}')) as server:
        operation = {"from": "POST /x", "effect": effect, "input": {"type": "object", "properties": {}}}
        connection = {"connector": "http", "connection": {"base_url": server.url}, "limits": {"retries": 0}}
        systems = await bench.serve({"system": "shop", **connection, "operations": {"do": operation}})
        answer = await systems.call("shop.do", {})
    assert (answer.status, (answer.problem or {})["code"]) == (status, "result_breaks_contract")
    assert "64 bits" in (answer.problem or {})["detail"]

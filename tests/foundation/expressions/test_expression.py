"""Expressions: JSON arithmetic, look-ups, the functions, and errors that name places and never values."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.expressions import (
    FUNCTIONS,
    ExpressionFailed,
    ExpressionInvalid,
    compile_expression,
)

ORDER: dict[str, Any] = {
    "id": 10248,
    "customer_id": "ALFKI",
    "total": 440.5,
    "lines": [{"price": 14, "n": 12}, {"price": 9.8, "n": 10}],
    "refunds": [{"amount": 0.1}, {"amount": 0.2}],
    "shipped": "1996-07-16",
    "note": None,
}
SCOPE = {"order": ORDER, "input": {"amount": 12, "id": 9007199254740993}, "now": "1996-08-15T12:00:00Z"}


def value(text: str) -> Any:
    return compile_expression(text, variables=SCOPE).evaluate(SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.total", 440.5),
        ("order . customer_id", "ALFKI"),
        ("order.lines[1].price + 1", 10.8),
        ("order.lines[order.lines.size() - 1].n", 10),
        ("order.total - input.amount * 2", 416.5),
        ("input.amount / 5", 2.4),
        ("size(order.lines) + 1", 3),
        ("int('7') + 1", 8),
        ("timestamp(now).getFullYear() - 1", 1995),
        ("timestamp(now).getMonth()", 7),
        ("order.lines.map(l, l.price * l.n)", [168, 98]),
        ("sum(order.lines.map(l, l.price * l.n))", 266),
        ("sum(order.refunds.map(r, r.amount))", 0.3),
        ("order.refunds[0].amount + order.refunds[1].amount", 0.3),
        ("sum([])", 0),
        ("min(order.lines.map(l, l.price))", 9.8),
        ("max(1, 2.5)", 2.5),
        ("round(2.345, 2)", 2.35),
        ("round(2.5)", 3),
        ("mod(7, 4)", 3),
        ("days_between(order.shipped, now)", 30),
        ("days_between(now, order.shipped)", -30),
        ("lower('ALFKI')", "alfki"),
        ("digits('+49 (0)30-12')", "4903012"),
        ("order.note == null ? 'none' : order.note", "none"),
        ("has(order.gone) || order.total > 440", True),
        ("order.lines.exists(l, l.n == 12.0)", True),
        ("'x' in ['x', \"y\"]", True),
        ("{'a': 1, \"b\": [2]}", {"a": 1, "b": [2]}),
        ("timestamp(now) + duration('1h')", "1996-08-15T13:00:00Z"),
        ("timestamp(now) - timestamp('1996-08-15T11:59:30Z')", 30),
        ("3", 3),
        ("0x10 + 1", 17),
        (r"r'a\' + 'b' + '''c'''", r"a\bc"),
        ("order.id // the number\n + 1", 10249),
        ("string(order.id) + '-A'", "10248-A"),
        ("[1, 2, 3].filter(x, x > 1)[0]", 2),
        ("input.id", 9007199254740993),
        ("true ? input.id : 0", 9007199254740993),
    ],
)
def test_value(text: str, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("order.total +", 14, "EOF"),
        ("order.total > totl", 15, "totl"),
        ("ordr.total", 1, "`order`"),
        ("summ(order.lines)", 1, "`sum`"),
        ("order.lines.maps(l, l.n)", 13, "`map`"),
        ("order.total % 2", 13, "mod(a, b)"),
        ("order.total > 'x", 15, "belong"),
        ("(" * 300 + "1" + ")" * 300, 1, ""),
    ],
)
def test_an_invalid_expression_says_where_and_what(text: str, column: int, word: str) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        compile_expression(text, variables=SCOPE)
    assert word in str(caught.value)
    if column > 1:
        assert caught.value.details["column"] == column


@pytest.mark.parametrize("text", ["", "  ", "1+" * 3000 + "1"])
def test_empty_and_overlong_expressions_are_refused(text: str) -> None:
    with pytest.raises(ExpressionInvalid):
        compile_expression(text, variables=())


def test_the_position_in_a_text_of_several_lines() -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        compile_expression("order.total\n  + nothing", variables=SCOPE)
    assert (caught.value.details["line"], caught.value.details["column"]) == (2, 5)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("order.nothing", "order.nothing"),
        ("order.total.deeper", "order.total.deeper"),
        ("order.nothing + 1", "not there"),
        ("order.lines[7]", "shorter"),
        ("1 / 0", "finite"),
        ("order.customer_id + 1", "types"),
        ("sum(order.lines)", "function"),
        ("min([])", "function"),
        ("days_between('ALFKI', now)", "function"),
        ("b'bytes'", "types"),
    ],
)
def test_a_failure_names_the_cause_and_no_value(text: str, word: str, caplog: Any, capfd: Any) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        value(text)
    assert word in caught.value.why
    assert "ALFKI" not in caught.value.why
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_variable_that_is_not_given_is_a_failure() -> None:
    expression = compile_expression("order.total + 1", variables=["order"])
    with pytest.raises(ExpressionFailed):
        expression.evaluate({})
    with pytest.raises(ExpressionFailed):
        compile_expression("order.total", variables=["order"]).evaluate({})


def test_an_integer_beyond_64_bits_is_a_failure_not_a_rounded_number() -> None:
    with pytest.raises(ExpressionFailed):
        compile_expression("x + 1", variables=["x"]).evaluate({"x": 2**64})


def test_every_function_of_our_own_is_known() -> None:
    for name, contract in FUNCTIONS.items():
        assert contract.startswith(f"{name}(")
        assert compile_expression(f"{name}(x)", variables=["x"]).names == {"x"}


def test_what_an_expression_names() -> None:
    assert compile_expression("order.lines.all(l, l.n > input.n)", variables=SCOPE).names == {
        "order",
        "input",
    }
    assert compile_expression("order.lines", variables=SCOPE).path == ("order", "lines")
    assert compile_expression("order.lines[0]", variables=SCOPE).path == ()


def test_plain_look_ups_do_not_load_the_engine() -> None:
    program = (
        "import sys\n"
        "from interlock.foundation.expressions import compile_expression\n"
        "assert compile_expression('a.b', variables=['a']).evaluate({'a': {'b': 1}}) == 1\n"
        "assert 'cel.cel' not in sys.modules\n"
        "assert compile_expression('a.b + 1', variables=['a']).evaluate({'a': {'b': 1}}) == 2\n"
        "assert 'cel.cel' in sys.modules and 'prompt_toolkit' not in sys.modules, 'its command line is loaded'\n"
        "import cel\n"
        "assert cel.compile is sys.modules['cel.cel'].compile, 'there are two engines'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


money = st.decimals(min_value=-(10**6), max_value=10**6, places=2)


@given(st.lists(money, max_size=30))
def test_a_sum_of_money_is_exact(amounts: list[Decimal]) -> None:
    expression = compile_expression("sum(amounts)", variables=["amounts"])
    assert Decimal(repr(expression.evaluate({"amounts": [float(amount) for amount in amounts]}))) == sum(amounts)


@given(money, money)
def test_sums_of_cents_have_no_binary_noise(a: Decimal, b: Decimal) -> None:
    result = compile_expression("a + b - 1", variables=["a", "b"]).evaluate({"a": float(a), "b": float(b)})
    assert Decimal(repr(result)) == a + b - 1


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        expression = compile_expression(text, variables=["a"])
    except ExpressionInvalid:
        return
    with contextlib.suppress(ExpressionFailed):
        expression.evaluate({"a": {"b": [1, "x", None]}})


_PIECES = [
    "a",
    "a.b",
    ".map(x, ",
    ")",
    "(",
    "[",
    "]",
    "1",
    "2.5",
    " + ",
    " ? ",
    " : ",
    "size(",
    "'x'",
    ", ",
    "-",
    "!",
    "{",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_any_pieces_of_expressions_compile_or_are_refused(text: str) -> None:
    test_any_text_compiles_or_is_refused.hypothesis.inner_test(text)  # type: ignore[attr-defined]  # hypothesis adds it


def test_the_engine_stays_silent_whoever_configures_logging(caplog: pytest.LogCaptureFixture) -> None:
    expression = compile_expression("sum(lines)", variables=["lines"])
    logging.getLogger("cel").disabled = False
    with pytest.raises(ExpressionFailed):
        expression.evaluate({"lines": ["ALFKI"]})
    assert not caplog.records

"""Value expressions in CEL: compiled once, evaluated often; and the written form of a call."""

from __future__ import annotations

from interlock.foundation.expressions.calls import parse_call
from interlock.foundation.expressions.errors import ExpressionFailed, ExpressionInvalid
from interlock.foundation.expressions.expression import Expression, compile_expression
from interlock.foundation.expressions.functions import FUNCTIONS
from interlock.foundation.expressions.shapes import result_schema

__all__ = [
    "FUNCTIONS",
    "Expression",
    "ExpressionFailed",
    "ExpressionInvalid",
    "compile_expression",
    "parse_call",
    "result_schema",
]

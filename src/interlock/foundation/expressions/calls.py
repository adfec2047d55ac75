"""The written form of a declared use of an operation: `orders.get(id = input.order_id)`."""

from __future__ import annotations

import re

from interlock.foundation.expressions.tokens import Token, closing, invalid, split, tokenize
from interlock.values.operations import Call

_OPERATION = re.compile(r"\s*([A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*)\s*")
_FORM = "Write it as system.operation(argument = expression, ...)."


def parse_call(text: str) -> Call:
    """Return the call that *text* writes: an operation's name and `name = CEL expression` pairs.

    The brackets may be left out where nothing is passed; the name may be that of an operation of the same
    system, without the system. The expressions are returned as text; compile them with `compile_expression`.
    Raises `ExpressionInvalid`.
    """
    match = _OPERATION.match(text)
    if match is None:
        raise invalid(text, 0, "it does not begin with an operation's name", fix=_FORM)
    operation, start = match.group(1), match.end()
    if start == len(text):
        return Call(operation, {})
    tokens = [Token(token.kind, token.text, token.at + start) for token in tokenize(text[start:])]
    if tokens[0].text != "(" or closing(tokens, 0) != len(tokens) - 1:
        raise invalid(text, tokens[0].at, "the arguments are not in one pair of brackets", fix=_FORM)
    arguments: dict[str, str] = {}
    if len(tokens) == 2:
        return Call(operation, arguments)
    for part in split(tokens[1:-1], ","):
        at = part[0].at if part else tokens[-1].at
        if len(part) < 3 or part[0].kind != "name" or part[1].text != "=":
            raise invalid(text, at, "an argument is not `name = expression`", fix=_FORM)
        if part[0].text in arguments:
            raise invalid(text, at, f"the argument `{part[0].text}` is given twice", fix=_FORM)
        arguments[part[0].text] = text[part[2].at : part[-1].at + len(part[-1].text)]
    return Call(operation, arguments)

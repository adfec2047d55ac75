"""The model's own confidence: the log probabilities of the tokens it chose, in the shape of OpenAI's `logprobs`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from interlock.intelligence.gateway.messages import ModelReply


def logprobs_of(reply: ModelReply) -> Sequence[Mapping[str, Any]]:
    """Return `[{token, logprob}]` as the provider told it; empty where it told none, or something else."""
    told = reply.extras.choice.get("logprobs")
    content = told.get("content") if isinstance(told, Mapping) else None
    if not isinstance(content, list) or not all(_is_token(token) for token in content):
        return ()
    return content


def likelihood(reply: ModelReply, decisive: str = "") -> float | None:
    """Return how likely the answer was to the model, 0 to 1; None where the provider told no log probabilities.

    With *decisive*, the joint probability of the tokens that write this value in the answer's JSON text, which is that
    of one choice among several. Without, or where the value does not stand there, the geometric mean over all tokens.
    """
    tokens = logprobs_of(reply)
    if not tokens:
        return None
    chosen = _within(tokens, decisive) if decisive else ()
    if chosen:
        return _probability(sum(chosen))
    return _probability(sum(float(token["logprob"]) for token in tokens) / len(tokens))


def _within(tokens: Sequence[Mapping[str, Any]], decisive: str) -> Sequence[float]:
    """Return the log probabilities of the tokens that the last place of *decisive* as a JSON text is made of."""
    text = "".join(str(token["token"]) for token in tokens)
    written = orjson.dumps(decisive).decode()
    begin = text.rfind(written)
    if begin < 0:
        return ()
    begin, end = begin + 1, begin + len(written) - 1  # the quotation marks are no choice
    found: list[float] = []
    at = 0
    for token in tokens:
        after = at + len(str(token["token"]))
        if at < end and after > begin:
            found.append(float(token["logprob"]))
        at = after
    return found


def _probability(logarithm: float) -> float:
    return math.exp(min(logarithm, 0.0))


def _is_token(token: Any) -> bool:
    if not isinstance(token, Mapping) or not isinstance(token.get("token"), str):
        return False
    value = token.get("logprob")
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)

"""The most that a call may come to, from what is sent and how long the answer may be; never from a guess below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from interlock.governance.budgets import Worst
from interlock.intelligence.gateway import Configured, EmbeddingRequest, ModelRequest, Provider, Route, RouteTarget
from interlock.intelligence.gateway.checks import MOST_TOLD
from interlock.intelligence.gateway.formats import schema_of
from interlock.intelligence.gateway.routes import DECLINED, REFUSAL
from interlock.intelligence.usage.prices import UNMETERED, Prices

IMAGE_TOKENS = 4096
"""What an image counts as, whatever its form: providers count pixels, which a link does not tell."""

TOLD_TOKENS = 4 * MOST_TOLD + 1024
"""What a model that is asked again reads of what is wrong with its answer, at most, and of the words around it."""

LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_IMAGES = frozenset({"image_url", "input_image", "image"})


def worst_cases(route: Route, request: ModelRequest, prices: Prices, *, output: int) -> list[Worst]:
    """Return the worst case of each target of *route* that may answer; *output* is the route's own maximum.

    A token is at least one byte of text in every tokenizer that works on bytes, so the length of the request as JSON
    is an upper bound of what is read.
    """
    hedged = route.hedge is not None
    again = route.guards.reads_whole or schema_of(request) is not None
    refused = again or (route.guards.phrases.longest > 0 and route.goes_on(REFUSAL))
    request = route.guards.shown(request) if route.guards else request
    adds = hedged or refused or route.goes_on(DECLINED)
    adds = adds or any(target.pin.falls_back for target in route.targets)
    found = []
    for target in route.targets:
        for provider in _answering(target, hedged=hedged):
            if provider.name in UNMETERED:
                found.append(Worst(provider.model, 0, 0, adds))
                continue
            price = prices.of(provider.name, provider.model)
            entered, answered = bounds(provider, request, output)
            money = price.most(entered, answered) if price is not None else None
            found.append(Worst(provider.model, entered + answered, money, adds))
            if again:  # with the first answer, and what is wrong with it
                entered += answered + TOLD_TOKENS
                money = price.most(entered, answered) if price is not None else None
                found.append(Worst(provider.model, entered + answered, money, adds))
    return found


def _answering(target: RouteTarget, *, hedged: bool) -> Sequence[Provider]:
    """Return the providers of *target* that may each be charged for; of several of one model, one answers for all.

    Where an answer of another version is passed over, or two are asked at the same time, each of them may give one.
    """
    ready = [instance.provider for instance in target.instances if not instance.provider.missing()]
    if hedged or target.pin.falls_back:
        return ready
    return list({provider.model: provider for provider in ready}.values())


def bounds(provider: Provider, request: ModelRequest, most: int) -> tuple[int, int]:
    """Return upper bounds of what *provider* reads for *request* and what it answers, by its own parameters too.

    The request's parameters override the provider's; *most* is how long an answer is that neither of them limits.
    """
    own = provider.parameters if isinstance(provider, Configured) else None
    if own:
        request = replace(request, parameters={**own, **request.parameters})
    return input_tokens(request), output_tokens(request, most)


def input_tokens(request: ModelRequest) -> int:
    """Return an upper bound of the tokens that a model reads for *request*."""
    images = sum(_images(message.get("content")) for message in request.messages)
    messages: Sequence[Any] = request.messages
    if images:
        messages = [_without_images(message) for message in messages]
    sent = [messages, request.tools, request.parameters]
    return len(orjson.dumps(sent, default=str, option=orjson.OPT_NON_STR_KEYS)) + images * IMAGE_TOKENS


def output_tokens(request: ModelRequest, most: int) -> int:
    """Return how long the answer may be: as the request says, else *most*; times the answers it wants."""
    if isinstance(request, EmbeddingRequest):
        return 0
    given = [request.parameters.get(name) for name in LIMITS]
    limits = [limit for limit in given if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0]
    most = max(limits, default=most)  # of several, nobody knows which one a server goes by
    answers = request.parameters.get("n")
    return most * (answers if isinstance(answers, int) and answers > 1 else 1)


def _images(content: Any) -> int:
    return sum(map(_is_image, content)) if isinstance(content, list) else 0


def _is_image(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _IMAGES


def _without_images(message: Mapping[str, Any]) -> Any:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [part for part in content if not _is_image(part)]}

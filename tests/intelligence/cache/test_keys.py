"""Under what answers are kept: requests share one only where nothing tells them apart, least of all whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from interlock.intelligence.cache import Cache, key_of, question_of
from interlock.intelligence.cache.cache import version_of
from interlock.intelligence.gateway import ModelRequest, Pin, Route, RouteTarget, Usage, compile_condition
from interlock.intelligence.gateway.caching import CachePlan, Likeness
from interlock.intelligence.gateway.messages import Attempt, ModelReply
from interlock.testing.models import ScriptedProvider
from interlock.values.clearances import Clearance
from interlock.values.labels import Category, Confidentiality, Integrity, Label

PROVIDER = ScriptedProvider()
ROUTE = Route("desk", (RouteTarget(PROVIDER),), cache=CachePlan(60.0, semantic=Likeness("near", 0.5)))

levels, categories = st.sampled_from(Confidentiality), st.frozensets(st.sampled_from(Category))
labels = st.builds(Label, levels, categories, st.sampled_from(Integrity))
clearances = st.builds(Clearance, levels, categories)
tenants = st.sampled_from(["acme", "other", "acm", "e", ""])
whose = st.fixed_dictionaries(
    {
        "tenant": tenants,
        "clearance": clearances.map(Clearance.to_json),
        "label": labels.map(Label.to_json),
        "session": st.text(max_size=3),
        "actor": st.text(max_size=3),
    }
)
texts = st.text("ab 1", max_size=4)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}), max_size=3
)
parameters = st.dictionaries(
    st.sampled_from(["temperature", "seed"]), st.sampled_from([0, 0.0, 1, True, None, "1"]), max_size=2
)
tools = st.lists(st.sampled_from([{"type": "function", "function": {"name": "a"}}]), max_size=1)
requests = st.builds(ModelRequest, messages, tools, whose, parameters)


def told_apart(request: ModelRequest) -> str:
    """Return all that may have a say, as a text that tells 1 from 1.0 and from true."""
    about = [request.metadata[name] for name in ("tenant", "clearance", "label")]
    parameters = sorted(request.parameters.items())
    return repr([about, [sorted(one.items()) for one in request.messages], list(request.tools), parameters])


@given(requests, requests)
def test_two_requests_have_one_key_exactly_where_nothing_tells_them_apart(one: ModelRequest, two: ModelRequest) -> None:
    assert (key_of(ROUTE, one) == key_of(ROUTE, two)) == (told_apart(one) == told_apart(two))


@given(requests, whose)
def test_the_same_words_of_another_tenant_clearance_or_label_are_another_request(
    one: ModelRequest, other: Mapping[str, Any]
) -> None:
    two = replace(one, metadata=other)
    assume(any(one.metadata[name] != other[name] for name in ("tenant", "clearance", "label")))
    assert key_of(ROUTE, one) != key_of(ROUTE, two)
    first, second = question_of(ROUTE, one), question_of(ROUTE, two)
    if first is not None and second is not None:
        assert first.scope != second.scope


@given(requests, whose, st.integers(1, 3))
def test_nobody_gets_an_answer_of_another_tenant_clearance_or_label(
    one: ModelRequest, other: Mapping[str, Any], said: int
) -> None:
    cache, routes = Cache(lambda: 0.0), {"desk": ROUTE}
    place = cache.place(routes, "desk", one)
    assert place is not None
    place.like([1.0, 0.0])
    place.keep(answer("theirs"))
    elsewhere = cache.place(routes, "desk", replace(one, metadata=other))
    assert elsewhere is not None
    same = all(one.metadata[name] == other[name] for name in ("tenant", "clearance", "label"))
    assert (elsewhere.kept() is not None) == same
    if not same:
        assert elsewhere.like([1.0, 0.0]) is None
        assert elsewhere.kept(stale=True) is None


@given(requests, st.sampled_from(["tenant", "clearance", "label"]))
def test_whose_request_is_not_known_shares_nothing(one: ModelRequest, missing: str) -> None:
    about = {name: value for name, value in one.metadata.items() if name != missing}
    assert key_of(ROUTE, replace(one, metadata=about)) is None
    assert question_of(ROUTE, replace(one, metadata=about)) is None


ABOUT = {"tenant": "acme", "clearance": {}, "label": {}, "agent": "a", "actor": "x", "session": "s", "use_case": "u"}
ASKED = ModelRequest([{"role": "user", "content": "What now?"}], metadata=ABOUT)


@pytest.mark.parametrize("name", ["agent", "actor", "session", "use_case"])
def test_what_a_condition_asks_for_tells_requests_apart(name: str) -> None:
    other = replace(ASKED, metadata={**ABOUT, name: "other"})
    assert key_of(ROUTE, ASKED) == key_of(ROUTE, other)
    choosy = replace(ROUTE, targets=(RouteTarget(PROVIDER, when=compile_condition(f'{name} == "a"')),))
    assert key_of(choosy, ASKED) != key_of(choosy, other)


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ("How late is it", "What time is it", True),
        ("Where is order 17", "Where is order 18", False),
        ("Where is AB-1", "Where is AB-1?", False),
        ("17 and 18", "18 and 17", True),
    ],
    ids=["words", "numbers", "a figure at the end of a sentence", "the same numbers"],
)
def test_words_may_be_alike_and_figures_are_the_same(one: str, two: str, alike: bool) -> None:
    scopes = []
    for words in (one, two):
        question = question_of(ROUTE, replace(ASKED, messages=[{"role": "user", "content": words}]))
        assert question is not None
        scopes.append(question.scope)
    assert (scopes[0] == scopes[1]) is alike


@pytest.mark.parametrize(
    "request_",
    [
        replace(ASKED, tools=[{"type": "function", "function": {"name": "a"}}]),
        replace(ASKED, messages=[]),
        replace(ASKED, messages=[*ASKED.messages, {"role": "assistant", "content": "Well"}]),
        replace(ASKED, messages=[{"role": "user", "content": [{"type": "text", "text": "x"}]}]),
        replace(ASKED, messages=[{"role": "user", "content": "x" * 8001}]),
        replace(ASKED, messages=[{"role": "user", "content": ""}]),
    ],
    ids=["tools", "nothing", "no question", "parts", "too long", "empty"],
)
def test_what_may_want_another_answer_is_no_question(request_: ModelRequest) -> None:
    assert question_of(ROUTE, request_) is None


def test_a_request_that_is_no_json_is_not_kept() -> None:
    assert key_of(ROUTE, replace(ASKED, parameters={"odd": object()})) is None


def answer(text: str = "Well", **more: Any) -> ModelReply:
    attempt = more.pop("attempt", Attempt("t", "ok", asked=True))
    return ModelReply(text, provider="scripted", model="m", usage=Usage(5, 2), attempts=(attempt,), **more)


TARGET = ROUTE.targets[0]
CHANGES: dict[str, Route] = {
    "another target": replace(ROUTE, targets=(RouteTarget(ScriptedProvider()),)),
    "one target more": replace(ROUTE, targets=(TARGET, RouteTarget(ScriptedProvider()))),
    "a pin": replace(ROUTE, targets=(replace(TARGET, pin=Pin("v2")),)),
    "a condition": replace(ROUTE, targets=(replace(TARGET, when=compile_condition("messages > 3")),)),
    "the knowledge": replace(ROUTE, cache=CachePlan(60.0, knowledge="2026-06", semantic=Likeness("near", 0.5))),
    "the declaration": replace(ROUTE, cache=CachePlan(61.0)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_route_throws_its_answers_away(change: str) -> None:
    cache = Cache(lambda: 0.0)
    before = cache.place({"desk": ROUTE}, "desk", ASKED)
    assert before is not None
    before.keep(answer())
    assert before.kept() is not None
    after = cache.place({"desk": CHANGES[change]}, "desk", ASKED)
    assert after is not None
    assert after.kept() is None
    before.keep(answer("late"))  # a call that ends after the change
    assert after.kept() is None


def test_a_reload_that_changes_nothing_of_the_route_keeps_its_answers_and_one_that_is_gone_is_forgotten() -> None:
    cache = Cache(lambda: 0.0)
    place = cache.place({"desk": ROUTE}, "desk", ASKED)
    assert place is not None
    place.keep(answer())
    again = replace(ROUTE, timeout=5.0)
    assert version_of(again) == version_of(ROUTE)
    same = cache.place({"desk": again}, "desk", ASKED)
    assert same is not None
    assert same.kept() is not None
    assert cache.place({}, "desk", ASKED) is None
    anew = cache.place({"desk": ROUTE}, "desk", ASKED)
    assert anew is not None
    assert anew.kept() is None


@pytest.mark.parametrize("word", ["no-cache", "no-store"])
def test_who_passes_around_it_is_given_no_kept_answer(word: str) -> None:
    cache, routes = Cache(lambda: 0.0), {"desk": ROUTE}
    place = cache.place(routes, "desk", ASKED)
    assert place is not None
    place.keep(answer("old"))
    around = cache.place(routes, "desk", replace(ASKED, metadata={**ABOUT, "cache": word}))
    if word == "no-store":
        assert around is None
        return
    assert around is not None
    assert around.kept() is None
    around.keep(answer("new"))
    kept = place.kept()
    assert kept is not None
    assert kept.reply.text == "new"

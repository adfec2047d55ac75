"""Which target may be shown what a call holds, by which rule it may not, and what comes of what none may see."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.intelligence.gateway import Gateway, ModelReply, ModelRequest, Route, RouteNotCleared, RouteTarget
from interlock.intelligence.gateway.guards import Guards
from interlock.intelligence.gateway.terms import Residency, Terms
from interlock.testing.models import ScriptedProvider, Stage, said
from interlock.values.clearances import EVERY, Clearance, clearance_of
from interlock.values.labels import Category, Confidentiality, Label

HOUSE, SECRETS = Label(), Label(Confidentiality.restricted, frozenset({Category.health}))
EU = Residency(
    "eu-only", "Personal data stays in the EU", categories=frozenset({Category.personal}), regions=frozenset({"eu"})
)


def target(name: str, clearance: Any = "restricted", region: str = "") -> RouteTarget:
    return RouteTarget(
        ScriptedProvider(name, [said(name)]), name=name, clearance=clearance_of(clearance), region=region
    )


class Desk:
    def __init__(self, *targets: RouteTarget, **route: Any) -> None:
        self.told: list[dict[str, Any]] = []
        self.gateway = Gateway({"desk": Route("desk", targets, **route)}, surroundings=Stage().surroundings)

    async def _note(self, call: dict[str, Any]) -> None:
        self.told.append(call)

    async def ask(self, label: Label | None, use_case: str = "", *, streamed: bool = False) -> ModelReply:
        about: dict[str, Any] = {"label": label.to_json()} if label is not None else {}
        request = ModelRequest([{"role": "user", "content": "Hi"}], metadata={**about, "use_case": use_case})
        if not streamed:
            return await self.gateway.complete("desk", request, self._note)
        *_, reply = [piece async for piece in self.gateway.stream("desk", request, self._note)]
        assert isinstance(reply, ModelReply)
        return reply

    async def refused(self, label: Label | None, use_case: str = "") -> RouteNotCleared:
        with pytest.raises(RouteNotCleared) as raised:
            await self.ask(label, use_case)
        return raised.value


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_first_that_is_cleared_is_asked_and_the_others_are_noted(streamed: bool) -> None:
    desk = Desk(target("outside", "internal"), target("inside"))
    assert (await desk.ask(HOUSE, streamed=streamed)).target == "outside"
    reply = await desk.ask(SECRETS, streamed=streamed)
    assert [(one.target, one.outcome, one.asked) for one in reply.attempts] == [
        ("outside", "not_cleared", False),
        ("inside", "ok", True),
    ]
    assert reply.attempts[0].why.startswith("rule 'clearance': the call holds restricted, health data")


async def test_where_none_is_the_call_is_refused_by_the_rules_and_their_words() -> None:
    desk = Desk(target("outside", "internal"), target("us", region="us"), residency=(EU,))
    error = await desk.refused(Label(Confidentiality.confidential, frozenset({Category.personal})))
    assert (error.status, error.transient) == (403, False)
    assert "outside: rule 'clearance': the call holds confidential, personal data" in error.why
    assert "us: rule 'eu-only': Personal data stays in the EU" in error.why
    (unanswered,) = desk.told
    assert unanswered["body"]["outcome"] == "not_cleared"


async def test_what_nobody_labelled_counts_as_everything() -> None:
    assert (await Desk(target("outside")).ask(None)).target == "outside"
    await Desk(target("outside", "confidential")).refused(None)
    await Desk(target("outside", region="us"), residency=(EU,)).refused(None)
    categories = {"confidentiality": "restricted", "categories": ["personal"]}
    await Desk(target("outside", categories)).refused(None)


async def test_words_of_people_count_as_the_houses_own() -> None:
    await Desk(target("outside", "public")).refused(Label(Confidentiality.public))


async def test_a_rule_may_name_the_purposes_for_which_data_is_processed() -> None:
    care = Residency(
        "care", "Health data is for care", categories=frozenset({Category.health}), purposes=frozenset({"care"})
    )
    desk = Desk(target("a"), residency=(care,))
    assert (await desk.ask(SECRETS, "care")).target == "a"
    assert (await desk.ask(HOUSE, "marketing")).target == "a"
    assert "rule 'care': Health data is for care" in (await desk.refused(SECRETS, "marketing")).why
    await desk.refused(SECRETS)


async def test_a_rule_may_be_about_some_use_cases_alone() -> None:
    rule = Residency("live", "Calls are answered here", use_cases=frozenset({"live"}), regions=frozenset({"here"}))
    desk = Desk(target("there", region="there"), target("here", region="here"), residency=(rule,))
    assert (await desk.ask(HOUSE, "live")).target == "here"
    assert (await desk.ask(HOUSE, "batch")).target == "there"


async def test_observing_asks_and_tells() -> None:
    desk = Desk(target("us", "internal", "us"), residency=(EU,), guards=Guards(mode="observe"))
    assert (await desk.ask(SECRETS)).target == "us"
    guarded = [call["body"] for call in desk.told if call.get("kind") == "model.guarded"]
    assert [body["findings"][0] | {"guard": "clearance"} for body in guarded] == [
        {"guard": "clearance", "kind": "clearance", "count": 1, "done": "observed"}
    ]


LEVELS, CATEGORIES = st.sampled_from(list(Confidentiality)), st.frozensets(st.sampled_from(list(Category)))
LABELS = st.builds(Label, LEVELS, CATEGORIES)
CLEARANCES = st.builds(Clearance, LEVELS, CATEGORIES)
NAMES = st.sampled_from(["", "a", "b"])
SETS = st.one_of(st.none(), st.frozensets(NAMES, max_size=2))
RULES = st.builds(
    Residency,
    st.just("r"),
    st.just("because"),
    st.frozensets(NAMES, max_size=1),
    st.one_of(st.none(), LEVELS),
    CATEGORIES,
    SETS,
    SETS,
)


@given(LABELS, LABELS, NAMES, st.lists(RULES, max_size=3), CLEARANCES, NAMES)
def test_what_may_not_be_shown_may_not_be_shown_with_more_beside_it(
    label: Label, more: Label, use_case: str, rules: list[Residency], clearance: Clearance, region: str
) -> None:
    if Terms(label, use_case, tuple(rules)).broken(clearance, region) is not None:
        assert Terms(label.join(more), use_case, tuple(rules)).broken(clearance, region) is not None


@given(LABELS, NAMES, CLEARANCES, NAMES)
def test_without_rules_the_clearance_alone_decides(
    label: Label, use_case: str, clearance: Clearance, region: str
) -> None:
    broken = Terms(label, use_case, ()).broken(clearance, region)
    assert (broken is None) is (
        label.confidentiality <= clearance.confidentiality and label.categories <= clearance.categories
    )
    assert Terms(label, use_case, ()).broken(Clearance(Confidentiality.restricted, EVERY), region) is None

"""What a model that is cleared for less is shown of an agent's turn, and that it never sees more than that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.clock import SystemClock
from interlock.foundation.documents import parse_document
from interlock.governance.labels import Mask
from interlock.intelligence.gateway import Gateway, ModelFailed, ModelReply, ModelRequest, Route, RouteTarget, ToolCall
from interlock.intelligence.gateway.guards import Guards
from interlock.intelligence.gateway.terms import Residency
from interlock.orchestration.agents import AgentRunner, Asked, Ended, Turn, agent_from_document
from interlock.orchestration.agents.shading import Shading
from interlock.testing.models import ScriptedProvider, Stage, said
from interlock.values.clearances import Clearance, clearance_of
from interlock.values.labels import PUBLIC, Category, Confidentiality, Label, label_from_json
from interlock.values.operations import Effect, FieldLabel, Operation, OutputTrust
from interlock.values.principals import Kind, Principal

AGENT = """
agent: support
route: desk
instructions: You help.
operations: ["crm.get"]
"""
IBAN = Label(Confidentiality.restricted, frozenset({Category.financial}))
GET = Operation("crm", "get", Effect.read, output=OutputTrust(labels=(FieldLabel("/iban", IBAN),)))
OUTPUT = {"name": "Maria", "iban": "GB33BUKB20201555555555", "mail": "maria@alfki.example"}
WHO = Principal(Kind.agent, "support", "acme")


class Actions:
    """The one path, which shows the agent everything."""

    def __init__(self, **more: Any) -> None:
        self._more = more

    async def propose(
        self, session_id: str, principal: Principal, operation: str, arguments: dict[str, Any], *, key: str = ""
    ) -> Mapping[str, Any]:
        del session_id, principal, operation, arguments, key
        return {"id": "act_1", "state": "succeeded", "output": OUTPUT, "label": IBAN.to_json(), **self._more}


class Models:
    """A gateway of a target that is cleared for little and one for all; what they are asked is kept by them."""

    def __init__(self, less: ScriptedProvider, more: ScriptedProvider, **route: Any) -> None:
        self.told: list[dict[str, Any]] = []
        targets = (
            RouteTarget(less, name="less", clearance=clearance_of("internal")),
            RouteTarget(more, name="more", clearance=clearance_of(route.pop("all", "restricted"))),
        )
        self._gateway = Gateway({"desk": Route("desk", targets, **route)}, surroundings=Stage().surroundings)

    async def complete(self, route: str, request: Any) -> ModelReply:
        async def note(call: dict[str, Any]) -> None:
            self.told.append(call)

        return await self._gateway.complete(route, request, note)


LOOK = ModelReply("I look.", (ToolCall("c1", "crm__get", {"id": "GB33BUKB20201555555555"}),))


async def ask(models: Models, label: Label = PUBLIC, **more: Any) -> Turn:
    agent = agent_from_document(parse_document(AGENT.encode(), "agent", environment={}))
    asked = Asked("ses_1", WHO, "Who is it?", [GET], label=label)
    return await AgentRunner(models, Actions(**more), SystemClock()).ask(agent, asked)


async def test_of_a_result_it_sees_the_fields_that_it_may() -> None:
    less = ScriptedProvider("less", [LOOK, said("It is Maria.")])
    models = Models(less, ScriptedProvider("more"))
    turn = await ask(models)
    assert turn.answer == "It is Maria."
    shown = json.dumps(less.requests[1].messages)
    assert "Maria" in shown
    assert "[masked: restricted, financial]" in shown
    assert OUTPUT["iban"] not in json.dumps(less.requests[1].messages[-1])
    assert turn.label.confidentiality is Confidentiality.restricted
    (guarded,) = [call["body"] for call in models.told if call.get("kind") == "model.guarded"]
    assert guarded["findings"] == [{"guard": "clearance", "kind": "clearance", "count": 1, "done": "replaced"}]
    called = [call for call in models.told if "kind" not in call][-1]
    assert OUTPUT["iban"] not in json.dumps(called["fields"]["messages"][-1])
    assert called["body"]["label"]["confidentiality"] == "internal"


async def test_what_the_other_said_after_it_saw_more_is_masked_whole() -> None:
    again = ModelReply("Her account is GB33", (ToolCall("c2", "crm__get", {"id": "GB33BUKB20201555555555"}),))
    less = ScriptedProvider("less", [LOOK, ModelFailed("x"), said("Done.")])
    more = ScriptedProvider("more", [again])
    turn = await ask(Models(less, more))
    assert turn.answer == "Done."
    assert OUTPUT["iban"] in json.dumps(more.requests[0].messages)
    last = less.requests[-1].messages
    said_by_more = last[-2]
    assert said_by_more["content"] == "[masked: restricted, financial]"
    assert said_by_more["tool_calls"][0]["function"]["arguments"] == "{}"
    assert last[-4]["content"] == "I look."  # which was said before
    assert "GB33" not in json.dumps([last[-3], *last[-2:]])


async def test_values_that_guards_hide_stay_hidden_in_what_is_left() -> None:
    less = ScriptedProvider("less", [LOOK, said("Done.")])
    await ask(Models(less, ScriptedProvider("more"), guards=Guards(redact=("email",))))
    shown = json.dumps(less.requests[1].messages)
    assert OUTPUT["mail"] not in shown
    assert "[email_" in shown


async def test_a_turn_that_begins_with_more_goes_to_the_other() -> None:
    less, more = ScriptedProvider("less"), ScriptedProvider("more", [said("Hello.")])
    turn = await ask(Models(less, more), IBAN)
    assert (turn.answer, less.asked) == ("Hello.", 0)


async def test_where_none_may_see_it_the_turn_ends_with_the_rule() -> None:
    turn = await ask(Models(ScriptedProvider("less"), ScriptedProvider("more"), all="confidential"), IBAN)
    assert turn.ended is Ended.no_model
    assert "rule 'clearance'" in turn.answer


async def test_a_rule_of_regions_is_not_met_by_leaving_something_out_that_it_is_not_about() -> None:
    rule = Residency("eu", "Stays here", regions=frozenset({"eu"}))
    turn = await ask(Models(ScriptedProvider("less"), ScriptedProvider("more"), residency=(rule,)))
    assert turn.ended is Ended.no_model


async def test_the_words_of_a_failure_are_not_shown_where_its_result_may_not_be() -> None:
    problem: dict[str, Any] = {"problem": {"code": "x", "detail": "no account GB33BUKB20201555555555"}, "output": None}
    less = ScriptedProvider("less", [LOOK, said("Done.")])
    await ask(Models(less, ScriptedProvider("more")), **problem)
    assert "no account" not in json.dumps(less.requests[1].messages)


LEVELS = st.sampled_from(list(Confidentiality))
CATEGORIES = st.frozensets(st.sampled_from(list(Category)), max_size=2)
LABELS = st.builds(Label, LEVELS, CATEGORIES)


@given(
    st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=4),
    st.builds(Clearance, LEVELS, CATEGORIES),
    LABELS,
    LABELS,
)
def test_nothing_above_a_clearance_is_ever_shown(
    fields: list[tuple[Label, Label]], clearance: Clearance, before: Label, more: Label
) -> None:
    shading = Shading()
    messages: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
    secrets: dict[str, Label] = {}
    for at, (one, other) in enumerate(fields):
        labels = (FieldLabel("/a", one), FieldLabel("/b", other))
        operation = Operation("crm", f"get{at}", Effect.read, output=OutputTrust(labels=labels))
        output = {"a": f"<a{at}>", "b": f"<b{at}>"}
        secrets |= {output["a"]: one, output["b"]: other}
        tell = partial(_told, output)
        text = json.dumps(output)
        shading.took(text, operation, one.join(other), tell)
        calls: list[Any] = [{"id": "c", "type": "function", "function": {"name": "x", "arguments": "{}"}}]
        messages += [
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c", "content": text},
            {"role": "assistant", "content": " ".join(secrets)},
        ]
    shading.begin(1, before)
    label = before
    for of in secrets.values():
        label = label.join(of)
    about = {"label": label.to_json()}
    assert shading.lowered(ModelRequest(messages), clearance) is None
    if label.join(more) != label:
        unaccounted = {"label": label.join(more).to_json()}
        assert shading.lowered(ModelRequest(messages, (), unaccounted), clearance) is None
    found = shading.lowered(ModelRequest(messages, (), about), clearance)
    assert (found is None) is not clearance.admits(before)
    if found is not None:
        assert clearance.admits(label_from_json(found.metadata["label"]))
        text = json.dumps(found.messages)
        for value, of in secrets.items():
            assert value not in text or clearance.admits(of)
        if all(clearance.admits(of) for of in secrets.values()):
            assert found.messages == messages


def _told(output: dict[str, str], mask: Mask, words: str) -> str:
    del words
    return json.dumps(mask.apply(output))

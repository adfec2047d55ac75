"""Deriving a plan from the person's words: by rules, by a model, by a model that would rather not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.experience.api.request import Request
from interlock.experience.api.sessions import plan_session
from interlock.experience.installation import Installation
from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.governance.policy import permitted_operations
from interlock.intelligence.gateway import PLAN, Gateway, ModelReply
from interlock.orchestration.actions import Proposal
from interlock.orchestration.agents import agent_from_document
from interlock.orchestration.project.loader import load_project
from interlock.orchestration.sessions import Opening, PlanFixed, PlanTooLate, Session, SessionForbidden
from interlock.orchestration.turns import AgentUnknown
from interlock.orchestration.turns.planning import LARGEST_ANSWER, MOST_STEPS, derive, read
from interlock.testing.servers import Behaviour, ScriptedServer, answers, hangs, in_turn, says
from interlock.values.operations import Effect, Operation, Risk, Role
from interlock.values.principals import Kind, Principal
from tests.orchestration.desk import AGENT_KEY, CARLA, change, payments, running

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"
PORTAL = Principal(Kind.service, "portal", "northwind")
RULES = """
rules: desk
slots:
  account: {type: code, patterns: ['account\\s+([A-Z]-\\d+)'], ask: Which account?}
  amount: {type: number, patterns: ['pay\\s+(\\d+)'], ask: How much?}
intents:
  pay:
    examples: ["look at account {account} and pay {amount}", "pay {amount} to account {account}"]
    steps:
      - {call: ledger.get_account, as: seen, with: {id: "{account}"}}
      - {call: ledger.pay, with: {account: "{account}", amount: "{amount}"}}
  obey:
    examples: ["do what account {account} says"]
    slots:
      told: {type: code, from: seen.note, patterns: ['account (\\S+)']}
    steps:
      - {call: ledger.get_account, as: seen, with: {id: "{account}"}}
      - {call: ledger.pay, with: {account: "{told}", amount: "{10}"}}
"""
WORDS = "Pay 20 to account A-100"
ASKED = [
    {"operation": "ledger.get_account", "times": 1, "arguments": {"id": "A-100"}},
    {"operation": "ledger.pay", "times": 1, "arguments": {"account": "A-100", "amount": 20}},
]


def said(text: Any) -> Behaviour:
    """A model that answers with *text*, or with the JSON of anything else."""
    content = text if isinstance(text, str) else json.dumps(text)
    return answers(200, {"model": "served", "choices": [{"message": {"role": "assistant", "content": content}}]})


def _project(root: Path, targets: str, plan: str = "none") -> None:
    (root / "models.yaml").write_text(f"routes: {{desk: {{targets: [{targets}]}}}}\n", "utf-8")
    (root / "rules").mkdir()
    (root / "rules" / "desk.yaml").write_text(RULES, "utf-8")
    change(root, "agents/helper.yaml", "route: desk", f"route: desk\nplan: {plan}")


@pytest.fixture
async def ruled(root: Path) -> AsyncIterator[Installation]:
    """A desk whose agent follows rules and has its plans derived."""
    _project(root, "{provider: rules, file: rules/desk.yaml}", "derived")
    async with running(root) as composed:
        yield composed.installation


@asynccontextmanager
async def modelled(root: Path, behaviour: Behaviour, plan: str = "none") -> AsyncIterator[tuple[Installation, Any]]:
    """A desk whose agent asks a scripted model."""
    async with ScriptedServer(behaviour) as server:
        _project(root, f'{{provider: openai, base_url: "{server.url}/v1", model: m, timeout: 2s}}', plan)
        async with running(root) as composed:
            yield composed.installation, server


async def _session(desk: Installation, words: str = WORDS) -> Session:
    return await desk.sessions.open(CARLA, Opening(agent="helper", request=words))


async def _derived(desk: Installation, words: str = WORDS) -> tuple[Any, list[str]]:
    shown = await plan_session(Request(desk, CARLA, {"id": (await _session(desk, words)).id}, body={"derive": True}))
    return shown["plan"], shown["left_out"]


# --- by rules -------------------------------------------------------------------------------------------------------


async def northwind(words: Sequence[str], agent: str = "support", **facts: Any) -> tuple[list[Any], tuple[str, ...]]:
    """What Northwind's own rules derive from *words*."""
    project = load_project(NORTHWIND)
    spec = project.agents[agent]
    names = permitted_operations(Principal(Kind.agent, agent, "northwind", spec.roles).to_json(), project.policies)
    session = Session("ses_1", "northwind", PORTAL.name, agent=agent, **facts)
    for text in words:
        session.hear(text)
    if session.customer:
        session.memory.know("customer", session.customer)
    operations = [project.catalog.operations[name].operation for name in names]
    derived = await derive(Gateway(project.routes), spec, session, operations, PORTAL)
    return [step.to_json() for step in derived.steps], derived.left_out


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


CREDIT = {"order_id": 10952, "customer_id": "ALFKI", "amount": 20, "reason": "one jar is cracked"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "Please credit 20.00 on order 10952 because one jar is cracked",
            [("billing.create_credit", 1, {**CREDIT, "account": None})],
        ),
        (
            "credit 20.00 on order 10952 to account GB33BUKB20201555555555 because one jar is cracked",
            [("billing.create_credit", 1, {**CREDIT, "account": "GB33BUKB20201555555555"})],
        ),
        ("Keep checking order 10952 until it has shipped", [("erp.get_order", 30, {"order_id": 10952})]),
        ("List my open tickets", [("helpdesk.list_tickets", 1, {"customer_id": "ALFKI", "status": "open"})]),
    ],
)
async def test_northwinds_rules_foresee_what_the_words_say(words: str, expected: list[Any]) -> None:
    steps, left_out = await northwind([words], customer="ALFKI")
    found = [
        (
            step["operation"],
            step["times"],
            {k: v for k, v in step["arguments"].items() if k in (*CREDIT, "account", "status")},
        )
        for step in steps
    ]
    assert (found, left_out) == (expected, ())


async def test_what_only_a_ticket_could_say_is_not_foreseen() -> None:
    steps, left_out = await northwind(["Please deal with ticket 1004"], customer="ALFKI")
    assert [step["operation"] for step in steps] == ["helpdesk.get_ticket", "erp.list_orders"]
    assert len(left_out) == 1
    assert "billing.create_credit" in left_out[0]


async def test_a_plan_covers_all_that_the_person_has_said() -> None:
    words = ["Where is order 10952?", "Then credit 5.00 because it is late"]
    steps, _ = await northwind(words, customer="ALFKI")
    assert [step["operation"] for step in steps] == ["erp.get_order", "billing.create_credit"]
    assert steps[1]["arguments"]["order_id"] == 10952


@pytest.mark.parametrize(
    ("words", "told"),
    [("Credit order 10952 please", "How much should be credited?"), ("Sing a song", "No rule fits what was said.")],
)
async def test_what_leaves_a_question_open_has_no_plan(words: str, told: str) -> None:
    assert await northwind([words], customer="ALFKI") == ([], (told,))


async def test_a_session_without_words_has_no_plan() -> None:
    assert await northwind([]) == ([], ("The session holds no words of a person.",))


async def test_a_turn_derives_and_keeps_to_its_plan(ruled: Installation, root: Path) -> None:
    session = await _session(ruled)
    turn = await ruled.turns.ask("helper", session, WORDS, asker=CARLA)
    assert ([step.action["state"] for step in turn.steps], turn.left_out) == (["succeeded", "succeeded"], ())
    planned = await ruled.sessions.use(session.id, CARLA)
    assert planned.to_json()["plan"] == [
        ASKED[0],
        {**ASKED[1], "arguments": {"account": "A-100", "amount": 20}},
    ]
    records = await ruled.journal.show(session.id, tenant="acme")
    kinds = [record.kind for record in records]
    assert kinds.index("session.planned") < kinds.index("turn.answered")
    (record,) = [record for record in records if record.kind == "session.planned"]
    assert (record.actor, record.body["derived_by"]) == ("person:carla", "rules:desk")
    again = Proposal(session.id, "ledger.pay", {"account": "A-100", "amount": 21})
    assert (await ruled.actions.propose(AGENT_KEY, again)).decision.reasons[0].rule == "outside-plan"
    assert payments(root) == [("A-100", 20.0)]


async def test_a_turn_that_follows_a_note_leaves_its_plan(ruled: Installation, root: Path) -> None:
    words = "Do what account A-100 says"
    turn = await ruled.turns.ask("helper", await _session(ruled, words), words, asker=CARLA)
    assert turn.to_json()["left_out"] == ["Step 2, ledger.pay: nothing says yet what its account is."]
    assert [step.action["state"] for step in turn.steps] == ["succeeded", "denied"]
    assert payments(root) == []


async def test_a_turn_without_a_plan_says_why_and_tries_again_with_more_words(ruled: Installation) -> None:
    session = await _session(ruled, "Good morning")
    turn = await ruled.turns.ask("helper", session, "Good morning", asker=CARLA)
    assert turn.left_out == ("No rule fits what was said.",)
    kinds = [record.kind for record in await ruled.journal.show(session.id, tenant="acme")]
    assert "session.not_planned" in kinds
    session = await ruled.sessions.extend(CARLA, session.id, request=WORDS)
    turn = await ruled.turns.ask("helper", session, WORDS, asker=CARLA)
    assert [step.action["state"] for step in turn.steps] == ["succeeded", "succeeded"]
    assert (await ruled.sessions.use(session.id, CARLA)).plan is not None


async def test_after_outsiders_text_a_turn_derives_nothing(ruled: Installation) -> None:
    session = await _session(ruled)
    await ruled.actions.propose(AGENT_KEY, Proposal(session.id, "ledger.get_account", {"id": "A-100"}))
    turn = await ruled.turns.ask("helper", session, WORDS, asker=CARLA)
    assert turn.left_out == ()
    assert (await ruled.sessions.use(session.id, CARLA)).plan is None
    with pytest.raises(PlanTooLate):
        await ruled.turns.plan(CARLA, session.id)


async def test_the_reads_of_an_agents_own_context_are_in_its_plan(root: Path) -> None:
    _project(root, "{provider: rules, file: rules/desk.yaml}", "derived")
    context = (
        "context: {own: 'ledger.get_account(id = session.customer)', said: 'ledger.list_payments(account = words)'}"
    )
    change(root, "agents/helper.yaml", "route: desk", f"route: desk\n{context}")
    async with running(root) as composed:
        desk = composed.installation
        session = await desk.sessions.open(CARLA, Opening(agent="helper", request=WORDS, customer="B-666"))
        turn = await desk.turns.ask("helper", session, WORDS, asker=CARLA)
        assert turn.missing_context == {}
        planned = (await desk.sessions.use(session.id, CARLA)).to_json()["plan"]
        assert planned[2:] == [
            {"operation": "ledger.get_account", "times": 0, "arguments": {"id": "B-666"}},
            "ledger.list_payments",
        ]


# --- with whose authority -------------------------------------------------------------------------------------------


async def test_a_plan_is_derived_with_the_authority_of_who_asks(ruled: Installation) -> None:
    session = await _session(ruled)
    with pytest.raises(SessionForbidden):
        await ruled.turns.plan(AGENT_KEY, session.id)
    planned, left_out = await ruled.turns.plan(CARLA, session.id)
    assert (planned.to_json()["plan"], left_out) == (ASKED, ())
    with pytest.raises(PlanFixed):
        await ruled.turns.plan(CARLA, session.id)


async def test_a_session_for_no_agent_has_no_plan_derived(ruled: Installation) -> None:
    session = await ruled.sessions.open(CARLA, Opening(request=WORDS))
    with pytest.raises(AgentUnknown):
        await ruled.turns.plan(CARLA, session.id)


@pytest.mark.parametrize("word", ["derived", "required", "none"])
def test_an_agent_file_says_what_becomes_of_plans(word: str) -> None:
    text = f"agent: a\nroute: r\noperations: [x.y]\nplan: {word}"
    assert agent_from_document(parse_document(text.encode(), "agent", environment={})).planning == word
    with pytest.raises(ProjectInvalid, match="did you mean"):
        agent_from_document(parse_document(f"{text}e".encode(), "agent", environment={}))


# --- by a model -----------------------------------------------------------------------------------------------------


async def test_a_model_is_asked_with_the_request_alone(root: Path) -> None:
    async with modelled(root, said({"steps": ASKED})) as (desk, server):
        plan, left_out = await _derived(desk)
        assert (plan, left_out) == (ASKED, [])
        (received,) = server.received
    asked = received.json()
    assert asked["response_format"]["json_schema"]["name"] == PLAN
    assert "tools" not in asked
    assert [message["role"] for message in asked["messages"]] == ["system", "system", "user"]
    assert asked["messages"][2]["content"] == WORDS
    known = json.loads(asked["messages"][1]["content"])
    assert set(known) == {"kind", "session", "operations"}
    offered = {one["operation"] for one in known["operations"]}
    assert offered == {"ledger.get_account", "ledger.list_payments", "ledger.pay", "ledger.unpay", "notes.write_note"}


async def test_what_was_read_before_is_not_shown_to_the_model(root: Path) -> None:
    change(root, "systems/ledger.yaml", ", untrusted_fields: [note]", "")
    async with modelled(root, said({"steps": ASKED})) as (desk, server):
        session = await _session(desk)
        read_first = Proposal(session.id, "ledger.get_account", {"id": "A-100"})
        assert (await desk.actions.propose(AGENT_KEY, read_first)).state == "succeeded"
        await desk.turns.plan(CARLA, session.id)
        assert b"Please pay 10" not in server.received[0].body


async def test_a_turn_with_a_model_keeps_to_the_plan_it_made(root: Path) -> None:
    call = {"id": "c1", "function": {"name": "ledger__pay", "arguments": '{"account": "B-666", "amount": 20}'}}
    steered = answers(200, {"choices": [{"message": {"role": "assistant", "tool_calls": [call]}}]})
    behaviour = in_turn(said({"steps": ASKED}), steered, said("It waits."))
    async with modelled(root, behaviour, "derived") as (desk, server):
        session = await _session(desk)
        turn = await desk.turns.ask("helper", session, WORDS, asker=CARLA)
        assert turn.steps[0].action["decision"]["reasons"][0]["rule"] == "outside-plan"
        assert len(server.received) == 3
    assert payments(root) == []


INVENTED = {"operation": "ledger.drop_all", "times": 1}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("I would rather not.", "is no plan"),
        ("[]", "is no plan"),
        ('{"steps": {}}', "is no plan"),
        ('{"steps": [], "notes": 7}', "is no plan"),
        ("[" * 5000 + "]" * 5000, "is no plan"),
        ('{"steps": ["ledger.get_account"], "x": "' + "x" * LARGEST_ANSWER + '"}', "is no plan"),
        ({"steps": []}, "no operation"),
        ({"steps": [], "notes": ["Which account?"]}, "Which account?"),
        ({"steps": [INVENTED]}, "'ledger.drop_all', which the agent may not use"),
        ({"steps": ["*"]}, "'*', which the agent may not use"),
        ({"steps": ["ledger.*"]}, "'ledger.*', which the agent may not use"),
        ({"steps": [[["ledger.pay"]]]}, "Step 1"),
        ({"steps": [{"operation": {"operation": "ledger.pay"}}]}, "Step 1"),
        ({"steps": [{"operation": "ledger.pay", "sudo": True}]}, "sudo"),
        ({"steps": [{"operation": "ledger.pay", "arguments": {"acount": "A-100"}}]}, "acount"),
        ({"steps": [{"operation": "ledger.pay", "arguments": {"amount": {"value": {"at_most": 5}}}}]}, "amount"),
        ({"steps": [{"operation": "ledger.pay", "times": 10**9}]}, "times"),
        ({"steps": ["ledger.pay"]}, "nothing says yet what its account is"),
        ({"steps": [{"operation": "ledger.pay", "arguments": {"account": "B-666"}}]}, "names its account"),
        ({"steps": [{"operation": "ledger.pay", "arguments": {"account": {"like": "*"}}}]}, "names its account"),
        ({"steps": [{"operation": "ledger.pay", "arguments": {"account": {"any_of": ["A-100", "B-666"]}}}]}, "account"),
        ({"steps": [{"operation": "ledger.pay", "arguments": {"account": ["A-100", "B-666"]}}]}, "account"),
    ],
)
async def test_a_hostile_answer_makes_no_plan(root: Path, answer: Any, told: str) -> None:
    async with modelled(root, said(answer)) as (desk, _):
        plan, left_out = await _derived(desk)
    assert plan is None
    assert told in " ".join(left_out)


async def test_what_holds_of_an_answer_is_taken_and_the_rest_is_told(root: Path) -> None:
    steps = [INVENTED, *ASKED, {"operation": "ledger__list_payments"}, "ledger.pay"]
    text = f"```json\n{json.dumps({'steps': steps, 'notes': ['x' * 500, 7]})}\n```"
    async with modelled(root, said(text)) as (desk, _):
        plan, left_out = await _derived(desk)
    assert plan == [*ASKED, "ledger.list_payments"]
    assert [note[:6] for note in left_out] == ["Step 1", "Step 5", "xxxxxx"]
    assert len(left_out[2]) == 200


async def test_of_an_endless_answer_the_first_steps_are_read(root: Path) -> None:
    async with modelled(root, said({"steps": ["ledger.get_account"] * 400})) as (desk, _):
        plan, left_out = await _derived(desk)
    assert len(plan) == MOST_STEPS
    assert left_out == [f"Every step after the first {MOST_STEPS}."]


@pytest.mark.parametrize("behaviour", [says(b"nonsense"), answers(500), answers(200, {"choices": []})])
async def test_no_answer_makes_no_plan(root: Path, behaviour: Behaviour) -> None:
    async with modelled(root, behaviour) as (desk, _):
        assert await _derived(desk) == (None, ["No model is available, so there is no plan."])


async def test_a_model_that_takes_too_long_makes_no_plan(root: Path) -> None:
    change(root, "agents/helper.yaml", "roles: [agents]", "roles: [agents]\nlimits: {time: 200ms}")
    async with modelled(root, hangs()) as (desk, _):
        assert await _derived(desk) == (None, ["No model answered in time, so there is no plan."])


# --- how far a derived step goes ------------------------------------------------------------------------------------

TRANSFER = Operation(
    "bank",
    "transfer",
    Effect.irreversible,
    input_schema={
        "type": "object",
        "required": ["to", "amount", "text"],
        "properties": {
            "to": {"type": "string"},
            "amount": {"type": "number"},
            "text": {"type": "string"},
            "urgent": {"type": "boolean"},
            "via": {"type": "string"},
        },
    },
    arguments={"to": Role.target, "via": Role.target, "amount": Role.control, "text": Role.content},
    risks=frozenset({Risk.spends}),
)
NOTE = Operation(
    "crm",
    "add_note",
    Effect.write,
    input_schema={"type": "object", "required": ["id"], "properties": {"id": {}, "pinned": {"type": "boolean"}}},
    arguments={"id": Role.target, "pinned": Role.control},
)


def _read(arguments: Mapping[str, Any], operation: Operation = TRANSFER, **more: Any) -> tuple[Any, list[str]]:
    session = Session("ses_1", "acme", "person:carla")
    session.hear("Send up to 250.00 to DE89370400440532013000, and a note to 4711")
    written = {"steps": [{"operation": operation.id, "arguments": arguments, **more}]}
    steps, left_out = read(ModelReply(json.dumps(written)), session, [operation])
    return [step.to_json() for step in steps], left_out


def test_what_spends_is_bounded_in_what_it_is_about_and_in_how_much() -> None:
    to = "DE89370400440532013000"
    (step,), left_out = _read({"to": to, "amount": {"at_most": 250}}, times=0)
    closed = {"to": to, "amount": {"at_most": 250}, "via": None, "urgent": None}
    assert (step["arguments"], step["times"], left_out) == (closed, 1, [])
    for arguments in ({"to": to}, {"to": to, "amount": {"at_least": 1}}, {"to": to, "amount": {"at_most": 9000}}):
        assert _read(arguments)[0] == []


def test_how_a_plain_write_is_done_may_stay_open() -> None:
    assert _read({"id": "4711"}, NOTE, times=2)[0] == [
        {"operation": "crm.add_note", "times": 2, "arguments": {"id": "4711"}}
    ]

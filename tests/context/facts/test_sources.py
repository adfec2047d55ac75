"""A fact carries the labels of the data that it was read from or computed from."""

from __future__ import annotations

import pytest

from interlock.context.facts import FactPlan, compile_facts
from interlock.values.labels import PUBLIC, Confidentiality, Label
from interlock.values.operations import Call, Effect, Fact, FieldLabel, Operation, OutputTrust

SECRET = Label(Confidentiality.restricted)
GET = Operation("crm", "get", Effect.read, output=OutputTrust(labels=(FieldLabel("/pay", SECRET),)))


def plan(**expressions: str) -> FactPlan:
    facts = [Fact("one", read=Call("crm.get", {})), Fact("all", read=Call("crm.get", {}), each="[1, 2]")]
    facts += [Fact(name, expression=text) for name, text in expressions.items()]
    operation = Operation("crm", "set", Effect.write, facts=tuple(facts), version="facts.one.version")
    wrong: list[str] = []
    found = compile_facts(operation, {"crm.get": GET}, lambda fact, message: wrong.append(f"{fact} {message}"))
    assert not wrong
    return found


def test_a_fact_that_is_read_carries_its_operations_labels() -> None:
    found = plan()
    one, every = found.sources["one"], found.sources["all"]
    assert (one.operation, one.each, one.label, one.asks) == (GET, False, SECRET, False)
    assert (every.operation, every.each) == (GET, True)
    assert found.label == SECRET


@pytest.mark.parametrize(
    ("expression", "label"),
    [
        ("facts.one.id", Label()),
        ("facts.one.pay / 2.0", SECRET),
        ("facts.one.id == 1 && facts.one.pay > 2.0", SECRET),
        ("size(facts.one)", SECRET),
        ("facts.one.id.size()", SECRET),
        ("facts.one['id']", SECRET),
        ("facts.all.map(a, a.id)", SECRET),
        ("facts['one'].id", SECRET),
        ("1 + 1", PUBLIC),
    ],
)
def test_a_computed_one_carries_what_went_into_it_or_could_have(expression: str, label: Label) -> None:
    assert plan(it=expression).sources["it"].label == label
    assert plan(it=expression, next="facts.it").sources["next"].label == label


def test_it_is_known_which_ones_were_computed_from_the_arguments() -> None:
    found = plan(it="input.amount", next="facts.it", other="facts.one.id")
    assert [found.sources[name].asks for name in ("it", "next", "other", "one")] == [True, True, False, False]


def test_the_records_version_carries_the_label_of_its_field() -> None:
    assert plan().record.label == Label()

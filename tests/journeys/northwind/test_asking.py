"""`interlock ask`: a person's own sentence, from words to a business system and back."""

from __future__ import annotations

from examples.northwind.demonstration.scene import Scene
from tests.journeys.northwind.command_line import answer, interlock


def test_a_question_is_answered_in_words(northwind: Scene) -> None:
    done = interlock(northwind, "ask", "where is order 11011", "--agent", "support", "--customer", "ALFKI", by="laura")
    assert done.returncode == 0, done.stderr
    order = northwind.books.order(11011)
    assert "11011" in done.stdout
    assert f"{order['total']:.2f}" in done.stdout
    assert "rules" in done.stdout  # who answered is never left in the dark


def test_a_sentence_becomes_a_credit_note(northwind: Scene) -> None:
    words = "Please credit 12.50 on order 10702 because a bag was torn"
    options = ("--agent", "support", "--customer", "ALFKI")
    turn = answer(northwind, "ask", words, *options, by="laura")
    step = turn["steps"][-1]
    assert step["operation"] == "billing.create_credit"
    assert step["action"]["state"] == "succeeded"
    assert northwind.books.amounts(10702) == [12.5]


def test_a_refusal_says_why(northwind: Scene) -> None:
    options = ("--agent", "support", "--customer", "AROUT")
    done = interlock(northwind, "ask", "credit 300.00 on order 11016", *options, by="laura")
    assert "more than the customer has paid" in done.stdout
    assert "credit-within-paid" in done.stdout
    assert northwind.books.notes(11016) == []


def test_a_conversation_goes_on_in_its_session(northwind: Scene) -> None:
    options = ("--agent", "support", "--customer", "ALFKI")
    first = answer(northwind, "ask", "where is order 10643", *options, by="laura")
    again = ("--agent", "support", "--session", first["session"])
    second = answer(northwind, "ask", "credit 7.00 on that order because one jar was open", *again, by="laura")
    assert second["steps"][-1]["action"]["input"]["order_id"] == 10643
    assert northwind.books.amounts(10643) == [7.0]


def test_an_unclear_sentence_does_nothing(northwind: Scene) -> None:
    before = northwind.books.effects()
    turn = answer(northwind, "ask", "colourless green ideas", "--agent", "support", by="laura")
    assert turn["steps"] == []
    assert northwind.books.effects() == before

"""Whatever a session is shown or asked, its memory stays small, judging stays cheap, and size never passes for trust.

Sizes are counted, and so is work, in calls of functions: no test here looks at a clock.
"""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import pytest

from interlock.governance.labels import Memory
from interlock.values.labels import TRUSTED_SOURCES, Carried, Confidentiality, Label, Origin, Source
from interlock.values.operations import Effect, Operation, OutputTrust, Role

MB = 1_000_000
MOST_HELD = 20 * MB
TICKET = Operation(
    "helpdesk",
    "get_ticket",
    Effect.read,
    output=OutputTrust(trusted=("/id", "/customer", "/total", "/day"), untrusted=("/subject", "/body")),
    label=Label(Confidentiality.confidential),
)
ACT = Operation(
    "desk",
    "act",
    Effect.write,
    input_schema={"type": "object", "properties": {}},
    arguments={"target": Role.target, "control": Role.control, "content": Role.content},
)
ROLES = ("target", "control", "content")


def ticket(number: int, choose: random.Random) -> dict[str, Any]:
    """Return a result of six fields, two of them free text that holds values."""
    words = [f"word{choose.randrange(5000)}" for _ in range(24)]
    link = f"https://x{number}.example/pay?n={number}"
    return {
        "id": 20_000 + number,
        "customer": f"Customer {number}",
        "total": number * 1.25,
        "day": f"1997-08-{number % 28 + 1:02}",
        "subject": " ".join(words[:6]).capitalize(),
        "body": f"{' '.join(words)} order {number} {link} pay NL91 ABNA 0417 {number:06} 00",
    }


def session(results: int) -> Memory:
    """Return the memory of a session that was shown so many results."""
    memory, choose = Memory(), random.Random(results)
    memory.hear("Please credit 20 on order 10643 of Alfreds Futterkiste")
    memory.know("customer", "ALFKI")
    for number in range(results):
        memory.remember(TICKET, ticket(number, choose))
    return memory


def held(memory: Memory) -> int:
    """Return how many bytes everything takes that a memory alone refers to."""
    seen: set[int] = set()
    stack: list[Any] = [memory]
    size = 0
    while stack:
        item = stack.pop()
        if id(item) not in seen and not isinstance(item, (type, ModuleType, FunctionType)):
            seen.add(id(item))
            size += sys.getsizeof(item)
            stack.extend(gc.get_referents(item))
    return size


def peak(work: Callable[[], object]) -> int:
    """Return how many bytes *work* took at its worst moment."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def calls(work: Callable[[], object]) -> int:
    """Return how many functions *work* called, our own and Python's."""
    count = 0

    def note(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def judged(memory: Memory, value: Any) -> Iterator[Origin]:
    """Yield the origin of a value in each role."""
    yield from memory.origins(ACT, dict.fromkeys(ROLES, value)).values()


def trusted(memory: Memory, value: Any) -> bool:
    """Return whether a value passes for vouched, all of it, in any role."""
    return any(
        not TRUSTED_SOURCES.isdisjoint(origin.sources) and Source.unknown not in origin.sources
        for origin in judged(memory, value)
        if not origin.untrusted
    )


# --- the size of a session -------------------------------------------------------------------------------------------


def test_a_session_of_ten_thousand_results_stays_small() -> None:
    memory = session(10_000)
    assert held(memory) < MOST_HELD
    assert memory.used < MOST_HELD
    (latest,) = memory.origins(ACT, {"target": 29_999}).values()
    (forgotten,) = memory.origins(ACT, {"target": "https://x1.example/pay?n=1"}).values()
    assert latest.where == ("helpdesk.get_ticket#/id",)
    assert forgotten.untrusted, "what is forgotten is never less suspicious"


def test_results_of_very_many_fields_do_not_make_a_session_large() -> None:
    memory = Memory()
    for number in range(8):
        fields = {f"f{at}": " ".join(f"w{number}x{at}y{word}" for word in range(20)) for at in range(1000)}
        memory.remember(TICKET, {"id": number, "body": fields})
    assert held(memory) < MOST_HELD


def test_a_person_who_goes_on_and_on_does_not_make_a_session_large() -> None:
    memory = Memory()
    for turn in range(60):
        memory.hear(" ".join(f"wo{turn}rd{word:05}" for word in range(5000)))
    assert held(memory) < MOST_HELD


@pytest.mark.parametrize("shape", ["long names", "deep paths"])
def test_what_fields_are_called_does_not_make_a_session_large(shape: str) -> None:
    memory = Memory()
    for number in range(30):
        body: Any = {f"{number}-{at}": 1 for at in range(150)}
        if shape == "long names":
            body = {f"{number}{'n' * MB}": 1}
        for _ in range(900 if shape == "deep paths" else 0):
            body = {"a": body}
        memory.remember(TICKET, {"body": body})
    assert held(memory) < MOST_HELD


# --- single values ---------------------------------------------------------------------------------------------------

LARGE = {
    "letters": "A" * (10 * MB),
    "digits": "1" * (10 * MB),
    "a number": 10**4000,
}
ENORMOUS = {
    "letters": "x" * 300_000,
    "digits": "7" * 300_000,
    "an account": "NL91ABNA0417164300" * 16_000,
    "Base64": "SGVsbG8gd29ybGQh" * 20_000,
    "hexadecimal": "68656c6c6f20" * 25_000,
    "percents": "%41%5F" * 50_000,
    "entities": "&#65;" * 60_000,
    "underscores": "_" * 300_000,
    "brackets": "([{<" * 75_000,
    "commas": "1,000," * 50_000,
    "an address": "https://a" + "/b" * 150_000,
}


@pytest.mark.parametrize("name", LARGE)
def test_a_value_of_ten_megabytes_takes_little_more_than_itself_and_is_never_trusted(name: str) -> None:
    memory, value = session(5), LARGE[name]
    before = held(memory)
    assert peak(lambda: list(judged(memory, value))) < 40 * MB
    assert not trusted(memory, value)
    assert not trusted(memory, [value, value])
    memory.remember(TICKET, {"id": value, "body": value})
    assert held(memory) - before < 10 * MB


@pytest.mark.parametrize("part", ["lorem ipsum ", "\u0430"])
def test_a_long_text_takes_little_more_than_itself(part: str) -> None:
    memory, value = session(5), part * (MB // len(part))
    assert peak(lambda: list(judged(memory, value))) < 40 * MB


def test_a_long_value_is_trusted_for_all_of_it_and_not_for_its_beginning() -> None:
    memory = Memory()
    memory.remember(TICKET, {"id": "A" * MB})
    assert trusted(memory, "A" * MB)
    assert not trusted(memory, "A" * (MB - 1))
    assert not trusted(memory, "A" * MB + "B")


@pytest.mark.parametrize("name", ENORMOUS)
def test_one_enormous_token_is_judged_and_remembered_within_bounds(name: str) -> None:
    memory, value = Memory(), ENORMOUS[name]
    memory.hear("Please have a look at QX-7781-Z")
    assert not trusted(memory, value)
    memory.remember(TICKET, {"id": 1, "body": f"{value} EVIL-99"})
    assert memory.used < MB
    assert memory.origins(ACT, {"target": value})["target"].untrusted
    assert memory.origins(ACT, {"target": "EVIL-99"})["target"].untrusted, "it stands behind what is not kept"
    assert trusted(memory, "QX-7781-Z")


@pytest.mark.parametrize("part", ["a.", "a-", "-", "a1-b2.c3/"])
def test_one_enormous_token_of_pieces_is_judged_in_free_text(part: str) -> None:
    assert not trusted(session(5), part * (256_000 // len(part)))


@pytest.mark.parametrize("text", ["NL91 ABNA 0417 1643 00 ", "%41%5F&#65;", "a1-b2.c3/", "w1y2 "], ids=str.strip)
def test_a_result_of_many_long_texts_is_looked_at_as_far_as_there_is_room(text: str) -> None:
    """What is not looked at is nobody's; short fields are not crowded out by it."""
    memory = Memory()
    texts = [text * (60_000 // len(text)) for _ in range(20)]
    memory.remember(TICKET, {"body": [*texts, "The order is QX-7781-Z"], "subject": [f"{texts[0]} LATE-1"], "id": 4711})
    assert calls(lambda: Memory().remember(TICKET, {"body": texts})) < 4 * calls(
        lambda: Memory().remember(TICKET, {"body": texts[0]})
    )
    assert memory.origins(ACT, {"target": "LATE-1"})["target"].untrusted
    assert memory.origins(ACT, {"target": "QX-7781-Z"})["target"].where[0].startswith("helpdesk.get_ticket#/body")
    assert trusted(memory, 4711)


def test_words_that_begin_like_accounts_are_remembered() -> None:
    memory = Memory()
    memory.remember(TICKET, {"body": [f"aa11{'x' * 50} " * 1000 for _ in range(20)]})
    assert not trusted(memory, "aa11")


# --- many values -----------------------------------------------------------------------------------------------------


def test_a_result_of_a_hundred_thousand_entries_is_cut_and_says_so() -> None:
    memory = Memory()
    memory.remember(TICKET, {"id": 1, "body": [{"reference": f"v-{number}-x"} for number in range(100_000)]})
    assert held(memory) < MOST_HELD
    for number in (0, 99_999):
        assert memory.origins(ACT, {"target": f"v-{number}-x"})["target"].untrusted
    assert not trusted(memory, "seen nowhere")


@pytest.mark.parametrize(
    "value",
    [
        [10643] * 100_000,
        {f"k{number}": 10643 for number in range(100_000)},
        [[10643] * 10 for _ in range(10_000)],
        [*([10643] * 999), *range(1, 100_000)],
    ],
    ids=["list", "object", "lists", "the worst last"],
)
def test_an_argument_of_a_hundred_thousand_members_is_not_trusted_for_its_first_ones(value: Any) -> None:
    memory = session(5)
    assert trusted(memory, [10643] * 10)
    count = calls(lambda: memory.origins(ACT, {"target": value}))
    assert count < 500_000, "about a thousand members are looked at, not each of them in each way"
    assert not trusted(memory, value)


SECRET = Operation("staff", "get_person", Effect.read, label=Label(Confidentiality.restricted))


@pytest.mark.parametrize("before", [[""] * 1000, " " * (256 << 10)], ids=["members", "spaces"])
def test_what_is_too_much_to_look_at_may_be_anything(before: Any) -> None:
    memory = Memory()
    memory.remember(SECRET, {"iban": "DE89370400440532013000"})
    memory.remember(TICKET, {"id": 1, "body": "Pay at https://evil.example/pay"})
    hidden = "See https://evil.example/pay and DE89370400440532013000"
    value = before + (hidden if isinstance(before, str) else [hidden])
    origins = memory.origins(ACT, {"content": value})
    origin = origins["content"]
    assert origin.carries | origin.invents == set(Carried)
    assert memory.label(ACT, {"content": value}, origins).confidentiality is Confidentiality.restricted


@pytest.mark.parametrize("depth", [900, 5000])
def test_deeply_nested_values_are_judged_and_remembered(depth: int) -> None:
    memory, deep = Memory(), "EVIL-99"
    memory.hear("Please have a look")
    result: Any = deep
    for level in range(depth):
        result = {"a": result} if level % 2 else [result]
    assert not trusted(memory, result)
    memory.remember(TICKET, {"body": result})
    assert all(origin.untrusted for origin in judged(memory, deep))
    assert all(origin.untrusted for origin in judged(memory, result))


def plane(start: int, count: int) -> str:
    """Return so many characters; lone surrogates are no text, but JSON can carry them."""
    return "".join(map(chr, range(start, min(start + count, 0x110000))))


def test_all_of_unicode_without_a_space_is_nothing_special() -> None:
    assert not trusted(session(5), plane(0, 0x110000))


def test_all_of_unicode_in_one_text_is_nothing_special() -> None:
    every = " ".join(plane(start, 1000) for start in range(0, 0x110000, 1000))
    memory = Memory()
    memory.hear("Please have a look at QX-7781-Z")
    assert not trusted(memory, every)
    memory.remember(TICKET, {"id": 1, "body": every})
    memory.hear(every)
    assert held(memory) < MOST_HELD
    assert memory.origins(ACT, {"target": "EVIL-99"})["target"].untrusted, "not all of it could be kept"
    assert trusted(memory, "QX-7781-Z")


def test_each_character_alone_is_judged_without_failing() -> None:
    memory = session(5)
    for start in range(0, 0x110000, 97):  # all planes, and not all their signs
        assert not trusted(memory, f"Q{chr(start)}7781")


# --- work ------------------------------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "order_id": 10643,
    "amount": "20.00",
    "account": "Customer 7",
    "content": "For order 10643 of Alfreds Futterkiste",
}
HOSTILE: dict[str, Any] = {
    "target": "ZX-81-99",
    "control": "4.7.1.1",
    "account": "N L 9 1 A B N A 0 4 1 7 0 0 0 0 0 3 0 0",
    "content": "Dear Sir, pay 1234.56 at https://unseen.example/p?x=1, or x3.example, or write to me@unseen.example",
}


@pytest.mark.parametrize("arguments", [GOOD, HOSTILE], ids=["vouched", "hostile"])
def test_judging_an_action_takes_hardly_more_work_the_more_is_remembered(arguments: dict[str, Any]) -> None:
    counts = []
    for results in (100, 400, 1600):  # five values each and more
        memory = session(results)
        memory.origins(ACT, arguments)  # what is made once for all is made
        counts.append(calls(partial(memory.origins, ACT, arguments)))
    assert counts[2] < 2 * counts[0], counts
    assert counts[2] < 5000, counts


def test_remembering_a_result_takes_hardly_more_work_the_more_is_remembered() -> None:
    counts = []
    for results in (100, 400, 1600):
        memory, choose = session(results), random.Random(1)
        fresh = [ticket(90_000 + number, choose) for number in range(20)]
        counts.append(sum(calls(partial(memory.remember, TICKET, one)) for one in fresh))
    assert counts[2] < 2 * counts[0], counts


def test_free_text_takes_work_in_proportion_to_its_length() -> None:
    memory = session(100)
    counts = []
    for length in (500, 2000, 8000):
        text = " ".join(f"ZX-{number}-9 word" for number in range(length))
        counts.append(calls(partial(memory.origins, ACT, {"content": text})))
    assert counts[2] < 5 * counts[1] < 25 * counts[0], counts

"""What is found in a text, how it is hidden and comes back, and what may not be said: however a text is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.governance.guards import KINDS, Found, Listening, Patterns, Phrases, PhraseSaid, Restoring, Vault

ALL = Patterns(KINDS)
FOUND = [
    ("write to maria.anders@alfki.example.com today", "email", "maria.anders@alfki.example.com"),
    ("mailto:a+b@x.co", "email", "a+b@x.co"),
    ("IBAN GB33BUKB20201555555555.", "iban", "GB33BUKB20201555555555"),
    ("pay DE89 3704 0044 0532 0130 00 now", "iban", "DE89 3704 0044 0532 0130 00"),
    ("card 4111 1111 1111 1111, thanks", "card", "4111 1111 1111 1111"),
    ("5500-0055-5555-5559", "card", "5500-0055-5555-5559"),
    ("call +49 (30) 901820-55", "phone", "+49 (30) 901820-55"),
    ("from 192.168.17.4:", "ip", "192.168.17.4"),
    ("host 2001:db8::8a2e:370:7334 is down", "ip", "2001:db8::8a2e:370:7334"),
    ("key sk-proj-abcdefghijklmnopqrstuv", "key", "sk-proj-abcdefghijklmnopqrstuv"),
    ("AKIAIOSFODNN7EXAMPLE", "key", "AKIAIOSFODNN7EXAMPLE"),
    ("ik_i5szolydcjiqlfk4_pmqtlyt5sgd4", "key", "ik_i5szolydcjiqlfk4_pmqtlyt5sgd4"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "key",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ),
]
NOT_FOUND = [
    "order 4711 of 1996-07-04 for 1,863.40",
    "GB33BUKB20201555555556 is no account",
    "4111 1111 1111 1112 is no card",
    "0000 0000 0000 0000",
    "version 1.2.3.4567 and 999.1.1.1",
    "a @ b, user@localhost",
    "the ratio is 12:30:45",
    "task-force sk-short",
    "",
]


@pytest.mark.parametrize(("text", "kind", "value"), FOUND, ids=[f"{kind}-{n}" for n, (_, kind, _) in enumerate(FOUND)])
def test_what_has_a_form_is_found(text: str, kind: str, value: str) -> None:
    (found,) = ALL.find(text)
    assert (found.kind, text[found.start : found.end]) == (kind, value)


@pytest.mark.parametrize("text", NOT_FOUND, ids=range(len(NOT_FOUND)))
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert list(ALL.find(text)) == []


def test_only_the_kinds_that_are_wanted_are_found() -> None:
    text = "a@b.example, +49 30 901820"
    assert [found.kind for found in Patterns(["phone"]).find(text)] == ["phone"]
    assert list(Patterns([]).find(text)) == []


def test_hidden_values_come_back_and_are_nowhere_between() -> None:
    vault = Vault(ALL)
    hidden = vault.hide("ask a@b.example or c@d.example, then a@b.example again")
    assert "@" not in hidden
    assert vault.hidden == {"email": 2}
    assert vault.restore(hidden) == "ask a@b.example or c@d.example, then a@b.example again"
    assert "a@b" not in repr(vault)


def test_a_token_is_the_same_for_the_same_value_in_the_next_call() -> None:
    assert Vault(ALL).hide("a@b.example") == Vault(ALL).hide("a@b.example")


def test_a_token_of_another_call_restores_nothing() -> None:
    foreign = Vault(ALL).hide("a@b.example")
    vault = Vault(ALL)
    vault.hide("c@d.example")
    assert vault.restore(f"{foreign} [email_aaaaaaaaaaaa]") == f"{foreign} [email_aaaaaaaaaaaa]"


def test_within_json_a_value_stays_a_string() -> None:
    vault = Vault(Patterns(["key"]))
    key = '-----BEGIN PRIVATE KEY-----\nM"x\n-----END PRIVATE KEY-----'
    token = vault.hide(key)
    assert (
        vault.restore(f'{{"k": "{token}"}}', within_json=True)
        == '{"k": "' + key.replace("\n", "\\n").replace('"x', '\\"x') + '"}'
    )


pieces = st.lists(
    st.sampled_from(["a@b.example", "[", "]", "[email_", "x", " ", "[[", "GB33BUKB20201555555555", "é", "_"]),
    max_size=12,
)


@given(pieces, st.lists(st.integers(0, 400), max_size=12))
def test_restoring_does_not_depend_on_how_a_text_is_cut(words: list[str], cuts: list[int]) -> None:
    vault = Vault(ALL)
    hidden = vault.hide(" ".join(words))
    restoring = Restoring(vault.restore)
    places = sorted({0, len(hidden), *(cut % (len(hidden) + 1) for cut in cuts)})
    parts = [hidden[start:end] for start, end in pairwise(places)]
    told = "".join([*(restoring.feed(part) for part in parts), restoring.finish()])
    assert told == vault.restore(hidden) == " ".join(words)


@given(
    st.text("abcSß ", max_size=40), st.lists(st.integers(0, 40), max_size=8), st.text("abcSß", min_size=1, max_size=5)
)
def test_no_part_of_a_phrase_is_passed_on_however_it_is_cut(text: str, cuts: list[int], phrase: str) -> None:
    phrases = Listening(Phrases([("it", phrase)]))
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    passed, heard = "", ""
    try:
        for start, end in pairwise(places):
            passed += phrases.feed(text[start:end])
        passed += phrases.finish()
    except PhraseSaid as said:
        heard = said.name
    assert text.startswith(passed)
    assert bool(heard) == (phrase.casefold() in text.casefold())
    if heard:
        assert len(passed.casefold()) <= text.casefold().index(phrase.casefold())
    else:
        assert passed == text


BEGIN = "-----BEGIN PRIVATE KEY-----"
LONG: list[tuple[str, list[Found]]] = [
    ("a" * 50_000, []),
    ("1.1." * 10_000, []),
    ("a@" * 20_000, []),
    ("GB33 " * 5_000, []),
    (BEGIN * 2_000, [Found("key", 0, len(BEGIN) * 2_000)]),
]


@pytest.mark.parametrize(("text", "found"), LONG, ids=["word", "numbers", "signs", "accounts", "keys"])
def test_long_texts_that_only_begin_like_something_are_read_to_their_end(text: str, found: list[Found]) -> None:
    assert list(ALL.find(text)) == found

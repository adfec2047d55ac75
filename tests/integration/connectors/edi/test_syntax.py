"""Interchanges are read whole and written back byte for byte, or refused with the segment and the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.integration.connectors.edi.messages import MAPPINGS
from interlock.integration.connectors.edi.syntax import (
    Envelope,
    Interchange,
    InterchangeBroken,
    MappingInvalid,
    Outgoing,
    Party,
    SegmentUnfit,
    acknowledgement,
    parse_interchanges,
    parse_mapping,
    wrapped,
)
from tests.integration.connectors.edi.samples import ISA, ORDER, ORDERS, edifact, x12

NOW = datetime(2024, 2, 29, 14, 30, tzinfo=UTC)


def only(text: str) -> Interchange:
    (interchange,) = parse_interchanges(text)
    return interchange


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
@pytest.mark.parametrize("text", [x12(ORDER, end="{}"), edifact(ORDERS, end="{}"), edifact(ORDERS, una="", end="{}")])
def test_what_is_read_is_written_as_it_was(text: str, end: str) -> None:
    text = text.replace("{}", end)
    interchange = only(text)
    assert interchange.raw == text
    assert (interchange.sender, interchange.receiver) == ("NORTHWIND", "ACME")
    assert [message.fault for _, message in interchange.messages] == [None]


def test_delimiters_are_the_interchanges_own() -> None:
    order = only(x12(ORDER).replace("*", "|").replace(":", ">").replace("~", "\x1d"))
    assert (order.delimiters.element, order.delimiters.component, order.delimiters.terminator) == ("|", ">", "\x1d")
    lines = only(x12(ORDER, end="").replace("~", "\n"))
    assert lines.segments[3].get(3) == "PO-1001"
    other = only(edifact(ORDERS, una="").replace("+", "*").replace("UNB", "UNA:*,? 'UNB", 1).replace("2.5", "2,5"))
    assert MAPPINGS["ORDERS"].show(other.groups[0].messages[0].segments[1:-1], ",").values["lines"][0]["price"] == 2.5


def test_a_released_sign_is_text() -> None:
    text = edifact(("BGM+220+a?+b??+9", "FTX+AAI+++what?'s ?: this?? ?", "DTM+137:20240229:102"))
    message = only(text.replace("?? ?'", "???? '")).groups[0].messages[0]
    assert message.segments[1].get(2) == "a+b?"
    assert message.segments[2].get(4) == "what's : this?? "


def test_repetitions_are_kept_apart_where_the_version_has_them() -> None:
    isa = ISA.format(control=7).replace("*U*00401*", "*^*00501*")
    text = x12(("BEG*00*SA*A^B**20240229",)).replace(ISA.format(control=7), isa)
    assert only(text).segments[3].elements[2] == (("A",), ("B",))
    assert only(x12(("BEG*00*SA*A^B**20240229",))).segments[3].get(3) == "A^B"


def test_several_interchanges_follow_each_other() -> None:
    found = parse_interchanges(x12(ORDER, control=1) + "\n" + x12(ORDER, control=2) + edifact(ORDERS))
    assert [one.control for one in found] == ["000000001", "000000002", "42"]


BROKEN: list[tuple[str, str, int, str]] = [
    ("empty", "", 1, "begins with"),
    ("not-edi", "hello", 1, "begins with"),
    ("short-isa", x12(ORDER)[:80], 1, "ends within"),
    ("moved-isa", x12(ORDER).replace("*ZZ*ACME  ", "*ZZ*ACME"), 1, "fixed lengths"),
    ("cut", x12(ORDER)[:300], 10, "ends within"),
    ("no-iea", x12(ORDER).split("IEA")[0], 17, "without IEA"),
    ("iea-control", x12(ORDER).replace("IEA*1*000000007", "IEA*1*000000008"), 18, "not that of ISA"),
    ("iea-count", x12(ORDER).replace("IEA*1", "IEA*2"), 18, "counts other"),
    ("no-ge", x12(ORDER).replace("GE*1*7~\n", ""), 17, "has no GE"),
    ("no-gs", x12(ORDER).replace("GS*PO", "XX*PO"), 2, "outside of any message"),
    ("no-st", x12(ORDER).replace("ST*850*0001~\n", ""), 3, "outside of any message"),
    ("second-isa", x12(ORDER).split("IEA")[0] + x12(ORDER), 18, "has no IEA"),
    ("no-tag", x12(("BEG*00", "*x")), 5, "tag"),
    ("same-signs", x12(ORDER).replace("*P*:~", "*P**~"), 1, "distinct|fixed"),
    ("una-only", "UNA:+.", 1, "ends within"),
    ("una-signs", edifact(ORDERS, una="UNA++.? '"), 1, "distinct"),
    ("no-unb", "UNA:+.? 'UNH+1+ORDERS'", 1, "UNB"),
    ("no-unz", edifact(ORDERS).split("UNZ")[0], 18, "without UNZ"),
    ("unz-control", edifact(ORDERS).replace("UNZ+1+42", "UNZ+1+43"), 19, "not that of UNB"),
    ("unz-count", edifact(ORDERS).replace("UNZ+1", "UNZ+2"), 19, "counts other"),
    ("released-end", edifact(ORDERS).replace("UNZ+1+42'", "UNZ+1+42?'"), 19, "ends within"),
    ("no-unh", edifact(ORDERS).replace("UNH+1+ORDERS:D:96A:UN'", ""), 2, "outside of any message"),
]


@pytest.mark.parametrize(("text", "segment", "words"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_a_broken_interchange_is_refused_with_segment_and_reason(text: str, segment: int, words: str) -> None:
    with pytest.raises(InterchangeBroken, match=words) as caught:
        parse_interchanges(text)
    assert caught.value.segment == segment


FAULTS: list[tuple[str, str, int, str]] = [
    ("se-count", x12(ORDER).replace("SE*14", "SE*13"), 16, "4"),
    ("se-control", x12(ORDER).replace("SE*14*0001", "SE*14*0002"), 16, "3"),
    ("unt-count", edifact(ORDERS).replace("UNT+17", "UNT+18"), 18, "29"),
    ("unt-control", edifact(ORDERS).replace("UNT+17+1", "UNT+17+2"), 18, "28"),
    ("no-se", x12(ORDER).replace("SE*14*0001~\n", ""), 16, "2"),
    ("no-unt", edifact(ORDERS).replace("UNT+17+1'", ""), 18, "13"),
]


@pytest.mark.parametrize(("text", "segment", "code"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_a_broken_message_is_a_fault_of_its_own(text: str, segment: int, code: str) -> None:
    (_, message), *_ = only(text).messages
    assert message.fault is not None
    assert (message.fault.segment, message.fault.code) == (segment, code)


def test_a_broken_group_is_a_fault_of_the_group() -> None:
    assert [one.fault.code for one in only(x12(ORDER).replace("GE*1*7", "GE*2*7")).groups if one.fault] == ["5"]
    assert [one.fault.code for one in only(x12(ORDER).replace("GE*1*7", "GE*1*8")).groups if one.fault] == ["4"]


@given(st.text(st.sampled_from("ISAUNBGTEHZ*+:~'?^ 0123\n"), max_size=200))
def test_any_text_is_an_interchange_or_refused(text: str) -> None:
    for start in ("", ISA.format(control=1), "UNA:+.? '", "UNB+UNOC:3+A+B+240101:1200+1'"):
        try:
            found = parse_interchanges(start + text)
        except InterchangeBroken as error:
            assert error.segment >= 1  # noqa: PT017 - both ends are right ones
        else:
            assert "".join(one.raw for one in found) == start + text


# --- mappings --------------------------------------------------------------------------------------------------------

SHOWN: dict[str, Any] = {
    "order_number": "PO-1001",
    "order_date": "2024-02-29",
    "delivery_date": "2024-03-15",
    "currency": "EUR",
    "total": 505,
}


def test_an_x12_order_becomes_json() -> None:
    shown = MAPPINGS["850"].show(only(x12(ORDER)).groups[0].messages[0].segments[1:-1])
    assert (shown.problems, shown.unmapped) == ([], [])
    assert {name: shown.values[name] for name in SHOWN} == SHOWN
    assert shown.values["parties"][0]["city"] == "Oslo"
    first, second = shown.values["lines"]
    assert (first["quantity"], first["price"], first["product"], first["description"]) == (
        10,
        2.5,
        "BOLT-M8",
        "Bolt, M8",
    )
    assert (second["product"], second["description"]) == ("NUT-M8", None)


def test_an_edifact_order_becomes_json() -> None:
    shown = MAPPINGS["ORDERS"].show(only(edifact(ORDERS)).groups[0].messages[0].segments[1:-1])
    assert (shown.problems, shown.unmapped) == ([], [])
    assert {name: shown.values[name] for name in SHOWN} == SHOWN
    assert shown.values["parties"][0]["name"] == "Northwind + Sons"
    assert [line["quantity"] for line in shown.values["lines"]] == [10, 4]


def test_what_no_entry_names_is_told_and_not_lost() -> None:
    shown = MAPPINGS["850"].show(only(x12((*ORDER[:4], "ZZZ*1", *ORDER[4:]))).groups[0].messages[0].segments[1:-1])
    assert [(one.tag, one.number) for one in shown.unmapped] == [("ZZZ", 8)]


def test_what_cannot_be_read_is_null_and_named() -> None:
    segments = ("BEG*00*SA*PO-1**20240230", "PO1*1*ten*EA*2.5**VP*X", "CTT*1")
    shown = MAPPINGS["850"].show(only(x12(segments)).groups[0].messages[0].segments[1:-1])
    assert (shown.values["order_date"], shown.values["lines"][0]["quantity"]) == (None, None)
    fields = {(one.segment, one.field) for one in shown.problems}
    assert fields == {(4, "order_date"), (5, "lines[0].quantity")}


TEXTS = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="*:~^\x7f\xad"), min_size=1, max_size=12
)
TEXTS = TEXTS.filter(lambda text: text.isprintable())
AMOUNTS = st.integers(-(10**9), 10**9).map(lambda whole: whole / 100)
DATES = st.dates().filter(lambda day: day.year >= 1000).map(lambda day: day.isoformat())
LINES = st.lists(
    st.fixed_dictionaries(
        {"quantity": AMOUNTS, "unit": TEXTS, "product": TEXTS}, optional={"price": AMOUNTS, "line": TEXTS}
    ),
    min_size=1,
    max_size=4,
)
PARTIES = st.lists(
    st.fixed_dictionaries({"role": TEXTS, "name": TEXTS}, optional={"city": TEXTS, "id": TEXTS}), max_size=3
)
ENVELOPES = {
    "x12": Envelope("x12", Party("ACME"), Party("NORTHWIND")),
    "edifact": Envelope("edifact", Party("ACME", "14"), Party("NORTHWIND", "14")),
}
MESSAGES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "850": {"purpose": TEXTS, "order_type": TEXTS, "order_number": TEXTS, "order_date": DATES},
    "855": {"purpose": TEXTS, "answer": TEXTS, "order_number": TEXTS, "order_date": DATES},
    "810": {"invoice_date": DATES, "invoice_number": TEXTS, "total": AMOUNTS},
    "ORDERS": {"document_type": TEXTS, "order_number": TEXTS, "order_date": DATES},
    "ORDRSP": {"document_type": TEXTS, "answer_number": TEXTS, "answer_date": DATES},
    "INVOIC": {"document_type": TEXTS, "invoice_number": TEXTS, "invoice_date": DATES, "total": AMOUNTS},
}


def given_only(values: Any) -> Any:
    """Return values without what was not given."""
    if isinstance(values, dict):
        return {name: given_only(one) for name, one in values.items() if one not in (None, [])}
    return [given_only(one) for one in values] if isinstance(values, list) else values


@pytest.mark.parametrize("kind", MESSAGES)
@given(data=st.data())
def test_what_is_written_is_read(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.fixed_dictionaries({**MESSAGES[kind], "lines": LINES, "parties": PARTIES}))
    mapping = MAPPINGS[kind]
    for line in values["lines"]:
        if kind == "810":
            line.setdefault("price", 1)
        if mapping.standard == "edifact":
            line.setdefault("line", "1")
    outgoing = Outgoing(kind if mapping.group else f"{kind}:{mapping.version}", mapping.body(values))
    text = wrapped(ENVELOPES[mapping.standard], 12, [outgoing], group=mapping.group, now=NOW)
    interchange = only(text)
    (_, message), *_ = interchange.messages
    assert (message.fault, message.type, interchange.groups[0].fault) == (None, kind, None)
    shown = mapping.show(message.segments[1:-1])
    assert shown.problems == []
    assert given_only(shown.values) == given_only(values)


@pytest.mark.parametrize("text", ["a*b", "a~b", "a:b", "a\nb"])
def test_x12_refuses_what_it_cannot_carry(text: str) -> None:
    body = MAPPINGS["850"].body({"purpose": "00", "order_type": "SA", "order_number": text, "order_date": "2024-02-29"})
    with pytest.raises(SegmentUnfit):
        wrapped(ENVELOPES["x12"], 1, [Outgoing("850", body)], group="PO", now=NOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"order_date": "soon"}, "order_date"),
        ({"order_number": None}, "order_number is missing"),
        ({"lines": [{"quantity": "x", "unit": "EA"}]}, r"lines\[0\].quantity"),
    ],
    ids=str,
)
def test_what_is_missing_or_unfit_is_named(change: dict[str, Any], words: str) -> None:
    values = {"purpose": "00", "order_type": "SA", "order_number": "1", "order_date": "2024-02-29"}
    with pytest.raises(SegmentUnfit, match=words):
        MAPPINGS["850"].body(values | change)


def order_of(*segments: Any, **more: Any) -> dict[str, Any]:
    return {"message": "850", "standard": "x12", "segments": list(segments), **more}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "an object"),
        (order_of({"segment": "BEG"}, standard="fax"), "x12 or edifact"),
        (order_of(), "empty"),
        (order_of("BEG"), "an object"),
        (order_of({"segment": "beg"}), "a tag"),
        (order_of({"segment": "BEG", "elements": {"0": "a"}}), "no place"),
        (order_of({"segment": "BEG", "elements": {"1": "message"}}), "no name"),
        (order_of({"segment": "BEG", "elements": {"1": "a", "2": "a"}}), "twice"),
        (order_of({"loop": "a", "of": []}), "empty"),
        (order_of({"segment": "CTT", "elements": {"1": {"count": "x"}}}), "no loop"),
        (order_of({"segment": "BEG"}, more=1), "unknown keys"),
        (order_of({"segment": "BEG", "elements": {"1": {"name": "a", "type": "x"}}}), "`type`"),
    ],
    ids=str,
)
def test_a_wrong_mapping_says_what_is_wrong(data: Any, words: str) -> None:
    with pytest.raises(MappingInvalid, match=words):
        parse_mapping(data)


# --- acknowledgements ------------------------------------------------------------------------------------------------


def answered(text: str, kind: str) -> tuple[str, list[str]]:
    """Return the verdict about *text*, and the segments of the answer."""
    subject: Interchange | InterchangeBroken
    try:
        subject = only(text)
    except InterchangeBroken as error:
        subject = error
    made = acknowledgement(subject, kind, now=NOW)
    assert made is not None
    envelope = ENVELOPES["edifact" if kind == "CONTRL" else "x12"]
    back = wrapped(envelope, 3, made.messages, group=made.group, now=NOW)
    assert all(message.fault is None for _, message in only(back).messages)
    lines = back.split("\n")
    return made.verdict, [line[:-1] for line in lines if line[:3] not in {"ISA", "UNB", "UNZ", "IEA", ""}]


def test_a_good_interchange_is_accepted() -> None:
    assert answered(x12(ORDER), "997") == (
        "accepted",
        ["GS*FA*ACME*NORTHWIND*20240229*1430*3*X*004010", "ST*997*0001", "AK1*PO*7", "AK2*850*0001", "AK5*A",
         "AK9*A*1*1*1", "SE*6*0001", "GE*1*3"],
    )  # fmt: skip
    assert answered(x12(ORDER), "999")[1][1:5] == [
        "ST*999*0001*005010X231A1", "AK1*PO*7*004010", "AK2*850*0001", "IK5*A"
    ]  # fmt: skip
    assert answered(edifact(ORDERS), "CONTRL") == (
        "accepted",
        ["UNH+1+CONTRL:D:3:UN", "UCI+42+NORTHWIND:14+ACME:14+7", "UCM+1+ORDERS:D:96A:UN+7", "UNT+4+1"],
    )


def test_a_broken_message_is_rejected_with_its_code() -> None:
    verdict, lines = answered(x12(ORDER).replace("SE*14", "SE*13"), "997")
    assert (verdict, lines[4:6]) == ("rejected", ["AK5*R*4", "AK9*R*1*1*0"])
    verdict, lines = answered(edifact(ORDERS).replace("UNT+17", "UNT+18"), "CONTRL")
    assert (verdict, lines[2]) == ("rejected", "UCM+1+ORDERS:D:96A:UN+4+29+UNT")


def test_a_broken_interchange_is_rejected_as_a_whole() -> None:
    verdict, lines = answered(x12(ORDER).replace("IEA*1*000000007", "IEA*1*000000008"), "997")
    assert (verdict, lines) == ("rejected", ["TA1*000000007*240229*1430*R*001"])
    verdict, lines = answered(edifact(ORDERS).replace("UNZ+1+42", "UNZ+1+43"), "CONTRL")
    assert (verdict, lines[1]) == ("rejected", "UCI+42+NORTHWIND:14+ACME:14+4+28+UNZ")


def test_without_a_header_there_is_nobody_to_answer() -> None:
    with pytest.raises(InterchangeBroken) as caught:
        parse_interchanges("hello")
    assert acknowledgement(caught.value, "997", now=NOW) is None

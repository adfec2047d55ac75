"""Whatever a message holds, reading it ends, and gives what the contract says; whatever is written comes out whole."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.mail.definitions import define
from interlock.integration.connectors.mail.folders import mailbox
from interlock.integration.connectors.mail.reading import Unreadable, attachment_of, parse, plain_of, whole_of
from interlock.integration.connectors.mail.writing import Unfit, letter_of
from interlock.integration.contracts import Contract
from interlock.values.operations import Effect

SENDER = Address("The House", addr_spec="house@acme.example")
GET = define(OperationDeclaration("get", Effect.read, "get inbox"), {"imap": {"host": "x"}})
SEND = define(OperationDeclaration("send", Effect.write, "send"), {"smtp": {"host": "x"}})
WHOLE = Contract(
    {
        **(GET.output_schema or {}),
        "required": ["message_id", "from", "to", "subject", "date", "text", "truncated", "garbled", "attachments"],
    }
)


def sample() -> bytes:
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner text")
    message = EmailMessage()
    message["From"] = "Jürgen <j@there.example>"
    message["To"] = "a@there.example, Group: b@there.example, c@there.example;"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    message["References"] = "<1@x> <2@x>"
    message.set_content("text ä")
    message.add_alternative("<p>text <b>ä</b></p>", subtype="html")
    message.add_attachment(b"\0\1", maintype="image", subtype="png", filename="ä.png")
    message.add_attachment(inner)
    return message.as_bytes()


SAMPLE = sample()
SPLICES = st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 40), st.binary(max_size=12)), max_size=6)


def spliced(splices: list[tuple[int, int, bytes]]) -> bytes:
    content = SAMPLE
    for place, length, piece in splices:
        content = content[:place] + piece + content[place + length :]
    return content


def _read(content: bytes) -> None:
    try:
        message = parse(content)
    except Unreadable:
        return
    whole = whole_of(message)
    assert WHOLE.holds(whole), WHOLE.breaches(whole)
    for one in whole["attachments"]:
        found = attachment_of(message, one["number"])
        assert found is not None
        assert len(base64.b64decode(found["content"])) == one["size"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(SPLICES.map(spliced))
def test_a_broken_message_is_read_as_far_as_it_goes(content: bytes) -> None:
    _read(content)


@settings(max_examples=200)
@given(st.binary(max_size=400))
@example(b"")
@example(
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 500
)
@example(b"Content-Type: message/rfc822\r\n\r\n" * 2000)
@example(b"Date: Mon, 99 Mar 99999 99:99:99 +9999\r\nTo: \xff\xfe<@@@>\r\n\r\n")
@example(b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n=====\r\n")
@example(b"Content-Type: text/plain; charset=rot13\r\n\r\nabc")
@example(b"Content-Type: text/plain; charset*0=a; charset*1*=b%FF\r\n\r\nabc")
def test_whatever_bytes_there_are_reading_them_ends(content: bytes) -> None:
    _read(content)


@settings(max_examples=200)
@given(st.text(alphabet="<>/ abdivstyleprhnc='\"!-&;#x0", max_size=120))
def test_whatever_html_there_is_it_has_a_text(html: str) -> None:
    assert isinstance(plain_of(html), str)


SEEN = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60)
WORDS = st.lists(SEEN, min_size=1, max_size=8).map(" ".join)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(WORDS, st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=300), SEEN)
@example("=?utf-8?q?no?= encoded word", "text", "=?utf-8?q?a?=")
@example("x" * 60 + " " + "ä" * 60, ".\n..\n", 'a"\\b')
def test_what_is_written_is_what_is_read(subject: str, text: str, name: str) -> None:
    arguments: dict[str, Any] = {
        "to": ["ann@there.example"],
        "bcc": ["dan@there.example"],
        "subject": subject,
        "text": text,
        "attachments": [{"name": name, "content": base64.b64encode(text.encode()).decode()}],
    }
    try:
        letter = letter_of(arguments, SENDER, "key", 1 << 20)
    except Unfit:
        assert not all(sign.isprintable() for sign in subject + name)
        return
    message = message_from_bytes(letter.content, policy=default)
    assert not message.defects
    assert [name.lower() for name in message].count("subject") == 1
    assert b"dan@" not in letter.content
    assert set(letter.recipients) == {("ann@there.example", "/to/0"), ("dan@there.example", "/bcc/0")}
    whole = whole_of(message)
    assert whole["text"].strip() == "\n".join(text.splitlines()).strip() or "\r" in text
    assert [one["size"] for one in whole["attachments"]] == [len(text.encode())]
    header = letter.content.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 998 for line in header.split(b"\r\n"))


@given(st.text(max_size=60))
def test_no_line_of_a_header_can_be_broken_out_of(text: str) -> None:
    arguments = {"to": ["ann@there.example"], "subject": text, "text": ""}
    fits = Contract(SEND.input_schema).holds(arguments)
    try:
        letter = letter_of(arguments, SENDER, "key", 1 << 20)
    except Unfit:
        return
    assert fits or not text.isprintable()
    names = [line.partition(b":")[0] for line in letter.content.partition(b"\r\n\r\n")[0].split(b"\r\n")]
    known = {b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version"}
    assert {name for name in names if name[:1] not in b" \t" and not name.startswith(b"Content-")} <= known


def test_the_names_of_folders_are_those_of_the_protocol() -> None:
    assert mailbox("Entwürfe & mehr") == '"Entw&APw-rfe &- mehr"'
    assert mailbox('台北 "x"\\') == '"&U,BTFw- \\"x\\"\\\\"'

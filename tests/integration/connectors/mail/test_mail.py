"""Mail is read, moved and sent over real servers; nothing is lost, sent twice, or sent to some of those meant."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.integration.systems import Answer, Systems
from interlock.values.labels import Integrity
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.mail.servers import (
    PASSWORD,
    USER,
    Kept,
    broken_imap,
    broken_smtp,
    emptied,
    imap_server,
    put,
    smtp_server,
)

FOLDERS = {"inbox": "INBOX", "done": "Done", "drafts": "Entwürfe"}
OPERATIONS: dict[str, Any] = {
    "list": {"from": "list inbox", "effect": "read"},
    "get": {"from": "get inbox", "effect": "read"},
    "attachment": {"from": "attachment inbox", "effect": "read"},
    "thread": {"from": "thread inbox", "effect": "read"},
    "sent": {"from": "sent done", "effect": "read"},
    "drafts": {"from": "list drafts", "effect": "read"},
    "done": {"from": "list done", "effect": "read"},
    "draft": {"from": "draft drafts", "effect": "write", "idempotent": True},
    "move": {"from": "move inbox done", "effect": "write"},
    "mark": {"from": "mark inbox", "effect": "write", "idempotent": True},
    "send": {"from": "send", "effect": "write"},
}
LETTER = {"to": ["ann@there.example"], "subject": "Your window", "text": "Dear Ann,\nit can move.\n"}


def system(imap: int, smtp: int, /, **connection: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "imap": {"host": "127.0.0.1", "port": imap, "tls": "none"},
        "smtp": {"host": "127.0.0.1", "port": smtp, "tls": "none"},
        "auth": {"username": USER, "password": "secret:mail"},
        "from": {"address": "house@acme.example", "name": "The House"},
        "folders": FOLDERS,
    }
    return {"system": "mail", "connector": "mail", "connection": made | connection, "operations": OPERATIONS}


def letter(number: int = 1, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = headers.pop("sender", "Jürgen Groß <juergen@there.example>")
    message["To"] = "house@acme.example"
    message["Subject"] = headers.pop("subject", f"Number {number}: ein schönes Fenster")
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    message["Message-ID"] = f"<m{number}@there.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(f"This is letter {number}.\n")
    return message


@pytest.fixture(scope="module")
def imap() -> Iterator[int]:
    with imap_server() as port:
        yield port


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def smtp(kept: Kept) -> Iterator[int]:
    with smtp_server(kept) as port:
        yield port


@pytest.fixture
async def mail(bench: Workbench, imap: int, smtp: int) -> Systems:
    emptied(imap, *FOLDERS.values())
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    return await bench.serve(system(imap, smtp))


async def only(mail: Systems) -> str:
    messages = (await mail.call("mail.list", {})).output["messages"]
    assert len(messages) == 1
    identifier: str = messages[0]["id"]
    return identifier


# --- reading ---------------------------------------------------------------------------------------------------------


async def test_messages_are_listed_newest_first_page_by_page_and_stay_unseen(mail: Systems, imap: int) -> None:
    for number in range(1, 6):
        put(imap, letter(number).as_bytes())
    first = (await mail.call("mail.list", {"limit": 2})).output
    second = (await mail.call("mail.list", {"limit": 2, "before_id": first["next"]})).output
    third = (await mail.call("mail.list", {"limit": 2, "before_id": second["next"]})).output
    subjects = [one["subject"] for page in (first, second, third) for one in page["messages"]]
    assert subjects == [f"Number {number}: ein schönes Fenster" for number in (5, 4, 3, 2, 1)]
    assert third["next"] is None
    assert first["messages"][0]["from"] == {"name": "Jürgen Groß", "email": "juergen@there.example"}
    await mail.call("mail.get", {"id": first["messages"][0]["id"]})
    assert len((await mail.call("mail.list", {"unseen": True})).output["messages"]) == 5


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param({"subject": "schönes"}, [1, 2], id="a word beyond ASCII"),
        pytest.param({"subject": "schönes", "from": "Groß"}, [1], id="two such words"),
        pytest.param({"subject": "Number 2", "text": "letter"}, [2], id="words of ASCII"),
        pytest.param({"subject": 'with "quotes" and \\'}, [3], id="quotes"),
        pytest.param({"subject": '" OR ALL "'}, [], id="a search that would break out"),
        pytest.param({"since": "2020-01-01", "before": "2100-01-01"}, [1, 2, 3], id="days"),
        pytest.param({"before": "2020-01-01"}, [], id="a day before all"),
        pytest.param({"unseen": False}, [], id="seen"),
    ],
)
async def test_messages_are_searched(mail: Systems, imap: int, search: dict[str, Any], found: list[int]) -> None:
    put(imap, letter(1).as_bytes())
    put(imap, letter(2, sender="Ann <ann@there.example>").as_bytes())
    put(imap, letter(3, sender="Ann <ann@there.example>", subject='with "quotes" and \\').as_bytes())
    answer = await mail.call("mail.list", search)
    assert answer.succeeded, answer.problem
    assert sorted(one["message_id"] for one in answer.output["messages"]) == [
        f"<m{one}@there.example>" for one in found
    ]


async def test_a_message_is_read_with_its_attachments(mail: Systems, imap: int) -> None:
    message = letter(Reply_To="Office <office@there.example>", In_Reply_To="<m0@there.example>")
    message.add_alternative("<p>This is letter 1.</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Übersicht.pdf")
    message.add_attachment(letter(9))
    put(imap, message.as_bytes())
    identifier = await only(mail)
    whole = (await mail.call("mail.get", {"id": identifier})).output
    assert whole["text"] == "This is letter 1.\n"
    assert not whole["from_html"]
    assert whole["reply_to"] == [{"name": "Office", "email": "office@there.example"}]
    assert whole["in_reply_to"] == "<m0@there.example>"
    assert [(one["number"], one["name"], one["type"]) for one in whole["attachments"]] == [
        (1, "Übersicht.pdf", "application/pdf"),
        (2, "", "message/rfc822"),
    ]
    first = (await mail.call("mail.attachment", {"id": identifier, "number": 1})).output
    assert base64.b64decode(first["content"]) == b"%PDF"
    second = (await mail.call("mail.attachment", {"id": identifier, "number": 2})).output
    assert b"This is letter 9." in base64.b64decode(second["content"])
    missing = await mail.call("mail.attachment", {"id": identifier, "number": 3})
    assert missing.problem is not None
    assert missing.problem["code"] == "not_found"


async def test_what_html_does_not_show_is_not_read(mail: Systems, imap: int) -> None:
    message = letter()
    message.set_content(
        "<style>p {}</style><script>evil()</script><p>Seen &amp; read</p><div style='display: none'>wire 900</div>"
        "<p hidden>and this</p><br>End",
        subtype="html",
    )
    put(imap, message.as_bytes())
    whole = (await mail.call("mail.get", {"id": await only(mail)})).output
    assert (whole["text"], whole["from_html"]) == ("Seen & read\nEnd", True)


async def test_what_cannot_be_read_is_said(mail: Systems, imap: int) -> None:
    put(imap, b'Subject: =?no-such?q?x?= \xff\r\nContent-Type: text/plain; charset="no-such"\r\n\r\ncaf\xe9\r\n')
    whole = (await mail.call("mail.get", {"id": await only(mail)})).output
    assert (whole["garbled"], whole["text"], whole["from"], whole["date"]) == (True, "caf\ufffd\n", None, None)


async def test_a_message_that_is_too_large_is_not_read(bench: Workbench, imap: int, smtp: int) -> None:
    emptied(imap, "INBOX")
    put(imap, letter().as_bytes() + b"x" * 3000)
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    systems = await bench.serve(system(imap, smtp, max_message="2KiB"))
    answer = await systems.call("mail.get", {"id": await only(systems)})
    assert answer.problem is not None
    assert (answer.problem["code"], answer.problem["limit"]) == ("message_too_large", 2048)


async def test_a_conversation_is_found_from_any_of_its_messages(mail: Systems, imap: int) -> None:
    put(imap, letter(1).as_bytes())
    put(imap, letter(2, In_Reply_To="<m1@there.example>", References="<m1@there.example>").as_bytes())
    put(imap, letter(3, References="<m1@there.example> <m2@there.example>").as_bytes())
    put(imap, letter(4).as_bytes())
    for one in (await mail.call("mail.list", {})).output["messages"]:
        thread = (await mail.call("mail.thread", {"id": one["id"]})).output
        expected = ["4"] if one["message_id"] == "<m4@there.example>" else ["3", "2", "1"]
        assert [found["message_id"][2] for found in thread["messages"]] == expected
        assert thread["complete"]


@pytest.mark.parametrize("operation", ["get", "thread", "move", "mark"])
async def test_ids_of_other_messages_and_other_times_lead_nowhere(mail: Systems, imap: int, operation: str) -> None:
    put(imap, letter().as_bytes())
    validity, _, uid = (await only(mail)).partition(".")
    for wrong in (f"{validity}.{int(uid) + 1}", f"{int(validity) + 1}.{uid}"):
        answer = await mail.call(f"mail.{operation}", {"id": wrong})
        assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", "not_found")


# --- changing --------------------------------------------------------------------------------------------------------


async def test_messages_are_marked(mail: Systems, imap: int) -> None:
    put(imap, letter().as_bytes())
    identifier = await only(mail)
    marked = await mail.call("mail.mark", {"id": identifier, "flagged": True, "seen": True})
    assert marked.output == {"seen": True, "answered": False, "flagged": True}
    assert (await mail.call("mail.mark", {"id": identifier, "seen": False})).output["seen"] is False
    assert (await mail.call("mail.get", {"id": identifier})).output["flagged"]


async def test_messages_are_moved(mail: Systems, imap: int) -> None:
    put(imap, letter(1).as_bytes())
    put(imap, letter(2, sender="Ann <ann@there.example>").as_bytes())
    first = (await mail.call("mail.list", {"from": "Groß"})).output["messages"][0]["id"]
    moved = await mail.call("mail.move", {"id": first})
    assert moved.succeeded, moved.problem
    there = (await mail.call("mail.done", {})).output["messages"]
    assert [one["message_id"] for one in there] == ["<m1@there.example>"]
    assert moved.output["id"] in {there[0]["id"], None}
    assert [one["message_id"] for one in (await mail.call("mail.list", {})).output["messages"]] == [
        "<m2@there.example>"
    ]


async def test_a_draft_is_put_away_once_for_a_key(mail: Systems, kept: Kept) -> None:
    drafts = [await mail.call("mail.draft", LETTER, key="key-1") for _ in range(2)]
    assert [one.output["kept"] for one in drafts] == [True, False]
    assert len({one.output["message_id"] for one in drafts}) == 1
    assert len((await mail.call("mail.drafts", {})).output["messages"]) == 1
    assert not kept.envelopes


# --- sending ---------------------------------------------------------------------------------------------------------


async def test_a_message_is_sent_as_it_was_decided_on(mail: Systems, kept: Kept) -> None:
    answer = await mail.call(
        "mail.send",
        {
            "to": ["ann@there.example", "ben@there.example"],
            "cc": ["cleo@there.example"],
            "bcc": ["dan@there.example", "ann@there.example"],
            "subject": "Grüße: your window, " + "long " * 30 + "end",
            "text": ".first\n\nDear Ann,\n.\nit can move – ja.\n",
            "in_reply_to": "<m2@there.example>",
            "references": ["<m1@there.example>"],
            "attachments": [
                {"name": "Plan ä.txt", "type": "text/plain", "content": base64.b64encode(b"a\r\n").decode()}
            ],
        },
        key="key-1",
    )
    assert answer.succeeded, answer.problem
    assert answer.output["recipients"] == 4
    (envelope,) = kept.envelopes
    assert sorted(envelope.rcpt_tos) == [f"{name}@there.example" for name in ("ann", "ben", "cleo", "dan")]
    assert envelope.mail_from == "house@acme.example"
    content = envelope.original_content
    assert isinstance(content, bytes)
    assert b"dan@" not in content
    message = message_from_bytes(content, policy=default)
    assert message["from"] == "The House <house@acme.example>"
    assert message["to"] == "ann@there.example, ben@there.example"
    assert message["subject"].endswith("end")
    assert message["subject"].startswith("Grüße")
    assert message["references"] == "<m1@there.example> <m2@there.example>"
    assert message["message-id"] == answer.output["message_id"]
    body, attachment = message.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == ".first\n\nDear Ann,\n.\nit can move – ja.\n"
    assert (attachment.get_filename(), attachment.get_payload(decode=True)) == ("Plan ä.txt", b"a\r\n")


async def test_one_key_has_one_message_id_by_which_it_is_found(mail: Systems, kept: Kept, imap: int) -> None:
    sent = [(await mail.call("mail.send", LETTER, key=key)).output["message_id"] for key in ("one", "one", "two")]
    assert sent[0] == sent[1] != sent[2]
    assert not (await mail.call("mail.sent", {"key": "one"})).output["messages"]
    content = kept.envelopes[0].original_content
    assert isinstance(content, bytes)
    put(imap, content, "Done")  # as a server does that files what it sends
    assert [one["message_id"] for one in (await mail.call("mail.sent", {"key": "one"})).output["messages"]] == [sent[0]]
    assert not (await mail.call("mail.sent", {"key": "two"})).output["messages"]


@pytest.mark.parametrize(
    ("name", "transient", "status"),
    [pytest.param("nobody", False, 550, id="unknown"), pytest.param("later", True, 451, id="greylisted")],
)
async def test_where_one_recipient_is_refused_nobody_gets_it(
    mail: Systems, kept: Kept, name: str, transient: bool, status: int
) -> None:
    answer = await mail.call("mail.send", LETTER | {"cc": ["ben@there.example", f"{name}@there.example"]})
    assert (answer.status, answer.transient) == ("failed", transient)
    assert answer.problem is not None
    assert (answer.problem["arguments"], answer.problem["status"]) == (["/cc/1"], status)
    assert "there.example" not in str(answer.problem)
    assert not kept.envelopes


@pytest.mark.parametrize(
    ("words", "transient"),
    [pytest.param("554 no", False, id="for good"), pytest.param("452 full", True, id="for now")],
)
async def test_a_message_that_is_refused_is_not_sent(mail: Systems, kept: Kept, words: str, transient: bool) -> None:
    kept.answer = words
    answer = await mail.call("mail.send", LETTER)
    assert (answer.status, answer.problem and answer.problem["code"], answer.transient) == (
        "failed",
        "refused",
        transient,
    )


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        pytest.param({"attachments": [{"name": "a", "content": "no base64!"}]}, "/attachments/0/content", id="base64"),
        pytest.param(
            {"attachments": [{"name": "a", "type": "multipart/mixed", "content": ""}]}, "/attachments/0/type", id="type"
        ),
        pytest.param({"to": ["a..b@there.example"]}, "/to/0", id="address"),
        pytest.param({"subject": "seen\u2028Bcc: evil@there.example"}, "/subject", id="a line's end of Unicode"),
    ],
)
async def test_what_no_message_can_hold_is_refused(
    mail: Systems, kept: Kept, change: dict[str, Any], argument: str
) -> None:
    answer = await mail.call("mail.send", LETTER | change)
    assert (answer.status, answer.sent) == ("failed", False)
    assert answer.problem is not None
    assert answer.problem["detail"].startswith(argument)
    assert not kept.envelopes


async def test_a_message_beyond_the_limit_is_not_sent(bench: Workbench, imap: int, smtp: int, kept: Kept) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    systems = await bench.serve(system(imap, smtp, max_message="2KiB"))
    answer = await systems.call("mail.send", LETTER | {"text": "x" * 3000})
    assert (answer.status, answer.sent) == ("failed", False)
    assert not kept.envelopes


async def test_an_address_beyond_ascii_needs_a_server_that_knows_them(mail: Systems, kept: Kept) -> None:
    answer = await mail.call("mail.send", LETTER | {"to": ["jürgen@there.example"]})
    if answer.succeeded:  # the server may know them
        assert kept.envelopes[0].rcpt_tos == ["jürgen@there.example"]
    else:
        assert answer.problem is not None
        assert answer.problem["code"] == "argument_unfit"


# --- faults ----------------------------------------------------------------------------------------------------------


async def send_to(bench: Workbench, port: int, **connection: Any) -> Answer:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    systems = await bench.serve(system(1, port, **connection))
    return await systems.call("mail.send", LETTER, timeout=1.0)


@pytest.mark.parametrize("ending", ["lost", "silent", "endless"])
@pytest.mark.parametrize(
    ("at", "status"),
    [
        pytest.param(b"MAIL", "failed", id="before anything"),
        pytest.param(b"RCPT", "failed", id="at the recipient"),
        pytest.param(b"DATA", "failed", id="before the content"),
        pytest.param(b".", "unknown", id="after the content"),
    ],
)
async def test_it_is_in_doubt_only_when_the_content_was_out(
    bench: Workbench, ending: str, at: bytes, status: str
) -> None:
    async with broken_smtp(ending, at) as port:
        answer = await send_to(bench, port)
    assert (answer.status, answer.sent) == (status, True), answer.problem


@pytest.mark.parametrize("ending", ["lost", "silent", "endless"])
@pytest.mark.parametrize(
    ("operation", "at", "status"),
    [
        pytest.param("get", b"FETCH", "failed", id="reading"),
        pytest.param("move", b"FETCH", "failed", id="before the change"),
        pytest.param("move", b"COPY", "unknown", id="at the change"),
        pytest.param("move", b"EXPUNGE", "unknown", id="half way"),
    ],
)
async def test_a_change_of_a_folder_is_in_doubt_only_when_it_was_asked_for(
    bench: Workbench, ending: str, operation: str, at: bytes, status: str
) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = PASSWORD
    async with broken_imap(ending, at) as port:
        systems = await bench.serve(system(port, 1))
        answer = await systems.call(f"mail.{operation}", {"id": "7.1"}, timeout=1.0)
    assert (answer.status, answer.sent) == (status, True), answer.problem


async def test_a_wrong_password_is_refused_and_not_shown(bench: Workbench, imap: int, smtp: int) -> None:
    bench.secrets["INTERLOCK_SECRET_MAIL"] = "quite-another"
    systems = await bench.serve(system(imap, smtp))
    for operation, arguments in (("list", {}), ("send", LETTER)):
        answer = await systems.call(f"mail.{operation}", arguments)
        assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", "access_denied")
        assert "quite-another" not in repr(answer.problem)


async def test_a_missing_secret_is_no_call(bench: Workbench, imap: int, smtp: int) -> None:
    systems = await bench.serve(system(imap, smtp))
    answer = await systems.call("mail.send", LETTER)
    assert (answer.status, answer.sent, answer.problem and answer.problem["code"]) == (
        "failed",
        False,
        "secret_missing",
    )


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    bench: Workbench, kept: Kept, tmp_path: Path, tls: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    settings = {"ssl_context": context} if tls == "implicit" else {"tls_context": context, "require_starttls": True}
    with smtp_server(kept, **settings) as port:
        server = {"host": "127.0.0.1", "port": port, "tls": tls}
        answer = await send_to(bench, port, smtp=server)
        assert (answer.status, answer.sent, answer.problem and answer.problem["code"]) == (
            "failed",
            False,
            "unreachable",
        )
        assert not kept.logins
        answer = await send_to(bench, port, smtp=server | {"ca": "server.pem"})
        assert answer.succeeded, answer.problem
    assert len(kept.envelopes) == 1


async def test_no_tls_is_no_reason_to_go_on_without(bench: Workbench, kept: Kept, smtp: int) -> None:
    answer = await send_to(bench, smtp, smtp={"host": "127.0.0.1", "port": smtp, "tls": "starttls"})
    assert (answer.status, answer.problem and answer.problem["code"]) == ("failed", "access_denied")
    assert not kept.logins


# --- declarations ----------------------------------------------------------------------------------------------------


def test_what_mail_says_is_an_outsiders(bench: Workbench) -> None:
    catalog = bench.catalog(system(1, 1))
    assert catalog.operations["mail.get"].operation.label.integrity is Integrity.untrusted


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"imap": {"host": "mail.acme.example", "tls": "none"}}, "/connection/imap/tls", id="in the clear"),
        pytest.param({"imap": {"host": "mail.acme.example", "ca": "no.pem"}}, "/connection/imap/ca", id="no such file"),
        pytest.param({"from": {"address": "house"}}, "/connection/from/address", id="no address"),
        pytest.param({"max_message": "1GiB"}, "/connection/max_message", id="too large a limit"),
        pytest.param({"folders": {"inbox": "INBOX"}}, "/operations/sent/from", id="a folder that is not declared"),
    ],
)
def test_a_connection_that_cannot_work_is_refused(bench: Workbench, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(system(1, 1, **change))
    assert pointer in [finding.pointer for finding in refused.value.findings]


@pytest.mark.parametrize(
    ("operation", "key"),
    [
        pytest.param({"from": "send", "effect": "write", "idempotent": True}, "idempotent", id="sending twice"),
        pytest.param({"from": "send", "effect": "read"}, "from", id="sending is no read"),
        pytest.param({"from": "list inbox", "effect": "write"}, "from", id="listing is no write"),
        pytest.param({"from": "delete inbox", "effect": "write"}, "from", id="no such verb"),
        pytest.param({"from": "move inbox", "effect": "write"}, "from", id="moving where"),
        pytest.param(
            {"from": "send", "effect": "write", "idempotency": {"header": "X-Key"}}, "idempotency", id="a header"
        ),
    ],
)
def test_an_operation_that_cannot_work_is_refused(bench: Workbench, operation: dict[str, Any], key: str) -> None:
    with pytest.raises(ProjectInvalid) as refused:
        bench.catalog(system(1, 1) | {"operations": {"one": operation}})
    assert f"/operations/one/{key}" in [finding.pointer for finding in refused.value.findings]


@pytest.mark.parametrize("reply", [b"2", b"25", b"250 tak", b"garbled\r\n", b"999 what\r\n", b"354 go on\r\n", b"\r\n"])
async def test_an_answer_that_is_none_leaves_what_was_sent_in_doubt(bench: Workbench, reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"EHLO"):
                writer.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            elif line.startswith(b"AUTH"):
                writer.write(b"235 known\r\n")
            elif line.upper().startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(reply)
                break
            else:
                writer.write(b"250 fine\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        answer = await send_to(bench, server.sockets[0].getsockname()[1])
    assert (answer.status, answer.sent) == ("unknown", True), answer.problem

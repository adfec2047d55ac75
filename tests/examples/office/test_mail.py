"""Mail: who is found, what is found, and where what is sent goes."""

from __future__ import annotations

from tests.examples.northwind.service_process import Service

STUDIO = "studio@lindgren-roy.example"


def test_people_are_found_by_how_their_words_begin(office: Service) -> None:
    def found(query: str) -> list[str]:
        return [person["name"] for person in office.get(f"/mail/people?query={query}")["people"]]

    assert found("jonas") == ["Jonas Ek", "Jonas Wahl"]
    assert found("lea") == ["Lea Fischer"]
    assert found("sandberg%20tax") == ["Linnea Sandberg"]
    assert found("nobody") == []


def test_messages_are_found_by_every_filter_newest_first(office: Service) -> None:
    def found(query: str) -> list[str]:
        return [message["message_id"] for message in office.get(f"/mail/messages?{query}")["messages"]]

    assert found("sender=peter%20holm") == ["m-1041", "m-1030"]
    assert found("sender=peter&folder=inbox") == ["m-1041"]
    assert found("label=invoice") == ["m-1044", "m-1046"]
    assert found("query=loads&until=2026-03-15") == []
    assert found("since=2026-03-17&unread=true&limit=2") == ["m-1057", "m-1052"]


def test_an_answer_goes_to_the_sender_and_with_reply_all_to_the_others(office: Service) -> None:
    alone = office.ask("POST", "/mail/messages/m-1041/reply", {"body": "Yes."}).body
    assert (alone["to"], alone["cc"], alone["thread_id"]) == (["peter.holm@kvarn.example"], [], "t-210")
    everybody = office.ask("POST", "/mail/messages/m-1041/reply", {"body": "Yes.", "reply_all": True}).body
    assert everybody["cc"] == ["ulla.brandt@brandt-engineering.example"]
    thread = office.get("/mail/threads/t-210")["messages"]
    assert [message["from"]["email"] for message in thread[-2:]] == [STUDIO, STUDIO]


def test_a_forwarded_message_takes_its_attachments_along(office: Service) -> None:
    to = {"to": ["jonas.ek@lindgren-roy.example"]}
    whole = office.ask("POST", "/mail/messages/m-1043/forward", {**to, "comment": "For level 2"}).body
    kept = office.get(f"/mail/messages/{whole['message_id']}")
    assert kept["body"].startswith("For level 2\n\n--- Ulla Brandt wrote ---")
    assert [file["name"] for file in kept["attachments"]] == ["kvarn-b-loads-rev3.pdf"]
    bare = office.ask("POST", "/mail/messages/m-1043/forward", {**to, "with_attachments": False}).body
    assert office.get(f"/mail/messages/{bare['message_id']}")["attachments"] == []


def test_an_attached_file_is_sent_as_it_is(office: Service) -> None:
    wanted = {
        "to": ["peter.holm@kvarn.example"],
        "subject": "Areas",
        "body": "Attached",
        "attachments": [{"file_id": "f-101"}],
    }
    sent = office.ask("POST", "/mail/messages", wanted).body
    text = office.get(f"/mail/messages/{sent['message_id']}/attachments/a-1")["text"]
    assert text == office.get("/files/files/f-101/text")["text"]


def test_a_draft_is_sent_once(office: Service) -> None:
    draft = office.ask(
        "POST", "/mail/drafts", {"to": [STUDIO], "subject": "A", "body": "B", "in_reply_to": "m-1042"}
    ).body
    sent = office.ask("POST", f"/mail/drafts/{draft['draft_id']}/send")
    assert (sent.status, sent.body["thread_id"]) == (201, "t-211")
    assert office.ask("POST", f"/mail/drafts/{draft['draft_id']}/send").status == 404


def test_a_draft_without_a_recipient_is_not_sent(office: Service) -> None:
    draft = office.ask("POST", "/mail/drafts", {"subject": "A", "body": "B"}).body
    assert office.ask("POST", f"/mail/drafts/{draft['draft_id']}/send").status == 409


def test_a_message_is_moved_labelled_and_deleted(office: Service) -> None:
    assert office.ask("POST", "/mail/messages/m-1049/move", {"folder": "office"}).body["folder"] == "office"
    changed = office.ask("POST", "/mail/messages/m-1044/labels", {"add": ["to pay"], "remove": ["invoice"]}).body
    assert changed["labels"] == ["to pay"]
    assert office.ask("DELETE", "/mail/messages/m-1018").status == 200
    assert office.ask("GET", "/mail/messages/m-1018").status == 404


def test_forwarding_needs_an_address(office: Service) -> None:
    assert office.ask("PUT", "/mail/forwarding", {"enabled": True}).status == 409
    assert office.ask("PUT", "/mail/forwarding", {"enabled": False}).body["enabled"] is False

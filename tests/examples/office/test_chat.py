"""Chat: channels hold colleagues, guests are invited, and a closed channel takes nothing more."""

from __future__ import annotations

from urllib.parse import quote

from tests.examples.northwind.service_process import Service

LEA, ULLA = "lea.fischer@lindgren-roy.example", "ulla.brandt@brandt-engineering.example"


def channel(name: str, rest: str) -> str:
    return f"/chat/channels/{quote(name, safe='')}/{rest}"


def test_a_channel_is_read_oldest_first_and_from_a_day_on(office: Service) -> None:
    texts = [post["message_id"] for post in office.get(channel("#kvarn", "messages"))["messages"]]
    assert texts == ["cm-303", "cm-304", "cm-305"]
    assert office.get(channel("#kvarn", "messages?since=2026-03-17"))["messages"] == []
    last = office.get(channel("#kvarn", "messages?limit=1"))["messages"]
    assert [post["message_id"] for post in last] == ["cm-305"]


def test_a_search_leaves_out_channels_with_guests(office: Service) -> None:
    found = office.get("/chat/search?query=level")["messages"]
    assert [post["message_id"] for post in found] == ["cm-305", "cm-304", "cm-303"]
    assert office.get("/chat/search?query=soil%20report")["messages"] == []


def test_a_post_is_written_answered_and_deleted(office: Service) -> None:
    post = office.ask("POST", "/chat/messages", {"channel": "#general", "text": "Kitchen closed"}).body
    answer = {"channel": "#general", "text": "Until ten", "thread_id": post["message_id"]}
    assert office.ask("POST", "/chat/messages", answer).body["thread_id"] == post["message_id"]
    assert office.ask("DELETE", f"/chat/messages/{post['message_id']}").status == 200
    assert office.ask("POST", "/chat/messages", answer).status == 404
    assert office.ask("POST", "/chat/messages", {"channel": "#nowhere", "text": "?"}).status == 404


def test_a_direct_message_goes_to_users_only(office: Service) -> None:
    assert office.ask("POST", "/chat/direct-messages", {"to": [LEA, ULLA], "text": "Hello"}).status == 201
    assert office.ask("POST", "/chat/direct-messages", {"to": ["a@b.example"], "text": "Hello"}).status == 404


def test_reactions_are_counted(office: Service) -> None:
    for count in (1, 2):
        reacted = office.ask("POST", "/chat/messages/cm-304/reactions", {"emoji": "thumbs_up"}).body
        assert reacted["reactions"] == [{"emoji": "thumbs_up", "count": count}]


def test_a_channel_is_made_for_colleagues(office: Service) -> None:
    new = {"channel": "#model", "topic": "Delivery", "private": True, "members": [LEA]}
    made = office.ask("POST", "/chat/channels", new)
    assert (made.status, made.body["members"], made.body["guests"]) == (201, 1, 0)
    assert office.ask("POST", "/chat/channels", new).status == 409
    assert office.ask("POST", "/chat/channels", {"channel": "#other", "members": [ULLA]}).status == 422


def test_colleagues_are_added_and_guests_invited(office: Service) -> None:
    members = office.ask("POST", channel("#library", "members"), {"people": [LEA]}).body["members"]
    assert LEA in [member["email"] for member in members]
    assert office.ask("POST", channel("#library", "members"), {"people": [ULLA]}).status == 422
    assert office.ask("POST", channel("#x-kvarn", "guests"), {"email": ULLA}).body["status"] == "invited"
    assert office.ask("POST", channel("#x-kvarn", "guests"), {"email": ULLA}).status == 409
    guests = [member["email"] for member in office.get(channel("#x-kvarn", "members"))["members"] if member["guest"]]
    assert guests == ["peter.holm@kvarn.example", ULLA]


def test_a_closed_channel_takes_nothing_more(office: Service) -> None:
    assert office.ask("POST", channel("#lunch", "archive")).body["archived"] is True
    assert office.ask("POST", "/chat/messages", {"channel": "#lunch", "text": "Soup"}).status == 409
    assert office.ask("PUT", channel("#lunch", "topic"), {"topic": "Soup"}).status == 409
    assert office.ask("POST", channel("#general", "archive")).status == 409


def test_a_topic_is_set(office: Service) -> None:
    assert office.ask("PUT", channel("#library", "topic"), {"topic": "30 April"}).body["topic"] == "30 April"
    found = office.get("/chat/channels?query=30%20april")["channels"]
    assert [one["channel"] for one in found] == ["#library"]

"""The calendar: events of ours change, invitations of others are answered, and times that are taken are not free."""

from __future__ import annotations

from tests.examples.northwind.service_process import Service

PRIYA, JONAS = "priya.nair@lindgren-roy.example", "jonas.ek@lindgren-roy.example"


def moment(text: str) -> dict[str, str]:
    return {"date_time": text, "time_zone": "Europe/Helsinki"}


NEW = {"title": "Facade", "start": moment("2026-03-19T09:00"), "end": moment("2026-03-19T10:00")}


def test_the_clock_stands_on_the_first_morning(office: Service) -> None:
    today = office.get("/calendar/today")
    assert (today["date"], today["weekday"], today["time"], today["week"]) == ("2026-03-17", "Tuesday", "08:40", 12)
    assert today["days"][0] == {"date": "2026-03-18", "weekday": "Wednesday"}


def test_events_are_found_by_day_words_and_attendee(office: Service) -> None:
    def found(query: str) -> list[str]:
        return [event["event_id"] for event in office.get(f"/calendar/events?{query}")["events"]]

    assert found("from=2026-03-20&until=2026-03-20") == ["ev-504", "ev-505"]
    assert found("query=kvarn%20meeting") == ["ev-501"]
    assert found("attendee=ulla.brandt%40brandt-engineering.example") == ["ev-501"]


def test_a_time_that_is_taken_is_not_free(office: Service) -> None:
    question = {"people": [JONAS], "from": "2026-03-19", "until": "2026-03-19", "minutes": 90}
    slots = office.ask("POST", "/calendar/free-times", question).body["slots"]
    assert [slot["start"]["date_time"][11:] for slot in slots] == ["11:30", "13:00", "14:30"]
    assert office.ask("POST", "/calendar/free-times", {**question, "people": ["a@b.example"]}).status == 404


def test_a_new_event_has_its_attendees_and_an_address_if_it_is_online(office: Service) -> None:
    made = office.ask("POST", "/calendar/events", {**NEW, "attendees": [{"email": PRIYA}], "online": True}).body
    assert made["attendees"] == [{"email": PRIYA, "optional": False, "response": "none"}]
    assert made["online_url"].endswith(made["event_id"])
    assert office.get(f"/calendar/events/{made['event_id']}") == made


def test_an_event_ends_after_it_starts(office: Service) -> None:
    assert office.ask("POST", "/calendar/events", {**NEW, "end": moment("2026-03-19T08:00")}).status == 409
    assert office.ask("PATCH", "/calendar/events/ev-503", {"end": moment("2026-03-19T09:00")}).status == 409
    assert office.ask("PATCH", "/calendar/events/ev-503", {}).status == 422


def test_an_event_changes_and_counts_its_versions(office: Service) -> None:
    changed = office.ask("PATCH", "/calendar/events/ev-501", {"location": "Attic"}).body
    assert (changed["location"], changed["version"]) == ("Attic", 2)
    again = office.ask("PATCH", "/calendar/events/ev-501", {"location": "Attic"}).body
    assert again["version"] == 2


def test_people_come_to_an_event_and_go(office: Service) -> None:
    more = {"attendees": [{"email": JONAS, "optional": True}, {"email": PRIYA}]}
    invited = office.ask("POST", "/calendar/events/ev-504/attendees", more).body["attendees"]
    assert [person["email"] for person in invited].count(PRIYA) == 1
    assert {"email": JONAS, "optional": True, "response": "none"} in invited
    left = office.ask("DELETE", f"/calendar/events/ev-504/attendees/{JONAS}").body["attendees"]
    assert JONAS not in [person["email"] for person in left]


def test_a_cancelled_event_takes_no_changes(office: Service) -> None:
    assert office.ask("POST", "/calendar/events/ev-505/cancel").body["status"] == "cancelled"
    for method, path, body in (
        ("POST", "/calendar/events/ev-505/cancel", {}),
        ("PATCH", "/calendar/events/ev-505", {"title": "Tea"}),
        ("POST", "/calendar/events/ev-505/attendees", {"attendees": [{"email": JONAS}]}),
    ):
        assert office.ask(method, path, body).status == 409


def test_an_invitation_is_answered(office: Service) -> None:
    answer = {"response": "declined", "comment": "Friday?", "propose": moment("2026-03-20T11:00")}
    assert office.ask("POST", "/calendar/invitations/iv-33/response", answer).body["response"] == "declined"
    open_ones = office.get("/calendar/invitations?response=none")["invitations"]
    assert "iv-33" not in [invitation["invitation_id"] for invitation in open_ones]


def test_absences_are_those_of_the_period(office: Service) -> None:
    away = office.get("/calendar/absences?from=2026-03-18&until=2026-03-20")["absences"]
    assert [absence["name"] for absence in away] == ["Lea Fischer"]

"""The calendar: our events, invitations of others, and who is away; its contract is calendar.openapi.json."""

from __future__ import annotations

import datetime as dt

from examples.office.services.contract import Ask
from examples.office.services.problem import conflict, missing
from examples.office.services.records import Body, Records

ZONE = "Europe/Helsinki"
OPENS, CLOSES = 9, 17
STEP = dt.timedelta(minutes=30)
MOST_SLOTS = 6
STUDIO = {"name": "Lindgren & Roy", "email": "studio@lindgren-roy.example"}


class Diary:
    """The operations of the contract."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- reading ------------------------------------------------------------------------------------------------------

    def get_today(self, _: Ask) -> Body:
        now, today = self._records.clock.now, self._records.clock.today
        days = [today + dt.timedelta(days=ahead) for ahead in range(1, 15)]
        return {
            "date": today.isoformat(),
            "weekday": today.strftime("%A"),
            "time": now.strftime("%H:%M"),
            "time_zone": ZONE,
            "week": today.isocalendar().week,
            "days": [{"date": day.isoformat(), "weekday": day.strftime("%A")} for day in days],
        }

    def list_events(self, ask: Ask) -> Body:
        first, last = ask.get("from") or "0000", ask.get("until") or "9999"
        words, attendee = (ask.get("query") or "").lower().split(), ask.get("attendee")
        found = [
            event
            for event in self._records.every("event")
            if first <= event["start"]["date_time"][:10] <= last
            and all(word in event["title"].lower() for word in words)
            and (attendee is None or attendee in [person["email"] for person in event["attendees"]])
        ]
        found.sort(key=lambda event: str(event["start"]["date_time"]))
        return {"events": found[: ask.get("limit") or 25]}

    def get_event(self, ask: Ask) -> Body:
        return self._records.get("event", ask["event_id"])

    def list_invitations(self, ask: Ask) -> Body:
        found = [i for i in self._records.every("invitation") if ask.get("response") in (None, i["response"])]
        found.sort(key=lambda invitation: str(invitation["received_at"]), reverse=True)
        return {"invitations": found[: ask.get("limit") or 25]}

    def get_invitation(self, ask: Ask) -> Body:
        return self._records.get("invitation", ask["invitation_id"])

    def find_free_times(self, ask: Ask) -> Body:
        people = ask.body["people"]
        ours = {person["email"] for person in self._records.every("person") if person["kind"] == "staff"}
        if set(people) - ours:
            raise missing("colleague")
        length = dt.timedelta(minutes=ask.body["minutes"])
        busy = [
            (event["start"]["date_time"], event["end"]["date_time"])
            for event in self._records.every("event")
            if event["status"] == "confirmed" and set(people) & {person["email"] for person in event["attendees"]}
        ]
        slots: list[Body] = []
        day, last = (dt.date.fromisoformat(ask.body[name]) for name in ("from", "until"))
        while day <= last and len(slots) < MOST_SLOTS:
            if day.weekday() < 5:
                slots += _free(day, length, busy)
            day += dt.timedelta(days=1)
        return {"slots": slots[:MOST_SLOTS]}

    def list_absences(self, ask: Ask) -> Body:
        first, last = ask.get("from") or "0000", ask.get("until") or "9999"
        return {"absences": [a for a in self._records.every("absence") if a["from"] <= last and a["until"] >= first]}

    # --- our own events -----------------------------------------------------------------------------------------------

    def create_event(self, ask: Ask) -> Body:
        _in_order(ask.body["start"], ask.body["end"])
        name = self._records.next_name("event", first="ev-501")
        event: Body = {"event_id": name, "title": ask.body["title"], "start": ask.body["start"], "end": ask.body["end"]}
        event |= {"location": ask.body.get("location", ""), "description": ask.body.get("description", "")}
        event |= {"organizer": STUDIO, "attendees": _invited(ask.body.get("attendees", []))}
        event |= {"room_id": ask.body.get("room_id"), "status": "confirmed", "version": 1}
        event["online_url"] = f"https://meet.lindgren-roy.example/{name}" if ask.body.get("online") else None
        self._records.effect("createEvent", name, [person["email"] for person in event["attendees"]])
        return self._records.put("event", name, event)

    def update_event(self, ask: Ask) -> Body:
        event = self._confirmed(ask["event_id"])
        _in_order(ask.body.get("start", event["start"]), ask.body.get("end", event["end"]))
        return self._changed("updateEvent", event, dict(ask.body))

    def cancel_event(self, ask: Ask) -> Body:
        return self._changed("cancelEvent", self._confirmed(ask["event_id"]), {"status": "cancelled"})

    def invite_to_event(self, ask: Ask) -> Body:
        event = self._confirmed(ask["event_id"])
        known = {person["email"] for person in event["attendees"]}
        new = [person for person in _invited(ask.body["attendees"]) if person["email"] not in known]
        return self._changed("inviteToEvent", event, {"attendees": [*event["attendees"], *new]})

    def remove_attendee(self, ask: Ask) -> Body:
        event = self._confirmed(ask["event_id"])
        left = [person for person in event["attendees"] if person["email"] != ask["email"]]
        return self._changed("removeAttendee", event, {"attendees": left})

    def _confirmed(self, name: str) -> Body:
        event = self._records.get("event", name)
        if event["status"] == "cancelled":
            raise conflict("The event has been cancelled.")
        return event

    def _changed(self, operation: str, event: Body, change: Body) -> Body:
        if event | change == event:
            return event
        self._records.effect(operation, event["event_id"], change)
        return self._records.put("event", event["event_id"], event | change | {"version": event["version"] + 1})

    # --- invitations of others ----------------------------------------------------------------------------------------

    def respond_to_invitation(self, ask: Ask) -> Body:
        invitation = self._records.get("invitation", ask["invitation_id"])
        told = {name: ask.body.get(name) for name in ("comment", "propose")}
        self._records.effect("respondToInvitation", invitation["invitation_id"], told)
        answered = invitation | {"response": ask.body["response"]}
        return self._records.put("invitation", invitation["invitation_id"], answered)


def _invited(attendees: list[Body]) -> list[Body]:
    return [
        {"email": person["email"], "optional": person.get("optional", False), "response": "none"}
        for person in attendees
    ]


def _in_order(start: Body, end: Body) -> None:
    if start["time_zone"] == end["time_zone"] and start["date_time"] >= end["date_time"]:
        raise conflict("An event ends after it starts.")


def _free(day: dt.date, length: dt.timedelta, busy: list[tuple[str, str]]) -> list[Body]:
    """Return the times of one day at which nothing is, one after the other."""
    start = dt.datetime.combine(day, dt.time(OPENS))
    closing = dt.datetime.combine(day, dt.time(CLOSES))
    slots: list[Body] = []
    while start + length <= closing:
        first, last = (moment.isoformat(timespec="minutes") for moment in (start, start + length))
        if any(begin < last and end > first for begin, end in busy):
            start += STEP
            continue
        slots.append({"start": {"date_time": first, "time_zone": ZONE}, "end": {"date_time": last, "time_zone": ZONE}})
        start += length
    return slots

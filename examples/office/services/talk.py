"""Chat: channels, direct messages and guests; its contract is chat.openapi.json."""

from __future__ import annotations

from examples.office.services.contract import Ask
from examples.office.services.mailbox import STUDIO
from examples.office.services.problem import Problem, conflict, missing
from examples.office.services.records import Body, Records

ASSISTANT = {**STUDIO, "guest": False}
SHARED = "#x-"


class Talk:
    """The operations of the contract."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- reading ------------------------------------------------------------------------------------------------------

    def list_channels(self, ask: Ask) -> Body:
        part = (ask.get("query") or "").lower()
        every = self._records.every("channel")
        return {"channels": [_info(c) for c in every if part in f"{c['channel']} {c['topic']}".lower()]}

    def read_channel(self, ask: Ask) -> Body:
        self._records.get("channel", ask["channel"])
        found = [
            post
            for post in self._records.every("post")
            if post["channel"] == ask["channel"] and post["sent_at"][:10] >= (ask.get("since") or "0000")
        ]
        found.sort(key=lambda post: str(post["sent_at"]))
        return {"messages": found[-(ask.get("limit") or 25) :]}

    def list_members(self, ask: Ask) -> Body:
        return self._members(self._records.get("channel", ask["channel"]))

    def _members(self, channel: Body) -> Body:
        return {"channel": channel["channel"], "members": channel["people"]}

    def search_messages(self, ask: Ask) -> Body:
        words = ask["query"].lower().split()
        found = [
            post
            for post in self._records.every("post")
            if not str(post["channel"]).startswith(SHARED) and all(word in post["text"].lower() for word in words)
        ]
        found.sort(key=lambda post: str(post["sent_at"]), reverse=True)
        return {"messages": found[: ask.get("limit") or 25]}

    # --- writing ------------------------------------------------------------------------------------------------------

    def post_message(self, ask: Ask) -> Body:
        self._open(ask.body["channel"])
        if thread := ask.body.get("thread_id"):
            self._records.get("post", thread)
        post = {"message_id": self._records.next_name("post", first="cm-301"), "channel": ask.body["channel"]}
        post |= {"author": ASSISTANT, "text": ask.body["text"], "thread_id": thread}
        post |= {"sent_at": self._records.clock.stamp(), "reactions": []}
        self._records.effect("postMessage", post["message_id"], post["channel"])
        return self._records.put("post", post["message_id"], post)

    def send_direct(self, ask: Ask) -> Body:
        known = {person["email"] for channel in self._records.every("channel") for person in channel["people"]}
        if set(ask.body["to"]) - known:
            raise missing("user")
        name = self._records.next_name("post", "direct", first="cm-301")
        direct = {"message_id": name, "to": ask.body["to"], "text": ask.body["text"]}
        self._records.effect("sendDirect", name, ask.body["to"])
        return self._records.put("direct", name, {**direct, "sent_at": self._records.clock.stamp()})

    def add_reaction(self, ask: Ask) -> Body:
        post = self._records.get("post", ask["message_id"])
        counts = {reaction["emoji"]: reaction["count"] for reaction in post["reactions"]}
        counts[ask.body["emoji"]] = counts.get(ask.body["emoji"], 0) + 1
        reactions = [{"emoji": emoji, "count": count} for emoji, count in counts.items()]
        self._records.effect("addReaction", post["message_id"], ask.body["emoji"])
        return self._records.put("post", post["message_id"], post | {"reactions": reactions})

    def delete_message(self, ask: Ask) -> Body:
        post = self._records.get("post", ask["message_id"])
        self._records.remove("post", post["message_id"])
        self._records.effect("deleteMessage", post["message_id"])
        return {"message_id": post["message_id"], "status": "deleted"}

    # --- channels -----------------------------------------------------------------------------------------------------

    def create_channel(self, ask: Ask) -> Body:
        name = ask.body["channel"]
        if self._records.find("channel", name) is not None:
            raise conflict("There is a channel of this name already.")
        people = [self._colleague(email) for email in ask.body.get("members", [])]
        channel = {"channel": name, "topic": ask.body.get("topic", ""), "private": ask.body.get("private", False)}
        self._records.effect("createChannel", name, ask.body.get("members", []))
        return _info(self._records.put("channel", name, {**channel, "archived": False, "people": people}))

    def add_members(self, ask: Ask) -> Body:
        channel = self._open(ask["channel"])
        known = {person["email"] for person in channel["people"]}
        new = [self._colleague(email) for email in ask.body["people"] if email not in known]
        if new:
            self._records.effect("addMembers", channel["channel"], ask.body["people"])
        changed = channel | {"people": [*channel["people"], *new]}
        return self._members(self._records.put("channel", channel["channel"], changed))

    def invite_guest(self, ask: Ask) -> Body:
        channel = self._open(ask["channel"])
        email, expires = ask.body["email"], ask.body.get("expires_on")
        if email in {person["email"] for person in channel["people"]}:
            raise conflict("This guest is there already.")
        guest = {"name": ask.body.get("name", email), "email": email, "guest": True, "status": "invited"}
        self._records.effect("inviteGuest", channel["channel"], email)
        self._records.put("channel", channel["channel"], channel | {"people": [*channel["people"], guest]})
        return {"email": email, "channel": channel["channel"], "expires_on": expires, "status": "invited"}

    def set_topic(self, ask: Ask) -> Body:
        return self._changed("setTopic", self._open(ask["channel"]), {"topic": ask.body["topic"]})

    def archive_channel(self, ask: Ask) -> Body:
        if ask["channel"] == "#general":
            raise conflict("The channel of everybody stays.")
        return self._changed("archiveChannel", self._records.get("channel", ask["channel"]), {"archived": True})

    def _changed(self, operation: str, channel: Body, change: Body) -> Body:
        if channel | change != channel:
            self._records.effect(operation, channel["channel"], change)
        return _info(self._records.put("channel", channel["channel"], channel | change))

    def _open(self, name: str) -> Body:
        channel = self._records.get("channel", name)
        if channel["archived"]:
            raise conflict("The channel has been closed.")
        return channel

    def _colleague(self, email: str) -> Body:
        for person in self._records.every("person"):
            if person["email"] == email and person["kind"] == "staff":
                return {"name": person["name"], "email": email, "guest": False, "status": ""}
        raise Problem(422, "no-colleague", "Only colleagues can be added; guests are invited.")


def _info(channel: Body) -> Body:
    guests = sum(person["guest"] for person in channel["people"])
    plain = {name: channel[name] for name in ("channel", "topic", "private", "archived")}
    return {**plain, "members": len(channel["people"]) - guests, "guests": guests}

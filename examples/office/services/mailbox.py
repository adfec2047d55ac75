"""Mail: the practice's mailbox and its directory of people; its contract is mail.openapi.json."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from examples.office.services.contract import Ask
from examples.office.services.problem import conflict, missing
from examples.office.services.records import Body, Records

STUDIO = {"name": "Lindgren & Roy", "email": "studio@lindgren-roy.example"}


class Mailbox:
    """The operations of the contract."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- reading ------------------------------------------------------------------------------------------------------

    def find_people(self, ask: Ask) -> Body:
        wanted, kind = _words(ask["query"]), ask.get("kind")
        found = []
        for person in self._records.every("person"):
            known = _words(" ".join(person[name] for name in ("name", "title", "organisation", "email")))
            begins = all(any(word.startswith(start) for word in known) for start in wanted)
            if begins and kind in (None, person["kind"]):
                found.append(person)
        return {"people": found}

    def list_messages(self, ask: Ask) -> Body:
        found = [summary(message) for message in self._records.every("message") if _matches(message, ask)]
        found.sort(key=lambda message: str(message["received_at"]), reverse=True)
        return {"messages": found[: ask.get("limit") or 25]}

    def get_message(self, ask: Ask) -> Body:
        return shown(self._records.get("message", ask["message_id"]))

    def get_attachment(self, ask: Ask) -> Body:
        return attachment(self._records.get("message", ask["message_id"]), ask["attachment_id"])

    def get_thread(self, ask: Ask) -> Body:
        found = [shown(m) for m in self._records.every("message") if m["thread_id"] == ask["thread_id"]]
        if not found:
            raise missing("thread")
        return {"thread_id": ask["thread_id"], "messages": sorted(found, key=lambda m: str(m["received_at"]))}

    def list_rules(self, _: Ask) -> Body:
        return {"rules": self._records.every("rule")}

    # --- sending ------------------------------------------------------------------------------------------------------

    def send_message(self, ask: Ask) -> Body:
        files = self._attached(ask.body.get("attachments", []))
        everybody = {name: ask.body.get(name, []) for name in ("to", "cc", "bcc")}
        return self._send(everybody, ask.body["subject"], ask.body["body"], files)

    def reply_to_message(self, ask: Ask) -> Body:
        message = self._records.get("message", ask["message_id"])
        files = self._attached(ask.body.get("attachments", []))
        to = [message["reply_to"] or message["from"]["email"]]
        others = [*message["to"], *message["cc"]] if ask.body.get("reply_all") else []
        cc = [email for email in dict.fromkeys(others) if email not in (*to, STUDIO["email"])]
        subject = message["subject"] if message["subject"].startswith("Re: ") else f"Re: {message['subject']}"
        return self._send({"to": to, "cc": cc}, subject, ask.body["body"], files, message["thread_id"])

    def forward_message(self, ask: Ask) -> Body:
        message = self._records.get("message", ask["message_id"])
        whole = f"{ask.body.get('comment', '')}\n\n--- {message['from']['name']} wrote ---\n{message['body']}".strip()
        files = message["attachments"] if ask.body.get("with_attachments", True) else []
        return self._send({"to": ask.body["to"]}, f"Fwd: {message['subject']}", whole, files)

    def save_draft(self, ask: Ask) -> Body:
        if answered := ask.body.get("in_reply_to"):
            self._records.get("message", answered)
        self._attached(ask.body.get("attachments", []))
        draft: Body = {
            "draft_id": self._records.next_name("draft", first="d-301"),
            "created_at": self._records.clock.stamp(),
        }
        draft |= {name: ask.body.get(name, []) for name in ("to", "cc", "bcc", "attachments")}
        draft |= {"in_reply_to": answered, "subject": ask.body["subject"], "body": ask.body["body"]}
        self._records.effect("saveDraft", draft["draft_id"])
        return self._records.put("draft", draft["draft_id"], draft)

    def send_draft(self, ask: Ask) -> Body:
        draft = self._records.get("draft", ask["draft_id"])
        if not draft["to"]:
            raise conflict("The draft has no recipient.")
        everybody = {name: draft[name] for name in ("to", "cc", "bcc")}
        thread = self._records.get("message", draft["in_reply_to"])["thread_id"] if draft["in_reply_to"] else None
        self._records.remove("draft", draft["draft_id"])
        return self._send(everybody, draft["subject"], draft["body"], self._attached(draft["attachments"]), thread)

    def _attached(self, wanted: list[Body]) -> list[Body]:
        """Return the files that go along, as they are now; one that is not there is refused."""
        found = []
        for place, choice in enumerate(wanted, start=1):
            file = self._records.get("file", choice["file_id"])
            name = choice.get("name", file["name"])
            found.append(
                {"attachment_id": f"a-{place}", "name": name, "media_type": file["media_type"], "text": file["text"]}
            )
        return found

    def _send(
        self, everybody: dict[str, list[str]], subject: str, body: str, files: list[Body], thread: str | None = None
    ) -> Body:
        now = self._records.clock.stamp()
        name = self._records.next_name("message", first="m-1001")
        threads = [message["thread_id"] for message in self._records.every("message")]
        thread = thread or f"t-{max([200, *(int(name[2:]) for name in threads)]) + 1}"
        kept: Body = {"message_id": name, "thread_id": thread, "folder": "sent", "from": STUDIO, "reply_to": None}
        kept |= {"to": everybody["to"], "cc": everybody.get("cc", []), "authenticated": True, "subject": subject}
        kept |= {"body": body, "received_at": now, "unread": False, "labels": [], "attachments": files}
        self._records.put("message", name, kept)
        recipients = [email for part in everybody.values() for email in part]
        self._records.effect("sent", name, {"to": recipients, "files": [file["name"] for file in files]})
        sent = {part: kept[part] for part in ("message_id", "thread_id", "to", "cc", "subject")}
        return {**sent, "status": "sent", "sent_at": now}

    # --- keeping order ------------------------------------------------------------------------------------------------

    def move_message(self, ask: Ask) -> Body:
        return self._changed("moveMessage", ask["message_id"], {"folder": ask.body["folder"]})

    def label_message(self, ask: Ask) -> Body:
        labels = self._records.get("message", ask["message_id"])["labels"]
        kept = [label for label in labels if label not in ask.body.get("remove", [])]
        return self._changed(
            "labelMessage", ask["message_id"], {"labels": list(dict.fromkeys([*kept, *ask.body.get("add", [])]))}
        )

    def _changed(self, operation: str, name: str, change: dict[str, Any]) -> Body:
        message = self._records.get("message", name)
        if message | change != message:
            self._records.effect(operation, name, change)
        return summary(self._records.put("message", name, message | change))

    def delete_message(self, ask: Ask) -> Body:
        message = self._records.get("message", ask["message_id"])
        self._records.remove("message", message["message_id"])
        self._records.effect("deleteMessage", message["message_id"])
        return {"message_id": message["message_id"], "status": "deleted"}

    def create_rule(self, ask: Ask) -> Body:
        rule: Body = {"rule_id": self._records.next_name("rule", first="r-1"), "name": ask.body["name"]}
        rule |= {"match": ask.body["match"], "move_to": ask.body.get("move_to"), "add_label": ask.body.get("add_label")}
        rule |= {"forward_to": ask.body.get("forward_to", []), "created_at": self._records.clock.stamp()}
        self._records.effect("createRule", rule["rule_id"])
        return self._records.put("rule", rule["rule_id"], rule)

    def set_forwarding(self, ask: Ask) -> Body:
        address = ask.body.get("address")
        if ask.body["enabled"] and not address:
            raise conflict("Forwarding needs an address.")
        self._records.effect("setForwarding", address or "", {"enabled": ask.body["enabled"]})
        setting = {"enabled": ask.body["enabled"], "address": address, "keep_copy": ask.body.get("keep_copy", True)}
        return self._records.put("forwarding", "one", setting)

    def set_away_message(self, ask: Ask) -> Body:
        self._records.effect("setAwayMessage", "one", {"enabled": ask.body["enabled"]})
        return self._records.put("away message", "one", dict(ask.body))


def attachment(message: Body, name: str) -> Body:
    """Return one attachment of a message with its text, or refuse with 404."""
    for part in message["attachments"]:
        if part["attachment_id"] == name:
            return {**part, "size": len(part["text"].encode())}
    raise missing("attachment")


def summary(message: Body) -> Body:
    """Return a message without its body."""
    plain = ("message_id", "thread_id", "folder", "from", "to", "subject", "received_at", "unread", "labels")
    files = [attachment(message, part["attachment_id"]) for part in message["attachments"]]
    attachments = [{name: value for name, value in file.items() if name != "text"} for file in files]
    snippet = " ".join(message["body"].split())[:80]
    return {**{name: message[name] for name in plain}, "snippet": snippet, "attachments": attachments}


def shown(message: Body) -> Body:
    """Return a message with its body."""
    return {**summary(message), **{name: message[name] for name in ("cc", "reply_to", "authenticated", "body")}}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _matches(message: Body, ask: Ask) -> bool:
    day, text = message["received_at"][:10], f"{message['subject']} {message['body']}".lower()
    sender = f"{message['from']['name']} {message['from']['email']}".lower()
    tests: dict[str, Callable[[Any], bool]] = {
        "folder": lambda wanted: message["folder"] == wanted,
        "sender": lambda wanted: wanted.lower() in sender,
        "query": lambda wanted: all(word in text for word in wanted.lower().split()),
        "since": lambda wanted: day >= wanted,
        "until": lambda wanted: day <= wanted,
        "unread": lambda wanted: message["unread"] == wanted,
        "label": lambda wanted: wanted in message["labels"],
    }
    return all(test(ask[name]) for name, test in tests.items() if ask.get(name) is not None)

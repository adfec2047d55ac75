"""What each verb does with the folders; runs in a thread, and answers with a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from interlock.integration.connectors.edi.definitions import MOST_NOTED, PAGE
from interlock.integration.connectors.edi.inbox import MOST_REFUSED, InboxFolder, Received, Refused, pages
from interlock.integration.connectors.edi.ledger import Ledger
from interlock.integration.connectors.edi.syntax import (
    Envelope,
    Interchange,
    InterchangeBroken,
    Outgoing,
    SegmentUnfit,
    acknowledgement,
    wrapped,
)
from interlock.integration.connectors.edi.syntax import Mapping as MessageMapping
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed
from interlock.values.digests import digest

_REUSED = "another message was taken or sent under the same control number or key"


class Operations:
    """The verbs, over an inbox, an outbox and the ledger of both."""

    def __init__(
        self,
        inbox: InboxFolder,
        ledger: Ledger,
        envelope: Envelope,
        mappings: Mapping[str, MessageMapping],
        most_bytes: int,
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._envelope = envelope
        self._mappings = mappings
        self._most_bytes = most_bytes

    def run(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], key: str, deadline: float) -> Answer:
        """Do what *binding* says. Raises what `inbox`, `ledger` and `notes` raise."""
        verbs: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], str, float], Answer]] = {
            "list": self._list,
            "get": self._get,
            "take": self._take,
            "send": self._send,
            "acknowledge": self._acknowledge,
        }
        return verbs[binding["verb"]](binding, arguments, key, deadline)

    def probe(self, deadline: float) -> Answer:
        """Look into the folders."""
        self._inbox.look(deadline)
        self._ledger.reachable()
        return Answer(SUCCEEDED)

    # --- receiving ---------------------------------------------------------------------------------------------------

    def _list(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], _: str, deadline: float) -> Answer:
        inbox = self._inbox.look(deadline)
        wanted = {name: arguments[name] for name in binding["filters"] if name in arguments}
        limit = arguments.get("limit", PAGE)
        messages: list[dict[str, Any]] = []
        refused = list(inbox.refused)
        left = self._most_bytes
        last = ""
        for cursor, received in pages(inbox.received, arguments.get("after", "")):
            if received.message.type != binding["type"]:
                continue
            shown = self._shown(received)
            if shown is None:
                header = received.message.segments[0]
                refused.append(Refused(received.file, header.number, header.tag, _REUSED, received.interchange.control))
                continue
            if any(shown.get(name) != value for name, value in wanted.items()):
                continue
            if arguments.get("taken", shown["message"]["taken"]) != shown["message"]["taken"]:
                continue
            left -= len(orjson.dumps(shown)) + 1
            if len(messages) == limit or (left < 0 and messages):
                break
            if left < 0:
                return _too_large(self._most_bytes)
            messages.append(shown)
            last = cursor
        else:
            last = ""
        output = {
            "messages": messages,
            "next": last or None,
            "refused": [one.to_json() for one in refused[:MOST_REFUSED]],
            "duplicates": inbox.duplicates[:MOST_REFUSED],
        }
        return Answer(SUCCEEDED, output)

    def _get(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], _: str, deadline: float) -> Answer:
        found = self._find(binding["type"], arguments, deadline)
        if isinstance(found, Answer):
            return found
        shown = self._shown(found)
        if shown is None:
            return failed("control_number_reused", _REUSED)
        return (
            Answer(SUCCEEDED, shown) if len(orjson.dumps(shown)) <= self._most_bytes else _too_large(self._most_bytes)
        )

    def _take(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], key: str, deadline: float) -> Answer:
        found = self._find(binding["type"], arguments, deadline)
        if isinstance(found, Answer):
            return found
        with self._ledger.locked(deadline):
            shown = self._shown(found)
            if shown is None:
                return failed("control_number_reused", _REUSED)
            if len(orjson.dumps(shown)) > self._most_bytes:
                return _too_large(self._most_bytes)
            took = not shown["message"]["taken"]
            if took:
                self._ledger.take(found.identity, found.digest, found.file, key)
                shown["message"]["taken"] = True
            else:
                took = self._ledger.took(found.identity, key)
        return Answer(SUCCEEDED, {**shown, "took": took})

    def _find(self, kind: str, arguments: Mapping[str, Any], deadline: float) -> Received | Answer:
        inbox = self._inbox.look(deadline)
        found = [
            one
            for one in inbox.received
            if one.message.type == kind
            and (one.interchange.sender, one.interchange.control) == (arguments["sender"], arguments["interchange"])
            and one.message.control == arguments["control"]
            and arguments.get("group", one.group.control) == one.group.control
        ]
        if len(found) == 1:
            return found[0]
        if found:
            return failed("key_ambiguous", "several messages have these control numbers; name the group too")
        for one in inbox.refused:
            if one.control and one.control == arguments["interchange"]:
                detail = f"segment {one.segment}{f' ({one.tag})' if one.tag else ''}: {one.reason}"
                return failed("interchange_refused", detail, segment=one.segment)
        return failed("not_found", "no such message was received")

    def _shown(self, received: Received) -> dict[str, Any] | None:
        """Return a message as JSON, or None where its control numbers were taken for another one."""
        known = self._ledger.taken(received.identity)
        if known is not None and known["digest"] != received.digest:
            return None
        interchange, message = received.interchange, received.message
        mapping = self._mappings[message.type]
        shown = mapping.show(message.segments[1:-1], interchange.delimiters.decimal)
        about = {
            "file": received.file,
            "type": message.type,
            "version": message.version,
            "sender": interchange.sender,
            "receiver": interchange.receiver,
            "interchange": interchange.control,
            "group": received.group.control,
            "control": message.control,
            "taken": known is not None,
            "unmapped": [{"segment": one.number, "tag": one.tag} for one in shown.unmapped[:MOST_NOTED]],
            "problems": [one.to_json() for one in shown.problems[:MOST_NOTED]],
        }
        return {**shown.values, "message": about}

    # --- sending -----------------------------------------------------------------------------------------------------

    def _send(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], key: str, deadline: float) -> Answer:
        mapping = self._mappings[binding["type"]]
        kind = mapping.message if mapping.standard == "x12" else f"{mapping.message}:{mapping.version}"
        try:
            message = Outgoing(kind, mapping.body(arguments))
            return self._out((message,), mapping.group, ("send", key) if key else None, digest(arguments), deadline)
        except SegmentUnfit as error:
            return failed("argument_unfit", f"nothing was sent: {error}", sent=False)

    def _acknowledge(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], _: str, deadline: float) -> Answer:
        inbox = self._inbox.look(deadline)
        wanted = (arguments["sender"], arguments["interchange"])
        whole: list[Interchange] = [one for _, one in inbox.interchanges if (one.sender, one.control) == wanted]
        broken = [one for _, one in inbox.broken if one.opened and (one.opened.sender, one.opened.control) == wanted]
        subjects: list[Interchange | InterchangeBroken] = [*whole, *broken]
        if len(subjects) != 1:
            return failed("key_ambiguous" if subjects else "not_found", f"{len(subjects)} interchanges are known by it")
        made = acknowledgement(subjects[0], binding["type"], now=datetime.now(UTC))
        if made is None:
            return failed("not_found", "its header cannot be read, so there is nobody to answer")
        raw = whole[0].raw if whole else broken[0].opened.raw if broken[0].opened is not None else ""
        key = ("acknowledge", binding["type"], *wanted)
        try:
            answer = self._out(made.messages, made.group, key, digest(raw), deadline)
        except SegmentUnfit as error:
            return failed("argument_unfit", f"nothing was sent: {error}", sent=False)
        if not answer.succeeded:
            return answer
        sent = {name: answer.output[name] for name in ("interchange", "file", "sent")}
        return Answer(SUCCEEDED, {**sent, "verdict": made.verdict})

    def _out(
        self,
        messages: tuple[Outgoing, ...],
        group: str,
        key: tuple[str, ...] | None,
        content: str,
        deadline: float,
    ) -> Answer:
        self._ledger.reachable()
        now = datetime.now(UTC)
        wrapped(self._envelope, 1, messages, group=group, now=now)  # refuse before a number is spent
        with self._ledger.locked(deadline):
            known = self._ledger.sent(key) if key is not None else None
            if known is not None:
                if known["content"] != content:
                    return failed("control_number_reused", _REUSED)
                return Answer(SUCCEEDED, self._output(int(known["control"]), str(known["file"]), sent=False))
            control = self._ledger.next_control()
            text = wrapped(self._envelope, control, messages, group=group, now=now)
            encoding = "latin-1" if self._envelope.standard == "edifact" else self._inbox.encoding
            try:
                data = text.encode(encoding)
            except UnicodeEncodeError:
                raise SegmentUnfit(f"an argument holds a character that {encoding} does not have") from None
            file = self._ledger.send(key, control, data, {"content": content})
        return Answer(SUCCEEDED, self._output(control, file, sent=True))

    def _output(self, control: int, file: str, *, sent: bool) -> dict[str, Any]:
        x12 = self._envelope.standard == "x12"
        number = f"{control:09d}" if x12 else str(control)
        return {"interchange": number, "file": file, "sent": sent, "control": "0001" if x12 else "1"}


def _too_large(most: int) -> Answer:
    return failed("response_too_large", f"one message is larger than the {most} bytes that are allowed", limit=most)

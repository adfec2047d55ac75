"""What each verb does with mail servers; runs in a thread, and answers with a value."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import orjson

from interlock.integration.connectors.interface import SUCCEEDED, Answer, SecretSource, SystemLimits, failed, unanswered
from interlock.integration.connectors.mail.accounts import Account
from interlock.integration.connectors.mail.definitions import MOST_ON_A_PAGE, PAGE
from interlock.integration.connectors.mail.folders import FLAGS, append, day
from interlock.integration.connectors.mail.lines import Errand, SmtpLine
from interlock.integration.connectors.mail.reading import attachment_of, parse, whole_of
from interlock.integration.connectors.mail.sessions import Sessions
from interlock.integration.connectors.mail.writing import Letter, Unfit, identifier_of, letter_of
from interlock.values.operations import Effect

_DOTS = re.compile(rb"(?m)^\.")


class Operations:
    """The verbs, over one account. Mail is sent in a session of its own, and read in one that is kept."""

    def __init__(self, account: Account, secrets: SecretSource, limits: SystemLimits) -> None:
        self._sessions = Sessions(account, secrets, limits.concurrency)
        self._account = account
        self._secrets = secrets
        self._most_bytes = limits.response

    def run(self, binding: Mapping[str, Any], arguments: Mapping[str, Any], key: str, errand: Errand) -> Answer:
        """Do what *binding* says. Raises what `lines`, `folders`, `reading` and `writing` raise."""
        verbs: dict[str, Callable[[list[str], Mapping[str, Any], str, Errand], Answer]] = {
            "list": self._list,
            "get": self._get,
            "attachment": self._attachment,
            "thread": self._thread,
            "sent": self._sent,
            "draft": self._draft,
            "move": self._move,
            "mark": self._mark,
            "send": self._send,
        }
        folders = [self._account.folders[name] for name in binding["folders"]]
        answer = verbs[binding["verb"]](folders, arguments, key, errand)
        if answer.output is not None and len(orjson.dumps(answer.output)) > self._most_bytes:
            detail = f"the result is larger than the {self._most_bytes} bytes that `limits.response` allows"
            return failed("response_too_large", detail, limit=self._most_bytes)
        return answer

    def sweep(self) -> bool:
        """Close sessions that were idle for too long; return whether any is left."""
        return self._sessions.sweep()

    def close(self) -> None:
        """Close the sessions that nobody uses."""
        self._sessions.close()

    def probe(self, errand: Errand) -> Answer:
        """Log in wherever mail is read and sent."""
        if self._account.imap is not None:
            self._sessions.new(errand).part()
        if self._account.smtp is not None:
            with self._smtp(errand):
                pass
        return Answer(SUCCEEDED)

    # --- lines -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _smtp(self, errand: Errand) -> Iterator[SmtpLine]:
        assert self._account.smtp is not None
        secret = self._account.login.secret(self._secrets) if self._account.login else None
        line = SmtpLine(self._account.smtp, errand, self._account.sender.domain or "localhost")
        try:
            if self._account.login is not None and secret is not None:
                line.enter(self._account.login, secret)
            yield line
            with suppress(OSError, smtplib.SMTPException):
                line.quit()
        finally:
            line.close()

    # --- reading -----------------------------------------------------------------------------------------------------

    def _list(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        terms = ["UNSEEN" if arguments["unseen"] else "SEEN"] if "unseen" in arguments else []
        for name, place in (("since", "SINCE"), ("before", "BEFORE")):
            if name in arguments:
                terms += [place, day(arguments[name])]
        places = {"from": "FROM", "to": "TO", "subject": "SUBJECT", "text": "TEXT"}
        texts = [(place, arguments[name]) for name, place in places.items() if arguments.get(name)]
        limit = arguments.get("limit", PAGE)
        with self._sessions.folder(errand, folders[0], writes=False) as folder:
            if "before_id" in arguments:
                last = folder.uid(arguments["before_id"]) - 1
                if last < 1:
                    return Answer(SUCCEEDED, {"messages": [], "next": None})
                terms += ["UID", f"1:{last}"]
            uids = folder.search(terms, texts)
            more = folder.identifier(uids[limit - 1]) if len(uids) > limit else None
            return Answer(SUCCEEDED, {"messages": folder.headers(uids[:limit]), "next": more})

    def _get(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        with self._sessions.folder(errand, folders[0], writes=False) as folder:
            uid = folder.uid(arguments["id"])
            if folder.size(uid) > self._account.most_bytes:
                return _too_large(self._account.most_bytes)
            found = folder.message(uid)
            return Answer(SUCCEEDED, folder.shown(found, whole_of(parse(found.content))))

    def _attachment(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        with self._sessions.folder(errand, folders[0], writes=False) as folder:
            uid = folder.uid(arguments["id"])
            if folder.size(uid) > self._account.most_bytes:
                return _too_large(self._account.most_bytes)
            found = attachment_of(parse(folder.message(uid).content), arguments["number"])
        if found is None:
            return failed("not_found", "the message has no attachment of this number")
        return Answer(SUCCEEDED, found)

    def _thread(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        with self._sessions.folder(errand, folders[0], writes=False) as folder:
            uid = folder.uid(arguments["id"])
            header = next(iter(folder.headers([uid])), None)
            if header is None:
                return failed("not_found", "the folder has no such message, or no longer")
            uids = {uid}
            for root in dict.fromkeys((*header["references"][:1], header["message_id"])):
                if root and root.isprintable():
                    for name in ("Message-ID", "References", "In-Reply-To"):
                        uids.update(folder.search((), [(f"HEADER {name}", root)]))
            newest = sorted(uids, reverse=True)
            shown = folder.headers(newest[:MOST_ON_A_PAGE])
            return Answer(SUCCEEDED, {"messages": shown, "complete": len(newest) <= MOST_ON_A_PAGE})

    def _sent(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        identifier = identifier_of(arguments["key"], self._account.sender.domain)
        with self._sessions.folder(errand, folders[0], writes=False) as folder:
            uids = folder.search((), [("HEADER Message-ID", identifier)])
            return Answer(SUCCEEDED, {"messages": folder.headers(uids[:MOST_ON_A_PAGE])})

    # --- changing ----------------------------------------------------------------------------------------------------

    def _draft(self, folders: list[str], arguments: Mapping[str, Any], key: str, errand: Errand) -> Answer:
        letter = self._letter(arguments, key)
        with self._sessions.folder(errand, folders[0], writes=True) as folder:
            if key:
                there = folder.search((), [("HEADER Message-ID", letter.identifier)])
                if there:
                    output = {"message_id": letter.identifier, "id": folder.identifier(there[0]), "kept": False}
                    return Answer(SUCCEEDED, output)
            errand.committed = True
            kept = append(folder.line, folders[0], letter.content)
            return Answer(SUCCEEDED, {"message_id": letter.identifier, "id": kept, "kept": True})

    def _move(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        with self._sessions.folder(errand, folders[0], writes=True) as folder:
            uid = folder.uid(arguments["id"])
            folder.size(uid)  # raises where it is not there, of which moving says nothing
            if not folder.can_move():
                return failed("not_supported", "the server can neither move a message nor delete a single one")
            errand.committed = True
            return Answer(SUCCEEDED, {"id": folder.move(uid, folders[1])})

    def _mark(self, folders: list[str], arguments: Mapping[str, Any], _: str, errand: Errand) -> Answer:
        with self._sessions.folder(errand, folders[0], writes=True) as folder:
            uid = folder.uid(arguments["id"])
            folder.size(uid)
            errand.committed = True
            folder.mark(uid, {name: arguments[name] for name in FLAGS if name in arguments})
            return Answer(SUCCEEDED, folder.flags(uid))

    def _send(self, _: list[str], arguments: Mapping[str, Any], key: str, errand: Errand) -> Answer:
        letter = self._letter(arguments, key)
        with self._smtp(errand) as line:
            if letter.wide and not line.has_extn("smtputf8"):
                return failed("argument_unfit", "the server knows only addresses in ASCII; nothing was sent")
            said = ["SMTPUTF8", "BODY=8BITMIME"] if letter.wide else []
            code, _words = line.mail(self._account.sender.addr_spec, said)
            if code != 250:
                return _refused(code, "does not let us send")
            unwanted, worst = [], 0
            for address, argument in letter.recipients:
                code, _words = line.rcpt(address)
                if code not in {250, 251, 252}:
                    unwanted.append(argument)
                    worst = max(worst, code)
            if unwanted:  # to some of them alone would be another message than the one that was decided on
                return _refused(worst, "does not take mail for some of the recipients", arguments=unwanted)
            code, _words = line.docmd("DATA")
            if code != 354:
                return _refused(code, "does not take the message")
            errand.committed = True
            line.send(_DOTS.sub(b"..", letter.content) + b".\r\n")
            code, _words = line.getreply()
            if 400 <= code <= 599:
                return _refused(code, "did not take the message")
            if not 200 <= code <= 299:
                return unanswered(Effect.write, "response_unreadable", "the answer to the message is none of SMTP")
            return Answer(SUCCEEDED, {"message_id": letter.identifier, "recipients": len(letter.recipients)})

    def _letter(self, arguments: Mapping[str, Any], key: str) -> Letter:
        letter = letter_of(arguments, self._account.sender, key, self._account.most_bytes)
        if not letter.recipients:
            raise Unfit("/to", "names nobody")
        return letter


def _refused(code: int, words: str, **more: Any) -> Answer:
    """Return that the server said no: nothing was sent (RFC 5321, 4.2.1), and with a 4 it may well be later."""
    detail = f"the server {words}; nothing was sent"
    return failed("refused", detail, transient=400 <= code <= 499, status=code, **more)


def _too_large(most: int) -> Answer:
    return failed("message_too_large", f"the message is larger than the {most} bytes of `max_message`", limit=most)

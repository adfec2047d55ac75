"""Sessions with the IMAP server of an account, kept between calls; each call selects its folder anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from interlock.integration.connectors.interface import SecretSource
from interlock.integration.connectors.kept import Kept
from interlock.integration.connectors.mail.accounts import Account
from interlock.integration.connectors.mail.folders import Folder, NotThere, PartlyDone
from interlock.integration.connectors.mail.lines import Errand, ImapLine, Refused

_OVERHEAD = 4 << 20


class Sessions:
    """At most *most* of them are kept. Raises what `lines` and `folders` raise."""

    def __init__(self, account: Account, secrets: SecretSource, most: int) -> None:
        self._account = account
        self._secrets = secrets
        self._kept: Kept[ImapLine] = Kept(most)

    @contextmanager
    def folder(self, errand: Errand, name: str, *, writes: bool) -> Iterator[Folder]:
        """Give a folder, as the server has it now. Its session is kept unless something went wrong on the way."""
        folder = self._kept_folder(errand, name, writes=writes)
        if folder is None:
            line = self.new(errand)
            with self._used(line, errand, whole=False):
                folder = Folder(line, name, writes=writes)
        with self._used(folder.line, errand):
            yield folder

    def new(self, errand: Errand) -> ImapLine:
        """Return a new session, logged in, that is the caller's to end."""
        assert self._account.imap is not None
        login = self._account.login
        secret = login.secret(self._secrets) if login is not None else None
        line = ImapLine(self._account.imap, errand, 2 * self._account.most_bytes + _OVERHEAD)
        try:
            if login is not None and secret is not None:
                line.enter(login, secret)
        except BaseException:
            line.shutdown()
            raise
        return line

    def sweep(self) -> bool:
        """Close those that were idle for too long; return whether any is left."""
        return self._kept.sweep()

    def close(self) -> None:
        """Close all that nobody uses, and those in use when they are done."""
        self._kept.close()

    def _kept_folder(self, errand: Errand, name: str, *, writes: bool) -> Folder | None:
        """Return the folder in a kept session. One that turns out to be lost is made anew: None, as if none was kept.

        Selecting is all that was asked by then, so nothing can have happened.
        """
        login = self._account.login
        secret = login.secret(self._secrets) if login is not None else None
        while (line := self._kept.take()) is not None:
            if not line.fresh(secret):
                line.part()
                continue
            try:
                with self._used(line, errand, whole=False):
                    line.take(errand)
                    return Folder(line, name, writes=writes)
            except (OSError, ImapLine.abort):
                if errand.deadline <= time.monotonic():
                    raise
                return None
        return None

    @contextmanager
    def _used(self, line: ImapLine, errand: Errand, *, whole: bool = True) -> Iterator[None]:
        """Keep *line* when what is done with it was *whole*, or the server's answer was; close it otherwise."""
        try:
            yield
        except (NotThere, PartlyDone, Refused):  # an answer that was read to its end
            self._give_back(line, errand)
            raise
        except BaseException:
            line.shutdown()
            raise
        if whole:
            self._give_back(line, errand)

    def _give_back(self, line: ImapLine, errand: Errand) -> None:
        if errand.let_go():
            self._kept.put(line)
        else:
            line.shutdown()

"""How far a call has come that runs in a thread, and the word that it must go no further."""

from __future__ import annotations

import time
from threading import Lock


class Abandoned(Exception):
    """Nobody waits for the call any more; it takes no further step."""


class Progress:
    """Shared by a call's thread and whoever waits for it. *deadline* is monotonic.

    `send` and `commit` are taken before the step itself: once `abandon` returned, neither can be taken.
    """

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._lock = Lock()
        self._abandoned = False
        self.sent = False
        self.committing = False

    def left(self) -> float:
        """Return the seconds left. Raises `Abandoned` where there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0 or self._abandoned:
            raise Abandoned
        return left

    def send(self) -> None:
        """Say that the statement is sent now. Raises `Abandoned`."""
        with self._lock:
            self._go_on()
            self.sent = True

    def commit(self) -> None:
        """Say that the change is committed now. Raises `Abandoned`."""
        with self._lock:
            self._go_on()
            self.committing = True

    def _go_on(self) -> None:
        if self._abandoned:
            raise Abandoned

    def abandon(self) -> None:
        """Let the call go no further than it is."""
        with self._lock:
            self._abandoned = True

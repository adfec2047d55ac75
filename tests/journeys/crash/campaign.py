"""A campaign of kills: clients keep working, the server keeps dying, and the books have to balance."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

from tests.journeys.caller import Lost
from tests.journeys.crash.wish import APPROVED, BLIND, CANCEL, CONFIRMED, CREDITS, SMALL, Wish
from tests.journeys.place import Place
from tests.journeys.process import PATIENCE, Died, until

WORKERS = 3
LOAD = 60.0  # seconds within which an armed point has to be reached
KILLED = -9
EVERYTHING = (
    *((operation, SMALL, False) for operation in CREDITS),
    ("billing.credit", APPROVED, False),
    ("billing.credit", CONFIRMED, False),
    ("billing.credit", SMALL, True),
    ("billing.credit", APPROVED, True),
)
READ_BACK = (("billing.credit", SMALL, False), ("oldbilling.credit_found", SMALL, False))


@dataclass(frozen=True)
class Strike:
    """One kill: at the *nth* time that *point* is reached, or after *delay* seconds of work where none is named."""

    point: str = ""
    nth: int = 1
    delay: float = 0.0
    mix: tuple[tuple[str, float, bool], ...] = EVERYTHING

    @property
    def fault(self) -> str:
        """The setting that arms the server."""
        return f"{self.point}:{self.nth}" if self.point else ""


@dataclass
class Campaign:
    """All wishes of all clients over all kills. One billing process serves the whole campaign."""

    place: Place
    wishes: list[Wish] = field(default_factory=list)
    kills: int = 0
    restarts: int = 0
    longest: float = 0.0
    _orders: Iterator[int] = field(default_factory=lambda: count(1))

    def strike(self, strike: Strike) -> None:
        """Start the server, see that the last death left nothing wrong, and work until it dies again."""
        if self.start(strike.fault):
            self._work_until_dead(strike)
        assert self.place.server.wait_dead() == KILLED, self.place.server.last_words()
        self.kills += 1

    def start(self, fault: str = "") -> bool:
        """Start the server; return False if it died before it was ready, as only an armed one may."""
        started = time.monotonic()
        try:
            self.place.server.start(fault=fault)
            assert self.place["ada"].post("/v1/journal/verify")["ok"]
        except (Died, Lost):
            assert fault, "an unarmed server died"
            assert self.place.server.wait_dead() == KILLED, self.place.server.last_words()
            return False
        self.restarts += 1
        self.longest = max(self.longest, time.monotonic() - started)
        return True

    def _work_until_dead(self, strike: Strike) -> None:
        alarm = threading.Timer(strike.delay, self.place.server.kill)
        if not strike.point:
            alarm.start()
        operations = {operation for operation, _, _ in strike.mix}
        left = [wish for wish in self._open() if wish.operation in operations]
        with ThreadPoolExecutor(WORKERS) as clients:
            work = [clients.submit(self._client, strike, left[number::WORKERS]) for number in range(WORKERS)]
        alarm.cancel()
        for done in work:
            done.result()

    def _client(self, strike: Strike, left: list[Wish]) -> None:
        """Finish what is *left*, then wish for more, until the server does not answer. No two share a wish."""
        deadline = time.monotonic() + LOAD
        kinds = list(strike.mix)
        random.Random(len(self.wishes)).shuffle(kinds)
        try:
            for wish in left:
                wish.advance(self.place)
            while time.monotonic() < deadline:
                for operation, amount, undo in kinds:
                    self._pursue(self.wish(operation, amount, undo=undo))
        except Lost:
            return
        raise AssertionError(f"{strike} was not reached in {LOAD:g} s")

    def work_until(self, stop: threading.Event) -> None:
        """Wish for more and pursue it over every lost answer, until *stop*; another process answers next time."""
        with ThreadPoolExecutor(WORKERS) as clients:
            work = [clients.submit(self._persist, stop, number) for number in range(WORKERS)]
        for done in work:
            done.result()

    def _persist(self, stop: threading.Event, number: int) -> None:
        kinds = random.Random(number).sample(EVERYTHING, len(EVERYTHING))
        while not stop.is_set():
            for operation, amount, undo in kinds:
                wish = self.wish(operation, amount, undo=undo)
                while not wish.done and wish.state != "in_doubt" and not stop.is_set():
                    with contextlib.suppress(Lost):
                        wish.advance(self.place)

    def wish(self, operation: str, amount: float = SMALL, *, undo: bool = False) -> Wish:
        """Make one more wish."""
        wish = Wish(next(self._orders), operation, amount, undo)
        self.wishes.append(wish)
        return wish

    def _pursue(self, wish: Wish) -> None:
        for _ in range(4):
            if wish.advance(self.place) or wish.state == "in_doubt":
                return

    def _open(self) -> list[Wish]:
        return [wish for wish in self.wishes if not wish.done]

    def settle(self) -> None:
        """Let settlement run, and the clients finish, until every wish is fulfilled."""

        def finished() -> bool:
            moved = [wish.advance(self.place) for wish in self._open()]  # each has to move, not the first alone
            return all(moved)

        until(finished, f"every wish to be fulfilled: {self._open()[:5]}", patience=PATIENCE, pause=0.1)

    def audit(self) -> dict[str, int]:
        """Compare what the server says with what billing says; return the counts. Everything must be settled."""
        actions = {action["id"]: action for action in self.place["ada"].actions()}
        created, cancelled = self.place.billing.effects("created"), self.place.billing.effects("cancelled")
        succeeded = [a for a in actions.values() if a["state"] in ("succeeded", "compensated")]
        credited = [a["input"]["order_id"] for a in succeeded if a["operation"] in CREDITS]
        undone = [a["id"] for a in succeeded if a["operation"] == CANCEL]
        compensated = [a for a in actions.values() if a["state"] == "compensated"]

        lost = [told for wish in self.wishes for told in wish.told.values() if told not in actions]
        assert not lost, f"the server forgot what it said: {lost}"
        left = [a for a in actions.values() if a["state"] not in ("succeeded", "compensated", "failed")]
        assert not left, f"nobody settled {left}"
        twice = {order: times for order, times in created.items() if times > 1}
        assert not twice, f"done more than once: {twice}"
        assert sorted(credited) == sorted(created), "what succeeded is not what was done"
        assert set(credited) == {wish.order for wish in self.wishes}, "some wish was not fulfilled"
        assert len(undone) == len(compensated) == cancelled.total(), "what was undone is not what was cancelled"
        assert set(cancelled) == {wish.order for wish in self.wishes if wish.undo}
        return {
            "kills": self.kills,
            "restarts": self.restarts,
            "wishes": len(self.wishes),
            "actions": len(actions),
            "succeeded": len(succeeded),
            "failed without effect": sum(a["state"] == "failed" for a in actions.values()),
            "effects": created.total() + cancelled.total(),
            "blind": sum(a["operation"] == BLIND for a in actions.values()),
        }

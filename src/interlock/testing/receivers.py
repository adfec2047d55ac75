"""The contracts of plug-ins whose systems send events, as suites of tests beside that of `ConnectorContract`.

`ReceiverContract` is for those that are sent to (`Receiver`), `ListenerContract` for those that ask (`Listener`).

    class TestAcmeEvents(ReceiverContract):
        plugin = "acme_interlock:plugin"
        system = {...}
        secrets = {"acme": "a key"}
        others = {"acme": "another key"}

        def delivery(self, number, moment, secrets):
            return Delivery(headers, body)
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from interlock.foundation.documents import parse_document
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import (
    Arrival,
    Delivery,
    DeliveryUnfit,
    DeliveryUnproven,
    Listener,
    Receiver,
    SystemDeclaration,
    SystemUnreachable,
)
from interlock.integration.systems.declarations import declare
from interlock.testing.resources import held, until
from interlock.values.errors import InterlockError

NOW = 1_800_000_000.0
PATIENCE = 60.0
PAUSE = 0.05


def _declared(content: Mapping[str, Any]) -> SystemDeclaration:
    return declare(parse_document(json.dumps(dict(content)).encode(), "system", environment={}))


def _store(secrets: Mapping[str, str]) -> SecretStore:
    return SecretStore.standard(environment={f"INTERLOCK_SECRET_{name.upper()}": one for name, one in secrets.items()})


def _plugin(named: str) -> Any:
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(module), name)


class ReceiverContract:
    """The suite for a `Receiver`. *system* is the content of a system file; *secrets* are its secrets by name, *others*
    the same names with secrets of somebody else; *ages* says whether an old delivery proves nothing any more.
    """

    plugin: ClassVar[str] = ""
    system: ClassVar[Mapping[str, Any]] = {}
    secrets: ClassVar[Mapping[str, str]] = {}
    others: ClassVar[Mapping[str, str]] = {}
    ages: ClassVar[bool] = True

    def delivery(self, number: int, moment: float, secrets: Mapping[str, str]) -> Delivery:
        """Return event *number* as the system sends it at *moment* (Unix time), signed by *secrets*."""
        raise NotImplementedError

    def test_an_event_arrives_as_it_was_sent(self) -> None:
        arrival = self._received(self.delivery(1, NOW, self.secrets))
        assert arrival.key
        json.dumps(arrival.data)
        self._hides(repr(arrival))

    def test_a_duplicate_is_no_new_event(self) -> None:
        first = self._received(self.delivery(1, NOW, self.secrets))
        for moment in (NOW, NOW + 1, NOW + 30):  # sent again as it was, or signed anew
            again = self._received(self.delivery(1, moment, self.secrets), moment)
            assert (again.key, again.data) == (first.key, first.data)

    def test_events_out_of_their_order_are_each_what_they_are(self) -> None:
        in_order = [self._received(self.delivery(number, NOW, self.secrets)) for number in range(1, 6)]
        assert len({one.key for one in in_order}) == len(in_order), "one event takes another's place"
        for number in (5, 2, 4, 1, 3):
            assert self._received(self.delivery(number, NOW, self.secrets)) == in_order[number - 1]

    def test_what_somebody_else_sent_is_not_proven(self) -> None:
        for delivery in (
            self.delivery(1, NOW, self.others),
            Delivery({}, self.delivery(1, NOW, self.secrets).body),
            Delivery(self.delivery(1, NOW, self.secrets).headers, b""),
        ):
            self._hides(str(self._refused(delivery, DeliveryUnproven)))

    def test_what_was_changed_on_its_way_is_not_proven(self) -> None:
        good = self.delivery(1, NOW, self.secrets)
        chance = random.Random(1)  # noqa: S311 - the same places each time
        for place in chance.sample(range(len(good.body)), min(40, len(good.body))):
            body = bytes([*good.body[:place], good.body[place] ^ 1, *good.body[place + 1 :]])
            self._refused(Delivery(good.headers, body), DeliveryUnproven)

    def test_an_old_delivery_proves_nothing(self) -> None:
        delivery = self.delivery(1, NOW, self.secrets)
        if self.ages:
            for moment in (NOW + 86_400, NOW - 86_400):
                self._refused(delivery, DeliveryUnproven, moment)
        else:
            assert self._received(delivery, NOW + 86_400).key, "only its key tells that it came before"

    def test_garbage_is_refused_and_nothing_else(self) -> None:
        good = self.delivery(1, NOW, self.secrets)
        chance = random.Random(2)  # noqa: S311 - the same garbage each time
        for _ in range(300):
            headers = {name: _garbage(chance).decode("latin-1") for name in good.headers if chance.random() < 0.8}
            self._refused(Delivery(headers, _garbage(chance)), (DeliveryUnproven, DeliveryUnfit))

    def _received(self, delivery: Delivery, now: float = NOW) -> Arrival:
        receiver = _plugin(self.plugin)
        assert isinstance(receiver, Receiver)
        return receiver.receive(_declared(self.system), delivery, _store(self.secrets), now)

    def _refused(
        self, delivery: Delivery, how: type[InterlockError] | tuple[type[InterlockError], ...], now: float = NOW
    ) -> InterlockError:
        try:
            arrival = self._received(delivery, now)
        except how as error:
            return error
        raise AssertionError(f"it was taken: {arrival}")

    def _hides(self, text: str) -> None:
        assert not [name for name, secret in self.secrets.items() if secret in text], "a secret is shown"


def _garbage(chance: random.Random) -> bytes:
    kinds = (
        chance.randbytes(chance.randrange(200)),
        b'{"id": "' + chance.randbytes(20) + b'"}',
        b"[" * 5000,
        b"{}",
        b"null",
    )
    return chance.choice(kinds)


class Source(Protocol):
    """A live system that holds events for those who ask. *system* is the content of a system file that listens to one
    subscription; *secrets* are by name.
    """

    system: Mapping[str, Any]
    secrets: Mapping[str, str]

    async def put(self, number: int) -> None:
        """Let the system hold event *number*; doing so again is the same event, sent twice."""
        ...

    async def put_garbage(self) -> None:
        """Let the system hold a message that is no event."""
        ...


@dataclass
class Taken:
    """An intake that keeps what it is given. It *fails* that many times before, as a database does that is away."""

    fails: int = 0
    refuses: frozenset[str] = frozenset()
    arrivals: list[Arrival] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    async def take(self, arrival: Arrival) -> InterlockError | None:
        """Keep *arrival*, or say why it never can be."""
        if self.fails:
            self.fails -= 1
            raise StorageAway("the database is away")
        if arrival.key in self.refuses:
            return DeliveryUnfit("no event of this key is taken")
        self.arrivals.append(arrival)
        return None

    async def set_aside(self, place: str, digest: str, why: InterlockError) -> None:
        """Keep where a message was that is no event."""
        del digest, why
        self.aside.append(place)

    @property
    def by_key(self) -> dict[str, Arrival]:
        """What was given, by its key."""
        return {one.key: one for one in self.arrivals}


class StorageAway(Exception):
    """What a store raises that cannot be written to now."""


class ListenerContract:
    """The suite for a `Listener`: each test has a source of its own."""

    plugin: ClassVar[str] = ""

    def source(self, root: Path, *, there: bool) -> AbstractAsyncContextManager[Source]:
        """Return a live system that holds nothing yet, its files below *root*; one that cannot be reached unless
        *there*.
        """
        raise NotImplementedError

    def test_what_the_system_holds_is_given_once(self) -> None:
        async def check(source: Source, root: Path) -> None:
            for number in range(1, 6):
                await source.put(number)
            taken = Taken()
            async with self._listening(source, root, taken):
                await until(lambda: len(taken.by_key) == 5)
            await source.put(6)
            later = Taken()
            async with self._listening(source, root, later):
                await until(lambda: later.arrivals)
            assert not set(later.by_key) & set(taken.by_key), "what was settled came again"

        self._with_source(check)

    def test_a_duplicate_is_no_new_event(self) -> None:
        async def check(source: Source, root: Path) -> None:
            for number in (1, 1, 2, 1):
                await source.put(number)
            taken = Taken()
            async with self._listening(source, root, taken):
                await until(lambda: len(taken.by_key) == 2)
                await source.put(3)
                await until(lambda: len(taken.by_key) == 3)
            for one in taken.arrivals:
                assert one.data == taken.by_key[one.key].data, "two events go by one key"

        self._with_source(check)

    def test_events_out_of_their_order_are_all_given_as_they_are(self) -> None:
        async def check(source: Source, root: Path) -> None:
            for number in (3, 1, 2):
                await source.put(number)
            taken = Taken()
            async with self._listening(source, root, taken):
                await until(lambda: len(taken.by_key) == 3)
                first = taken.by_key
                for number in (2, 3, 1, 4):
                    await source.put(number)
                await until(lambda: len(taken.by_key) == 4)
            assert {key: taken.by_key[key] for key in first} == first, "the order changes what an event is"

        self._with_source(check)

    def test_what_was_not_taken_comes_again(self) -> None:
        async def check(source: Source, root: Path) -> None:
            for number in range(1, 4):
                await source.put(number)
            taken = Taken(fails=2)
            async with self._listening(source, root, taken):
                await until(lambda: len(taken.by_key) == 3)
            assert taken.fails == 0

        self._with_source(check)

    def test_what_is_no_event_is_set_aside_and_holds_nothing_up(self) -> None:
        async def check(source: Source, root: Path) -> None:
            await source.put(1)
            await source.put_garbage()
            await source.put(2)
            taken = Taken()
            async with self._listening(source, root, taken):
                await until(lambda: len(taken.by_key) == 2 and taken.aside)

        self._with_source(check)

    def test_what_can_never_be_taken_holds_nothing_up(self) -> None:
        async def check(source: Source, root: Path) -> None:
            seen = Taken()
            async with self._listening(source, root, seen):
                await source.put(1)
                await until(lambda: seen.arrivals)
            for number in (1, 2, 3):
                await source.put(number)
            refusing = Taken(refuses=frozenset(seen.by_key))
            async with self._listening(source, root, refusing):
                await until(lambda: len(refusing.by_key) == 2)

        self._with_source(check)

    def test_nobody_there_is_said(self) -> None:
        async def check(source: Source, root: Path) -> None:
            taken, said = Taken(), ""
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._listen(source, root, taken)
            except SystemUnreachable as error:
                said = str(error)
            assert said, "it listens to nobody"
            assert not [name for name, secret in source.secrets.items() if secret in said], "a secret is shown"
            assert not taken.arrivals

        self._with_source(check, there=False)

    def test_listening_no_more_releases_everything(self) -> None:
        async def check(source: Source, root: Path) -> None:
            before = (0, 0, 0)
            for number in range(1, 4):  # what the first one loads for good, a driver or certificates, is no leak
                taken = Taken()
                async with self._listening(source, root, taken):
                    await source.put(number)
                    await until(partial(bool, taken.arrivals))
                before = before if any(before) else held()
            await until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))

        self._with_source(check)

    async def _listen(self, source: Source, root: Path, taken: Taken) -> None:
        listener, system = _plugin(self.plugin), _declared(source.system)
        assert isinstance(listener, Listener)
        [subscription] = listener.subscriptions(system)
        await listener.listen(system, subscription, _store(source.secrets), root, taken)

    @asynccontextmanager
    async def _listening(self, source: Source, root: Path, taken: Taken) -> AsyncIterator[None]:
        async def listen() -> None:
            while True:
                try:
                    await self._listen(source, root, taken)
                except (SystemUnreachable, StorageAway):
                    await asyncio.sleep(PAUSE)

        task = asyncio.create_task(listen())
        try:
            yield
            assert not task.done(), "it ended by itself"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _with_source(self, check: Callable[[Source, Path], Awaitable[None]], *, there: bool = True) -> None:
        async def run(root: Path) -> None:
            async with asyncio.timeout(4 * PATIENCE), self.source(root, there=there) as source:
                await check(source, root)

        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(Path(folder).resolve()))

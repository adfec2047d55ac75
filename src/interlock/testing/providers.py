"""The contract that every model provider keeps, as a suite of tests: subclass `ProviderContract`, let pytest run it.

    class TestAcme(ProviderContract):
        plugin = "acme_interlock:plugin"
        drivers = ("acme_sdk",)

        @asynccontextmanager
        async def rig(self, condition, root):
            async with AcmeServer(condition) as server:
                yield Rig(target={"model": "m", "base_url": server.url, "key": "secret:acme"}, secrets={"acme": "k-1"})

Asked for it, the model of a working rig answers in words. The suite needs no plug-in of pytest.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from interlock.foundation.documents import Document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.contracts import Contract
from interlock.intelligence.gateway import (
    GATEWAY_KEYS,
    Embedder,
    ModelBusy,
    ModelCutOff,
    ModelDenied,
    ModelFailed,
    ModelReply,
    ModelRequest,
    ModelTimedOut,
    ModelUnreadable,
    Provider,
    ProviderFailure,
    ProviderPlugin,
    ProviderPorts,
    Target,
    embedding_request,
)
from interlock.testing.connectors import PATIENCE, SLACK, TIME_LIMIT

PRIVATE = "the word that no error repeats"
ASKED = ModelRequest([{"role": "user", "content": f"Say hello. {PRIVATE}"}], metadata={"session": "ses_private"})


class Condition(StrEnum):
    """How the model server of a rig behaves."""

    working = "working"
    refused = "refused"  # nobody is there
    lost = "lost"  # takes the request, then goes away without an answer
    cut_off = "cut_off"  # begins to answer, then goes away
    silent = "silent"  # takes the request and never answers
    endless = "endless"  # answers without end, or more than is allowed
    garbled = "garbled"  # answers what is no answer, such as a page
    broken = "broken"  # says that it broke
    busy = "busy"  # says that it has too many requests, and to come again in 7 seconds
    denied = "denied"  # does not accept the key
    half = "half"  # begins to stream an answer, then goes away
    dripping = "dripping"  # begins to stream an answer, then goes silent


FAILURES: Mapping[Condition, type[ProviderFailure]] = {
    Condition.refused: ModelFailed,
    Condition.lost: ModelFailed,
    Condition.cut_off: ModelCutOff,
    Condition.silent: ModelTimedOut,
    Condition.endless: ModelUnreadable,
    Condition.garbled: ModelUnreadable,
    Condition.broken: ModelFailed,
    Condition.busy: ModelBusy,
    Condition.denied: ModelDenied,
    Condition.half: ModelCutOff,
    Condition.dripping: ModelCutOff,
}
"""What is raised in each condition. What a route does next depends on it: only some may be asked again."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A model server in one condition. *target* are the provider's own keys of a target; *secrets* are by name."""

    target: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)


class ProviderContract:
    """The suite. *plugin* is `module:object`; *drivers* are packages that describing must not load; *conditions* are
    those that the provider's models can be in.
    """

    plugin: ClassVar[str] = ""
    drivers: ClassVar[tuple[str, ...]] = ()
    conditions: ClassVar[frozenset[Condition]] = frozenset(Condition)

    def rig(self, condition: Condition, root: Path) -> AbstractAsyncContextManager[Rig]:
        """Return a model server in *condition*, its files below *root*."""
        raise NotImplementedError

    # --- describing --------------------------------------------------------------------------------------------------

    def test_building_loads_no_driver_and_contacts_nothing(self) -> None:
        async def check(rig: Rig, root: Path) -> None:
            program = _BUILD.format(plugin=self.plugin, drivers=self.drivers, root=str(root))
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", program],
                input=json.dumps(dict(rig.target)),
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
            assert done.returncode == 0, done.stderr

        self._with_rig(Condition.working, check)

    def test_unknown_keys_of_a_target_are_refused(self) -> None:
        schema = Contract(self._plugin().target_schema)

        async def check(rig: Rig, _: Path) -> None:
            assert schema.holds(dict(rig.target))
            assert not schema.holds({**rig.target, "no_such_key_at_all": 1})

        self._with_rig(Condition.working, check)

    def test_its_own_keys_are_none_of_the_gateways(self) -> None:
        own = self._plugin().target_schema.get("properties", {})
        assert not GATEWAY_KEYS & own.keys(), "a key that the gateway takes for itself never reaches the provider"

    def test_it_says_what_is_missing_without_secrets(self) -> None:
        async def check(rig: Rig, provider: Provider) -> None:
            assert provider.name
            assert provider.model
            assert provider.missing() == ""
            _hides(rig, repr(provider))

        self._with_provider(Condition.working, check)

    # --- calls -------------------------------------------------------------------------------------------------------

    def test_a_working_model_answers_in_words(self) -> None:
        async def check(rig: Rig, provider: Provider) -> None:
            reply = await provider.complete(ASKED, timeout=PATIENCE)
            _well_formed(provider, reply)
            _hides(rig, repr(reply))

        self._with_provider(Condition.working, check)

    def test_calls_at_once_do_not_mix(self) -> None:
        async def check(_: Rig, provider: Provider) -> None:
            replies = await asyncio.gather(*(provider.complete(ASKED, timeout=PATIENCE) for _ in range(10)))
            for reply in replies:
                _well_formed(provider, reply)

        self._with_provider(Condition.working, check)

    def test_a_request_is_not_changed(self) -> None:
        async def check(_: Rig, provider: Provider) -> None:
            before = json.dumps([list(ASKED.messages), dict(ASKED.metadata), dict(ASKED.parameters)])
            await provider.complete(ASKED, timeout=PATIENCE)
            assert json.dumps([list(ASKED.messages), dict(ASKED.metadata), dict(ASKED.parameters)]) == before

        self._with_provider(Condition.working, check)

    def test_a_cancelled_call_leaves_the_provider_of_use(self) -> None:
        async def check(_: Rig, provider: Provider) -> None:
            call = asyncio.ensure_future(provider.complete(ASKED, timeout=PATIENCE))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            _well_formed(provider, await provider.complete(ASKED, timeout=PATIENCE))

        self._with_provider(Condition.working, check)

    # --- streams -----------------------------------------------------------------------------------------------------

    def test_a_stream_says_what_a_whole_answer_says(self) -> None:
        async def check(rig: Rig, provider: Provider) -> None:
            texts: list[str] = []
            last: ModelReply | None = None
            async for piece in provider.stream(ASKED, timeout=PATIENCE, idle=PATIENCE):
                assert last is None, "something comes after the whole answer"
                if isinstance(piece, ModelReply):
                    last = piece
                else:
                    texts += [delta.text for delta in piece]
            assert last is not None, "the whole answer does not come"
            _well_formed(provider, last)
            assert "".join(texts) == last.text
            _hides(rig, repr(last))

        self._with_provider(Condition.working, check)

    def test_a_stream_that_is_left_leaves_the_provider_of_use(self) -> None:
        async def check(_: Rig, provider: Provider) -> None:
            async with aclosing(provider.stream(ASKED, timeout=PATIENCE, idle=PATIENCE)) as pieces:
                async for _piece in pieces:
                    break
            _well_formed(provider, await provider.complete(ASKED, timeout=PATIENCE))

        self._with_provider(Condition.working, check)

    def test_a_stream_that_breaks_off_is_no_answer(self) -> None:
        self._breaks(Condition.half)

    def test_a_stream_that_goes_silent_is_given_up(self) -> None:
        self._breaks(Condition.dripping)

    # --- vectors -----------------------------------------------------------------------------------------------------

    def test_vectors_come_in_the_order_of_their_inputs(self) -> None:
        async def check(rig: Rig, provider: Provider) -> None:
            if not isinstance(provider, Embedder):
                raise unittest.SkipTest("it gives no vectors")
            asked = embedding_request(["one", "two", "three"], metadata={}, parameters={})
            found = await provider.embed(asked, timeout=PATIENCE)
            assert len(found.vectors) == 3
            assert len({len(vector) for vector in found.vectors}) == 1
            again = await provider.embed(embedding_request(["three"], metadata={}, parameters={}), timeout=PATIENCE)
            assert list(again.vectors[0]) == list(found.vectors[2])
            _hides(rig, repr(found))

        self._with_provider(Condition.working, check)

    # --- failures ----------------------------------------------------------------------------------------------------

    def test_nobody_there_may_be_asked_again(self) -> None:
        self._fails(Condition.refused)

    def test_a_connection_lost_before_the_answer_may_be_asked_again(self) -> None:
        self._fails(Condition.lost)

    def test_an_answer_that_breaks_off_is_not_asked_for_again(self) -> None:
        self._fails(Condition.cut_off)

    def test_silence_ends_with_the_time_limit(self) -> None:
        self._fails(Condition.silent)

    def test_an_answer_without_end_is_dropped(self) -> None:
        self._fails(Condition.endless)

    def test_what_is_no_answer_is_told_from_one(self) -> None:
        self._fails(Condition.garbled)

    def test_a_server_that_broke_may_be_asked_again(self) -> None:
        self._fails(Condition.broken)

    def test_a_busy_server_is_left_alone_for_as_long_as_it_says(self) -> None:
        assert self._fails(Condition.busy).retry_after == 7

    def test_a_key_that_is_not_accepted_speaks_against_the_target(self) -> None:
        assert self._fails(Condition.denied).unwell

    # --- how ---------------------------------------------------------------------------------------------------------

    def _fails(self, condition: Condition) -> ProviderFailure:
        raised: list[ProviderFailure] = []

        async def check(rig: Rig, provider: Provider) -> None:
            started = time.monotonic()
            try:
                async with asyncio.timeout(TIME_LIMIT):
                    reply = await provider.complete(ASKED, timeout=TIME_LIMIT)
            except TimeoutError:
                raised.append(ModelTimedOut("the time limit of whoever asked"))
            except ProviderFailure as failure:
                raised.append(failure)
            else:
                raise AssertionError(f"answered {reply}")
            assert time.monotonic() - started < TIME_LIMIT + SLACK, "the time limit was not held"
            assert type(raised[0]) is FAILURES[condition], raised[0]
            for text in (str(raised[0]), json.dumps(raised[0].problem())):
                _hides(rig, text)
                assert PRIVATE not in text, "an error repeats what was said"

        self._with_provider(condition, check)
        return raised[0]

    def _breaks(self, condition: Condition) -> None:
        async def check(rig: Rig, provider: Provider) -> None:
            begun = False
            failure: ProviderFailure | None = None
            try:
                async with asyncio.timeout(TIME_LIMIT + SLACK):
                    async for piece in provider.stream(ASKED, timeout=PATIENCE, idle=TIME_LIMIT):
                        assert not isinstance(piece, ModelReply), "half an answer is given for a whole one"
                        begun = begun or any(delta.text for delta in piece)
            except ProviderFailure as error:
                failure = error
            assert type(failure) in (FAILURES[condition], ModelTimedOut), failure or "it ended as if it were complete"
            assert begun, "nothing was passed on before it broke off"
            assert PRIVATE not in str(failure)
            _hides(rig, str(failure))

        self._with_provider(condition, check)

    def _plugin(self) -> ProviderPlugin:
        module, _, name = self.plugin.partition(":")
        plugin: ProviderPlugin = getattr(importlib.import_module(module), name)
        return plugin

    @asynccontextmanager
    async def _provider(self, rig: Rig, root: Path) -> AsyncIterator[Provider]:
        environment = {f"INTERLOCK_SECRET_{name.upper()}": text for name, text in rig.secrets.items()}
        async with HttpClient() as http:
            ports = ProviderPorts(root, http, SecretStore.standard(environment=environment))
            document = Document("models", root / "models.yaml", "models.yaml", {})
            yield self._plugin().build(Target(document, "", dict(rig.target)), ports)

    def _with_rig(self, condition: Condition, check: Callable[[Rig, Path], Awaitable[None]]) -> None:
        if condition not in self.conditions:
            raise unittest.SkipTest(f"its models are never {condition}")

        async def run(root: Path) -> None:
            async with asyncio.timeout(4 * PATIENCE), self.rig(condition, root) as rig:
                await check(rig, root)

        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(Path(folder).resolve()))

    def _with_provider(self, condition: Condition, check: Callable[[Rig, Provider], Awaitable[None]]) -> None:
        async def provided(rig: Rig, root: Path) -> None:
            async with self._provider(rig, root) as provider:
                await check(rig, provider)

        self._with_rig(condition, provided)


def _well_formed(provider: Provider, reply: ModelReply) -> None:
    assert reply.text
    assert reply.provider == provider.name
    assert reply.model
    assert min(reply.usage.to_json().values()) >= 0
    assert reply.usage.cached_tokens <= reply.usage.input_tokens
    assert reply.rest >= 0
    assert not reply.attempts, "attempts are the gateway's to tell"


def _hides(rig: Rig, text: str) -> None:
    assert not [name for name, secret in rig.secrets.items() if secret in text], "a secret is shown"


_BUILD = """
import importlib, json, sys
from pathlib import Path
from interlock.foundation.documents import Document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway import ProviderPorts, Target

FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn", "sqlite3.connect")

def watch(event, arguments):
    if event in FORBIDDEN:
        raise RuntimeError("building did " + event)

root = Path({root!r})
target = Target(Document("models", root / "models.yaml", "models.yaml", {{}}), "", json.load(sys.stdin))
sys.addaudithook(watch)
module, _, name = {plugin!r}.partition(":")
plugin = getattr(importlib.import_module(module), name)
assert plugin.target_schema and plugin.build(target, ProviderPorts(root, HttpClient(), SecretStore([]))).model
loaded = [driver for driver in {drivers!r} if driver in sys.modules]
assert not loaded, "building loaded " + ", ".join(loaded)
"""

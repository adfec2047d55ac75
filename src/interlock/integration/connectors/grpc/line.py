"""The line to one system: a channel to addresses that were checked, made anew when it fails or they change."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from interlock.foundation.http import HttpForbidden
from interlock.integration.connectors.grpc.exchange import HEALTH, Request, exchange
from interlock.integration.connectors.grpc.security import Security
from interlock.integration.connectors.grpc.targets import Target, uri

NAMES_KEPT = 60.0
IDLE = 30_000  # milliseconds; below what networks commonly forget an idle connection after, without a word
MOST_METADATA = 16 << 10
NO_TLS = "it does not speak TLS"
_REASONS = (
    ("refused", "the connection was refused"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ("Hostname Verification", "its certificate is for another name"),
    ("WRONG_VERSION_NUMBER", NO_TLS),
    ("andshake", "no secure connection could be agreed on"),
    ("timed out", "nobody answered"),
    ("timeout", "nobody answered"),
)


class LineDown(Exception):
    """No connection could be made, so nothing was sent; *why* is in our own words."""

    def __init__(self, why: str, *, transient: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.transient = transient


@dataclass(slots=True, eq=False)
class _Held:
    """A channel, how many use it, and whether it is to be closed after the last of them."""

    channel: Any
    addresses: tuple[str, ...]
    checked: float
    users: int = 0
    retired: bool = False


class Line:
    """Connections to *target*. Messages of more than *most* bytes are not read. Used by tasks of one event loop."""

    def __init__(self, target: Target, security: Security, most: int) -> None:
        self._target = target
        self._security = security
        self._most = most
        self._held: _Held | None = None
        self._making = asyncio.Lock()
        self._all: set[_Held] = set()
        self._closed = False

    @asynccontextmanager
    async def channel(self, deadline: float) -> AsyncIterator[Any]:
        """Yield a channel (`grpc.aio`) that is connected. Raises `LineDown`, also at *deadline* (monotonic).

        Raises errors of secrets too.
        """
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0.001)):
                held = await self._current()
        except TimeoutError:
            raise LineDown("its name could not be resolved in time") from None
        held.users += 1
        try:
            await self._connected(held, deadline)
            yield held.channel
        finally:
            held.users -= 1
            await self._released(held)

    def open(self) -> None:
        """Let calls connect, again too; contacts nothing."""
        self._closed = False

    async def close(self) -> None:
        """Close every channel, also under calls. What calls afterwards finds the line down."""
        self._closed = True
        for held in list(self._all):
            held.retired = True
            self._all.discard(held)
            await held.channel.close()
        self._held = None

    async def _current(self) -> _Held:
        async with self._making:
            held = self._held
            if self._closed:
                raise LineDown("its connection here is closed")
            if held is not None and time.monotonic() - held.checked < NAMES_KEPT:
                return held
            try:
                addresses = await self._target.addresses()
            except HttpForbidden as error:
                raise LineDown(f"{error.what}: {error.why}", transient=False) from error
            except (OSError, UnicodeError) as error:
                if held is None:
                    raise LineDown("its name stands for no address") from error
                return held  # connected, and to what was checked
            if held is not None and held.addresses == addresses:
                held.checked = time.monotonic()
                return held
            made = _Held(await self._made(addresses), addresses, time.monotonic())
            made.retired = self._closed  # meanwhile; then it goes with its user
            self._all.add(made)
            self._held = made
            if held is not None:
                held.retired = True
                await self._released(held)
            return made

    async def _made(self, addresses: tuple[str, ...]) -> Any:
        from grpc import aio

        try:
            credentials, name = await asyncio.to_thread(self._security.terms, self._target.host)
        except OSError as error:
            raise LineDown(f"a file of its TLS cannot be read: {error.strerror}", transient=False) from error
        address = uri(addresses, self._target.port)
        options: list[tuple[str, Any]] = [
            ("grpc.default_authority", Target(name, self._target.port).authority),
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
            ("grpc.service_config_disable_resolution", 1),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.client_idle_timeout_ms", IDLE),
            ("grpc.max_metadata_size", MOST_METADATA),
            ("grpc.absolute_max_metadata_size", MOST_METADATA),
            ("grpc.max_receive_message_length", self._most),
            ("grpc.max_send_message_length", -1),  # bounded where messages are written
            ("grpc.compression_enabled_algorithms_bitset", 1),  # none: a small answer must not unpack to a huge one
            ("grpc.primary_user_agent", "interlock"),
        ]
        if credentials is None:
            return aio.insecure_channel(address, options=options)
        # The channel goes to an address, so the name that the certificate must hold is said here.
        options.append(("grpc.ssl_target_name_override", name))
        return aio.secure_channel(address, credentials, options=options)

    async def _connected(self, held: _Held, deadline: float) -> None:
        """Wait until *held* is connected. Raises `LineDown`; then the next call tries anew, without waiting."""
        from grpc import ChannelConnectivity as State
        from grpc import aio

        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0.001)):
                state = held.channel.get_state(try_to_connect=True)
                while state is not State.READY:
                    if state in {State.TRANSIENT_FAILURE, State.SHUTDOWN}:
                        raise LineDown(await self._reason(held, deadline))
                    await held.channel.wait_for_state_change(state)
                    state = held.channel.get_state(try_to_connect=True)
        except TimeoutError:
            self._retire(held)
            raise LineDown("nobody answered in time") from None
        except LineDown:
            self._retire(held)
            raise
        except aio.UsageError:
            raise LineDown("its connection here was closed") from None

    async def _reason(self, held: _Held, deadline: float) -> str:
        """Ask for what no call depends on, only to be told why it cannot be asked."""
        left = max(min(deadline - time.monotonic(), 1.0), 0.01)
        reply = await exchange(held.channel, Request(HEALTH, b""), left)
        return next((why for word, why in _REASONS if word in reply.details), "no connection can be made")

    def _retire(self, held: _Held) -> None:
        held.retired = True
        if self._held is held:
            self._held = None

    async def _released(self, held: _Held) -> None:
        if held.retired and not held.users and held in self._all:
            self._all.discard(held)
            await held.channel.close()


def quiet() -> None:
    """Keep gRPC's core from writing lines of its own to the standard error; what fails is said by answers.

    To be called before gRPC is loaded; whoever wants the lines sets `GRPC_VERBOSITY`.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")

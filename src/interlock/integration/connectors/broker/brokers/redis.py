"""Streams of Redis and Valkey: an entry per message, a group that remembers what is settled."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from interlock.foundation.http import HttpForbidden
from interlock.foundation.http.sockets import connected
from interlock.integration.connectors.broker.brokers.interface import Place, Subscription
from interlock.integration.connectors.broker.brokers.waiting import heed
from interlock.integration.connectors.broker.errors import BrokerAway, BrokerRefused, behind, lost, untrusted
from interlock.integration.connectors.broker.messages import Outgoing, Receipt, Received

if TYPE_CHECKING:
    from redis.asyncio import Redis as Client
    from redis.asyncio.connection import ConnectionPool

BATCH = 32
POLL = 2_000  # milliseconds
REMEMBERED = 86_400  # seconds for which a message that is published again is known
CONSUMER = "interlock"
BODY = "data"
_ADD = """
local known = redis.call('GET', KEYS[2])
if known then return {known, 1} end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return {id, 0}
"""
"""Both or nothing: a script runs alone."""


class Redis:
    """The way to a server of Redis or Valkey."""

    name = "redis"
    package = "redis"
    keeps = True

    async def connect(self, place: Place) -> RedisLink:
        from redis.asyncio import ConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        host, port = place.hosts()[0]
        # Without repeats of its own: what was sent and not answered is in doubt, and nobody but us may repeat it.
        pool = ConnectionPool(
            connection_class=_guarded(place.tls),
            host=host,
            port=port,
            db=place.database,
            username=place.username or None,
            password=place.password or None,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            socket_connect_timeout=5,
            max_connections=64,
        )
        link = RedisLink(pool, Redis(connection_pool=pool))
        try:
            await link.reach()
        except BaseException:
            await link.close()
            raise
        return link


def _guarded(tls: ssl.SSLContext | None) -> Any:
    """Return the driver's kind of connection, made through the guard."""
    from redis.asyncio.connection import Connection

    class GuardedConnection(Connection):
        async def _connect(self) -> None:
            async with asyncio.timeout(self.socket_connect_timeout):
                self._made = await connected(self.host, self.port)
            try:
                await super()._connect()  # type: ignore[no-untyped-call]  # the driver leaves it so
            except BaseException:
                self._made.close()
                raise

        def _connection_arguments(self) -> Mapping[str, Any]:
            named = {} if tls is None else {"ssl": tls, "server_hostname": self.host}
            return {"sock": self._made, **named}

    return GuardedConnection


class RedisLink:
    """A pool of connections to one server."""

    def __init__(self, pool: ConnectionPool, client: Client) -> None:
        self._pool = pool
        self._client = client
        self.alive = True

    async def reach(self) -> None:
        """Return if the server lets us in. Raises `BrokerAway`."""
        await self._pool.release(await self._connection())

    async def publish(self, outgoing: Outgoing) -> Receipt:
        from redis.exceptions import AuthorizationError, RedisError, ResponseError

        fields: dict[str, str | bytes] = {f"ce-{name}": value for name, value in outgoing.attributes.items()}
        fields |= {"content-type": outgoing.content_type, BODY: outgoing.body}
        flat = [part for pair in fields.items() for part in pair]
        known = f"{outgoing.topic}:interlock:{outgoing.id}"
        connection = await self._connection()
        try:
            await connection.send_command("EVAL", _ADD, 2, outgoing.topic, known, REMEMBERED, *flat)
            place, again = await connection.read_response()
        except (ResponseError, AuthorizationError) as error:
            raise _refused(error) from None
        except (RedisError, OSError, EOFError, ValueError, TypeError) as error:
            raise lost(error) from None
        finally:
            await self._pool.release(connection)
        return Receipt(f"{outgoing.topic}/{_text(place)}", bool(again))

    async def depth(self, topic: str) -> int:
        from redis.exceptions import RedisError, ResponseError

        try:
            return int(await self._client.xlen(topic))
        except ResponseError as error:
            raise _refused(error) from None
        except (RedisError, OSError, ValueError) as error:
            raise lost(error) from None

    async def messages(self, subscription: Subscription) -> AsyncIterator[Received]:
        from redis.exceptions import RedisError, ResponseError

        topic, group = subscription.topic, subscription.durable
        idle, looked = round(subscription.redeliver * 1000), float("-inf")
        try:
            await self._group(topic, group)
            while True:
                heed()
                found: list[Any] = []
                if asyncio.get_running_loop().time() - looked >= subscription.redeliver / 2:
                    looked = asyncio.get_running_loop().time()
                    found = await self._unsettled(topic, group, idle)
                if not found:
                    poll = min(POLL, max(1, idle // 2))
                    read = await self._client.xreadgroup(group, CONSUMER, {topic: ">"}, BATCH, block=poll)
                    found = _entries(read)
                for identifier, fields in found:
                    yield self._received(topic, group, _text(identifier), fields)
        except ResponseError as error:
            raise _refused(error) from None
        except (RedisError, OSError, ValueError) as error:
            raise lost(error) from None

    async def close(self) -> None:
        self.alive = False
        await self._client.aclose()
        await self._pool.disconnect(inuse_connections=True)

    async def _connection(self) -> Any:
        from redis.exceptions import AuthenticationError, RedisError, ResponseError

        try:
            return await self._pool.get_connection()  # type: ignore[no-untyped-call]  # the driver leaves it so
        except (AuthenticationError, ResponseError):
            raise BrokerAway("access_denied", "the broker does not let us in") from None
        except (TimeoutError, RedisError, OSError) as error:
            if forbidden := behind(error, HttpForbidden):  # the driver wraps whatever keeps it from connecting
                raise forbidden from None
            if behind(error, ssl.SSLError):
                raise untrusted() from None
            raise BrokerAway(
                "unreachable", f"no server of the broker can be reached: {type(error).__name__}", transient=True
            ) from None

    async def _group(self, topic: str, group: str) -> None:
        from redis.exceptions import ResponseError

        try:
            await self._client.xgroup_create(topic, group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _unsettled(self, topic: str, group: str, idle: int) -> list[Any]:
        """Return what was delivered, to whichever process, and not settled for *idle* milliseconds."""
        start, found = "0-0", list[Any]()
        while True:
            answer = await self._client.xautoclaim(topic, group, CONSUMER, idle, start, count=BATCH)
            found += [one for one in answer[1] if one[1] is not None]
            start = _text(answer[0])
            if start == "0-0" or len(found) >= BATCH:
                return found

    def _received(self, topic: str, group: str, identifier: str, fields: Mapping[Any, Any]) -> Received:
        texts = {_text(name).lower(): value for name, value in fields.items()}
        body = texts.pop(BODY, b"")
        headers = {name: _text(value) for name, value in texts.items()}
        place = f"{topic}/{identifier}"

        async def settle() -> None:
            await self._client.xack(topic, group, identifier)

        return Received(place, place, headers, body if isinstance(body, bytes) else str(body).encode(), settle, settle)


def _entries(read: Any) -> list[Any]:
    """Return the entries of the one stream in an answer, of either version of the protocol."""
    if not read:
        return []
    if isinstance(read, Mapping):
        streams = list(read.values())
        return list(streams[0][0] if streams[0] and isinstance(streams[0][0], list) else streams[0])
    return list(read[0][1])


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _refused(error: Exception) -> BrokerRefused:
    word = str(error).partition(" ")[0]
    detail = f"the broker refuses it ({word})" if word.isalpha() and word.isupper() else "the broker refuses it"
    return BrokerRefused("refused", detail)

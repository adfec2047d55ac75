"""Calls to a system by RPC, over the pooled HTTP client."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.http import HttpFailure, HttpRequest, HttpResponse
from interlock.integration.connectors import masking
from interlock.integration.connectors.authentication import authentication
from interlock.integration.connectors.interface import (
    SUCCEEDED,
    Answer,
    OperationDeclaration,
    Ports,
    SystemDeclaration,
    unsent,
)
from interlock.integration.connectors.interface import failed as failed_answer
from interlock.integration.connectors.rpc.access import Access, AccessDenied, Lasting, Login, Session
from interlock.integration.connectors.rpc.answers import Meaning, interpret
from interlock.integration.connectors.rpc.definitions import Job
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned, RpcProtocol
from interlock.integration.connectors.templates import Template, Unsendable
from interlock.integration.connectors.web.answers import broken
from interlock.values.errors import InterlockError
from interlock.values.operations import Effect

_Reply = Returned | Fault | ReplyUnfit


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a connector does: the job of each operation, how to log in (None: nothing to do), how to probe."""

    protocol: RpcProtocol
    jobs: Mapping[str, Job]
    login: Login | None
    probe: Job | None


class RpcConnector:
    """One system behind one address. Of its own it keeps a session, if there is one, and a count of calls."""

    def __init__(self, system: SystemDeclaration, plan: Plan, ports: Ports) -> None:
        connection = system.connection
        self._http = ports.http
        self._url: str = connection["url"]
        self._plan = plan
        self._max_bytes = system.limits.response
        self._refusals: frozenset[str | int] = frozenset(connection.get("refusals", ()))
        self._operations: Mapping[str, OperationDeclaration] = system.operations
        self._numbers = itertools.count(1)
        auth = connection.get("auth")
        self._access: Access = (
            Session(auth["session"], plan.login, self._logging_in, ports.secrets)
            if plan.login is not None and isinstance(auth, Mapping)
            else Lasting(authentication(auth, ports.secrets))
        )

    async def open(self) -> None:
        """Nothing to do: the client is open, and the first call logs in."""

    async def close(self) -> None:
        """Nothing to do: the client is shared, and a session runs out by itself."""

    async def call(self, operation: str, arguments: Mapping[str, Any], *, key: str, timeout: float) -> Answer:
        job, declared = self._plan.jobs[operation], self._operations[operation]
        extra = {declared.idempotency_header: key} if key and declared.idempotency_header else {}
        meaning = Meaning(declared.effect, self._refusals, job.result)
        return await self._call(job, {**job.usual, **arguments}, meaning, extra, timeout)

    async def probe(self, *, timeout: float) -> Answer:
        """Call what `probe` of the connection says; else any answer in the protocol shows that the system is there."""
        job = self._plan.probe
        if job is not None:
            return await self._call(job, {}, Meaning(Effect.read), {}, timeout)
        inquiry = Job(self._plan.protocol.inquiry, Template([]), "", {})
        answer = await self._call(inquiry, {}, Meaning(Effect.read), {}, timeout)
        answered = answer.problem is not None and answer.problem["code"] in {"method_unknown", "system_error"}
        return Answer(SUCCEEDED) if answered and answer.problem and "status" not in answer.problem else answer

    async def definitions(self) -> None:
        """The declaration is all there is; few systems publish anything that could be compared with it."""
        return

    async def _call(
        self, job: Job, arguments: Mapping[str, Any], meaning: Meaning, extra: Mapping[str, str], timeout: float
    ) -> Answer:
        """Make the call; where the session had run out, log in and make it, which the system had not looked at."""
        deadline = time.monotonic() + timeout
        try:
            for last in (False, True):
                identity = await self._access.identity(max(deadline - time.monotonic(), 0.001))
                params = job.params.fill({**arguments, **identity.values})
                headers = {**extra, **identity.headers}
                left = max(deadline - time.monotonic(), 0.001)
                response, reply = await self._send(job.method, params, (self._url, headers, left), identity.hidden)
                if not self._access.expired(identity, response, reply) or last:
                    return interpret(response, reply, meaning)
        except AccessDenied as denied:
            return denied.answer
        except Unsendable as error:
            return failed_answer("argument_unsendable", str(error), sent=False)
        except HttpFailure as failure:
            return broken(failure, meaning.effect)
        except InterlockError as error:
            return unsent(error)
        raise AssertionError  # the second round returns

    async def _send(
        self, method: str, params: Any, to: tuple[str, Mapping[str, str], float], hidden: tuple[bytes, ...]
    ) -> tuple[HttpResponse, _Reply]:
        """Send one call *to* an address, with headers, in a time. Raises `HttpFailure` and `Unsendable`."""
        url, more, timeout = to
        number = next(self._numbers)
        protocol = self._plan.protocol
        body = protocol.write(method, params, number)
        headers = {"Accept": protocol.media_type, "Content-Type": protocol.media_type, **more}
        received = await self._http.send(HttpRequest("POST", url, headers, body, timeout, self._max_bytes))
        response = masking.without(received, list(hidden))
        try:
            return response, protocol.read(response.body, number)
        except ReplyUnfit as error:
            return response, error

    async def _logging_in(self, login: Login, values: Mapping[str, Any], timeout: float) -> tuple[HttpResponse, _Reply]:
        params = login.params.fill(values)
        return await self._send(login.method, params, (login.url, {}, timeout), ())

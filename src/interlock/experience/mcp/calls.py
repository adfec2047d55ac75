"""`tools/call`: one proposal on the one path, and the answers it can get; Interlock's own tools beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.experience.ambient import AmbientSessions
from interlock.experience.api.errors import RequestInvalid
from interlock.experience.installation import Installation
from interlock.experience.mcp import consent, rendering
from interlock.experience.mcp.errors import ProtocolFault
from interlock.experience.mcp.messages import INVALID_PARAMS, Message
from interlock.experience.mcp.revisions import Revision
from interlock.experience.mcp.shelf import Shelf, Wanted
from interlock.experience.mcp.toolbox import CANCEL, OWN, OWN_INPUTS, STATUS
from interlock.integration.contracts import InputInvalid
from interlock.integration.systems import Answer, OperationUnknown
from interlock.orchestration.actions import Action, ActionStateInvalid, Proposal, View
from interlock.orchestration.approvals import ConsentStale
from interlock.orchestration.sessions import SessionClosed
from interlock.values.actions import ActionState
from interlock.values.decisions import Requirement
from interlock.values.errors import InterlockError
from interlock.values.principals import Principal

SESSION_HEADER = b"interlock-session"
KEY_HEADER = b"idempotency-key"
KEY_META = "io.interlock/idempotency-key"
LONGEST_KEY = 200
CHANNEL = "mcp"
CONFIRM = Requirement("confirm")


@dataclass(frozen=True, slots=True)
class Call:
    """One `tools/call`. *session* and *key* are empty where the caller names none."""

    principal: Principal
    revision: Revision
    name: str
    arguments: dict[str, Any]
    params: dict[str, Any]
    session: str = ""
    key: str = ""


def call_of(message: Message, principal: Principal, revision: Revision, headers: Mapping[bytes, bytes]) -> Call:
    """Return the call that a message asks for. Raises `ProtocolFault` where its parameters have the wrong shape."""
    params = message.params
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str) or not name:
        raise ProtocolFault(INVALID_PARAMS, "params.name must name a tool")
    if arguments is not None and not isinstance(arguments, dict):
        raise ProtocolFault(INVALID_PARAMS, "params.arguments must be an object")
    meta = message.meta
    session = _word(meta, rendering.SESSION_KEY, headers, SESSION_HEADER)
    key = _word(meta, KEY_META, headers, KEY_HEADER)
    return Call(principal, revision, name, arguments or {}, params, session, key)


def _word(meta: Mapping[str, Any], name: str, headers: Mapping[bytes, bytes], header: bytes) -> str:
    value = meta.get(name)
    if value is None:
        value = headers.get(header, b"").decode("latin-1")
    if not isinstance(value, str) or len(value) > LONGEST_KEY:
        raise ProtocolFault(INVALID_PARAMS, f"{name} must be a text of at most {LONGEST_KEY} characters")
    return value


class Calls:
    """Answers calls. A refusal is a result that the model sees; only faults of the protocol are protocol errors."""

    def __init__(self, installation: Installation, secret: bytes, shelf: Shelf) -> None:
        self._installation = installation
        self._shelf = shelf
        self._seal = consent.Seal(secret)
        self._ambient = AmbientSessions(installation.sessions, installation.clock, channel=CHANNEL)

    async def answer(self, call: Call) -> rendering.Result:
        """Return the call's result. Raises `ProtocolFault` for a tool that does not exist."""
        try:
            if call.params.get("requestState") is not None and call.revision.stateless:
                return await self._answered(call)
            if call.name in OWN:
                return await self._own(call)
            wanted = self._wanted(call)
            return await self._shown(call, await self._propose(call, wanted), wanted)
        except OperationUnknown as error:
            raise ProtocolFault(INVALID_PARAMS, "Unknown tool", fix="list the tools to see what there is") from error
        except ProtocolFault:
            raise
        except InterlockError as error:
            return rendering.problem(error)

    def _wanted(self, call: Call) -> Wanted:
        project = self._installation.projects.current
        return self._shelf.wanted(project, call.principal, call.name, call.arguments)

    async def _propose(self, call: Call, wanted: Wanted) -> Action:
        actions = self._installation.actions
        if call.session:
            proposal = Proposal(call.session, wanted.operation, wanted.arguments, client_key=call.key)
            return await actions.propose(call.principal, proposal)
        if call.key:
            raise RequestInvalid(
                "an idempotency key counts within one session, so it needs one",
                fix=f"open a session and name it in _meta as {rendering.SESSION_KEY}",
                field=KEY_META,
            )
        session = await self._ambient.session(call.principal)
        try:
            return await actions.propose(call.principal, Proposal(session, wanted.operation, wanted.arguments))
        except SessionClosed:
            self._ambient.forget(call.principal)
        session = await self._ambient.session(call.principal)
        return await actions.propose(call.principal, Proposal(session, wanted.operation, wanted.arguments))

    async def _shown(self, call: Call, action: Action, wanted: Wanted, *, changed: bool = False) -> rendering.Result:
        """Return the action's outcome, or ask its own person where the client can and the credential is theirs."""
        if await self._asks(call, action):
            text = consent.question(self._view(call).action(action), changed=changed)
            if len(text) <= consent.LONGEST:
                asked = consent.Asked(action.id, action.consent, consent.call_digest(call.name, call.arguments))
                state = self._seal.close(asked, call.principal, self._installation.clock.now())
                return consent.input_required(text, state)
        return rendering.outcome(action, self._view(call), wanted)

    async def _asks(self, call: Call, action: Action) -> bool:
        if action.state is not ActionState.waiting or not call.revision.asks or not call.principal.present:
            return False
        if CONFIRM not in action.unmet():
            return False
        session = await self._installation.sessions.find(action.session, call.principal)
        return session.is_person(call.principal)

    async def _answered(self, call: Call) -> rendering.Result:
        """Take a person's answer to what they were asked. What waits decides whether it counts."""
        bound = consent.call_digest(call.name, call.arguments)
        wanted = self._wanted(call)
        now = self._installation.clock.now()
        asked = self._seal.open(call.params["requestState"], call.principal, call=bound, now=now)
        actions = self._installation.actions
        action = await actions.get(asked.action, call.principal)
        if action.state is not ActionState.waiting:
            return rendering.outcome(action, self._view(call), wanted)
        answer = consent.answer_of(call.params.get("inputResponses"))
        try:
            if answer == "yes":
                confirm = self._installation.waiting.confirm
                action = await confirm(action.id, call.principal, consent=asked.consent)
            elif answer == "no":
                action = await actions.cancel(action.id, call.principal)
                return rendering.standing(action, self._view(call), wanted, refused=True, note="The person said no.")
            elif answer == "later":
                return rendering.standing(action, self._view(call), wanted, note="The person has not decided yet.")
        except ConsentStale:
            action = await actions.get(action.id, call.principal)
            return await self._shown(call, action, wanted, changed=True)
        except ActionStateInvalid:
            action = await actions.get(action.id, call.principal)
            return rendering.outcome(action, self._view(call), wanted)
        return await self._shown(call, action, wanted)

    async def _own(self, call: Call) -> rendering.Result:
        contract = OWN_INPUTS[call.name]
        if not contract.holds(call.arguments):
            raise InputInvalid(call.name, contract.breaches(call.arguments))
        actions, given = self._installation.actions, call.arguments
        if call.name == STATUS:
            action = await actions.get(given["action"], call.principal)
        elif call.name == CANCEL:
            action = await actions.cancel(given["action"], call.principal)
        else:
            answer = Answer(given["status"], output=given.get("output"), problem=given.get("problem"))
            action = await actions.report(given["action"], call.principal, answer)
        told = self._shelf.told(self._installation.projects.current, action.operation)
        return rendering.standing(action, self._view(call), told)

    def _view(self, call: Call) -> View:
        return View(self._installation.projects.current, call.principal)

"""Which session a request works in, and whose words it brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from interlock.experience.ambient import AmbientSessions
from interlock.experience.installation import Installation
from interlock.experience.openai.conversation import Conversation
from interlock.experience.openai.exchange import Asked
from interlock.experience.openai.results import handed_out
from interlock.orchestration.actions import ActionUnknown
from interlock.orchestration.sessions import Session, SessionClosed, SessionUnknown
from interlock.values.digests import digest
from interlock.values.identifiers import new_id
from interlock.values.principals import Kind, Principal

CHANNEL = "openai"
PEOPLE = ("safety_identifier", "user")
"""Members of a request in which a client says for which of its users it asks."""
MOST_WORDS = 100
"""How many new messages of the person one request can bring; of more, the newest are heard."""


class Frames:
    """Finds or opens the session of a request. Conversations that name none are known by how they began."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._sessions = installation.sessions
        self._ambient = AmbientSessions(installation.sessions, installation.clock, channel=CHANNEL)

    async def session(self, asked: Asked, conversation: Conversation) -> Session:
        """Return the session that the request names, or the conversation's own.

        Raises `SessionUnknown` and `SessionClosed` for one that is named and cannot be worked in.
        """
        principal = asked.principal
        if asked.session:
            return await self._sessions.use(asked.session, principal)
        mark = known_by(asked, conversation)
        if not self._ambient.known(principal, mark):
            found = await self._earlier(principal, conversation)
            if found is not None:
                self._ambient.adopt(principal, mark, found.id)
                return found
        try:
            session = await self._sessions.use(await self._ambient.session(principal, mark), principal)
        except SessionClosed:
            self._ambient.forget(principal, mark)
            session = await self._sessions.use(await self._ambient.session(principal, mark), principal)
        self._ambient.adopt(principal, mark, session.id)  # it lasts from its last use on
        return session

    async def _earlier(self, principal: Principal, conversation: Conversation) -> Session | None:
        """Return the session in which an action of this conversation was proposed, as its tool calls' ids tell.

        So a conversation stays in its session when another process, or this one after a restart, goes on with it.
        """
        calls = [call for call in conversation.calls if handed_out(call)]
        if not calls:
            return None
        try:
            action = await self._installation.actions.get(calls[-1], principal)
            return await self._sessions.use(action.session, principal)
        except (ActionUnknown, SessionUnknown, SessionClosed):
            return None

    async def hear(self, principal: Principal, session: Session, words: Sequence[str]) -> None:
        """Take those of the person's *words* into the session that it has not heard yet.

        An agent cannot bring a person's words: what its messages say is nobody's word but its own.
        """
        if principal.kind is Kind.agent:
            return
        heard = Counter(session.requests)
        fresh: list[str] = []
        for text in words:
            if heard[text] > 0:
                heard[text] -= 1
            else:
                fresh.append(text)
        for text in fresh[-MOST_WORDS:]:
            await self._sessions.extend(principal, session.id, request=text)


def known_by(asked: Asked, conversation: Conversation) -> str:
    """Return what tells this conversation from others of the same credential, whose words must not be mixed.

    With a person's own key it is enough how the conversation began. Behind any other key there may be many people
    who begin alike; what tells them apart is whom the client names, and the instructions, which say whom they are
    about if anything does. A service brings people's words, so where it names nobody nothing is taken for granted:
    each request stands alone, but for one that is repeated under its own Idempotency-Key.
    """
    principal = asked.principal
    if principal.kind is Kind.person:
        return conversation.beginning
    people = [asked.request.parameters.get(name) for name in PEOPLE]
    told_apart: list[object] = [people, conversation.instructions, conversation.beginning]
    if principal.kind is Kind.service and not any(people):
        told_apart.append(asked.key or new_id("once"))
    return digest(told_apart)

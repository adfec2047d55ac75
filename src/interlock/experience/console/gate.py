"""Signing in and staying signed in: a sealed cookie, opened and checked anew with every request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie

from interlock.experience.api.responses import Headers
from interlock.experience.console.errors import PersonNeeded
from interlock.experience.console.sealing import Seal, SignIn, new_token
from interlock.experience.installation import Installation
from interlock.governance.credentials.errors import Refusal, Unauthenticated
from interlock.values.principals import Kind, Principal

COOKIE = "interlock-console"
LONGEST = 8 * 3600.0  # seconds after which one signs in again, whatever happens
IDLE = 30 * 60.0  # seconds without a request after which one signs in again
RENEWED = 60.0  # seconds after which a used cookie is written anew
LONGEST_COOKIE = 8192


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a request's cookie stands for, and whether it must be written anew."""

    sign_in: SignIn
    fresh: bool = False


class Gate:
    """Turns cookies into principals. The credential inside is checked each time: a revoked key ends at once."""

    def __init__(self, installation: Installation, seal: Seal) -> None:
        self._installation = installation
        self._seal = seal

    def read(self, headers: Mapping[bytes, bytes]) -> Ticket:
        """Return the ticket of a request's cookie; a new, signed-out one where it has none that counts."""
        raw = headers.get(b"cookie", b"")[:LONGEST_COOKIE].decode("latin-1")
        try:
            morsel = SimpleCookie(raw).get(COOKIE)
        except CookieError:
            morsel = None
        sign_in = self._seal.open(morsel.value) if morsel is not None else None
        now = self._installation.clock.now()
        if sign_in is None or now > sign_in.until or now > sign_in.issued + IDLE:
            return self.leave()
        return Ticket(sign_in)

    async def enter(self, key: str) -> Ticket:
        """Return the ticket of a person who signs in with a key or token.

        Raises `Unauthenticated`, and `PersonNeeded` for a credential that is not a person's own.
        """
        authorization = f"Bearer {key.strip()}"
        principal = await self._installation.authenticator.authenticate(authorization)
        if principal.kind is not Kind.person or not principal.present:
            raise PersonNeeded(
                "this key belongs to a program, and the console is for people",
                fix="sign in with a key of your own: interlock keys create --kind person --help",
            )
        now = self._installation.clock.now()
        return Ticket(SignIn(authorization, new_token(), now, now + LONGEST), fresh=True)

    def leave(self) -> Ticket:
        """Return the ticket of somebody who is not signed in."""
        now = self._installation.clock.now()
        return Ticket(SignIn("", new_token(), now, now + LONGEST), fresh=True)

    def renewed(self, ticket: Ticket) -> Ticket:
        """Return the ticket with its idle time begun anew, where some of it has passed."""
        now = self._installation.clock.now()
        if now < ticket.sign_in.issued + RENEWED:
            return ticket
        return Ticket(replace(ticket.sign_in, issued=now), fresh=True)

    async def principal(self, ticket: Ticket) -> Principal:
        """Return who is signed in. Raises `Unauthenticated` where nobody is, or no longer may."""
        if not ticket.sign_in.authorization:
            raise Unauthenticated(Refusal.absent)
        return await self._installation.authenticator.authenticate(ticket.sign_in.authorization)

    async def visitor(self, ticket: Ticket) -> Principal | None:
        """Return who is signed in, or None."""
        try:
            return await self.principal(ticket)
        except Unauthenticated:
            return None

    def cookie(self, ticket: Ticket, *, path: str, secure: bool) -> Headers:
        """Return the header that writes the ticket's cookie, where it must be written."""
        if not ticket.fresh:
            return []
        text = f"{COOKIE}={self._seal.close(ticket.sign_in)}; Path={path}; HttpOnly; SameSite=Strict"
        return [(b"set-cookie", (text + ("; Secure" if secure else "")).encode())]

"""API keys: made, rotated, revoked and found."""

from __future__ import annotations

from dataclasses import replace

from interlock.foundation.clock import Clock
from interlock.foundation.store import Database
from interlock.governance.credentials import store
from interlock.governance.credentials.directory import Directory
from interlock.governance.credentials.errors import KeyInvalid, KeyNotFound, Refusal
from interlock.governance.credentials.key import SCOPES, IssuedKey, Key, KeyRequest, key_id, new_text, text_digest
from interlock.governance.journal import Conflict, Entry, Journal
from interlock.values.principals import Kind, Principal

NOTE_LENGTH = 200
_REMOTE_AGE = 0.25


class Keys:
    """The API keys of an installation.

    The callers of `create`, `rotate` and `revoke` have made sure that *by* may. `revision` grows with every
    change; `refresh` learns of those by other processes: each time with SQLite, at most every quarter of a
    second with PostgreSQL (or every *age* seconds).
    """

    def __init__(self, database: Database, journal: Journal, *, clock: Clock, age: float | None = None) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._age = (0.0 if database.dialect == "sqlite" else _REMOTE_AGE) if age is None else age
        self._checked = float("-inf")
        self.revision = 0

    async def open(self) -> None:
        """Make the table where it is missing."""
        await self._database.migrate(store.CAPABILITY, store.STEPS)
        self.revision = await store.revision(self._database)

    async def refresh(self) -> None:
        """Bring `revision` up to date."""
        now = self._clock.monotonic()
        if self._age and now - self._checked < self._age:
            return
        self.revision = await store.revision(self._database)
        self._checked = now

    async def create(self, request: KeyRequest, *, directory: Directory, by: Principal) -> IssuedKey:
        """Make a key; its text is in the answer and nowhere else. Raises `KeyInvalid`."""
        now = self._clock.now()
        _check(request, directory, now)
        issued = self._issue(request, by, now)
        entry = self._entry("key.created", issued.key, by)
        await self._journal.record([entry], changes=[store.added(issued.key), store.CHANGED])
        await self._changed()
        return issued

    async def rotate(
        self, id: str, *, tenant: str, by: Principal, overlap: float, expires: float | None = None
    ) -> IssuedKey:
        """Make the successor of a key; both count for *overlap* more seconds, then only the new one.

        The new key has the same owner and scopes. It ends at *expires* (Unix seconds), or lives as long as the old
        one was made for. Raises `KeyNotFound` if the key is over or has a successor already, and `KeyInvalid`.
        """
        now = self._clock.now()
        old = await self._active(id, tenant, now)
        if overlap < 0 or (expires is not None and expires <= now):
            raise KeyInvalid("the new key would be over before the old one", fix="give times that lie ahead")
        if expires is None and old.expires is not None:
            expires = now + (old.expires - old.created)
        until = now + overlap if old.expires is None else min(old.expires, now + overlap)
        request = KeyRequest(old.kind, old.principal, tenant, old.scopes, expires, None, old.note)
        issued = self._issue(request, by, now)
        guard = store.succeeded(old, issued.key, until=until)
        entry = self._entry("key.rotated", replace(old, expires=until, successor=issued.key.id), by)
        try:
            changes = [store.added(issued.key), store.CHANGED]
            await self._journal.record([entry], guards=[guard], changes=changes)
        except Conflict as error:
            raise _not_found(id) from error
        await self._changed()
        return issued

    async def revoke(self, id: str, *, tenant: str, by: Principal) -> None:
        """End a key at once. Raises `KeyNotFound` if there is none in *tenant*, or it is revoked already."""
        key = await store.by_id(self._database, id)
        if key is None or key.tenant != tenant:
            raise _not_found(id)
        entry = self._entry("key.revoked", key, by)
        guard = store.revoked(id, tenant, self._clock.now())
        try:
            await self._journal.record([entry], guards=[guard], changes=[store.CHANGED])
        except Conflict as error:
            raise _not_found(id) from error
        await self._changed()

    async def all(self, tenant: str) -> list[Key]:
        """Return the keys of *tenant*, oldest first, those that are over included."""
        return await store.of_tenant(self._database, tenant)

    async def demo_ids(self) -> list[str]:
        """Return the ids of the demo keys that still count, of all tenants."""
        return await store.demo_ids(self._database, self._clock.now())

    async def find(self, text: str) -> Key | Refusal:
        """Return the key with this text, whatever its state, or why there is none.

        The text is looked up by its digest, so how long it takes says nothing about how near a guess was.
        """
        id = key_id(text)
        if id is None:
            return Refusal.malformed
        key = await store.by_digest(self._database, text_digest(text))
        if key is not None:
            return key
        known = await store.by_id(self._database, id)
        return Refusal.key_unknown if known is None else Refusal.key_wrong

    async def _active(self, id: str, tenant: str, now: float) -> Key:
        key = await store.by_id(self._database, id)
        if key is None or key.tenant != tenant or key.state(now) in {"revoked", "expired"} or key.successor:
            raise _not_found(id)
        return key

    def _issue(self, request: KeyRequest, by: Principal, now: float) -> IssuedKey:
        id, text = new_text(demo=request.demo)
        key = Key(
            id=id,
            digest=text_digest(text.reveal()),
            kind=request.kind,
            principal=request.principal,
            tenant=request.tenant,
            scopes=request.scopes,
            note=request.note,
            created=now,
            created_by=by.name,
            starts=request.starts,
            expires=request.expires,
        )
        return IssuedKey(key, text)

    def _entry(self, kind: str, key: Key, by: Principal) -> Entry:
        body = {
            "principal": f"{key.kind.value}:{key.principal}",
            "scopes": sorted(key.scopes),
            "starts": key.starts,
            "expires": key.expires,
            "successor": key.successor,
        }
        return Entry(kind, key.tenant, f"key:{key.id}", actor=by.name, body=body)

    async def _changed(self) -> None:
        self.revision = await store.revision(self._database)
        self._checked = self._clock.monotonic()


def _check(request: KeyRequest, directory: Directory, now: float) -> None:
    member = directory.find(request.kind, request.principal)
    if member is None:
        raise KeyInvalid(
            f"the project names no {request.kind.value} {request.principal!r}",
            fix="add it to the project first, or correct the id",
        )
    if request.tenant not in directory.tenants or member.tenant not in {"", request.tenant}:
        raise KeyInvalid(
            f"{request.principal!r} does not belong to tenant {request.tenant!r}", fix="name the tenant it belongs to"
        )
    if not request.scopes or not request.scopes <= set(SCOPES):
        raise KeyInvalid("a key needs scopes that exist", fix=f"take some of {', '.join(SCOPES)}")
    if "approve" in request.scopes and request.kind is not Kind.person:
        raise KeyInvalid("only a person approves", fix="leave the scope `approve` out, or make a key for a person")
    if request.expires is not None and request.expires <= max(now, request.starts or now):
        raise KeyInvalid("the key would be over before it counts", fix="give an expiry that lies ahead")
    if len(request.note) > NOTE_LENGTH:
        raise KeyInvalid("the note is too long", fix=f"use at most {NOTE_LENGTH} characters")


def _not_found(id: str) -> KeyNotFound:
    return KeyNotFound(f"there is no key {id!r} that could be changed", fix="list the keys; it may be over already")

"""From a header to a principal: by key, with what the current project says of its owner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.foundation.documents import parse_document
from interlock.foundation.settings.project import project_settings
from interlock.foundation.store import open_database
from interlock.governance.credentials import (
    Authenticator,
    Directory,
    KeyRequest,
    Keys,
    Member,
    demand_scope,
    directory_of,
)
from interlock.governance.credentials.errors import KeyExpired, Refusal, ScopeMissing, Unauthenticated
from interlock.governance.credentials.key import new_text
from interlock.values.principals import Kind, Principal
from tests.governance.credentials.conftest import DIRECTORY, Ground

ROOT = Principal(Kind.person, "anna", "north")


class Door:
    """An authenticator, what it refused, and shorthand for keys."""

    def __init__(self, ground: Ground, directory: Directory = DIRECTORY) -> None:
        self.refused: list[Unauthenticated] = []
        self.ground = ground
        self.authenticator = Authenticator(
            directory, keys=ground.keys, tokens=None, clock=ground.clock, refused=self.refused.append
        )

    async def key(self, request: KeyRequest) -> str:
        issued = await self.ground.keys.create(request, directory=DIRECTORY, by=ROOT)
        return f"Bearer {issued.text.reveal()}"

    async def reason(self, header: str | None) -> Refusal:
        """Return why *header* is refused, having checked that the caller is told nothing of it."""
        with pytest.raises(Unauthenticated) as caught:
            await self.authenticator.authenticate(header)
        error = caught.value
        assert self.refused[-1] is error
        if not isinstance(error, KeyExpired):
            assert error.problem() == Unauthenticated(Refusal.absent).problem()
        return error.reason


async def test_a_key_gives_its_owner_with_todays_roles(ground: Ground) -> None:
    door = Door(ground)
    header = await door.key(KeyRequest(Kind.person, "anna", "north", frozenset({"act", "read"})))
    principal = await door.authenticator.authenticate(header)
    assert principal.name == "person:anna"
    assert (principal.tenant, principal.roles) == ("north", frozenset({"support"}))
    assert dict(principal.attributes) == {"region": "eu"}
    assert principal.scopes == {"act", "read"}
    assert principal.present
    assert principal.credential in header
    assert await door.authenticator.authenticate(header) is principal


async def test_agents_and_services_are_not_present_and_agents_serve_any_tenant(ground: Ground) -> None:
    door = Door(ground)
    for request in (
        KeyRequest(Kind.agent, "support", "south"),
        KeyRequest(Kind.agent, "support", "north"),
        KeyRequest(Kind.service, "batch", "north"),
    ):
        principal = await door.authenticator.authenticate(await door.key(request))
        assert (principal.kind, principal.tenant, principal.present) == (request.kind, request.tenant, False)


async def test_a_changed_project_changes_the_roles_at_once(ground: Ground) -> None:
    door = Door(ground)
    header = await door.key(KeyRequest(Kind.person, "anna", "north"))
    assert (await door.authenticator.authenticate(header)).roles == {"support"}
    people = {"anna": Member(frozenset({"billing-lead"}), "north")}
    door.authenticator.use(replace(DIRECTORY, people=people), None)
    assert (await door.authenticator.authenticate(header)).roles == {"billing-lead"}
    door.authenticator.use(replace(DIRECTORY, people={}), None)
    assert await door.reason(header) is Refusal.principal_unknown
    moved = {"anna": Member(frozenset(), "south")}
    door.authenticator.use(replace(DIRECTORY, people=moved), None)
    assert await door.reason(header) is Refusal.tenant_mismatch
    door.authenticator.use(replace(DIRECTORY, tenants=("south",)), None)
    assert await door.reason(header) is Refusal.tenant_mismatch


async def test_a_revoked_key_is_refused_at_once_also_when_it_was_remembered(ground: Ground) -> None:
    door = Door(ground)
    header = await door.key(KeyRequest(Kind.person, "anna", "north"))
    principal = await door.authenticator.authenticate(header)
    await ground.keys.revoke(principal.credential, tenant="north", by=ROOT)
    assert await door.reason(header) is Refusal.key_revoked
    assert door.refused[-1].credential == principal.credential


async def test_a_key_revoked_by_another_process_is_refused(ground: Ground) -> None:
    door = Door(ground)
    header = await door.key(KeyRequest(Kind.person, "anna", "north"))
    principal = await door.authenticator.authenticate(header)
    other = open_database(ground.url)
    await other.open()
    try:
        there = Keys(other, ground.journal, clock=ground.clock)
        await there.open()
        await there.revoke(principal.credential, tenant="north", by=ROOT)
    finally:
        await other.close()
    ground.clock.advance(1)
    assert await door.reason(header) is Refusal.key_revoked


async def test_a_key_counts_from_its_start_to_its_end(ground: Ground) -> None:
    door, now = Door(ground), ground.clock.now()
    header = await door.key(KeyRequest(Kind.person, "anna", "north", starts=now + 10, expires=now + 20))
    assert await door.reason(header) is Refusal.key_not_yet
    ground.clock.advance(10)
    assert (await door.authenticator.authenticate(header)).id == "anna"
    ground.clock.set(now + 5)
    assert await door.reason(header) is Refusal.key_not_yet
    ground.clock.set(now + 20)
    assert await door.reason(header) is Refusal.key_expired
    assert door.refused[-1].problem()["code"] == "key_expired"
    assert "has expired" in str(door.refused[-1])


async def test_rotation_overlaps_and_then_ends(ground: Ground) -> None:
    door = Door(ground)
    header = await door.key(KeyRequest(Kind.person, "anna", "north"))
    first = await door.authenticator.authenticate(header)
    issued = await ground.keys.rotate(first.credential, tenant="north", by=ROOT, overlap=30)
    after = f"Bearer {issued.text.reveal()}"
    ground.clock.advance(29)
    assert (await door.authenticator.authenticate(header)).id == (await door.authenticator.authenticate(after)).id
    ground.clock.advance(1)
    assert await door.reason(header) is Refusal.key_expired
    assert (await door.authenticator.authenticate(after)).id == "anna"


async def test_what_is_no_credential_is_refused_alike(ground: Ground) -> None:
    door = Door(ground)
    good = await door.key(KeyRequest(Kind.person, "anna", "north"))
    text = good.removeprefix("Bearer ")
    wrong = good[:-1] + ("a" if good[-1] != "a" else "b")
    unknown = f"Bearer {new_text()[1].reveal()}"
    expected = {
        None: Refusal.absent,
        "": Refusal.absent,
        text: Refusal.malformed,
        f"Basic {text}": Refusal.malformed,
        "Bearer ": Refusal.malformed,
        "Bearer x.y.z": Refusal.malformed,
        f"{good}, {good}": Refusal.malformed,
        "Bearer \udcff": Refusal.malformed,
        "Bearer " + "é" * 20: Refusal.malformed,
        "Bearer " + "a" * 20_000: Refusal.malformed,
        wrong: Refusal.key_wrong,
        unknown: Refusal.key_unknown,
    }
    for header, refusal in expected.items():
        assert await door.reason(header) is refusal, header
    assert (await door.authenticator.authenticate(f"bearer  {text}")).id == "anna"


async def test_what_is_remembered_is_bounded(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.governance.credentials.authenticator.REMEMBERED", 2)
    door = Door(ground)
    headers = [await door.key(KeyRequest(Kind.person, "anna", "north")) for _ in range(4)]
    first = [await door.authenticator.authenticate(header) for header in headers]
    again = [await door.authenticator.authenticate(header) for header in reversed(headers)]
    assert [one.credential for one in first] == [one.credential for one in reversed(again)]
    assert len(vars(door.authenticator)["_known"]) == 2


def test_a_credential_covers_only_its_scopes() -> None:
    principal = Principal(Kind.person, "anna", "north", scopes=frozenset({"act"}))
    demand_scope(principal, "act")
    with pytest.raises(ScopeMissing) as caught:
        demand_scope(principal, "admin")
    assert caught.value.status == 403


def test_the_directory_is_what_the_project_says() -> None:
    text = """
name: acme
tenants: [north, south]
people: {anna: {roles: [support], attributes: {region: eu}}}
services: {batch: {tenant: south, roles: [nightly]}}
approvals: {default_role: lead}
attributes: [region]
"""
    settings = project_settings(parse_document(text.encode(), "interlock"))
    directory = directory_of(settings, {"desk": frozenset({"orders"})})
    assert directory.find(Kind.person, "anna") == Member(frozenset({"support"}), "north", {"region": "eu"})
    assert directory.find(Kind.service, "batch") == Member(frozenset({"nightly"}), "south")
    assert directory.find(Kind.agent, "desk") == Member(frozenset({"orders"}))
    assert directory.find(Kind.agent, "anna") is None
    assert directory.roles == {"support", "nightly", "orders", "lead"}
    assert directory.tenants == ("north", "south")

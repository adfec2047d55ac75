"""API keys: made once, found by digest, rotated with overlap, revoked at once, kept apart by tenant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.store import open_database
from interlock.governance.credentials import IssuedKey, Key, KeyRequest, Keys
from interlock.governance.credentials.errors import KeyInvalid, KeyNotFound, Refusal
from interlock.governance.credentials.key import key_id, new_text, text_digest
from interlock.values.principals import Kind, Principal
from tests.governance.credentials.conftest import DIRECTORY, Ground

ROOT = Principal(Kind.person, "anna", "north", scopes=frozenset({"admin"}))
ANNA = KeyRequest(Kind.person, "anna", "north", frozenset({"act", "approve"}), note="laptop")


async def make(ground: Ground, request: KeyRequest = ANNA) -> IssuedKey:
    return await ground.keys.create(request, directory=DIRECTORY, by=ROOT)


async def found(ground: Ground, issued: IssuedKey) -> Key:
    key = await ground.keys.find(issued.text.reveal())
    assert isinstance(key, Key)
    return key


async def test_a_key_is_found_by_its_text_which_is_kept_nowhere(ground: Ground) -> None:
    issued = await make(ground)
    text = issued.text.reveal()
    assert await found(ground, issued) == issued.key
    assert text not in repr(issued)
    columns = "id, digest, kind, principal, tenant, scopes, note, created_by, successor"
    rows = await ground.database.read(f"SELECT {columns} FROM api_keys")
    secret = text.rpartition("_")[2]
    assert secret not in repr(rows)
    assert text_digest(text) in rows[0]
    records = await ground.reader.show(f"key:{issued.key.id}", tenant="north")
    assert secret not in repr(records)
    assert text_digest(text) not in repr(records)
    assert "digest" not in issued.key.to_json()


async def test_wrong_unknown_and_malformed_are_told_apart(ground: Ground) -> None:
    text = (await make(ground)).text.reveal()
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    assert await ground.keys.find(wrong) is Refusal.key_wrong
    assert await ground.keys.find(new_text()[1].reveal()) is Refusal.key_unknown
    for other in ("", "ik_", "ik_x_y", text + "a", text.upper(), text + "\n", "' OR 1=1 --"):
        assert await ground.keys.find(other) is Refusal.malformed


async def test_everything_that_happens_to_a_key_is_journalled(ground: Ground) -> None:
    issued = await make(ground)
    after = await ground.keys.rotate(issued.key.id, tenant="north", by=ROOT, overlap=60)
    await ground.keys.revoke(issued.key.id, tenant="north", by=ROOT)
    records = await ground.reader.show(f"key:{issued.key.id}", tenant="north")
    assert [record.kind for record in records] == ["key.created", "key.rotated", "key.revoked"]
    assert records[1].body["successor"] == after.key.id
    assert records[0].body["principal"] == "person:anna"


async def test_rotation_leaves_both_keys_good_for_the_overlap(ground: Ground) -> None:
    issued = await make(ground)
    after = await ground.keys.rotate(issued.key.id, tenant="north", by=ROOT, overlap=60)
    now = ground.clock.now()
    old, new = await found(ground, issued), await found(ground, after)
    assert (old.state(now + 59), old.state(now + 60)) == ("active", "expired")
    assert old.successor == new.id
    assert new.state(now + 1e9) == "active"
    assert (new.principal, new.scopes, new.note) == ("anna", ANNA.scopes, "laptop")


async def test_rotation_never_makes_a_key_live_longer(ground: Ground) -> None:
    now = ground.clock.now()
    issued = await make(ground, KeyRequest(Kind.person, "anna", "north", expires=now + 10))
    await ground.keys.rotate(issued.key.id, tenant="north", by=ROOT, overlap=3600, expires=now + 9000)
    assert (await found(ground, issued)).expires == now + 10


async def test_a_key_that_is_over_or_replaced_is_not_rotated_or_revoked_again(ground: Ground) -> None:
    replaced, revoked = await make(ground), await make(ground)
    expired = await make(ground, KeyRequest(Kind.person, "anna", "north", expires=ground.clock.now() + 1))
    await ground.keys.rotate(replaced.key.id, tenant="north", by=ROOT, overlap=60)
    await ground.keys.revoke(revoked.key.id, tenant="north", by=ROOT)
    ground.clock.advance(1)
    for issued in (replaced, revoked, expired):
        with pytest.raises(KeyNotFound):
            await ground.keys.rotate(issued.key.id, tenant="north", by=ROOT, overlap=60)
    with pytest.raises(KeyNotFound):
        await ground.keys.revoke(revoked.key.id, tenant="north", by=ROOT)
    await ground.keys.revoke(expired.key.id, tenant="north", by=ROOT)


async def test_keys_of_another_tenant_are_as_if_they_were_not(ground: Ground) -> None:
    issued = await make(ground)
    for change in (
        ground.keys.revoke(issued.key.id, tenant="south", by=ROOT),
        ground.keys.rotate(issued.key.id, tenant="south", by=ROOT, overlap=0),
        ground.keys.revoke("nothing", tenant="north", by=ROOT),
    ):
        with pytest.raises(KeyNotFound):
            await change
    assert await ground.keys.all("south") == []
    assert [key.id for key in await ground.keys.all("north")] == [issued.key.id]
    assert (await found(ground, issued)).revoked is None


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (KeyRequest(Kind.person, "carl", "north"), "names no person 'carl'"),
        (KeyRequest(Kind.service, "anna", "north"), "names no service 'anna'"),
        (KeyRequest(Kind.person, "anna", "south"), "does not belong to tenant 'south'"),
        (KeyRequest(Kind.agent, "support", "west"), "does not belong to tenant 'west'"),
        (KeyRequest(Kind.person, "anna", "north", frozenset()), "needs scopes"),
        (KeyRequest(Kind.person, "anna", "north", frozenset({"act", "root"})), "needs scopes"),
        (KeyRequest(Kind.agent, "support", "north", frozenset({"act", "approve"})), "only a person approves"),
        (KeyRequest(Kind.service, "batch", "north", frozenset({"approve"})), "only a person approves"),
        (KeyRequest(Kind.person, "anna", "north", expires=1.0), "over before it counts"),
        (KeyRequest(Kind.person, "anna", "north", note="x" * 201), "note is too long"),
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(ground: Ground, request_: KeyRequest, part: str) -> None:
    with pytest.raises(KeyInvalid) as caught:
        await make(ground, request_)
    assert part in caught.value.what
    assert await ground.keys.all("north") == []


async def test_times_of_a_rotation_lie_ahead(ground: Ground) -> None:
    issued = await make(ground)
    for overlap, expires in ((-1.0, None), (0.0, ground.clock.now())):
        with pytest.raises(KeyInvalid):
            await ground.keys.rotate(issued.key.id, tenant="north", by=ROOT, overlap=overlap, expires=expires)


async def test_other_processes_learn_that_keys_changed(ground: Ground) -> None:
    other = open_database(ground.url)
    await other.open()
    try:
        there = Keys(other, ground.journal, clock=ground.clock)
        await there.open()
        before = there.revision
        await make(ground)
        ground.clock.advance(1)
        await there.refresh()
        assert there.revision == ground.keys.revision > before
    finally:
        await other.close()


async def test_demo_keys_are_known_by_their_ids_until_they_are_over(ground: Ground) -> None:
    await make(ground)
    demo = await make(ground, KeyRequest(Kind.person, "anna", "north", demo=True))
    assert demo.text.reveal().startswith("ik_demo")
    assert await ground.keys.demo_ids() == [demo.key.id]
    assert (await found(ground, demo)).id == demo.key.id
    await ground.keys.revoke(demo.key.id, tenant="north", by=ROOT)
    assert await ground.keys.demo_ids() == []


@given(st.booleans())
def test_texts_are_long_unguessable_and_never_twice(demo: bool) -> None:
    made = [new_text(demo=demo) for _ in range(50)]
    assert len({text.reveal() for _, text in made}) == len({id for id, _ in made}) == 50
    for id, text in made:
        assert key_id(text.reveal()) == id
        assert len(text.reveal().rpartition("_")[2]) == 52


@given(st.text(max_size=90))
def test_no_text_is_taken_for_a_key_by_accident(text: str) -> None:
    assert key_id(text) is None

"""A mask is no value: it vouches for nothing, is never remembered, and what was hidden keeps its label on every way."""

from __future__ import annotations

from typing import Any

from tests.journeys.labels.test_results import holds
from tests.journeys.labels.vault import FINANCIAL, IBAN, Vault


async def decided(vault: Vault, action: str) -> dict[str, Any]:
    """The snapshot that an action was decided on."""
    records = (await vault.read("aude", f"/v1/journal/{action}"))["items"]
    snapshot: dict[str, Any] = records[0]["fields"]["snapshot"]
    return snapshot


async def test_the_words_of_a_mask_are_no_argument_that_anybody_vouches_for(vault: Vault) -> None:
    session = await vault.session("helper")
    person = await vault.propose("helper", session, "staff.get_person", id="p1")
    assert person["output"]["iban"] == FINANCIAL
    for _ in range(2):  # the first one must not make the second one known
        action = await vault.propose("helper", session, "staff.pay", person="p1", iban=FINANCIAL, amount=5.0)
        origin = (await decided(vault, action["id"]))["origins"]["iban"]
        assert (origin["sources"], origin["unknown"]) == (["unknown"], True)
        await vault.propose("helper", session, "staff.get_person", id="p1")


async def test_a_caller_is_never_told_to_carry_out_a_mask(vault: Vault) -> None:
    session = await vault.session("helper")
    action = await vault.propose("helper", session, "desk.wire", iban=FINANCIAL)
    assert action["state"] == "executing"
    assert "execute" not in action


async def test_a_guess_is_not_confirmed_by_being_hidden(vault: Vault) -> None:
    session = await vault.session("helper")
    await vault.propose("helper", session, "staff.get_person", id="p1")
    right = await vault.propose("helper", session, "staff.pay", person="p1", iban=IBAN, amount=5.0)
    wrong = await vault.propose("helper", session, "staff.pay", person="p1", iban=IBAN[::-1], amount=5.0)
    assert right["input"]["iban"] == IBAN
    assert right.keys() == wrong.keys()
    assert not holds(await vault.by("lena", lambda caller: caller.action(right["id"])))


async def test_a_value_keeps_its_label_from_one_action_to_the_next(vault: Vault) -> None:
    _, action = await vault.waiting()
    snapshot = await decided(vault, action["id"])
    assert snapshot["origins"]["iban"]["label"]["confidentiality"] == "restricted"
    assert snapshot["data"]["confidentiality"] == "restricted"


async def test_an_undo_elsewhere_keeps_the_label_of_the_record_that_it_is_made_from(vault: Vault) -> None:
    _, action = await vault.waiting()
    approval = (await vault.read("aude", "/v1/approvals"))["items"][0]
    verdict = {"verdict": "approve", "consent": approval["consent"]}
    await vault.by("aude", lambda caller: caller.post(f"/v1/approvals/{approval['id']}/decide", verdict))
    elsewhere = await vault.session("seer")
    path, body = f"/v1/actions/{action['id']}/undo", {"session": elsewhere}
    undo = await vault.by("seer", lambda caller: caller.post(path, body))
    assert undo["state"] == "succeeded"
    assert undo["input"] == {"iban": IBAN}
    assert (await vault.by("lena", lambda caller: caller.action(undo["id"])))["input"] == {"iban": FINANCIAL}

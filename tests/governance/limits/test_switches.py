"""Kill switches: what they stop, who learns of it, and what the journal says."""

from __future__ import annotations

import pytest

from interlock.foundation.store import open_database
from interlock.governance.limits import Switches, SwitchScope, SwitchTarget
from interlock.governance.limits.errors import SwitchInvalid, SwitchNotSet
from interlock.values.principals import Kind, Principal
from tests.governance.limits.conftest import Ground

ANNA = Principal(Kind.person, "anna", "north")
PAY = SwitchTarget(SwitchScope.operation, "billing.pay")


async def opened(ground: Ground) -> Switches:
    switches = Switches(ground.database, ground.journal, clock=ground.clock)
    await switches.open()
    return switches


def rule(switches: Switches, *, tenant: str = "north", agent: str = "support") -> str | None:
    guard = switches.guard(tenant=tenant, operation="billing.pay", system="billing", agent=agent)
    return guard["rule"] if guard else None


@pytest.mark.parametrize(
    ("what", "stops", "leaves"),
    [
        (SwitchTarget(SwitchScope.installation), [("north", "support"), ("south", "")], []),
        (SwitchTarget(SwitchScope.tenant, "north"), [("north", "support")], [("south", "support")]),
        (SwitchTarget(SwitchScope.system, "billing"), [("north", "support"), ("south", "")], []),
        (PAY, [("north", "support"), ("south", "desk")], []),
        (SwitchTarget(SwitchScope.operation, "billing.pay", "south"), [("south", "")], [("north", "")]),
        (SwitchTarget(SwitchScope.operation, "billing.get"), [], [("north", "support")]),
        (SwitchTarget(SwitchScope.agent, "support"), [("north", "support")], [("north", ""), ("north", "desk")]),
        (SwitchTarget(SwitchScope.system, "erp"), [], [("north", "support")]),
    ],
)
async def test_a_switch_stops_what_it_names_and_nothing_else(
    ground: Ground, what: SwitchTarget, stops: list[tuple[str, str]], leaves: list[tuple[str, str]]
) -> None:
    switches = await opened(ground)
    await switches.set(what, reason="being looked into", by=ANNA)
    for tenant, agent in stops:
        assert rule(switches, tenant=tenant, agent=agent) == f"switch-{what.scope.value}"
    for tenant, agent in leaves:
        assert rule(switches, tenant=tenant, agent=agent) is None
    await switches.clear(what, by=ANNA)
    for tenant, agent in stops:
        assert rule(switches, tenant=tenant, agent=agent) is None


async def test_the_refusal_says_what_is_off_and_why(ground: Ground) -> None:
    switches = await opened(ground)
    await switches.set(SwitchTarget(SwitchScope.agent, "support", "north"), reason=" refunds twice ", by=ANNA)
    assert switches.guard(tenant="north", operation="a.b", system="a", agent="support") == {
        "rule": "switch-agent",
        "text": "Switched off (agent support of tenant north): refunds twice",
        "outcome": "deny",
    }


async def test_setting_and_clearing_are_journalled_with_who_did_it(ground: Ground) -> None:
    switches = await opened(ground)
    await switches.set(PAY, reason="first", by=ANNA)
    await switches.set(PAY, reason="second", by=ANNA)
    await switches.clear(PAY, by=ANNA)
    records = await ground.reader.show("switch:operation:billing.pay", tenant="north")
    assert [record.kind for record in records] == ["switch.set", "switch.set", "switch.cleared"]
    assert {record.actor for record in records} == {"person:anna"}


async def test_a_switch_outlives_the_process(ground: Ground) -> None:
    await (await opened(ground)).set(PAY, reason="r", by=ANNA)
    again = await opened(ground)
    assert rule(again) == "switch-operation"
    assert [switch.to_json() for switch in again.all("north")] == [
        {
            "scope": "operation",
            "target": "billing.pay",
            "tenant": "",
            "reason": "r",
            "by": "person:anna",
            "at": ground.clock.now(),
        }
    ]


async def test_another_process_learns_of_it_at_its_next_refresh(ground: Ground) -> None:
    here = await opened(ground)
    other = open_database(ground.url)
    await other.open()
    try:
        there = Switches(other, ground.journal, clock=ground.clock)
        await there.open()
        await here.set(PAY, reason="r", by=ANNA)
        ground.clock.advance(1)
        await there.refresh()
        assert rule(there) == "switch-operation"
        await here.clear(PAY, by=ANNA)
        ground.clock.advance(1)
        await there.refresh()
        assert rule(there) is None
    finally:
        await other.close()


async def test_a_refresh_asks_no_more_often_than_told(ground: Ground) -> None:
    here = await opened(ground)
    there = Switches(ground.database, ground.journal, clock=ground.clock, age=5)
    await there.open()
    await here.set(PAY, reason="r", by=ANNA)
    ground.clock.advance(4)
    await there.refresh()
    assert rule(there) is None
    ground.clock.advance(1)
    await there.refresh()
    assert rule(there) == "switch-operation"


async def test_a_tenant_sees_its_own_switches_and_those_for_all(ground: Ground) -> None:
    switches = await opened(ground)
    south = SwitchTarget(SwitchScope.tenant, "south")
    for what in (PAY, south, SwitchTarget(SwitchScope.agent, "support", "north")):
        await switches.set(what, reason="r", by=ANNA)
    assert [switch.what.name for switch in switches.all("south")] == ["operation billing.pay", "tenant south"]


async def test_what_is_not_set_cannot_be_cleared(ground: Ground) -> None:
    switches = await opened(ground)
    with pytest.raises(SwitchNotSet):
        await switches.clear(PAY, by=ANNA)
    assert await ground.reader.show("switch:operation:billing.pay", tenant="north") == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
async def test_a_switch_needs_a_reason(ground: Ground, reason: str) -> None:
    switches = await opened(ground)
    with pytest.raises(SwitchInvalid):
        await switches.set(PAY, reason=reason, by=ANNA)
    assert rule(switches) is None


@pytest.mark.parametrize(
    ("scope", "target", "tenant"),
    [
        (SwitchScope.installation, "x", ""),
        (SwitchScope.installation, "", "north"),
        (SwitchScope.agent, "", ""),
        (SwitchScope.tenant, "north", "south"),
    ],
)
def test_a_switch_that_does_not_say_clearly_what_it_stops_is_refused(
    scope: SwitchScope, target: str, tenant: str
) -> None:
    with pytest.raises(SwitchInvalid):
        SwitchTarget(scope, target, tenant)

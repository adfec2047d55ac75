"""The tool list: what the caller's policies can allow, honestly described, the same every time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.experience.mcp.conftest import FILES, Shop, open_shop, write_shop

OWN = ["interlock.action_status", "interlock.cancel_action", "interlock.report_result"]
SHOP = [f"shop.{name}" for name in ("close_order", "drop_order", "get_order", "list_orders", "set_note")]


async def tools(shop: Shop, key: str = "clerk") -> dict[str, Any]:
    listed = (await shop.new("tools/list", key=key)).result["tools"]
    return {tool["name"]: tool for tool in listed}


async def test_a_caller_sees_what_its_policies_and_its_file_can_allow(shop: Shop) -> None:
    assert list(await tools(shop)) == ["fax.send", *SHOP, *OWN]
    assert list(await tools(shop, "reader")) == ["shop.get_order", *OWN[:2]]
    assert list(await tools(shop, "lea")) == OWN[:2]


async def test_both_revisions_list_the_same_tools(shop: Shop) -> None:
    new, old = (await shop.new("tools/list")).result, (await shop.old("tools/list")).result
    assert new["tools"] == old["tools"]
    assert new["resultType"] == "complete"
    assert new["ttlMs"] > 0
    assert new["cacheScope"] == "private"
    assert set(old) == {"tools"}


async def test_names_are_what_every_client_takes(shop: Shop) -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", name) for name in await tools(shop))


async def test_hints_come_from_the_declaration(shop: Shop) -> None:
    listed = await tools(shop)
    assert listed["shop.get_order"]["annotations"]["readOnlyHint"] is True
    assert listed["shop.set_note"]["annotations"]["readOnlyHint"] is False
    assert listed["shop.drop_order"]["annotations"]["destructiveHint"] is True
    assert listed["interlock.action_status"]["annotations"]["readOnlyHint"] is True


async def test_descriptions_say_that_a_call_may_wait_or_be_refused(shop: Shop) -> None:
    listed = await tools(shop)
    for name in SHOP:
        assert "interlock.action_status" in listed[name]["description"]
    assert "cannot be undone" in listed["shop.drop_order"]["description"]
    assert "interlock.report_result" in listed["fax.send"]["description"]


async def test_every_schema_is_one_of_an_object(shop: Shop) -> None:
    for tool in (await tools(shop)).values():
        assert tool["inputSchema"]["type"] == "object"
        assert tool.get("outputSchema", {"type": "object"})["type"] == "object"


@pytest.mark.parametrize(("mode", "words"), [("draft", "as a draft"), ("shadow", "never carried out")])
async def test_a_stricter_mode_is_told(tmp_path: Any, mode: str, words: str) -> None:
    main = FILES["interlock.yaml"] + f"mode: {mode}\n"
    write_shop(tmp_path, {**FILES, "interlock.yaml": main})
    async with open_shop(tmp_path) as shop:
        assert words in (await tools(shop))["shop.set_note"]["description"]
        result = await shop.call("shop.drop_order", {"id": 1})
        assert result["structuredContent"]["state"] in {"denied", "shadowed", "drafted"}
        assert shop.order(1) is not None


async def test_a_changed_project_changes_the_list(shop: Shop) -> None:
    before = await tools(shop)
    system = shop.root / "systems/shop.yaml"
    system.write_text(system.read_text("utf-8").replace("Look up one order by its number.", "Find an order."), "utf-8")
    await shop.installation.projects.reload()
    after = await tools(shop)
    assert before["shop.get_order"]["description"].startswith("Look up one order")
    assert after["shop.get_order"]["description"].startswith("Find an order.")

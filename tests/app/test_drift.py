"""A live system that changes what it offers under a running installation."""

from __future__ import annotations

import json
from pathlib import Path

from interlock.app.drift import DriftWatch
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import Ports, discover
from interlock.orchestration.actions import Proposal
from interlock.orchestration.sessions import Opening
from tests.integration.connectors.mcp.test_mcp import listening
from tests.integration.connectors.mcp.upstream import server
from tests.orchestration.desk import AGENT_KEY, CARLA, running, write_project

SYSTEM = """
system: tickets
connector: mcp
connection: {{url: "{url}", tools: tickets.json}}
operations:
  motd: {{effect: read}}
  get_ticket: {{effect: read}}
"""


async def test_an_operation_is_held_back_while_the_live_system_offers_it_differently(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    agent = root / "agents" / "helper.yaml"
    agent.write_text(agent.read_text("utf-8").replace('"notes.*"', '"notes.*", "tickets.*"'), "utf-8")
    made = server(tmp_path / "effects")
    async with listening(made) as url:
        async with HttpClient() as http:
            ports = Ports(http, SecretStore.standard(environment={}), root)
            published = await discover("mcp", {"url": url}, ports)
        (root / "tickets.json").write_text(json.dumps(published), "utf-8")
        (root / "systems" / "tickets.yaml").write_text(SYSTEM.format(url=url), "utf-8")
        async with running(root) as composed:
            desk = composed.installation
            watch = DriftWatch(desk.systems, desk.pins)
            session = await desk.sessions.open(CARLA, Opening(agent="helper", request="What is the motd?"))

            async def ask(operation: str) -> tuple[str, str]:
                action = await desk.actions.propose(AGENT_KEY, Proposal(session.id, operation, ASKED[operation]))
                return action.state.value, action.decision.reasons[0].rule

            await watch.look()
            assert (await ask("tickets.motd"))[0] == "succeeded"
            made.remove_tool("motd")
            await watch.look()
            assert await ask("tickets.motd") == ("denied", "definition-drifted")
            assert (await ask("tickets.get_ticket"))[0] == "succeeded"
            kinds = [record.kind for record in await desk.journal.show("tickets.motd", tenant="acme")]
            assert kinds == ["definition.pinned", "definition.drifted"]

            @made.tool(description="Say something in plain words", structured_output=False)
            async def motd() -> str:
                return "all is well again"

            await watch.look()
            assert (await ask("tickets.motd"))[0] == "succeeded"


ASKED = {"tickets.motd": {}, "tickets.get_ticket": {"id": 7}}

"""The real server process, asked by the official synchronous client: the surface stands where clients look for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from openai import OpenAI

from tests.experience.openai.conftest import TOOLS, write_shop
from tests.journeys.server import Server

RULES = r"""
rules: desk
slots:
  order: {type: integer, patterns: ['order (\d+)']}
intents:
  whose_order:
    examples: ["whose is order {order}?"]
    steps:
      - {call: shop.get_order, as: found, with: {id: "{order}"}}
    answers:
      succeeded: {text: "Order {found.id} is for {found.customer}"}
"""


def test_a_client_needs_a_base_url_and_a_key_and_no_network(tmp_path: Path) -> None:
    write_shop(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "rules.yaml").write_text(RULES, "utf-8")
    environment = {**os.environ, "INTERLOCK_STATE": str(tmp_path / "state")}
    server = Server(tmp_path, environment=environment, log=tmp_path / "server.log")
    key = server.first_key("person", "ada")
    server.start()
    try:
        with OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["desk", "rules"]
            asked: list[Any] = [{"role": "user", "content": "Whose is order 2?"}]
            tools: Any = TOOLS
            answer = client.chat.completions.with_raw_response.create(model="rules", messages=asked, tools=tools)
            assert "BERGS" in str(answer.parse().choices[0].message.content)
            assert answer.headers["x-interlock-target"] == "rules:desk"
        actions = server.caller(key).get("/v1/actions", session=answer.headers["x-interlock-session"])["items"]
        assert [action["id"] for action in actions] == [answer.headers["x-interlock-actions"]]
        metrics = server.caller(key).send("GET", "/metrics").content.decode()
        assert "interlock_overhead_seconds_count 2.0" in metrics, "the completion, and the look at its actions"
    finally:
        server.stop()

"""What is told to nobody: secrets and people's data, put through the whole path and then looked for where they leak."""

from __future__ import annotations

import json
import logging
import sqlite3
from asyncio import StreamWriter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.app.composition import Running
from interlock.experience.api import Api
from interlock.governance.credentials import KeyRequest
from interlock.integration.systems import Answer
from interlock.orchestration.actions import Action, Proposal
from interlock.orchestration.approvals import Verdict
from interlock.orchestration.sessions import Opening
from interlock.testing.servers import Received, ScriptedServer, answers, hangs, head
from interlock.values.errors import InterlockError
from interlock.values.principals import Kind
from tests.orchestration.desk import AGENT_KEY, CARLA, DORA, LENA, running, write_project

SECRET, NAME, IBAN, WORDS = "s3cr3t-canary-token", "Zelda Canaryson", "DE89CANARY0440532013", "my dog Canarino is ill"
MAIL = "zelda@canary.example"
CANARIES = (SECRET, NAME, "Canaryson", IBAN, WORDS, "Canarino", MAIL)

BANK = """
system: bank
kind: other
connector: openapi
connection: {spec: bank.json, base_url: "URL", auth: {bearer: "secret:bank"}}
limits: {timeout: 1s, retries: 0}
operations:
  look: {effect: read, from: "GET /people/{iban}"}
  send:
    effect: write
    from: POST /send
    facts:
      person: bank.look(iban = input.iban)
"""

POLICY = """
@id("look") permit (principal in Role::"agents", action == Action::"bank.look", resource);
@id("send") permit (principal in Role::"agents", action == Action::"bank.send", resource)
when { context.facts.person.name == context.input.name };
@id("send-more") @require("approval:lead")
permit (principal in Role::"agents", action == Action::"bank.send", resource) when { context.input.amount > 100 };
"""


def _document() -> dict[str, Any]:
    text = {"type": "string"}
    person = {"type": "object", "required": ["name"], "properties": {"name": text, "mail": text}}
    sent = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    wanted = {
        "type": "object",
        "required": ["iban", "name", "amount"],
        "additionalProperties": False,
        "properties": {"iban": text, "name": text, "amount": {"type": "integer", "maximum": 1000}, "note": text},
    }
    iban = {"name": "iban", "in": "path", "required": True, "schema": text}

    def answer(schema: dict[str, Any]) -> dict[str, Any]:
        return {"200": {"description": "Done", "content": {"application/json": {"schema": schema}}}}

    return {
        "openapi": "3.1.0",
        "info": {"title": "bank", "version": "1"},
        "paths": {
            "/people/{iban}": {"get": {"parameters": [iban], "responses": answer(person)}},
            "/send": {
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": wanted}}},
                    "responses": answer(sent),
                }
            },
        },
    }


async def _tells_everything(request: Received, writer: StreamWriter) -> None:
    """Fail, and repeat whatever was sent, in every place where a text may differ from one time to the next."""
    told = {"code": f"no:{MAIL}", "title": f"{NAME} at {MAIL}", "detail": request.body.decode()}
    told["auth"] = request.headers["authorization"]
    content = json.dumps({**told, "instance": request.target}).encode()
    lines = {"content-type": "application/json", "content-length": str(len(content))}
    writer.write(head(500, lines) + content)


async def _answers(request: Received, writer: StreamWriter) -> None:
    """Know the person, and take what is sent."""
    found = {"name": NAME, "mail": MAIL} if request.method == "GET" else {"id": 7}
    await answers(200, found)(request, writer)


class Leaks:
    """Everything that was said, to be searched for canaries at the end."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def say(self, where: str, text: object) -> None:
        self.said.append((where, str(text)))

    def of(self, *canaries: str) -> list[str]:
        return [f"{where}: {canary}" for where, text in self.said for canary in canaries if canary in text]


@pytest.fixture
async def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Running, ScriptedServer, Path]]:
    monkeypatch.setenv("INTERLOCK_SECRET_BANK", SECRET)
    root = write_project(tmp_path)
    async with ScriptedServer(_answers) as server:
        (root / "bank.json").write_text(json.dumps(_document()), "utf-8")
        (root / "systems" / "bank.yaml").write_text(BANK.replace("URL", server.url), "utf-8")
        (root / "policies" / "bank.cedar").write_text(POLICY, "utf-8")
        agent = root / "agents" / "helper.yaml"
        agent.write_text(agent.read_text("utf-8").replace('"notes.*"', '"notes.*", "bank.*"'), "utf-8")
        async with running(root) as composed:
            yield composed, server, root


async def _told(leaks: Leaks, call: Any, *, shows: Callable[[Any], object] = repr) -> Any:
    try:
        result = await call
    except InterlockError as error:
        leaks.say(error.code, f"{error} {error.problem()} {error!r}")
        return None
    leaks.say("repr", shows(result))
    return result


async def _path(running: Running, server: ScriptedServer, leaks: Leaks) -> None:
    """Take a person's data along every way that an action can go."""
    desk, propose = running.installation, running.installation.actions.propose
    opening = Opening(agent="helper", request=f"{WORDS}; send 5 to {NAME}, {IBAN}", customer=NAME)
    session = await _told(leaks, desk.sessions.open(CARLA, opening))
    leaks.say("repr", opening)
    wanted = {"iban": IBAN, "name": NAME, "amount": 5, "note": WORDS}

    async def send(**changed: Any) -> Action | None:
        proposal = Proposal(session.id, "bank.send", {**wanted, **changed})
        leaks.say("repr", proposal)
        found: Action | None = await _told(leaks, propose(AGENT_KEY, proposal))
        if found is not None and found.problem is not None:
            leaks.say("problem", found.problem)
        return found

    assert (await send()) is not None
    await _told(leaks, desk.sessions.extend(CARLA, session.id, request=f"and {WORDS} again"))
    await send(name="Somebody Else")
    await send(amount="many " + NAME)
    await send(**{NAME: MAIL, MAIL: 1})
    await _told(leaks, propose(AGENT_KEY, Proposal(session.id, "bank.look", {"iban": {NAME: IBAN}})))
    waiting = await send(amount=400)
    assert waiting is not None
    assert waiting.state == "waiting"
    (asked,) = await desk.approvals.page(LENA)
    leaks.say("repr", asked)
    verdict = Verdict(asked.id, True, asked.consent, comment=f"{NAME} called", edited={**wanted, "amount": 300})
    leaks.say("repr", verdict)
    server.behaviour = _answers
    await _told(leaks, desk.approvals.decide(verdict, LENA))

    async def fails_to_send(request: Received, writer: StreamWriter) -> None:
        await (_answers if request.method == "GET" else _tells_everything)(request, writer)

    async def breaks_its_contract(request: Received, writer: StreamWriter) -> None:
        await (_answers if request.method == "GET" else answers(200, {"id": NAME, MAIL: IBAN}))(request, writer)

    async def never_answers(request: Received, writer: StreamWriter) -> None:
        await (_answers if request.method == "GET" else hangs())(request, writer)

    for amount, behaviour in enumerate((fails_to_send, breaks_its_contract, never_answers, _tells_everything), 6):
        server.behaviour = behaviour
        failed = await send(amount=amount)
        assert failed is not None
        assert failed.state in ("in_doubt", "denied")
        if failed.state == "in_doubt":
            await _told(leaks, desk.actions.resolve(failed.id, DORA, succeeded=False, comment=f"{NAME} has nothing"))
    note = await propose(AGENT_KEY, Proposal(session.id, "notes.write_note", {"text": WORDS}))
    problem = {"code": IBAN, "detail": f"no room for {NAME}"}
    await _told(leaks, desk.actions.report(note.id, AGENT_KEY, Answer("failed", problem=problem)))


async def _requests(running: Running, leaks: Leaks) -> None:
    """Send malformed requests that carry a person's data, and a key that is none."""
    desk = running.installation
    issued = await desk.keys.create(
        KeyRequest(Kind.person, "carla", "acme", frozenset({"act", "read", "approve"})),
        directory=desk.projects.current.directory,
        by=DORA,
    )
    leaks.say("repr", issued)
    key = issued.text.reveal()
    api = Api(desk)

    async def post(path: str, body: bytes, bearer: str = key) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def answer(message: Any) -> None:
            leaks.say(f"answer to {path}", message.get("body", b""))

        headers = [(b"authorization", f"Bearer {bearer}".encode()), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await api(scope, receive, answer)

    for body in (
        f'{{"session": "{NAME}',
        f'{{"session": "x", "operation": 5, "{NAME}": "{IBAN}"}}',
        f'{{"session": "{IBAN}", "operation": "bank.send", "input": "{WORDS}"}}',
        f'{{"session": "{IBAN}", "operation": "bank.send", "input": {{"name": "{NAME}"}}}}',
        "[" * 2000 + f'"{NAME}"' + "]" * 2000,
    ):
        await post("/v1/actions", body.encode())
        await post("/v1/sessions", body.encode())
    await post("/v1/actions", b'{"session": "x", "operation": "bank.send"}', f"ik_{SECRET}")
    await post("/v1/actions", NAME.encode("utf-16"))


async def test_canaries_come_out_nowhere(
    bank: tuple[Running, ScriptedServer, Path], caplog: pytest.LogCaptureFixture
) -> None:
    composed, server, root = bank
    leaks = Leaks()
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
    await _path(composed, server, leaks)
    await _requests(composed, leaks)
    await composed.installation.settlement.round()
    leaks.say("metrics", composed.installation.telemetry.metrics.render()[0].decode())
    for record in caplog.records:
        leaks.say(f"log of {record.name}", f"{record.getMessage()} {record.exc_text} {record.args}")
    with sqlite3.connect(next((root / "state").rglob("*.db"))) as database:
        for kind, body in database.execute("SELECT kind, body FROM journal"):
            leaks.say(f"journal {kind}", body)
        kinds = {row[0] for row in database.execute("SELECT DISTINCT kind FROM journal")}
        payloads = [row[0] for row in database.execute("SELECT payload FROM journal_payload")]
        documents = [row[0].decode() for row in database.execute("SELECT document FROM actions")]
    assert {"action.decided", "action.edited", "action.in_doubt", "action.failed", "proposal.refused"} <= kinds
    assert leaks.of(*CANARIES) == []
    assert any(NAME in payload for payload in payloads), "the values themselves are kept, apart from what is hashed"
    assert not [text for text in (*payloads, *documents) if SECRET in text]

"""Calls to a real server of both versions of SOAP: values there and back, who we are, and what faults mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.integration.contracts import Contract
from interlock.integration.systems import FAILED, SUCCEEDED, UNKNOWN, Connector
from interlock.testing.connectors import Condition, ConnectorContract, Rig, over_http
from interlock.testing.servers import ScriptedServer, free_port, resets
from interlock.values.secrets import MASK
from tests.integration.connectors.relay import Relay
from tests.integration.connectors.soap.ledger import (
    INVOICE,
    PASSWORD,
    SECRETS,
    USER,
    Ledger,
    connected,
    described,
    running,
    system,
)

WHOLE = {
    "@id": "I2",
    "customer": "Jörg <&> Söhne\u2028",
    "due": "2026-01-02",
    "at": "2026-01-02T03:04:05",
    "status": "paid",
    "urgent": False,
    "weight": 0.25,
    "lines": {"Line": [{"sku": "a b", "count": 2**31 - 1, "price": "12345678901234567890.10"}, None]},
    "tags": ["x", None, ""],
}


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with running() as served:
        yield served


@pytest.fixture(params=["11", "12"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def calling(ledger: Ledger, root: Path, version: str, **connection: Any) -> AsyncIterator[Connector]:
    (root / "service.wsdl").write_bytes(ledger.wsdl[version])
    async with connected(root, system(**connection)) as connector:
        yield connector


class TestContract(ConnectorContract):
    plugin = "interlock.integration.connectors.soap:plugin"
    conditions = frozenset(Condition) - {Condition.unending}

    @asynccontextmanager
    async def rig(self, condition: Condition, root: Path) -> AsyncIterator[Rig]:
        with running() as served:
            (root / "service.wsdl").write_bytes(served.wsdl["11"])
            async with (
                ScriptedServer(over_http(condition, resets())) as listener,
                Relay(served.port, b"", "slow") as slow,
            ):
                where = {
                    Condition.working: served.url("11"),
                    Condition.slow: served.url("11").replace(str(served.port), str(slow.port)),
                    Condition.refused: f"http://127.0.0.1:{free_port()}/",
                }
                security = {"username": USER, "password": "secret:ledger"}
                content = system(
                    where.get(condition, listener.url), security=security, soap_headers={"Session": {"locale": "de"}}
                )
                content["operations"] = {name: content["operations"][name] for name in ("read", "write")}
                secrets = {"ledger": SECRETS["INTERLOCK_SECRET_LEDGER"]}
                yield Rig(content, {"id": "I1"}, {"invoice": INVOICE}, secrets, lambda: served.effects)


async def test_values_go_there_and_come_back(ledger: Ledger, tmp_path: Path, version: str) -> None:
    async with calling(ledger, tmp_path, version) as connector:
        answer = await connector.call("write", {"invoice": WHOLE}, key="", timeout=5)
    schema = described(tmp_path, system()).definitions["write"].output_schema
    assert schema is not None
    assert answer.status == SUCCEEDED, answer.problem
    assert Contract(schema).holds(answer.output)
    assert answer.output == {"PostInvoiceResult": WHOLE}


async def test_what_is_not_there_is_null_or_absent(ledger: Ledger, tmp_path: Path, version: str) -> None:
    async with calling(ledger, tmp_path, version) as connector:
        assert (await connector.call("read", {"id": "none"}, key="", timeout=5)).output == {}
        assert (await connector.call("nothing", {}, key="", timeout=5)).output == {}
        found = (await connector.call("read", {"id": "I1"}, key="", timeout=5)).output["GetInvoiceResult"]
    assert found["lines"] == {"Line": [{"sku": "a", "count": 2, "price": "1.50"}]}
    assert "due" not in found


async def test_the_projects_address_wins(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "service.wsdl").write_bytes(ledger.wsdl["11"].replace(str(ledger.port).encode(), b"1"))
    async with connected(tmp_path, system(ledger.url("11"))) as connector:
        assert (await connector.call("read", {"id": "I1"}, key="", timeout=5)).succeeded
    async with connected(tmp_path, system()) as connector:
        answer = await connector.call("read", {"id": "I1"}, key="", timeout=5)
        assert (answer.status, answer.sent) == (FAILED, False)


@pytest.mark.parametrize("digest", [False, True])
async def test_a_username_token_is_proven(ledger: Ledger, tmp_path: Path, version: str, digest: bool) -> None:
    security = {"username": USER, "password": "secret:ledger", "digest": digest}
    async with calling(ledger, tmp_path, version, security=security) as connector:
        asks = (await connector.call("asks", {}, key="", timeout=5)).output
    assert asks["WhoAsksResult"]["string"][0] == f"{USER} proven"


async def test_basic_authentication_and_headers_of_ones_own(ledger: Ledger, tmp_path: Path) -> None:
    auth = {"basic": {"username": USER, "password": "secret:ledger"}}
    async with calling(ledger, tmp_path, "11", auth=auth, headers={"X-Tenant": "secret:tenant"}) as connector:
        asks = (await connector.call("asks", {}, key="", timeout=5)).output["WhoAsksResult"]["string"]
    assert asks == ["nobody", f"Basic {MASK}", MASK], "both came, and what came back of them is masked"


async def test_headers_of_the_message_hold_secrets_that_never_come_back(
    ledger: Ledger, tmp_path: Path, version: str
) -> None:
    header = {"Session": {"token": "secret:ledger", "locale": "Moin"}}
    async with calling(ledger, tmp_path, version, soap_headers=header) as connector:
        answer = await connector.call("greet", {"name": "Ada"}, key="", timeout=5)
    assert answer.output == {"GreetResult": f"Moin Ada {MASK}"}
    assert PASSWORD not in repr(connector)


async def test_a_secret_that_is_missing_is_not_sent_for(ledger: Ledger, tmp_path: Path) -> None:
    security = {"username": USER, "password": "secret:nowhere"}
    async with calling(ledger, tmp_path, "11", security=security) as connector:
        answer = await connector.call("read", {"id": "I1"}, key="", timeout=5)
        assert (answer.status, answer.sent) == (FAILED, False)
        assert answer.problem is not None
        assert answer.problem["code"] == "secret_missing"


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer", "status", "code", "done"),
    [
        ("early", FAILED, "refused", 0),  # Client.Unwanted: the message was at fault
        ("late", UNKNOWN, "system_error", 1),  # a fault of the server's, after the invoice was posted
        ("boom", UNKNOWN, "system_error", 1),
        ("stock", UNKNOWN, "system_error", 0),  # nothing was done, but nobody said that this fault means so
    ],
)
async def test_faults_of_a_write(
    ledger: Ledger, tmp_path: Path, version: str, customer: str, status: str, code: str, done: int
) -> None:
    before = ledger.effects
    async with calling(ledger, tmp_path, version) as connector:
        answer = await connector.call("write", {"invoice": INVOICE | {"customer": customer}}, key="", timeout=5)
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == (status, code)
    assert ledger.effects - before == done
    assert "there.example" not in str(answer.problem), "what a fault says in words may repeat what was sent"


async def test_faults_that_the_project_knows_to_be_refusals(ledger: Ledger, tmp_path: Path, version: str) -> None:
    async with calling(ledger, tmp_path, version, refusals=["OutOfStock"]) as connector:
        stock = await connector.call("write", {"invoice": INVOICE | {"customer": "stock"}}, key="", timeout=5)
        early = await connector.call("write", {"invoice": INVOICE | {"customer": "early"}}, key="", timeout=5)
    assert (stock.status, stock.problem) == (
        FAILED,
        {
            "code": "refused",
            "detail": "the system refused the call with a fault",
            "system": {"code": "OutOfStock"},
        },
    )
    assert early.status == UNKNOWN, "an own list takes the place of the usual one"


async def test_a_fault_of_a_read_is_a_failure(ledger: Ledger, tmp_path: Path, version: str) -> None:
    async with calling(ledger, tmp_path, version) as connector:
        answer = await connector.call("read", {"id": "lost"}, key="", timeout=5)
    assert answer.status == FAILED
    assert answer.problem is not None
    assert answer.problem["system"]["code"].endswith("NotFound")


async def test_arguments_that_cannot_be_written_are_not_sent(ledger: Ledger, tmp_path: Path) -> None:
    async with calling(ledger, tmp_path, "11") as connector:
        answer = await connector.call("write", {"invoice": INVOICE | {"customer": "\x00"}}, key="", timeout=5)
    assert (answer.status, answer.sent) == (FAILED, False)
    assert answer.problem == {
        "code": "argument_unsendable",
        "detail": "/invoice/customer holds a sign that XML has not",
    }

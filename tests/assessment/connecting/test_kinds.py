"""`interlock connect` on every kind of source: one project of them all is valid, and an MCP client can list it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import jsonschema_rs
import pytest
import yaml
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from interlock.app.main import main
from tests.foundation.http.certificates import certificate
from tests.house.source import ROOT
from tests.integration.connectors.ldap import slapd
from tests.journeys.server import Server

EXCHANGE = ROOT / "examples" / "exchange"
PROJECT = "name: kinds\ntenants: [main]\nroles: [staff]\npeople: {ada: {name: Ada, roles: [staff]}}\n"
POLICY = '@id("all") @require("confirm")\npermit (principal in Role::"staff", action, resource);\n'
GRAPHQL = "type Query { book(isbn: ID!): Book }\ntype Book { isbn: ID! title: String }\n"
X12 = (
    "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HALVORSEN      *261101*1200*U*00401*000000001*0*T*:~"
    "GS*PO*NORTHWIND*HALVORSEN*20261101*1200*1*X*004010~ST*850*0001~BEG*00*SA*4711**20261101~"
    "PO1*1*5*EA*9.50**VP*A1~CTT*1~SE*5*0001~GE*1*1~IEA*1*000000001~"
)
EDIFACT = (
    "UNB+UNOC:3+NORTHWIND+HALVORSEN+261101:1200+1'UNH+1+ORDERS:D:96A:UN'BGM+220+4711+9'"
    "DTM+137:20261101:102'UNS+S'UNT+5+1'UNZ+1+1'"
)
PROTO = """
syntax = "proto3";
package stock;
message Asked { string article = 1; }
message Told { string article = 1; int64 pieces = 2; }
service Stock { rpc Look(Asked) returns (Told); }
"""
OPENRPC = {
    "openrpc": "1.2.6",
    "info": {"title": "Crm", "version": "1"},
    "methods": [
        {
            "name": "customer.get",
            "params": [{"name": "number", "required": True, "schema": {"type": "string"}}],
            "result": {"name": "customer", "schema": {"type": "object"}},
        }
    ],
}
WSDL = """<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:t="urn:rates" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:rates" name="Rates">
  <types><x:schema targetNamespace="urn:rates" elementFormDefault="qualified">
    <x:element name="Ask"><x:complexType><x:sequence>
      <x:element name="currency" type="x:string"/></x:sequence></x:complexType></x:element>
    <x:element name="Told"><x:complexType><x:sequence>
      <x:element name="rate" type="x:decimal"/></x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="In"><part name="p" element="t:Ask"/></message>
  <message name="Out"><part name="p" element="t:Told"/></message>
  <portType name="Port">
    <operation name="GetRate"><input message="t:In"/><output message="t:Out"/></operation>
  </portType>
  <binding name="Bound" type="t:Port">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="GetRate"><soap:operation soapAction="urn:rates:get"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Rates"><port name="Port" binding="t:Bound"><soap:address location="https://rates.example/soap"/></port>
  </service>
</definitions>
"""
ADDRESSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ledger": ("ledger/account.cpy", ()),
    "orders": ("edi/in/first.edi", ()),
    "bestellungen": ("edifact/in/first.edi", ()),
    "post": ("imaps://house%40acme.example@imap.acme.example", ()),
    "desk": ("imap://mail.acme.example:1143", ()),
    "hooks": ("github", ("--kind", "webhook")),
    "signed": ("hmac", ("--kind", "webhook")),
    "partner": ("https://partner.example/in", ("--kind", "webhook")),
    "tool": ("tools/report", ("--kind", "program")),
    "counter": ("tools/report", ("--kind", "terminal")),
    "bus": ("nats://mq.acme.example/shop.orders", ()),
    "queue": ("amqps://house@mq.acme.example/orders", ()),
    "old_desk": ("https://desk.acme.example/api", ("--kind", "http")),
    "books": ("books.db", ()),
    "shop": ("shop.graphql", ()),
    "prices": ("lists", ()),
    "sales": ("lists/prices.csv", ("--kind", "warehouse")),
    "marts": ("marts.duckdb", ()),
    "stock": ("stock.proto", ()),
    "crm": ("crm.openrpc.json", ()),
    "rates": ("rates.wsdl", ()),
    "billing": (str(ROOT / "examples" / "northwind" / "services" / "billing.openapi.json"), ()),
}
KINDS = set(
    "broker edi files fixed graphql grpc http ldap mail openapi program rpc soap sql terminal warehouse webhook".split()
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a source of every kind in its folder, each connected by the command line."""
    root = tmp_path_factory.mktemp("kinds")
    (root / "interlock.yaml").write_text(PROJECT, "utf-8")
    for folder in ("policies", "ledger", "edi/in", "edifact/in", "tools", "lists"):
        (root / folder).mkdir(parents=True)
    (root / "policies" / "all.cedar").write_text(POLICY, "utf-8")
    shutil.copy(EXCHANGE / "copybooks" / "account.cpy", root / "ledger" / "account.cpy")
    shutil.copy(EXCHANGE / "data" / "accounts.dat", root / "ledger" / "account.dat")
    (root / "edi" / "in" / "first.edi").write_text(X12, "utf-8")
    (root / "edifact" / "in" / "first.edi").write_text(EDIFACT, "utf-8")
    (root / "tools" / "report").write_text("#!/bin/sh\ntouch ran\n", "utf-8")
    (root / "tools" / "report").chmod(stat.S_IRWXU)
    (root / "shop.graphql").write_text(GRAPHQL, "utf-8")
    (root / "stock.proto").write_text(PROTO, "utf-8")
    (root / "crm.openrpc.json").write_text(json.dumps(OPENRPC), "utf-8")
    (root / "rates.wsdl").write_text(WSDL, "utf-8")
    (root / "lists" / "prices.csv").write_text("article,price\nA1,9.50\n", "utf-8")
    with sqlite3.connect(root / "books.db") as database:
        database.execute("CREATE TABLE book (isbn TEXT PRIMARY KEY, title TEXT)")
    database.close()
    with duckdb.connect(str(root / "marts.duckdb")) as marts:
        marts.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, region TEXT, amount DECIMAL(10, 2))")
    for name, (address, more) in ADDRESSES.items():
        place = str(root / address) if (root / address).is_dir() else address
        assert main(["connect", place, *more, "--name", name, "--all", "--project", str(root)]) == 0, name
    if slapd.program() is not None:
        own = certificate(tmp_path_factory.mktemp("slapd"))
        with slapd.running(own) as directory, pytest.MonkeyPatch.context() as patched:
            patched.setenv("SSL_CERT_FILE", str(own))
            words = [f"ldap://127.0.0.1:{directory.port}", "--name", "staff", "--all", "--project", str(root)]
            assert main(["connect", *words]) == 0
    return root


def connected(root: Path) -> list[str]:
    return sorted(file.stem for file in (root / "systems").iterdir())


def declared(root: Path, system: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((root / "systems" / f"{system}.yaml").read_text("utf-8"))
    return content


def test_every_kind_is_told_and_the_project_is_valid(project: Path) -> None:
    assert {declared(project, name)["connector"] for name in connected(project)} | {"ldap"} == KINDS
    assert main(["check", str(project)]) == 0


def test_a_directory_is_told_as_the_others_are(project: Path) -> None:
    if slapd.program() is None:
        pytest.skip("there is no slapd here, so no directory was connected (hint: apt-get install slapd)")
    assert declared(project, "staff")["connector"] == "ldap"


def test_what_is_pinned_is_the_same_in_every_process(project: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from interlock.orchestration.project import load_project; "
        "found = load_project(Path(sys.argv[1])).catalog.operations; "
        "print(*(f'{name} {one.digest}' for name, one in sorted(found.items())), sep='\\n')"
    )
    folders = [project, EXCHANGE, *(ROOT / "examples" / name for name in ("northwind", "office", "legacy"))]
    for folder in folders:
        said = {
            subprocess.run(
                [sys.executable, "-c", program, str(folder)],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        }
        assert len(said) == 1, folder.name
        assert said.pop().strip()


def test_an_mcp_client_lists_all_of_it(project: Path) -> None:
    expected = {f"{name}.{one}" for name in connected(project) for one in declared(project, name)["operations"]}
    secrets = {f"INTERLOCK_SECRET_{name.upper()}": "x" for name in connected(project)}
    state = str(project.parent / "state-of-kinds")
    server = Server(project, environment={"INTERLOCK_STATE": state, **secrets}, log=project.parent / "kinds.log")
    key = server.first_key("person", "ada")
    server.start()
    try:
        tools = asyncio.run(_tools(f"{server.url}/mcp", key))
    finally:
        server.kill()
    assert {tool.name for tool in tools if not tool.name.startswith("interlock.")} == expected
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema or {}):
            jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


async def _tools(url: str, key: str) -> list[Any]:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        found: list[Any] = (await client.list_tools()).tools
        return found


def test_a_copybook_and_its_file_are_understood(project: Path) -> None:
    ledger = declared(project, "ledger")
    assert ledger["connection"]["file"] == "ledger/account.dat"
    assert ledger["connection"]["encoding"] == "cp1047"
    assert ledger["connection"]["records"]["account"] == {"when": "IS-ACCOUNT", "key": ["ACCOUNT-ID"]}
    assert ledger["operations"]["get_account"]["effect"] == "read"
    assert ledger["operations"]["rewrite_account"]["arguments"] == {"account_id": "target"}
    assert ledger["operations"]["rewrite_account"]["effect"] == "write"


@pytest.mark.parametrize(("written", "page"), [("ascii", "ascii"), ("utf-8", "utf-8"), ("cp1252", "cp1252")])
def test_the_code_page_of_a_file_is_guessed_from_its_texts(tmp_path: Path, written: str, page: str) -> None:
    (tmp_path / "interlock.yaml").write_text(PROJECT, "utf-8")
    fields = "05 KONTO-NR PIC 9(4).\n 05 INHABER PIC X(12).\n 05 SALDO PIC S9(5) COMP-3."
    (tmp_path / "konto.cpy").write_text(f"       01 KONTO.\n           {fields}\n".replace("\n 05", "\n           05"))
    name = "Jane" if written == "ascii" else "Jürgen"
    records = (f"{number:04}".encode() + name.encode(written).ljust(12) + b"\x00\x85\x1c" for number in (1, 2))
    (tmp_path / "konto.dat").write_bytes(b"".join(records) + b"0003")  # what is cut off does not count
    assert main(["connect", "konto.cpy", "--project", str(tmp_path)]) == 0
    assert declared(tmp_path, "konto")["connection"]["encoding"] == page
    text = (tmp_path / "systems" / "konto.yaml").read_text("utf-8")
    assert f"encoding: {page}  # a guess" in text


def test_a_name_of_another_language_is_spoken_in_plain_letters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "interlock.yaml").write_text(PROJECT, "utf-8")
    (tmp_path / "Größe für Öl.proto").write_text(PROTO, "utf-8")
    assert main(["connect", "Größe für Öl.proto", "--project", str(tmp_path)]) == 0
    assert connected(tmp_path) == ["groesse_fuer_oel"]
    assert "# nobody said where the system is" in (tmp_path / "systems" / "groesse_fuer_oel.yaml").read_text("utf-8")
    capsys.readouterr()
    assert main(["connect", "Größe für Öl.proto", "--name", "Öl", "--project", str(tmp_path)]) == 2
    assert "--name oel" in capsys.readouterr().err


def test_an_operation_without_a_result_offers_no_fields_to_trust(project: Path) -> None:
    for name in connected(project):
        assert 'trusted_fields: [""]' not in (project / "systems" / f"{name}.yaml").read_text("utf-8")


def test_an_interchange_says_who_is_who(project: Path) -> None:
    orders = declared(project, "orders")["connection"]
    assert (orders["standard"], orders["us"], orders["partner"]) == ("x12", {"id": "HALVORSEN"}, {"id": "NORTHWIND"})
    assert (orders["inbox"], orders["usage"]) == ("edi/in", "test")
    states = [declared(project, name)["connection"]["state"] for name in ("orders", "bestellungen", "prices")]
    assert states == ["state/orders", "state/bestellungen", "state/prices"]
    named = declared(project, "orders")["operations"]["take_order"]["arguments"]
    assert set(named.values()) == {"target"}
    assert "make the folder edi/out" in (project / "systems" / "orders.yaml").read_text("utf-8")
    assert declared(project, "bestellungen")["connection"]["standard"] == "edifact"
    assert declared(project, "orders")["operations"]["send_order_answer"]["effect"] == "irreversible"


def test_a_mailbox_says_no_password(project: Path) -> None:
    post = declared(project, "post")["connection"]
    assert post["auth"] == {"username": "house@acme.example", "password": "secret:post"}
    assert post["smtp"] == {"host": "smtp.acme.example"}
    assert declared(project, "desk")["connection"]["imap"] == {
        "host": "mail.acme.example",
        "tls": "starttls",
        "port": 1143,
    }
    assert "send_message" not in declared(project, "desk")["operations"]


def test_a_program_is_not_run_and_a_scheme_is_enough_for_events(project: Path) -> None:
    assert list(project.rglob("ran")) == []
    assert declared(project, "tool")["operations"]["run_report"]["effect"] == "irreversible"
    assert declared(project, "counter")["operations"]["use_report"]["effect"] == "irreversible"
    assert declared(project, "hooks")["connection"]["signature"] == {"scheme": "github", "secret": "secret:hooks"}
    assert declared(project, "hooks")["operations"]["get_event"]["arguments"] == {"id": "target"}
    assert "/hooks/hooks;" in (project / "systems" / "hooks.yaml").read_text("utf-8")


def test_a_broker_is_known_by_its_address(project: Path) -> None:
    bus, queue = declared(project, "bus"), declared(project, "queue")
    assert bus["connection"] == {
        "broker": "nats",
        "servers": ["mq.acme.example:4222"],
        "tls": False,
        "subscriptions": {"incoming": {"topic": "shop.orders"}},
    }
    assert queue["connection"]["auth"] == {"username": "house", "password": "secret:queue"}
    assert set(queue["operations"]) == {"publish_event"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["edi/in/broken.edi"], "source_unfit"),
        (["imaps://"], "source_unfit"),
        (["imaps://host:99999"], "source_unfit"),
        (["elsewhere", "--kind", "webhook"], "source_unfit"),
        (["ftp://partner.example/in", "--kind", "webhook"], "source_unfit"),
        (["https://user:word@partner.example/in", "--kind", "webhook"], "source_unfit"),
        (["tools/none", "--kind", "program"], "source_unfit"),
        (["ledger/account.cpy", "--kind", "program"], "source_unfit"),
        (["/bin/sh", "--kind", "program"], "source_unfit"),
        (["tools/none", "--kind", "terminal"], "source_unfit"),
        (["nats://mq.acme.example"], "source_unfit"),
        (["redis://mq.acme.example:99999/orders"], "source_unfit"),
        (["desk.acme.example", "--kind", "http"], "source_unfit"),
        (["https://user:word@desk.acme.example", "--kind", "http"], "source_unfit"),
        (["ledger/broken.cpy"], "source_unfit"),
        (["ledger/account.dat"], "source_unknown"),
    ],
)
def test_what_cannot_be_connected_says_why(
    project: Path, words: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "edi" / "in" / "broken.edi").write_text(X12[:200], "utf-8")
    (project / "ledger" / "broken.cpy").write_text(
        "       01 A.\n          05 B PIC Q(3).\n          05 C PIC X.\n", "utf-8"
    )
    assert main(["connect", *words, "--name", "x", "--project", str(project), "--json"]) != 0
    printed = capsys.readouterr()
    assert json.loads(printed.out or printed.err)["code"] == code
    assert not (project / "systems" / "x.yaml").exists()

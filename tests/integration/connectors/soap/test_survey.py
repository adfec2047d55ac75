"""What a WSDL offers to somebody who connects it: from files, from a server, and not from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.assessment.connecting import propose
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.soap import plugin
from interlock.integration.connectors.surveys import Source, Survey, Surveyor
from interlock.integration.systems import Ports, look
from interlock.testing.servers import Received, ScriptedServer, answers
from tests.integration.connectors.soap.catalogue import COLOURS, PARTS, files, wsdl
from tests.integration.connectors.soap.ledger import Ledger, described, running

XML = "text/xml"


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with running() as served:
        yield served


async def found(address: str, root: Path) -> tuple[str, Survey]:
    async with HttpClient() as http:
        return await look(address, Ports(http, SecretStore.standard(environment={}), root))


def write(root: Path, content: dict[str, bytes]) -> None:
    for name, one in content.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(one)


async def test_a_file_offers_its_operations_once(tmp_path: Path) -> None:
    assert isinstance(plugin, Surveyor)
    source = tmp_path / "source"
    source.mkdir()
    files(source)
    kind, survey = await found(str(source / "service.wsdl"), tmp_path)
    assert (kind, survey.title) == ("soap", "Shop")
    assert set(survey.files) == {"service.wsdl", "schemas/parts.xsd", "schemas/colours.xsd"}
    assert [one.origin for one in survey.offers][:2] == ["Shop/Old/Order", "Shop/Old/Tree"]
    assert {one.tags[1] for one in survey.offers} == {"Old", "Sums"}, "a port of another version offers nothing new"
    adds = survey.offers[-1]
    assert (adds.name, adds.description, adds.effect) == ("add", "Adds.", None)
    assert any("addresses of their own" in note for note in survey.notes)
    assert "url" not in survey.connection, "it would send the messages of one port to another"


async def test_where_the_system_is_is_asked_for_where_the_wsdl_does_not_say(tmp_path: Path) -> None:
    text = wsdl()
    files(tmp_path, text[: text.index("<wsdl:service")] + "</wsdl:definitions>")
    _, survey = await found(str(tmp_path / "service.wsdl"), tmp_path)
    assert survey.connection["url"] == "http://127.0.0.1:8080/"
    assert any("write `url`" in note for note in survey.notes)
    assert next(one.origin for one in survey.offers) == "Catalogue11/Order"


async def test_what_is_proposed_can_be_described(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    files(source)
    _, survey = await found(str(source / "service.wsdl"), tmp_path)
    proposal = propose("shop", "soap", survey, survey.offers, source="service.wsdl", owner="")
    assert set(proposal.operations) == {"order", "tree", "ping", "rounds", "paint", "tell", "add"}
    assert [one.origin for one in proposal.left_out] == ["Shop/Old/Draw"]
    assert "abstract" in proposal.left_out[0].why
    assert "services/shop/schemas/parts.xsd" in proposal.files


async def test_a_served_wsdl_is_connected_from_its_url(ledger: Ledger, tmp_path: Path) -> None:
    address = f"{ledger.url('12')}?wsdl"
    kind, survey = await found(address, tmp_path)
    assert kind == "soap"
    assert survey.connection["url"] == ledger.url("12")
    assert [one.name for one in survey.offers] == ["get_invoice", "post_invoice", "who_asks", "greet", "nothing"]
    assert survey.offers[0].description == "Find one invoice."
    assert any("Session" in note for note in survey.notes), "what messages may carry"


async def test_what_a_served_wsdl_imports_is_fetched_from_its_own_host(tmp_path: Path) -> None:
    served = {"/shop?wsdl": wsdl(), "/schemas/parts.xsd": PARTS, "/schemas/colours.xsd": COLOURS}

    async def serve(request: Received, writer: asyncio.StreamWriter) -> None:
        text = served.get(request.target, "")
        await answers(200 if text else 404, text.encode(), media_type=XML)(request, writer)

    async with ScriptedServer(serve) as listener:
        _, survey = await found(f"{listener.url}/shop?wsdl", tmp_path)
        assert survey.connection["imports"] == {
            "schemas/parts.xsd": "FILES/import-1.xsd",
            "schemas/colours.xsd": "FILES/import-2.xsd",
        }
        write(tmp_path, dict(survey.files))
        imports = {key: name.removeprefix("FILES/") for key, name in survey.connection["imports"].items()}
        connection = {"wsdl": "service.wsdl", "url": "http://127.0.0.1:1/", "imports": imports}
        operations = {"order": {"from": "Old/Order", "effect": "write"}}
        content = {"system": "shop", "connector": "soap", "connection": connection, "operations": operations}
        assert not described(tmp_path, content).troubles

        served["/schemas/colours.xsd"] = ""
        with pytest.raises(SourceUnfit, match=r"colours.xsd, which answers 404"):
            await found(f"{listener.url}/shop?wsdl", tmp_path)
        served["/shop?wsdl"] = wsdl().replace("schemas/parts.xsd", "https://there.example/parts.xsd")
        with pytest.raises(SourceUnfit, match="from another host"):
            await found(f"{listener.url}/shop?wsdl", tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (wsdl()[:-30], "is no XML"),
        (wsdl().replace("schemas/parts.xsd", "https://there.example/parts.xsd"), "nothing is fetched"),
        (wsdl().split("<wsdl:portType", maxsplit=1)[0] + "</wsdl:definitions>", "none of its ports speaks SOAP"),
    ],
)
async def test_a_wsdl_that_cannot_be_used_is_said_so(tmp_path: Path, text: str, says: str) -> None:
    files(tmp_path, text)
    with pytest.raises(SourceUnfit, match=says):
        await found(str(tmp_path / "service.wsdl"), tmp_path)


def test_other_xml_is_not_taken_for_a_wsdl() -> None:
    assert not plugin.recognises(Source("a.xml", b"<definitions/>"))
    assert not plugin.recognises(Source("a.xml", PARTS.encode()))
    assert not plugin.recognises(Source("http://x/?wsdl"))
    assert plugin.recognises(
        Source("a.txt", b'<?xml version="1.0"?>\n<definitions xmlns="http://schemas.xmlsoap.org/wsdl/">')
    )

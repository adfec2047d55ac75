"""What a directory publishes is proposed as operations; nobody logs in, and entries but units are not looked at."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.ldap import plugin
from interlock.integration.connectors.surveys import Source, Survey
from interlock.testing.servers import free_port
from interlock.values.operations import Effect
from tests.foundation.http.certificates import certificate
from tests.integration.conftest import Workbench
from tests.integration.connectors.ldap.relay import Relay
from tests.integration.connectors.ldap.slapd import BASE, Directory, running

START_TLS = b"1.3.6.1.4.1.1466.20037"


@pytest.fixture
def trusted(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> Directory:
    """The directory, whose certificate this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(directory.certificate))
    return directory


async def look(bench: Workbench, address: str) -> Survey:
    ports = Ports(HttpClient(), SecretStore.standard(environment={}), bench.root)
    return await plugin.survey(Source(address), ports)


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
async def test_the_usual_entries_are_proposed_by_the_schema(bench: Workbench, trusted: Directory, scheme: str) -> None:
    port = trusted.port if scheme == "ldap" else trusted.tls_port
    found = await look(bench, f"{scheme}://127.0.0.1:{port}")
    auth = {"dn": f"cn=interlock,{BASE}", "password": "secret:SYSTEM"}
    assert found.connection == {"url": f"{scheme}://127.0.0.1:{port}", "auth": auth, "base": BASE}
    offers = {one.name: one for one in found.offers}
    assert list(offers) == [
        *("find_people", "get_person", "add_person", "change_person", "delete_person"),
        *("find_groups", "get_group", "add_group_member", "remove_group_member", "find_units", "get_unit"),
    ]
    assert (offers["find_people"].effect, offers["delete_person"].effect) == (Effect.read, Effect.irreversible)
    add: dict[str, Any] = dict(offers["add_person"].settings["options"])
    assert (add["dn"], add["required"]) == (f"uid={{uid}},ou=people,{BASE}", ["sn", "cn"])
    assert (add["attributes"]["mail"], add["attributes"]["manager"]) == (["string"], "dn")
    assert offers["add_person"].settings["arguments"] == {"uid": "target", "manager": "target"}
    assert offers["add_group_member"].idempotent


async def test_what_is_proposed_is_a_declaration_that_holds(bench: Workbench, trusted: Directory) -> None:
    found = await look(bench, f"ldap://127.0.0.1:{trusted.port}/ou=people,{BASE}")
    operations = {
        one.name: {"from": one.origin, "effect": (one.effect or Effect.write).value, **one.settings}
        for one in found.offers
    }
    connection = {**found.connection, "auth": {"dn": f"cn=x,{BASE}", "password": "secret:x"}}
    declared = {"system": "directory", "connector": "ldap", "connection": connection, "operations": operations}
    assert len(bench.catalog(declared).operations) == len(found.offers)
    assert found.connection["base"] == f"ou=people,{BASE}"


async def test_without_tls_it_is_said_and_credentials_in_the_address_are_dropped(
    bench: Workbench, trusted: Directory
) -> None:
    async with Relay(trusted.port, START_TLS, "unwilling") as relay:
        found = await look(bench, f"ldap://cn=admin:a-password@127.0.0.1:{relay.port}")
    assert found.connection["tls"] is False
    assert "a-password" not in repr(found)
    assert any("credentials" in note for note in found.notes)


async def test_a_certificate_that_is_not_trusted_ends_it(bench: Workbench, directory: Directory) -> None:
    for address in (f"ldap://127.0.0.1:{directory.port}", f"ldaps://127.0.0.1:{directory.tls_port}"):
        with pytest.raises(SystemUnreachable, match="not trusted"):
            await look(bench, address)


async def test_a_schema_that_is_not_shown_leaves_the_usual_one(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(bench.root)
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with running(own, 'access to dn.base="cn=Subschema" by * none\naccess to * by * read') as directory:
        found = await look(bench, f"ldap://127.0.0.1:{directory.port}")
    assert len(found.offers) == 11
    assert any("does not show its schema" in note for note in found.notes)


@pytest.mark.parametrize("fault", ["before", "garbled", "truncated", "mistyped"])
async def test_a_directory_that_breaks_off_cannot_be_asked(bench: Workbench, trusted: Directory, fault: str) -> None:
    async with Relay(trusted.port, START_TLS, fault) as relay:
        with pytest.raises(SystemUnreachable):
            await look(bench, f"ldap://127.0.0.1:{relay.port}")
    with pytest.raises(SystemUnreachable, match="refused"):
        await look(bench, f"ldap://127.0.0.1:{free_port()}")


async def test_an_entry_that_no_tree_holds_is_no_place_to_begin(bench: Workbench, trusted: Directory) -> None:
    with pytest.raises(SourceUnfit) as refused:
        await look(bench, f"ldap://127.0.0.1:{trusted.port}/dc=none,dc=example")
    assert "dc=acme,dc=example" in refused.value.fix
    assert (await look(bench, f"ldap://127.0.0.1:{trusted.port}/ou=people,dc=acme,dc=example")).offers


@pytest.mark.parametrize("address", ["ldaps://", "ldap://h:99999", "ldap://h/nonsense", "http://h", "ldap://[::1"])
async def test_what_is_no_address_is_refused(bench: Workbench, address: str) -> None:
    with pytest.raises(SourceUnfit):
        await look(bench, address)


def test_an_address_is_recognised_by_its_scheme() -> None:
    assert plugin.recognises(Source("LDAPS://ldap.acme.example"))
    assert not plugin.recognises(Source("imaps://mail.acme.example"))

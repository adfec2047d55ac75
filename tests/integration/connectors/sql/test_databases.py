"""Each kind of database is one object; whatever asks which kinds there are asks those."""

from __future__ import annotations

import pytest

from interlock.integration.connectors.sql import plugin
from interlock.integration.connectors.sql.databases import DATABASES, Database, database
from interlock.integration.connectors.surveys import Source
from interlock.integration.contracts import Contract


@pytest.mark.parametrize("kind", DATABASES, ids=lambda kind: kind.addresses[0])
def test_a_kind_is_known_by_how_its_addresses_begin(kind: Database) -> None:
    schema = Contract(plugin.connection_schema)
    assert kind.form.startswith(kind.addresses[0])
    for address in kind.addresses:
        assert database(f"{address}x") is kind
        assert plugin.recognises(Source(f"{address}x"))
        assert schema.holds({"url": f"{address}x"})
        assert not kind.troubles(f"{address}u@h/x")
        assert kind.form in plugin.connection_schema["properties"]["url"]["description"]


def test_what_begins_otherwise_is_none() -> None:
    assert not plugin.recognises(Source("oracle://u@h/d"))
    assert not Contract(plugin.connection_schema).holds({"url": "oracle://u@h/d"})


def test_no_two_kinds_begin_alike() -> None:
    addresses = [address for kind in DATABASES for address in kind.addresses]
    assert len(set(addresses)) == len(addresses)
    assert not [one for one in addresses for other in addresses if one != other and one.startswith(other)]

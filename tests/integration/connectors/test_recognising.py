"""Whatever stands at an address is looked at by every kind of connector: none of them may take long for it."""

from __future__ import annotations

import time
from importlib.metadata import EntryPoint, entry_points

import pytest

from interlock.integration.connectors.openapi.survey import recognises
from interlock.integration.connectors.surveys import Source

KINDS = [one for one in entry_points(group="interlock.connectors") if one.name != "external"]  # which is never met
ODD = {
    "empty lines": b"\n" * 65_536,
    "blanks": b" " * 65_536,
    "braces": b"{\n" * 32_768,
    "commas": b", " * 32_768,
    "types": b"\n type " * 9_000,
    "definitions": b"<definitions " * 5_000,
    "sections": b"01 A" * 16_000,
    "signs": b"'\"<{[(" * 10_000,
    "ISA": b"ISA*" * 16_000,
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_no_text_takes_long_to_be_looked_at(kind: EntryPoint, odd: str) -> None:
    plugin = kind.load()
    began = time.process_time()
    plugin.recognises(Source("x.txt", ODD[odd]))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b"# a comment\n\nopenapi: 3.1.0\n", True),
        (b"  'openapi' : '3.0.1'", True),
        (b'{"info": {},\n  "openapi": "3.0.3"}', True),
        (b'{"swagger":"2.0"}', True),
        (b'{\n\n    "swagger" :\n "2.0"}', True),
        (b"openapi: 2.1", False),
        (b"we like openapi: 3.1.0", False),
        (b'{"x-openapi": "3.0.0"}', False),
    ],
)
def test_documents_of_openapi_are_known_by_their_version(content: bytes, is_one: bool) -> None:
    assert recognises(Source("x", content)) is is_one

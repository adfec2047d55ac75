"""A REST system that no document describes, as a read to be filled in; nothing is asked of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.integration.connectors.web.settings import address_troubles
from interlock.values.operations import Effect

_READ = Offer(
    "GET /things/{id}",
    "get_thing",
    "Return one thing by its id.",
    ("read",),
    Effect.read,
    settings={
        "input": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "maxLength": 100}}},
        "output_schema": {"type": "object"},
    },
)


def survey(source: Source) -> Survey:
    """Return a read below the address of a system's interface. Raises `SourceUnfit`."""
    address = source.address.rstrip("/")
    troubles = [str(one.message) for one in address_troubles(address, "")] if "://" in address else ["no address"]
    parts = urlsplit(address)
    if troubles or parts.scheme not in {"http", "https"} or parts.username or parts.query:
        raise SourceUnfit(
            "this is no address of a REST system",
            why=troubles[0] if troubles else "it is not one of HTTP, or holds more than a path",
            fix="write the address that its requests begin with, such as https://desk.acme.example/api",
        )
    notes = (
        "nothing was asked: write each request as `METHOD /path`, with places for arguments, from a handbook",
        "the read stands for those that the system has; say what its answer holds in `output_schema`",
        "if there is an OpenAPI document after all, connect that",
    )
    return Survey(parts.hostname or "", {"base_url": address, "auth": {"bearer": SECRET}}, (_READ,), notes=notes)

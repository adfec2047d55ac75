"""What a directory publishes of itself: its root entry (RFC 4512, 5.1) and its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.ldap.attributes import Kind
from interlock.integration.connectors.ldap.definitions import Job
from interlock.integration.connectors.ldap.reads import ANYTHING, entry_of, search
from interlock.integration.connectors.ldap.schema import Schema, schema_of
from interlock.integration.connectors.ldap.sessions import Errand, Session

LARGEST = 16 << 20
"""Bytes that a schema may have."""
_MANY = Kind("string", many=True)
_ROOT = ("namingContexts", "defaultNamingContext", "subschemaSubentry", "supportedControl", "objectClass")
_SCHEMA = ("attributeTypes", "objectClasses")
_UNWRITTEN = frozenset({"anr"})
"""Attributes that a server takes in filters, and no schema has."""


def root_of(session: Session, errand: Errand) -> dict[str, list[str]]:
    """Return what the root entry says; where it is not shown, nothing."""
    return next(iter(shown(session, errand, "", ANYTHING, "BASE", dict.fromkeys(_ROOT, _MANY))), {})


def published(session: Session, errand: Errand, root: Mapping[str, list[str]]) -> Schema | None:
    """Return the schema that *root* points to, None where it is not shown."""
    where = next(iter(root.get("subschemaSubentry", ())), "")
    if not where:
        return None
    kinds = dict.fromkeys(_SCHEMA, _MANY)
    for found in shown(session, errand, where, "(objectClass=subschema)", "BASE", kinds):
        schema = schema_of(found["attributeTypes"], found["objectClasses"])
        return schema if schema.attributes and schema.classes else None
    return None


def shown(
    session: Session, errand: Errand, base: str, text: str, scope: str, kinds: Mapping[str, Kind], **more: Any
) -> list[dict[str, Any]]:
    """Return entries, as many as come."""
    _, found, _ = search(session, errand, base, text, scope, kinds, **more)
    return [entry_of(one, kinds) for one in found]


def offered(job: Job, schema: Schema) -> bool:
    """Return whether *schema* has every attribute and class that *job* speaks of."""
    names = {name.lower() for name in (*job.kinds, *job.options.get("required", ()))} - _UNWRITTEN
    names |= job.fits.attributes - _UNWRITTEN if job.fits is not None else set()
    names |= {job.options["attribute"].lower()} if "attribute" in job.options else set()
    classes = {name.lower() for name in job.options.get("classes", ())}
    return names <= schema.attributes.keys() and classes <= schema.classes.keys()

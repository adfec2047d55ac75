"""What a directory offers: the usual kinds of entries, with those of their attributes that its schema has.

It is asked, as nobody in particular, for its root entry, its schema and the names of its units; for no other entry.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from interlock.foundation.http.egress import is_loopback
from interlock.foundation.http.errors import HttpForbidden
from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.ldap.attributes import Kind
from interlock.integration.connectors.ldap.changes import PERMISSIVE
from interlock.integration.connectors.ldap.names import NameInvalid, naming, parse
from interlock.integration.connectors.ldap.publishing import LARGEST, published, root_of, shown
from interlock.integration.connectors.ldap.reads import PAGED
from interlock.integration.connectors.ldap.schema import Schema
from interlock.integration.connectors.ldap.servers import PORTS, Server
from interlock.integration.connectors.ldap.sessions import (
    GARBLED,
    AccessDenied,
    Errand,
    Session,
    TimeOver,
    TooMuch,
    load_driver,
)
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.surveys import SECRET, Offer, Source, Survey
from interlock.values.operations import Effect

PATIENCE = 20.0
_UNITS = "(objectClass=organizationalUnit)"
_MOST_UNITS = 200
_OPEN_LDAP, _UNTOLD = "OpenLDAProotDSE", (PERMISSIVE,)
"""A kind of server by the class of its root entry, and what it knows without saying so."""


@dataclass(frozen=True, slots=True)
class _Entries:
    """A usual kind of entries, by its class. *one* and *many* are words for them, *named* the attribute of their names,
    *homes* what the unit in which they stand is often called.
    """

    kind: str
    one: str
    many: str
    named: str
    homes: tuple[str, ...]
    shown: Mapping[str, Kind]
    sought: str
    members: bool = False


_ONE, _MANY = Kind("string"), Kind("string", many=True)
_PERSON = {
    **dict.fromkeys(("uid", "cn", "sn", "givenName", "displayName"), _ONE),
    **dict.fromkeys(("mail", "telephoneNumber"), _MANY),
    **dict.fromkeys(("title", "departmentNumber", "employeeNumber", "employeeType"), _ONE),
    "manager": Kind("dn"),
}
_GROUP = {"cn": _ONE, "description": _ONE, "member": Kind("dn", many=True)}
_PEOPLE = ("people", "users", "persons", "accounts", "staff")
_USUAL = (
    _Entries("inetOrgPerson", "person", "people", "uid", _PEOPLE, _PERSON, "(|(cn=*{text}*)(mail=*{text}*))"),
    _Entries("groupOfNames", "group", "groups", "cn", ("groups",), _GROUP, "(cn=*{text}*)", members=True),
    _Entries("organizationalUnit", "unit", "units", "ou", (), {"ou": _ONE, "description": _ONE}, "(ou=*{text}*)"),
)


def recognises(source: Source) -> bool:
    """Return whether *source* is the address of a directory: `ldaps://HOST` or `ldap://HOST`."""
    return source.address.partition("://")[0].lower() in PORTS


async def survey(source: Source) -> Survey:
    """Return what the directory at `ldaps://HOST[:PORT][/BASE]` offers.

    Raises `SourceUnfit`, `SystemUnreachable`, `PackageMissing`.
    """
    server, base, notes = _address(source.address)
    Packages("ldap", "ldap", ("ldap3",)).check()
    found = await asyncio.to_thread(_looked, server, base)
    notes += found.notes
    connection: dict[str, Any] = {"url": source_url(server), **({"tls": False} if found.tls == "none" else {})}
    if found.tls == "none" and not is_loopback(server.host):
        notes.append("it offers no TLS, so no password is proposed: it would be sent in the clear")
    else:
        connection["auth"] = {"dn": f"cn=interlock,{found.base}", "password": SECRET}
        notes.append("who we are there is not known: write `auth.dn`, or take `auth` away")
    notes.append(
        "an attribute that is written with one value, and has several in an entry, is no result: write [string]"
    )
    connection["base"] = found.base
    return Survey(server.host, connection, tuple(_offers(found)), notes=tuple(notes))


def source_url(server: Server) -> str:
    """Return the address of *server*, as a connection names it."""
    scheme = "ldaps" if server.tls == "implicit" else "ldap"
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{scheme}://{host}" + (f":{server.port}" if server.port != PORTS[scheme] else "")


def _address(address: str) -> tuple[Server, str, list[str]]:
    notes: list[str] = []
    try:
        parts = urlsplit(address if "://" in address else f"ldaps://{address}")
        host, port, base = parts.hostname or "", parts.port, unquote(parts.path.strip("/"))
        parse(base)
    except (ValueError, NameInvalid) as error:
        raise SourceUnfit("this is no address of a directory", fix="write ldaps://HOST or ldaps://HOST/BASE") from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not host:
        raise SourceUnfit("this is no address of a directory", fix="write ldaps://HOST or ldaps://HOST/BASE")
    if parts.username or parts.password:
        notes.append("the address held credentials, which are written nowhere and were not used")
    return Server(host, port or PORTS[scheme], "implicit" if scheme == "ldaps" else "starttls"), base, notes


@dataclass(frozen=True, slots=True)
class _Found:
    """What a directory said of itself. *schema* is None where it shows none to just anybody."""

    tls: str
    base: str
    schema: Schema | None
    controls: frozenset[str]
    units: tuple[str, ...]
    notes: tuple[str, ...]

    def must(self, entries: _Entries) -> tuple[str, ...]:
        """Return the attributes that such entries must have."""
        return self.schema.must(entries.kind) if self.schema is not None else ("cn", "sn")

    def home(self, entries: _Entries) -> str:
        """Return the unit in which such entries stand, by its name; empty where none has one of the usual names."""
        for unit in self.units:
            if next(iter(naming(unit).values()), "").lower() in entries.homes:
                return unit
        return ""


def _looked(server: Server, base: str) -> _Found:
    """Ask *server*, as nobody in particular. Raises `SystemUnreachable`, `SourceUnfit`."""
    failure = load_driver().core.exceptions.LDAPException
    errand = Errand(time.monotonic() + PATIENCE, LARGEST, writes=False)
    try:
        session = _session(server, errand)
        try:
            return _asked(session, errand, base)
        finally:
            errand.let_go()
            session.part()
    except HttpForbidden as error:
        raise SourceUnfit("the directory is not connected to", why=error.why, fix=error.fix) from error
    except ssl.SSLError as error:
        fix = "let the variable SSL_CERT_FILE name a file of authorities to trust"
        raise SystemUnreachable("the directory's certificate is not trusted", fix=fix) from error
    except (TimeOver, TooMuch, failure, OSError, *GARBLED) as error:
        raise SystemUnreachable("the directory cannot be asked what it holds", why=_why(error, failure)) from error


def _why(error: BaseException, failure: type[BaseException]) -> str:
    if isinstance(error, TimeOver):
        return "it does not answer in time"
    if isinstance(error, OSError):
        return f"no connection could be made: {(error.strerror or 'it broke off').lower()}"
    return "no connection could be made, or it broke off" if isinstance(error, failure) else "it does not speak LDAP"


def _session(server: Server, errand: Errand) -> Session:
    try:
        return Session(server, None, errand)
    except AccessDenied:  # it offers no TLS, and nothing that is secret will be said
        return Session(replace(server, tls="none"), None, errand)


def _asked(session: Session, errand: Errand, base: str) -> _Found:
    notes: list[str] = []
    root = root_of(session, errand)
    contexts = [one for one in (*root.get("defaultNamingContext", ()), *root.get("namingContexts", ())) if one]
    if not base:
        if not contexts:
            fix = "write it behind the host: ldaps://HOST/dc=acme,dc=example"
            raise SourceUnfit("the directory does not say what it holds", fix=fix)
        base = contexts[0]
        if others := sorted(set(contexts) - {base}):
            notes.append(f"it holds {len(others)} more trees: {', '.join(others[:5])[:300]}")
    elif contexts and not any(_stands_under(base, one) for one in contexts):
        fix = f"name an entry of a tree that it holds: {', '.join(contexts[:5])[:300]}"
        raise SourceUnfit("the directory holds no such entry to begin at", fix=fix)
    schema = published(session, errand, root)
    if schema is None:
        notes.append("it does not show its schema to just anybody: classes and attributes are the usual ones")
    units = shown(session, errand, base, _UNITS, "SUBTREE", {"ou": _MANY}, size_limit=_MOST_UNITS)
    names = tuple(sorted((one["dn"] for one in units), key=lambda name: (name.count(","), name)))
    controls = {*root.get("supportedControl", ()), *(_UNTOLD if _OPEN_LDAP in root.get("objectClass", ()) else ())}
    return _Found(session.server.tls, base, schema, frozenset(controls), names, tuple(notes))


def _stands_under(name: str, tree: str) -> bool:
    """Return whether *name* is *tree*, or within it, as far as their spellings tell."""
    parts, root = (one.replace(" ", "").lower().split(",") for one in (name, tree))
    return parts[-len(root) :] == root


# --- offers ----------------------------------------------------------------------------------------------------------


def _offers(found: _Found) -> Iterator[Offer]:
    for entries in _USUAL:
        if found.schema is not None and entries.kind.lower() not in found.schema.classes:
            continue
        kinds = {name: kind for name, one in entries.shown.items() if (kind := _typed(found, name, one)) is not None}
        yield from _reads(found, entries, kinds)
        if home := found.home(entries):
            yield from _changes(found, entries, kinds, f"{entries.named}={{{entries.named}}},{home}")


def _typed(found: _Found, name: str, usual: Kind) -> Kind | None:
    """Return the type of an attribute by the schema, None where it has no such; what is one by habit stays one."""
    if found.schema is None:
        return usual
    kind = found.schema.kind(name)
    return kind and Kind(kind.word, many=kind.many and usual.many)


def _written(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    return {name: [kind.word] if kind.many else kind.word for name, kind in kinds.items()}


def _reads(found: _Found, entries: _Entries, kinds: Mapping[str, Kind]) -> Iterator[Offer]:
    home, tags = found.home(entries), (entries.one,)
    listed: dict[str, Any] = {"base": home} if home else {}
    listed |= {"filter": f"(&(objectClass={entries.kind}){entries.sought})", "optional": ["text"]}
    listed["attributes"] = {name: one for name, one in _written(kinds).items() if name != "member"}
    if found.controls and PAGED not in found.controls:
        listed["page"] = 0
    settings: dict[str, Any] = {"arguments": {"text": "control", "limit": "control"}, "options": listed}
    text = f"The {entries.many} whose names hold a text, or all."
    yield Offer("search", f"find_{entries.many}", text, tags, Effect.read, settings=settings)
    place = entries.named if home else "dn"
    name = f"{entries.named}={{{entries.named}}},{home}" if home else "{dn}"
    options = {"dn": name, "filter": f"(objectClass={entries.kind})", "attributes": _written(kinds)}
    settings = {"arguments": {place: "target"}, "options": options}
    yield Offer("read", f"get_{entries.one}", f"One {entries.one}, by its name.", tags, Effect.read, settings=settings)


def _changes(found: _Found, entries: _Entries, kinds: Mapping[str, Kind], name: str) -> Iterator[Offer]:
    if entries.members:
        yield from _members(found, entries, name)
        return
    one, tags = entries.one, (entries.one,)
    changed = {attribute: kind for attribute, kind in kinds.items() if attribute != entries.named}
    must = [attribute for attribute in found.must(entries) if attribute in changed]
    target: dict[str, Any] = {"arguments": {entries.named: "target"}}
    others = {attribute: "target" for attribute, kind in changed.items() if kind.word == "dn"}
    pointing = {"arguments": {**target["arguments"], **others}}
    made = {"dn": name, "classes": [entries.kind], "attributes": _written(changed), "required": must}
    change = {"dn": name, "attributes": _written(changed)}
    text = f"A new {one}."
    yield Offer("add", f"add_{one}", text, tags, Effect.write, True, settings={**pointing, "options": made})
    text = f"Other values for a {one}; null takes an attribute away."
    yield Offer("modify", f"change_{one}", text, tags, Effect.write, True, settings={**pointing, "options": change})
    gone = {**target, "options": {"dn": name}}
    yield Offer("delete", f"delete_{one}", f"Take a {one} away.", tags, Effect.irreversible, True, settings=gone)


def _members(found: _Found, entries: _Entries, name: str) -> Iterator[Offer]:
    again = PERMISSIVE in found.controls
    settings = {
        "arguments": {entries.named: "target", "member": "target"},
        "options": {"dn": name, "attributes": {"member": "dn"}, "required": ["member"]},
    }
    for verb, word, text in (("modify add", "add", "Take into"), ("modify delete", "remove", "Take out of")):
        operation, description = f"{word}_{entries.one}_member", f"{text} a {entries.one}."
        yield Offer(verb, operation, description, (entries.one,), Effect.write, again, settings=settings)

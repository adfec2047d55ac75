"""What a WSDL offers: every operation of its ports, each once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.soap.definitions import Found, operations
from interlock.integration.connectors.soap.documents import (
    LARGEST,
    MOST_DOCUMENTS,
    ImportMissing,
    Shelf,
    Wsdl,
    WsdlInvalid,
    absolute,
    wsdl_of,
)
from interlock.integration.connectors.surveys import FILES, Offer, Source, Survey

_BEGINNING = re.compile(
    rb"<(?:[A-Za-z_][\w.-]*:)?definitions\b[^>]{0,8000}[\"']http://schemas\.xmlsoap\.org/wsdl/[\"']"
)
_LOOKED_AT = 64 << 10
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_UNSAID = "http://127.0.0.1:8080/"
_FILE = "service.wsdl"
_TIMEOUT = 30.0


@dataclass(slots=True)
class _Looked:
    """What was found: the WSDL, its own name among *files*, and the *imports* to declare."""

    wsdl: Wsdl
    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)


def recognises(source: Source) -> bool:
    """Return whether *source* begins like a WSDL 1.1."""
    return source.content is not None and _BEGINNING.search(source.content[:_LOOKED_AT]) is not None


async def survey(source: Source, ports: Ports) -> Survey:
    """Return what a WSDL offers. What it imports is taken from beside it: from files of its folder, or, if it came from
    a URL, from the same host. Raises `SourceUnfit`.
    """
    try:
        if urlsplit(source.address).scheme in {"http", "https"}:
            looked = await _from_host(source, ports)
        else:
            looked = await asyncio.to_thread(_from_folder, source, ports.root)
    except WsdlInvalid as error:
        raise SourceUnfit("the WSDL cannot be read", why=f"it {error}") from error
    offered = list(_offered(looked.wsdl))
    if not offered:
        raise SourceUnfit("the WSDL offers nothing", why="none of its ports speaks SOAP over HTTP")
    connection: dict[str, object] = {"wsdl": f"{FILES}{looked.name}"}
    if looked.imports:
        connection["imports"] = {location: f"{FILES}{name}" for location, name in looked.imports.items()}
    notes = []
    addresses = {one.address for one in offered}
    if not all(address.startswith(("http://", "https://")) for address in addresses):
        connection["url"] = _UNSAID
        notes.append("the WSDL does not say where the system is: write `url`")
    elif len(addresses) == 1:
        connection["url"] = addresses.pop()
    else:
        notes.append("its ports have addresses of their own, at which they are called: `url` would be the one for all")
    notes.append("a WSDL does not say who may call: write `auth` or `security`")
    headers = sorted({name for one in offered for name in _headers(one)})
    if headers:
        notes.append(f"messages may carry headers, to be written as `soap_headers`: {', '.join(headers)[:300]}")
    title = next(iter(looked.wsdl.document.services), "")
    offers = tuple(_offers(looked.wsdl, offered))
    return Survey(title, connection, offers, files=looked.files, notes=tuple(notes))


def _from_folder(source: Source, root: Path) -> _Looked:
    given = Path(source.address)
    file = next((one for one in (Path.cwd() / given, root / given) if one.exists()), given).resolve()
    shelf = Shelf(file.parent, {str(file): source.document})
    wsdl = wsdl_of(shelf, file)
    files = {str(path.relative_to(file.parent).as_posix()): content for path, content in wsdl.read.items()}
    return _Looked(wsdl, file.name, {file.name: source.document, **files})


async def _from_host(source: Source, ports: Ports) -> _Looked:
    """Read the WSDL, fetch what it misses if the same host has it, and read it again."""
    base = Path("/nowhere") / _FILE
    imports: dict[str, str] = {}
    files = {_FILE: source.document}
    while True:
        known = {absolute(base, location): files[name] for location, name in imports.items()}
        try:
            wsdl = await asyncio.to_thread(wsdl_of, Shelf(base.parent, {str(base): files[_FILE], **known}), base)
        except ImportMissing as missing:
            if len(imports) >= MOST_DOCUMENTS or missing.location in imports:
                raise
            name = f"import-{len(imports) + 1}.xsd"
            files[name] = await _fetched(urljoin(source.address, missing.location), source.address, ports)
            imports[missing.location] = name
        else:
            return _Looked(wsdl, _FILE, files, imports)


async def _fetched(url: str, source: str, ports: Ports) -> bytes:
    wanted, own = urlsplit(url), urlsplit(source)
    if (wanted.scheme, wanted.netloc) != (own.scheme, own.netloc):
        raise WsdlInvalid(f"imports {url[:300]}, from another host; download it, and connect the files")
    try:
        answer = await ports.http.send(HttpRequest("GET", url, timeout=_TIMEOUT, max_bytes=LARGEST))
    except HttpFailure as error:
        raise WsdlInvalid(f"imports {url[:300]}, which does not answer: {error.what}") from error
    if answer.status != 200:
        raise WsdlInvalid(f"imports {url[:300]}, which answers {answer.status}")
    return answer.body


def _offered(wsdl: Wsdl) -> Iterator[Found]:
    """Yield each operation once: of the ports of a service that do the same in other ways, those of the first."""
    first: dict[tuple[str, str], str] = {}
    for found in operations(wsdl):
        if first.setdefault((found.service, found.interface), found.port) == found.port:
            yield found


def _offers(wsdl: Wsdl, offered: Sequence[Found]) -> Iterator[Offer]:
    taken: set[str] = set()
    for found in offered:
        about = found.about(wsdl)
        yield Offer(
            origin=found.origin,
            name=_fresh(found.operation.name, taken),
            description=about[:500],
            tags=tuple(dict.fromkeys(one for one in (found.service, found.port) if one)),
            deprecated="deprecated" in about.casefold(),
        )


def _headers(found: Found) -> Iterator[str]:
    message = found.operation.input
    header = getattr(message, "header", None)
    for _, element in header.type.elements if header is not None else ():
        yield element.qname.localname


def _fresh(name: str, taken: set[str]) -> str:
    words = "_".join(word.lower() for word in _WORD.findall(name))[:60].strip("_")
    base = words if words[:1].isalpha() else f"operation_{words}".strip("_")
    number, found = 2, base
    while found in taken:
        found = f"{base}_{number}"
        number += 1
    taken.add(found)
    return found

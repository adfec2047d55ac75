"""Looking at something that shall be connected: what kind it is, and what it offers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from interlock.foundation.http import HttpFailure
from interlock.foundation.http.exchange import HttpRequest
from interlock.foundation.plugins import CONNECTORS, load_plugin, plugins
from interlock.integration.connectors.errors import DocumentWanted
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.surveys import Source, Survey, Surveyor
from interlock.integration.systems.errors import SourceUnknown, SourceUnreadable

LARGEST = 64 << 20
TIMEOUT = 30.0
_PLACE = "name it from where you are, or from the project's folder"
_BEGINNING = 1000
_REACH = "see whether the address is right, and can be reached from here; or download the file, and name it instead"


async def look(address: str, ports: Ports, *, connector: str = "") -> tuple[str, Survey]:
    """Return the connector that knows what is at *address*, and what it found there.

    *address* is a file, a URL, or whatever the *connector*, if one is named, takes. A URL is fetched from its own host
    alone, without any credential. Raises `SourceUnknown`, `SourceUnreadable`, `SourceUnfit`, `PluginMissing`.
    """
    surveyors = {name: plugin for name in plugins(CONNECTORS) if (plugin := _surveyor(name)) is not None}
    if connector and connector not in surveyors:
        load_plugin(CONNECTORS, connector)
        raise SourceUnknown(
            f"the connector {connector!r} cannot look at systems",
            fix=f"write its file by hand; those that can: {', '.join(sorted(surveyors))}",
        )
    bare = Source(address)
    known = [name for name, surveyor in surveyors.items() if surveyor.recognises(bare)]
    source = bare if known else Source(address, await _content(address, ports, wanted=not connector))
    fitting = [connector] if connector else known or [n for n, one in surveyors.items() if one.recognises(source)]
    if len(fitting) != 1:
        raise SourceUnknown(
            "it cannot be told what this is" if not fitting else f"this could be {' or '.join(sorted(fitting))}",
            why=_unknown(source) if not fitting else "",
            fix=f"say it with --kind: {', '.join(sorted(fitting or surveyors))}",
        )
    surveyor = surveyors[fitting[0]]
    try:
        return fitting[0], await surveyor.survey(source, ports)
    except DocumentWanted:
        return fitting[0], await surveyor.survey(Source(address, await _content(address, ports, wanted=True)), ports)


def _unknown(source: Source) -> str:
    """Return why nobody knows *source*."""
    if (source.content or b"")[:_BEGINNING].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is a page for people, and no document that describes a system"
    return "no connector recognises its address or its beginning"


def _surveyor(name: str) -> Surveyor | None:
    plugin: object = load_plugin(CONNECTORS, name)
    return plugin if isinstance(plugin, Surveyor) else None


async def _content(address: str, ports: Ports, *, wanted: bool) -> bytes | None:
    """Return what *address* holds; None where nothing can be read and nothing is *wanted*."""
    try:
        if address.partition("://")[0].lower() in {"http", "https"}:
            return await _fetched(address, ports) if wanted else None
        if "://" in address:
            raise SourceUnreadable(
                f"nothing is known that begins with {address.partition('://')[0][:20]!r}",
                fix="name a file, a URL, or an address as docs/how-to/connect.md lists them",
            )
        return await asyncio.to_thread(_read, ports.root, address)
    except SourceUnreadable:
        if wanted:
            raise
        return None


async def _fetched(address: str, ports: Ports) -> bytes:
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise SourceUnreadable("this is no address that can be fetched", why=str(error)) from error
    if parts.username or parts.password:
        raise SourceUnreadable("the address holds credentials", fix="leave them out; download the file by hand")
    request = HttpRequest("GET", address, timeout=TIMEOUT, max_bytes=LARGEST)
    try:
        answer = await ports.http.send(request)
    except HttpFailure as error:
        raise SourceUnreadable("the address does not answer", why=error.what, fix=_REACH) from error
    if answer.status != 200:
        why = f"it answered {answer.status}"
        raise SourceUnreadable("the address gives nothing", why=why, fix="download the file, and name it instead")
    return answer.body


def _read(root: Path, address: str) -> bytes:
    path = Path(address) if Path(address).is_absolute() else Path.cwd() / address
    path = path if path.exists() else root / address
    if path.is_dir():
        raise SourceUnreadable(
            f"the folder {address[:200]!r} holds no files that are known",
            fix="name the file that describes the system, or a folder of CSV, JSON lines, Excel or Parquet files",
        )
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise SourceUnreadable(f"{address[:200]!r} cannot be read", why=why, fix=_PLACE) from error
    if not content.strip():
        raise SourceUnreadable(f"{address[:200]!r} is empty", fix="name the file that describes the system")
    if len(content) > LARGEST:
        raise SourceUnreadable("the file is too large", why=f"at most {LARGEST} bytes are read")
    return content

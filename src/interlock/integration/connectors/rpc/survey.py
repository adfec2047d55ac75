"""What a system offers by RPC: the methods of an OpenRPC document, or those that it lists by XML-RPC."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.foundation.http import HttpFailure, HttpRequest
from interlock.integration.connectors.errors import SourceUnfit, SystemUnreachable
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.rpc.jsonrpc import JsonRpc
from interlock.integration.connectors.rpc.openrpc import (
    Method,
    OpenRpcInvalid,
    is_openrpc,
    methods_of,
    parse_openrpc,
)
from interlock.integration.connectors.rpc.protocols import Fault, ReplyUnfit, Returned, RpcProtocol
from interlock.integration.connectors.rpc.xmlrpc import XmlRpc
from interlock.integration.connectors.surveys import Offer, Source, Survey

MOST = 500
"""How many methods are asked for, one by one, what they take."""
PATIENCE, TOGETHER = 30.0, 120.0
_LARGEST = 16 << 20
_BEGINS = re.compile(rb'^\s*\{.{0,2000}?"openrpc"\s*:\s*"', re.DOTALL)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_METHOD = re.compile(r"[A-Za-z0-9_.:/]{1,200}")
_ADDRESS = "http://127.0.0.1:8080/rpc"
_TYPES: Mapping[str, dict[str, Any]] = {
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "i4": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "i8": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "double": {"type": "number"},
    "dateTime.iso8601": {"type": "string"},
    "base64": {"type": "string", "contentEncoding": "base64"},
    "struct": {"type": "object"},
    "array": {"type": "array"},
    "nil": {"type": "null"},
}
_KINDS = {"dateTime.iso8601": "$dateTime", "base64": "$base64"}


def recognises(source: Source) -> bool:
    """Return whether *source* holds a document of OpenRPC."""
    return source.content is not None and _BEGINS.match(source.content) is not None


async def survey(source: Source, ports: Ports) -> Survey:
    """Return what a document says, or what the system at an address lists by `rpc.discover` or `system.listMethods`.

    Raises `SourceUnfit` and `SystemUnreachable`.
    """
    if source.content is not None:
        try:
            return _from_document(parse_openrpc(source.content), _ADDRESS)
        except OpenRpcInvalid as error:
            raise SourceUnfit("the OpenRPC document cannot be read", why=str(error)) from error
    if not source.address.startswith(("http://", "https://")):
        raise SourceUnfit("this is no address of a system", fix="give a URL, or a file with an OpenRPC document")
    asking = _Asking(ports, source.address)
    found = await asking.result(JsonRpc(), "rpc.discover", [])
    if is_openrpc(found):
        return _from_document(found, source.address)
    listed = await asking.result(XmlRpc(), "system.listMethods", [])
    if isinstance(listed, list):
        return await _from_list(asking, [one for one in listed if isinstance(one, str) and _METHOD.fullmatch(one)])
    raise SourceUnfit(
        "the system does not list its methods",
        why="it answers neither `rpc.discover` by JSON-RPC 2.0 nor `system.listMethods` by XML-RPC without credentials",
        fix="write its file by hand",
    )


class _Asking:
    """Asks one system, whose every answer but a result is taken for none."""

    def __init__(self, ports: Ports, url: str) -> None:
        self.url = url
        self._http = ports.http
        self._numbers = itertools.count(1)

    async def result(self, protocol: RpcProtocol, method: str, params: list[Any]) -> Any:
        """Return what *method* returned, None for a fault or for what is no reply. Raises `SystemUnreachable`."""
        number = next(self._numbers)
        headers = {"Accept": protocol.media_type, "Content-Type": protocol.media_type}
        body = protocol.write(method, params, number)
        try:
            response = await self._http.send(HttpRequest("POST", self.url, headers, body, PATIENCE, _LARGEST))
        except HttpFailure as failure:
            raise SystemUnreachable("the system cannot be asked for its methods", why=failure.what) from failure
        try:
            reply: Returned | Fault = protocol.read(response.body, number)
        except ReplyUnfit:
            return None
        return reply.value if isinstance(reply, Returned) and response.status == 200 else None


def _from_document(document: Mapping[str, Any], url: str) -> Survey:
    notes = ["the description does not say who may call: write `auth`"]
    offers: list[Offer] = []
    taken: set[str] = set()
    for name, method in methods_of(document):
        if name.startswith("rpc."):
            continue
        if isinstance(method, OpenRpcInvalid):
            notes.append(f"left out {name[:100]}: it {method}")
            continue
        offers.append(_offer(method, taken))
    if url == _ADDRESS:
        url = _server(document)
        notes += ["look at `url`: the document may not say where the system is"]
    info = document.get("info")
    title = info.get("title") if isinstance(info, Mapping) else ""
    connection = {"url": url, "protocol": "jsonrpc"}
    return Survey(title if isinstance(title, str) else "", connection, tuple(offers), notes=tuple(notes))


def _server(document: Mapping[str, Any]) -> str:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, Mapping) else None
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) and "{" not in url else _ADDRESS


def _offer(method: Method, taken: set[str]) -> Offer:
    schema: dict[str, Any] = {"type": "object", "properties": _lifted(method), "additionalProperties": False}
    definitions = {name: one for each in method.parameters.values() for name, one in each.get("$defs", {}).items()}
    schema |= {"required": list(method.required)} if method.required else {}
    schema |= {"$defs": definitions} if definitions else {}
    places = {name: f"{{{name}}}" for name in method.parameters}
    settings: dict[str, Any] = {
        "input": schema,
        "options": {"params": list(places.values()) if method.by_position else places},
    }
    if method.result is not None:
        settings["output_schema"] = method.result
    return Offer(
        method.name,
        _fresh(method.name, taken),
        method.description,
        method.tags,
        deprecated=method.deprecated,
        settings=settings,
    )


def _lifted(method: Method) -> dict[str, Any]:
    """Return the schemas of parameters without the definitions of each, which stand together in the whole."""
    return {name: {k: v for k, v in one.items() if k != "$defs"} for name, one in method.parameters.items()}


async def _from_list(asking: _Asking, listed: list[str]) -> Survey:
    protocol, taken = XmlRpc(), set[str]()
    names = [name for name in dict.fromkeys(listed) if not name.startswith("system.")]
    notes = ["a list of methods does not say who may call: write `auth`"]
    if len(names) > MOST:
        notes.append(f"it lists {len(names)} methods, of which the first {MOST} are taken")
    offers: list[Offer] = []
    until = time.monotonic() + TOGETHER
    for name in names[:MOST]:
        if time.monotonic() > until:
            notes.append(f"what the methods after the first {len(offers)} take was not asked: the system is too slow")
            break
        text = await asking.result(protocol, "system.methodHelp", [name])
        signature = _signature(await asking.result(protocol, "system.methodSignature", [name]))
        described = " ".join(text.split())[:500] if isinstance(text, str) else ""
        offers.append(Offer(name, _fresh(name, taken), described, settings=_settings(signature)))
    return Survey("", {"url": asking.url, "protocol": "xmlrpc"}, tuple(offers), notes=tuple(notes))


def _signature(answer: Any) -> list[str] | None:
    """Return the longest of the signatures: the type of the result, then those of the parameters; None for none."""
    known = [
        one
        for one in (answer if isinstance(answer, list) else ())
        if isinstance(one, list) and one and all(isinstance(word, str) and word in _TYPES for word in one)
    ]
    return max(known, key=len, default=None)


def _settings(signature: list[str] | None) -> dict[str, Any]:
    if signature is None:  # all that is known is that parameters are a list
        any_list = {"type": "object", "properties": {"params": {"type": "array"}}, "required": ["params"]}
        return {"input": any_list, "options": {"params": "{params}"}}
    result, *types = signature
    names = [f"argument_{number}" for number in range(1, len(types) + 1)]
    schema = {
        "type": "object",
        "properties": {name: dict(_TYPES[word]) for name, word in zip(names, types, strict=True)},
        "required": names,
        "additionalProperties": False,
    }
    return {"input": schema, "output_schema": dict(_TYPES[result]), "options": {"params": list(_params(names, types))}}


def _params(names: list[str], types: list[str]) -> Iterator[Any]:
    for name, word in zip(names, types, strict=True):
        place = f"{{{name}}}"
        yield {_KINDS[word]: place} if word in _KINDS else place


def _fresh(method: str, taken: set[str]) -> str:
    words = "_".join(word.lower() for word in _WORD.findall(method))[:60].strip("_")
    base = words if words[:1].isalpha() else f"method_{words}".strip("_")
    number, found = 2, base
    while found in taken:
        found = f"{base}_{number}"
        number += 1
    taken.add(found)
    return found

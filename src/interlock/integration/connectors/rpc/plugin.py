"""The `rpc` connector: declared methods, called by JSON-RPC or XML-RPC over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.rpc.access import AUTH_SCHEMA, Login, inserts
from interlock.integration.connectors.rpc.connector import Plan, RpcConnector
from interlock.integration.connectors.rpc.definitions import (
    PARAMS,
    PROTOCOLS,
    SESSION,
    USUAL,
    Job,
    OperationInvalid,
    define,
    job_of,
    template_of,
)
from interlock.integration.connectors.rpc.protocols import RpcProtocol
from interlock.integration.connectors.rpc.survey import recognises, survey
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_LOGIN = {"username", "password"}


class RpcPlugin:
    """Describes from the declaration alone, calls over HTTP."""

    name = "rpc"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "url": {"type": "string", "minLength": 1, "description": "where the system takes calls"},
            "protocol": {
                "enum": list(PROTOCOLS),
                "description": "jsonrpc is version 2.0, and what is meant where nothing is said",
            },
            "refusals": {
                "type": "array",
                "items": {"type": ["string", "integer"]},
                "description": "codes of faults by which the system says that a call changed nothing",
            },
            "probe": {
                "type": "object",
                "properties": {"method": {"type": "string", "minLength": 1}, "params": PARAMS},
                "required": ["method"],
                "additionalProperties": False,
                "description": "a method without effect that succeeds when all is well",
            },
            "auth": AUTH_SCHEMA,
        },
        "required": ["url"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:  # noqa: ARG002 - needs no file
        connection = system.connection
        word = connection.get("protocol", USUAL)
        protocol, kept = PROTOCOLS[word], _kept(connection)
        troubles = [*_address(connection["url"], "/connection/url"), *_session(connection, protocol)]
        try:
            _probe(connection, protocol, kept)
        except OperationInvalid as error:
            troubles.append(Trouble("/connection/probe", str(error)))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            try:
                definitions[name] = define(operation, job_of(operation, protocol), word, kept)
            except OperationInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(troubles))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is a document of OpenRPC; an address alone has to be said with `--kind`."""
        return recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return the methods that a document or a system lists. Raises `SourceUnfit`, `SystemUnreachable`."""
        return await survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        connection = system.connection
        protocol = PROTOCOLS[connection.get("protocol", USUAL)]
        jobs = {name: job_of(system.operations[name], protocol) for name in definitions}
        probe = _probe(connection, protocol, _kept(connection))
        return RpcConnector(system, Plan(protocol, jobs, _login(connection, protocol), probe), ports)


def _declared(connection: Mapping[str, Any]) -> Mapping[str, Any] | None:
    auth = connection.get("auth")
    return auth.get("session") if isinstance(auth, Mapping) else None


def _kept(connection: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of what calls may send of a session."""
    session = _declared(connection)
    return frozenset({*session["keep"], *_LOGIN}) if session is not None else frozenset()


def _login(connection: Mapping[str, Any], protocol: RpcProtocol) -> Login | None:
    session = _declared(connection)
    if session is None:
        return None
    login = session["login"]
    template = template_of(login["method"], login["params"], protocol)
    return Login(login["method"], template, login.get("url", connection["url"]))


def _probe(connection: Mapping[str, Any], protocol: RpcProtocol, kept: frozenset[str]) -> Job | None:
    written = connection.get("probe")
    if written is None:
        return None
    template = template_of(written["method"], written.get("params", []), protocol)
    if unknown := template.places - {SESSION + name for name in kept}:
        raise OperationInvalid(f"params have a place {{{min(unknown)}}}, which nothing fills")
    return Job(written["method"], template, "", {})


def _session(connection: Mapping[str, Any], protocol: RpcProtocol) -> list[Trouble]:
    session, place, found = _declared(connection), "/connection/auth/session", list[Trouble]()
    if session is None:
        return found
    try:
        login = _login(connection, protocol)
    except OperationInvalid as error:
        return [Trouble(f"{place}/login", str(error))]
    if login is not None and (unknown := login.params.places - _LOGIN):
        found.append(Trouble(f"{place}/login/params", f"have a place {{{min(unknown)}}}, which nothing fills"))
    if login is not None and login.url != connection["url"]:
        found += _address(login.url, f"{place}/login/url")
        if _origin(login.url) != _origin(connection["url"]):
            found.append(Trouble(f"{place}/login/url", "must be on the same host and port as `url`"))
    if taken := _LOGIN & session["keep"].keys():
        found.append(Trouble(f"{place}/keep/{min(taken)}", "is a name that is taken"))
    header = session.get("header", {})
    if unknown := inserts(header.get("text", "") or header.get("base64", "")) - _LOGIN - session["keep"].keys():
        found.append(Trouble(f"{place}/header", f"has a place {{{min(unknown)}}}, which `keep` does not name"))
    return found


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _address(url: str, place: str) -> list[Trouble]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [Trouble(place, "must be an address that begins with http:// or https://")]
    if parts.username or parts.password:
        return [Trouble(place, "must not hold credentials; use `auth` with a reference to a secret")]
    return []


plugin = RpcPlugin()
"""The entry point."""

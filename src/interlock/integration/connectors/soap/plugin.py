"""The `soap` connector: operations picked from a WSDL that is a file of the project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.integration.connectors.authentication import AUTHENTICATION_SCHEMA, REFERENCE
from interlock.integration.connectors.interface import (
    Connector,
    Description,
    Ports,
    SystemDeclaration,
    Trouble,
)
from interlock.integration.connectors.packages import Packages
from interlock.integration.connectors.soap.connector import SoapConnector
from interlock.integration.connectors.soap.definitions import define, find, header_shapes
from interlock.integration.connectors.soap.documents import Wsdl, WsdlInvalid, load_wsdl
from interlock.integration.connectors.soap.survey import recognises, survey
from interlock.integration.connectors.soap.writing import ValueUnfit, Writer
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_PACKAGES = Packages("soap", "soap", ("zeep",))
_FILE = {"type": "string", "minLength": 1}
_OURS = frozenset("host content-type content-length transfer-encoding connection soapaction authorization".split())


class SoapPlugin:
    """Describes from the WSDL, calls over HTTP."""

    name = "soap"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "wsdl": {**_FILE, "description": "the WSDL (1.1), a file of the project"},
            "imports": {
                "type": "object",
                "additionalProperties": _FILE,
                "description": "files of the project by the locations that the WSDL or its schemas import; "
                "files that lie where they are imported from need no mention",
            },
            "url": {
                "type": "string",
                "minLength": 1,
                "description": "where the system takes messages; by default each port's address in the WSDL",
            },
            "auth": AUTHENTICATION_SCHEMA,
            "security": {
                "type": "object",
                "properties": {
                    "username": {"type": "string", "minLength": 1},
                    "password": REFERENCE,
                    "digest": {"type": "boolean", "description": "send a digest in the place of the password"},
                },
                "required": ["username", "password"],
                "additionalProperties": False,
                "description": "who we are, in the message: a UsernameToken of Web Services Security",
            },
            "headers": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"},
                "additionalProperties": {"type": "string", "pattern": "^[\\x20-\\x7e]*$"},
                "description": "further headers of HTTP; a value secret:NAME is the secret",
            },
            "soap_headers": {
                "type": "object",
                "description": "headers of the message, by the names of their elements in the WSDL's schemas; "
                "a text secret:NAME anywhere in them is the secret",
            },
            "addressing": {
                "type": "boolean",
                "description": "send action, address and id of each message as headers (WS-Addressing 1.0)",
            },
            "refusals": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "description": "names of faults (of their codes, or of the elements in their detail) by which the "
                "system says that a call changed nothing; by default Client and Sender",
            },
        },
        "required": ["wsdl"],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        if (missing := _PACKAGES.trouble()) is not None:
            return Description({}, (missing,))
        connection = system.connection
        troubles = [*_address(connection.get("url", "")), *_headers(connection)]
        try:
            wsdl = load_wsdl(root, connection["wsdl"], connection.get("imports"))
        except WsdlInvalid as error:
            return Description({}, (*troubles, Trouble("/connection/wsdl", str(error))))
        try:
            _try_headers(wsdl, connection.get("soap_headers", {}))
        except (WsdlInvalid, ValueUnfit) as error:
            return Description({}, (*troubles, Trouble("/connection/soap_headers", str(error))))
        definitions: dict[str, Definition] = {}
        for name, declared in system.operations.items():
            try:
                found = find(wsdl, declared.origin or name)
                if "url" not in connection and _address(found.address or "-"):
                    troubles.append(Trouble("/connection", "needs `url`: the WSDL gives no address of HTTP"))
                definitions[name] = define(
                    wsdl, found, headers=connection.get("soap_headers", {}), addressed="url" in connection
                )
            except WsdlInvalid as error:
                troubles.append(Trouble(f"/operations/{name}/from", str(error)))
        return Description(definitions, tuple(dict.fromkeys(troubles)))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* begins like a WSDL 1.1."""
        return recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return every operation of a WSDL. Raises `SourceUnfit`."""
        _PACKAGES.check()
        return await survey(source, ports)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        _PACKAGES.check()
        return SoapConnector(system, definitions, ports)


def _try_headers(wsdl: Wsdl, given: Mapping[str, Any]) -> None:
    """Write the headers of messages once, with references in the place of secrets."""
    shapes, records = header_shapes(wsdl, given)
    for name, shape in shapes.items():
        Writer(records).element(shape["element"], shape["type"], given[name], (name,))


def _headers(connection: Mapping[str, Any]) -> list[Trouble]:
    taken = sorted(name for name in connection.get("headers", {}) if name.lower() in _OURS)
    return [Trouble(f"/connection/headers/{name}", "is set by the connector; see `auth`") for name in taken]


def _address(url: str) -> list[Trouble]:
    if not url:
        return []
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [Trouble("/connection/url", "must be an address that begins with http:// or https://")]
    if parts.username or parts.password:
        return [Trouble("/connection/url", "must not hold credentials; use `auth` with a reference to a secret")]
    return []


plugin = SoapPlugin()
"""The entry point."""

"""The `mail` connector: a mail account that is read by IMAP and sends by SMTP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.integration.connectors.authentication import REFERENCE
from interlock.integration.connectors.declared import OperationInvalid
from interlock.integration.connectors.interface import Connector, Description, Ports, SystemDeclaration, Trouble
from interlock.integration.connectors.mail import survey
from interlock.integration.connectors.mail.accounts import account_of, troubles
from interlock.integration.connectors.mail.connector import MailConnector
from interlock.integration.connectors.mail.definitions import define
from interlock.integration.connectors.surveys import Source, Survey
from interlock.integration.contracts import Definition

_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,62}$"}
_SHORT = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}


def _server(usual: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "host": {**_SHORT, "pattern": "^[A-Za-z0-9.:_-]+$"},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "tls": {"enum": ["implicit", "starttls", "none"], "description": f"by default {usual}"},
            "ca": {**_SHORT, "description": "a file of authorities (PEM) to trust instead of the machine's"},
        },
        "required": ["host"],
        "additionalProperties": False,
    }


_AUTH = {
    "type": "object",
    "properties": {"username": _SHORT, "password": REFERENCE, "token": {**REFERENCE, "description": "for XOAUTH2"}},
    "required": ["username"],
    "oneOf": [{"required": ["password"]}, {"required": ["token"]}],
    "additionalProperties": False,
}


class MailPlugin:
    """Describes from the declaration alone, speaks to the account's servers."""

    name = "mail"
    connection_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "imap": {**_server("implicit"), "description": "where mail is read"},
            "smtp": {**_server("starttls"), "description": "where mail is sent"},
            "auth": _AUTH,
            "from": {
                "type": "object",
                "properties": {"address": _SHORT, "name": _SHORT},
                "required": ["address"],
                "additionalProperties": False,
                "description": "whom mail is from; nobody else can be written as its sender",
            },
            "folders": {
                "type": "object",
                "propertyNames": _NAME,
                "additionalProperties": _SHORT,
                "minProperties": 1,
                "description": "folders that operations may use, by a name of yours; by default inbox: INBOX",
            },
            "max_message": {
                "type": "string",
                "pattern": "^[0-9]{1,12}(\\.[0-9]{1,6})?(B|kB|MB|GB|KiB|MiB|GiB)$",
                "description": "the largest message that is read or sent, by default 25MiB",
            },
        },
        "anyOf": [{"required": ["imap"]}, {"required": ["smtp"]}],
        "additionalProperties": False,
    }

    def describe(self, system: SystemDeclaration, root: Path) -> Description:
        found = list(troubles(system.connection, root))
        definitions: dict[str, Definition] = {}
        for name, operation in system.operations.items():
            if operation.idempotency_header:
                message = "a message takes no header of yours; its Message-ID is made of the action's key"
                found.append(Trouble(f"/operations/{name}/idempotency", message))
            try:
                definitions[name] = define(operation, system.connection)
            except OperationInvalid as error:
                found.append(Trouble(f"/operations/{name}/{error.key}", str(error)))
        return Description(definitions, tuple(found))

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is the address of a mailbox."""
        return survey.recognises(source)

    async def survey(self, source: Source, ports: Ports) -> Survey:  # noqa: ARG002 - nobody is asked
        """Return what a mail account offers. Raises `SourceUnfit`."""
        return survey.survey(source)

    def build(self, system: SystemDeclaration, definitions: Mapping[str, Definition], ports: Ports) -> Connector:
        return MailConnector(system, definitions, account_of(system.connection, ports.root), ports.secrets)


plugin = MailPlugin()
"""The entry point."""

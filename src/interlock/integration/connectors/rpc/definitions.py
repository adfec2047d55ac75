"""From a declared method to an operation's definition, and to what calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.rpc.jsonrpc import JsonRpc, JsonRpcOne
from interlock.integration.connectors.rpc.protocols import RpcProtocol
from interlock.integration.connectors.rpc.templates import Template, TemplateInvalid
from interlock.integration.connectors.rpc.xmlrpc import XmlRpc
from interlock.integration.contracts import Contract, Definition, SchemaInvalid

SESSION = "session."
USUAL = "jsonrpc"
PROTOCOLS: Mapping[str, RpcProtocol] = {USUAL: JsonRpc(), "jsonrpc-1.0": JsonRpcOne(), "xmlrpc": XmlRpc()}
"""The ways of writing calls, by the word that `protocol` names them by."""
PARAMS: dict[str, Any] = {
    "type": ["array", "object", "string"],
    "description": "parameters: constants, and places such as {id} for arguments",
}
POINTER: dict[str, Any] = {"type": "string", "pattern": "^(/[^/]*)*$", "maxLength": 200}
OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {"params": PARAMS, "result": POINTER},
    "additionalProperties": False,
}
"""The JSON Schema of `options`."""
_FITS = Contract(OPTIONS)
_METHOD = re.compile(r"[^\x00-\x20\x7f]{1,200}")


class OperationInvalid(ValueError):
    """An operation cannot be made; *key* is the part of it that is wrong."""

    def __init__(self, message: str, key: str = "from") -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Job:
    """How one operation is called: the *method*, its parameters, where the result stands in what it returns.

    *usual* are the values of arguments that were not given.
    """

    method: str
    params: Template
    result: str
    usual: Mapping[str, Any]


def job_of(operation: OperationDeclaration, protocol: RpcProtocol) -> Job:
    """Return how *operation* is called. Raises `OperationInvalid`."""
    options = operation.settings.get("options") or {}
    if breaches := _FITS.breaches(options):
        raise OperationInvalid(f"{breaches[0].pointer or 'options'} {breaches[0].reason}", "options")
    arguments = properties(operation)
    written = options.get("params", protocol.usual(list(arguments)))
    method = operation.origin or operation.name
    usual = {name: one["default"] for name, one in arguments.items() if isinstance(one, Mapping) and "default" in one}
    return Job(method, template_of(method, written, protocol), options.get("result", ""), usual)


def template_of(method: str, params: Any, protocol: RpcProtocol) -> Template:
    """Return the parameters of calls to *method*. Raises `OperationInvalid`."""
    if _METHOD.fullmatch(method) is None:
        raise OperationInvalid("is no name of a method: one word, at most 200 signs")
    try:
        template = Template(params, protocol.kinds)
    except TemplateInvalid as error:
        raise OperationInvalid(f"params {error}", "options") from None
    if isinstance(params, str) and not template.places:
        raise OperationInvalid("params must not be a text, unless it is one place", "options")
    if why := protocol.unfit_method(method):
        raise OperationInvalid(why)
    if why := protocol.unfit_params(params):
        raise OperationInvalid(f"params {why}", "options")
    return template


def define(operation: OperationDeclaration, job: Job, protocol: str, kept: frozenset[str]) -> Definition:
    """Return the definition of an operation that *job* calls; *kept* is what a login keeps.

    Raises `OperationInvalid`.
    """
    settings = operation.settings
    schema = dict(settings.get("input") or {})
    if schema.get("type", "object") != "object":
        raise OperationInvalid("must be a JSON Schema of type object", "input")
    arguments = properties(operation)
    schema = {"additionalProperties": False, **schema, "type": "object", "properties": arguments}
    _all_used(job, arguments, kept)
    output = settings.get("output_schema")
    for part, key in ((schema, "input"), (output, "output_schema")):
        try:
            Contract(part or {})
        except SchemaInvalid as error:
            raise OperationInvalid(f"is no JSON Schema: {error}", key) from None
    binding = {"protocol": protocol, "method": job.method, "params": job.params.written, "result": job.result}
    return Definition(schema, output, binding, str(settings.get("description", "")))


def properties(operation: OperationDeclaration) -> dict[str, Any]:
    """Return what `input` declares, by name."""
    return dict((operation.settings.get("input") or {}).get("properties") or {})


def _all_used(job: Job, arguments: Mapping[str, Any], kept: frozenset[str]) -> None:
    """Raise `OperationInvalid` for a place that nothing fills, and for an argument that has no place."""
    ours = {place for place in job.params.places if place.startswith(SESSION)}
    if unknown := {place.removeprefix(SESSION) for place in ours} - kept:
        raise OperationInvalid(f"params have a place {{session.{min(unknown)}}}, which no login keeps", "options")
    if undeclared := job.params.places - ours - arguments.keys():
        raise OperationInvalid(f"params have a place {{{min(undeclared)}}}, which `input` does not declare", "options")
    if unused := arguments.keys() - job.params.places:
        raise OperationInvalid(f"declares {min(unused)!r}, for which `params` have no place", "input")


def found_at(value: Any, pointer: str) -> tuple[bool, Any]:
    """Return whether *value* holds something at *pointer* (RFC 6901), and what."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        else:
            return False, None
    return True, value

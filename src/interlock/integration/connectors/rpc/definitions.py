"""From a declared method to an operation's definition, and to what calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.integration.connectors.declared import (
    OperationInvalid,
    arguments_of,
    options_of,
    schemas_of,
    usual_values,
)
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.pointers import POINTER
from interlock.integration.connectors.rpc.jsonrpc import JsonRpc, JsonRpcOne
from interlock.integration.connectors.rpc.protocols import RpcProtocol
from interlock.integration.connectors.rpc.xmlrpc import XmlRpc
from interlock.integration.connectors.templates import Template, TemplateInvalid
from interlock.integration.contracts import Contract, Definition

SESSION = "session."
USUAL = "jsonrpc"
PROTOCOLS: Mapping[str, RpcProtocol] = {USUAL: JsonRpc(), "jsonrpc-1.0": JsonRpcOne(), "xmlrpc": XmlRpc()}
"""The ways of writing calls, by the word that `protocol` names them by."""
PARAMS: dict[str, Any] = {
    "type": ["array", "object", "string"],
    "description": "parameters: constants, and places such as {id} for arguments",
}
OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {"params": PARAMS, "result": POINTER},
    "additionalProperties": False,
}
"""The JSON Schema of `options`."""
_FITS = Contract(OPTIONS)
_METHOD = re.compile(r"[^\x00-\x20\x7f]{1,200}")


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
    options = options_of(operation, _FITS)
    arguments = arguments_of(operation)
    written = options.get("params", protocol.usual(list(arguments)))
    method = operation.origin or operation.name
    return Job(method, template_of(method, written, protocol), options.get("result", ""), usual_values(arguments))


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
    schema, output = schemas_of(operation)
    _all_used(job, schema["properties"], kept)
    binding = {"protocol": protocol, "method": job.method, "params": job.params.written, "result": job.result}
    return Definition(schema, output, binding, str(operation.settings.get("description", "")))


def _all_used(job: Job, arguments: Mapping[str, Any], kept: frozenset[str]) -> None:
    """Raise `OperationInvalid` for a place that nothing fills, and for an argument that has no place."""
    ours = {place for place in job.params.places if place.startswith(SESSION)}
    if unknown := {place.removeprefix(SESSION) for place in ours} - kept:
        raise OperationInvalid(f"params have a place {{session.{min(unknown)}}}, which no login keeps", "options")
    if undeclared := job.params.places - ours - arguments.keys():
        raise OperationInvalid(f"params have a place {{{min(undeclared)}}}, which `input` does not declare", "options")
    if unused := arguments.keys() - job.params.places:
        raise OperationInvalid(f"declares {min(unused)!r}, for which `params` have no place", "input")

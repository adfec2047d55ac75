"""From an operation that a WSDL names by service, port and name, to an operation's definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.soap.documents import CONFUSED, Wsdl, WsdlInvalid, first_line
from interlock.integration.connectors.soap.schemas import arguments_schema, result_schema
from interlock.integration.connectors.soap.shapes import Shape, Shapes
from interlock.integration.contracts import Definition

if TYPE_CHECKING:
    from zeep.wsdl.bindings.soap import SoapBinding, SoapOperation

DESCRIPTION_LENGTH = 2000
_NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Found:
    """One operation of a WSDL, at a *port* of a *service*; *address* is where the WSDL says that it is, or empty.

    Many a standard's WSDL has no services: its bindings then stand for ports, and *service* is empty.
    """

    service: str
    port: str
    address: str
    soap: SoapBinding
    operation: SoapOperation

    @property
    def origin(self) -> str:
        """Its full name: SERVICE/PORT/OPERATION, or BINDING/OPERATION."""
        return "/".join(part for part in (self.service, self.port, self.operation.name) if part)

    @property
    def version(self) -> str:
        """The version of SOAP that its port speaks."""
        from zeep.wsdl.bindings import Soap12Binding

        return "1.2" if isinstance(self.soap, Soap12Binding) else "1.1"

    @property
    def interface(self) -> str:
        """The name of what its port offers, which other ports may offer too."""
        return str(self.soap.port_type.name.text)

    @property
    def key(self) -> tuple[str, str]:
        """The names of its binding and its own, by which annotations know it."""
        return str(self.soap.name.text), str(self.operation.name)

    def about(self, wsdl: Wsdl) -> str:
        """Return what the WSDL says that the operation is for."""
        return wsdl.annotations.operations.get((self.interface, self.operation.name), "")


def operations(wsdl: Wsdl) -> Iterator[Found]:
    """Yield the operations of all ports that speak SOAP over HTTP, in the order of the WSDL."""
    from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

    served = set()
    for service in wsdl.document.services.values():
        for port in service.ports.values():
            if isinstance(port.binding, (Soap11Binding, Soap12Binding)):
                served.add(port.binding.name.text)
                address = str((port.binding_options or {}).get("address") or "")
                for operation in port.binding.all().values():
                    yield Found(service.name, port.name, address, port.binding, operation)
    for name, binding in wsdl.document.bindings.items():
        if isinstance(binding, (Soap11Binding, Soap12Binding)) and name not in served:
            for operation in binding.all().values():
                yield Found("", binding.name.localname, "", binding, operation)


def find(wsdl: Wsdl, origin: str) -> Found:
    """Return the operation *origin*: SERVICE/PORT/OPERATION, or its last or last two parts where only one fits.

    Raises `WsdlInvalid`.
    """
    known = list(operations(wsdl))
    fitting = [one for one in known if f"/{one.origin}".endswith(f"/{origin}")] if origin else []
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise WsdlInvalid(f"could be any of {', '.join(one.origin for one in fitting[:10])}; write one of them in full")
    shown = ", ".join(sorted({one.operation.name for one in known})[:40])
    raise WsdlInvalid(f"names no operation of the WSDL; there are: {shown or 'none that speak SOAP over HTTP'}")


def define(wsdl: Wsdl, found: Found, *, headers: Mapping[str, Any], addressed: bool) -> Definition:
    """Return the definition of *found*, whose messages carry *headers*; with the WSDL's own address unless it is
    *addressed* by the project. Raises `WsdlInvalid`.
    """
    from zeep.exceptions import Error

    try:
        return _defined(wsdl, found, headers=headers, addressed=addressed)
    except WsdlInvalid:
        raise
    except RecursionError as error:
        raise WsdlInvalid("has a message that is nested too deeply") from error
    except (Error, *CONFUSED) as error:
        raise WsdlInvalid(f"has a message that cannot be used: {first_line(error)}") from error


def _defined(wsdl: Wsdl, found: Found, *, headers: Mapping[str, Any], addressed: bool) -> Definition:
    if found.key in wsdl.annotations.encoded:
        raise WsdlInvalid("uses the encoding of SOAP (use=encoded), which is not supported; only literal messages are")
    if found.key in wsdl.annotations.overloaded:
        raise WsdlInvalid("is there twice under one name, which is not supported")
    shapes = Shapes(wsdl)
    operation = found.operation
    asked = _message(shapes, operation.input, found)
    output = _message(shapes, operation.output, found)
    if output is not None and operation.style == "rpc":
        output["any_name"] = True  # the name of the wrapper is a matter of habit
    binding: dict[str, Any] = {
        "soap": found.version,
        "action": operation.soapaction or "",
        "addressing": operation.abstract.wsa_action or "",
        "input": asked,
        "output": output,
    }
    if headers:
        binding["headers"] = {name: _header(wsdl, shapes, name) for name in headers}
    binding["types"] = shapes.records
    if not addressed:
        binding["address"] = found.address
    return Definition(
        arguments_schema(asked["type"]["ref"], shapes.records) if asked else _NOTHING,
        result_schema(output["type"]["ref"], shapes.records) if output else None,
        binding,
        found.about(wsdl)[:DESCRIPTION_LENGTH],
    )


def _message(shapes: Shapes, message: Any, found: Found) -> Shape | None:
    """Return the shape of the element in a message's body, whose type is always a record."""
    if message is None or message.body is None:
        return None
    element, rpc = message.body, found.operation.style == "rpc"
    if not rpc and any(part.element is None for part in message.abstract.parts.values()):
        raise WsdlInvalid("is of the style `document` with a part that is no element, which is not supported")
    if element.qname.text.startswith("{http://schemas.xmlsoap.org/soap/envelope/}") or element.qname.text.startswith(
        "{http://www.w3.org/2003/05/soap-envelope}"
    ):
        raise WsdlInvalid("has a body of several parts, which is not supported")
    if element.qname.text in shapes.annotations.abstract_elements:
        raise WsdlInvalid("has an abstract element for its message, which is not supported")
    shape = shapes.type(element.type)
    if "ref" not in shape:
        name = shapes.named(element.qname.localname, {"content": [], "text": shape})
        shape = {"ref": name}
    return {"element": str(element.qname.text), "type": shape}


def _header(wsdl: Wsdl, shapes: Shapes, name: str) -> Shape:
    """Return the shape of the header *name*, a global element by its local name or as `{namespace}local`."""
    known = [one for one in wsdl.document.types.elements if name in {one.qname.text, one.qname.localname}]
    if len(known) != 1:
        why = "which is not unique; write it as {namespace}name" if known else "which is no element of the schemas"
        raise WsdlInvalid(f"names {name!r}, {why}")
    return {"element": str(known[0].qname.text), "type": shapes.type(known[0].type)}


def header_shapes(wsdl: Wsdl, names: Mapping[str, Any]) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Return the shapes of headers by their *names*, and the records that they refer to. Raises `WsdlInvalid`."""
    shapes = Shapes(wsdl)
    return {name: _header(wsdl, shapes, name) for name in names}, shapes.records

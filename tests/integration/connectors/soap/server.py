"""A ledger that speaks SOAP 1.1 and 1.2, served by spyne: a program of its own, as spyne's imports warn.

It prints its port and serves until its standard input ends. `/effects` tells how many invoices were posted.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from spyne import (
    Application,
    Array,
    Boolean,
    ComplexModel,
    Date,
    DateTime,
    Decimal,
    Double,
    Enum,
    Fault,
    Integer32,
    ServiceBase,
    Unicode,
    XmlAttribute,
    rpc,
)
from spyne import (
    Iterable as Many,
)
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

NAMESPACE = "urn:ledger"
USER, PASSWORD = "house", "ledger-password<&>"
_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
posted: list[str] = []

Status = Enum("open", "paid", type_name="Status")


class Line(ComplexModel):
    """One line of an invoice."""

    __namespace__ = NAMESPACE
    sku = Unicode(min_occurs=1, nillable=False)
    count = Integer32(min_occurs=1, nillable=False)
    price = Decimal(min_occurs=1, nillable=False)


class Invoice(ComplexModel):
    """What is owed by whom."""

    __namespace__ = NAMESPACE
    id = XmlAttribute(Unicode, use="required")
    customer = Unicode(min_occurs=1, nillable=False, max_len=20)
    due = Date
    at = DateTime
    status = Status
    urgent = Boolean
    weight = Double
    lines = Array(Line)
    tags = Unicode(max_occurs="unbounded")


class Session(ComplexModel):
    """A header of messages."""

    __namespace__ = NAMESPACE
    token = Unicode
    locale = Unicode


class OutOfStock(Fault):
    """Says that nothing was done."""

    __namespace__ = NAMESPACE
    detail: Any = None

    def __init__(self) -> None:
        super().__init__("Server", "nothing is left for ann@there.example", detail={"OutOfStock": "none"})


class Ledger(ServiceBase):
    """The service."""

    @rpc(Unicode(min_occurs=1, nillable=False), _returns=Invoice)
    def GetInvoice(ctx, id):  # noqa: N802, N805 - as spyne takes operations
        """Find one invoice."""
        if id == "none":
            return None
        if id == "lost":
            raise Fault("Client.NotFound", "there is none for ann@there.example")
        line = Line(sku="a", count=2, price="1.50")
        return Invoice(id=id, customer="Ada", status="open", urgent=True, weight=0.5, lines=[line], tags=["x", "y"])

    @rpc(Invoice.customize(min_occurs=1, nillable=False), _returns=Invoice)
    def PostInvoice(ctx, invoice):  # noqa: N802, N805 - as spyne takes operations
        """Post an invoice."""
        if invoice.customer == "early":
            raise Fault("Client.Unwanted", "not this one")
        if invoice.customer == "stock":
            raise OutOfStock
        posted.append(invoice.id)
        if invoice.customer == "late":
            raise Fault("Server", "the disk is full")
        if invoice.customer == "boom":
            raise RuntimeError("boom")
        return invoice

    @rpc(_returns=Many(Unicode))
    def WhoAsks(ctx):  # noqa: N802, N805 - as spyne takes operations
        """Tell who asks, and by what."""
        yield _token(ctx.in_document)
        yield ctx.transport.req.get("HTTP_AUTHORIZATION", "")
        yield ctx.transport.req.get("HTTP_X_TENANT", "")

    @rpc(Unicode, _returns=Unicode, _in_header=(Session,))
    def Greet(ctx, name):  # noqa: N802, N805 - as spyne takes operations
        """Greet by the words of the session, and tell its token on."""
        header = ctx.in_header
        return f"{header.locale} {name} {header.token}" if header is not None else ""

    @rpc(_returns=None)
    def Nothing(ctx):  # noqa: N802, N805 - as spyne takes operations
        """Do nothing."""


def _token(document: Any) -> str:
    token = document.find(f".//{_WSSE}UsernameToken")
    if token is None:
        return "nobody"
    password = token.find(f"{_WSSE}Password")
    if password.get("Type").endswith("#PasswordText"):
        good = password.text == PASSWORD
    else:
        nonce = base64.b64decode(token.findtext(f"{_WSSE}Nonce"))
        created = token.findtext(f"{_WSU}Created").encode()
        hashed = hashlib.sha1(nonce + created + PASSWORD.encode()).digest()
        good = base64.b64encode(hashed).decode() == password.text
    return f"{token.findtext(f'{_WSSE}Username')} {'proven' if good else 'unproven'}"


def _application(protocol: Any) -> Any:
    built = Application(
        [Ledger], NAMESPACE, name="LedgerService", in_protocol=protocol(validator="lxml"), out_protocol=protocol()
    )
    return WsgiApplication(built)


APPLICATIONS = {"/11": _application(Soap11), "/12": _application(Soap12)}


def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answer as a WSGI application does."""
    path = environ["PATH_INFO"]
    if path in APPLICATIONS:
        answer: Iterable[bytes] = APPLICATIONS[path](environ, start)
        return answer
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(len(posted)).encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Serve."""
    server = make_server("127.0.0.1", 0, serve, _Server, _Quiet)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()

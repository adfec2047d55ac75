"""Errors of connectors.

InterlockError
 +-- PackageMissing        the optional package that a connector needs is not installed
 +-- OperationExternal    an operation that the caller runs was to be run here
 +-- SystemUnreachable    a system cannot be asked what it publishes now
 +-- SourceUnfit          what is to be connected is not what it seems to be
 |    +-- DocumentWanted  what describes it has to be read first
 +-- TokenRefused         no access token can be had for a system
 +-- TokenDelayed         none can be had at present
 +-- DeliveryUnproven     what was sent may be anybody's
 +-- DeliveryUnfit        what was sent is no event
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class PackageMissing(InterlockError):
    """A connector's optional package is not installed."""

    code = "connector_package_missing"
    status = 500
    title = "A connector's package is not installed"

    def __init__(self, connector: str, package: str, extra: str) -> None:
        super().__init__(
            f"the connector {connector!r} needs the package {package!r}, which is not installed",
            fix=f"pip install 'interlock-control[{extra}]'",
            connector=connector,
            extra=extra,
        )


class OperationExternal(InterlockError):
    """An operation that its caller executes, and whose result the caller reports, was to be executed here."""

    code = "operation_external"
    status = 500
    title = "The operation is executed by its caller"


class SystemUnreachable(InterlockError):
    """A live system cannot be asked for its definitions."""

    code = "system_unreachable"
    status = 502
    title = "The system cannot be asked"
    transient = True
    usual_fix = "see whether the address is right, the system runs, and it lets this machine in"


class TokenRefused(InterlockError):
    """The server of access tokens gives none, so a system was not called."""

    code = "token_refused"
    status = 502
    title = "No access token can be had"


class TokenDelayed(InterlockError):
    """The server of access tokens is slow, away or busy, so a system was not called; it may be later."""

    code = "token_delayed"
    status = 503
    title = "No access token can be had at present"
    transient = True
    usual_fix = "see whether `token_url` is right and its server runs; the call may be made again"


class DeliveryUnproven(InterlockError):
    """What was sent to the house bears no signature, a wrong one, or one that is too old."""

    code = "delivery_unproven"
    status = 401
    title = "Who sent this is not proven"


class DeliveryUnfit(InterlockError):
    """What a system sent is no event, or none that its declaration foresees."""

    code = "delivery_unfit"
    status = 400
    title = "This is no event"


class SourceUnfit(InterlockError):
    """What is to be connected begins like one of its kind, and is none that can be read."""

    code = "source_unfit"
    status = 400
    title = "The source cannot be read"


class DocumentWanted(SourceUnfit):
    """A connector that looks at documents alone was given an address; whoever asked it reads the document first."""

    code = "document_wanted"
    title = "The document has to be read first"

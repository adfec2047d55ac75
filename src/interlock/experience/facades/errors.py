"""What can be wrong with a call of a facade.

FacadeUnknown, RateExceeded, InterfaceMissing, QueryInvalid
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class FacadeUnknown(InterlockError):
    """The project has no facade of this name."""

    code = "facade_unknown"
    status = 404
    title = "No such facade"


class RateExceeded(InterlockError):
    """A caller calls a facade more often than its file allows; RFC 6585."""

    code = "rate_exceeded"
    status = 429
    title = "Too many calls"
    transient = True


class InterfaceMissing(InterlockError):
    """An interface of a facade needs an optional package that is not installed here."""

    code = "interface_missing"
    status = 501
    title = "This interface is not installed"


class QueryInvalid(InterlockError):
    """A GraphQL request is none, or asks for more than one request may."""

    code = "query_invalid"
    status = 400
    title = "No GraphQL request that can be answered"

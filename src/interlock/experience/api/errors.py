"""What can be wrong with a request itself.

RequestMalformed, RequestInvalid, RequestTooLarge, HeadTooLarge, NotFound, MethodNotAllowed, MediaTypeUnsupported,
InternalError
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class RequestMalformed(InterlockError):
    """The body is not JSON in UTF-8, or nests too deeply."""

    code = "request_malformed"
    status = 400
    title = "The body cannot be read"


class RequestInvalid(InterlockError):
    """The body or a parameter does not have the shape that the route's schema gives."""

    code = "request_invalid"
    status = 422
    title = "The request does not have the expected shape"


class RequestTooLarge(InterlockError):
    """The body is larger than the installation takes."""

    code = "request_too_large"
    status = 413
    title = "The body is too large"


class HeadTooLarge(InterlockError):
    """The request line and headers are larger than the server takes; RFC 6585."""

    code = "head_too_large"
    status = 431
    title = "The headers are too large"


class MediaTypeUnsupported(InterlockError):
    """The body is declared as something else than JSON."""

    code = "media_type_unsupported"
    status = 415
    title = "Only JSON is taken here"


class NotFound(InterlockError):
    """There is no route of this path."""

    code = "not_found"
    status = 404
    title = "No such path"


class MethodNotAllowed(InterlockError):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    status = 405
    title = "Not with this method"


class InternalError(InterlockError):
    """Something broke inside; nothing that was promised durable is lost."""

    code = "internal_error"
    status = 500
    title = "Something broke inside"

"""What an HTTP answer means for the call: done, refused, or not known."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from interlock.foundation.http import HttpFailure, HttpResponse, ResponseTooLarge, ResponseUnreadable
from interlock.foundation.http.rests import asked, used_up
from interlock.integration.connectors.bodies import NumberTooLarge, whole
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed, unanswered
from interlock.integration.connectors.wording import said
from interlock.values.operations import Effect

LONGEST_WAIT = 3600.0
_IN_PARTS = {
    206: "the system answered with a part of what was asked for (206)",  # RFC 9110, 15.3.7: a range, and none was named
    207: "the system answered for each part by itself (207)",  # RFC 4918, 11.1: some may have been done, others not
}
_REFUSALS = {
    400: ("refused", "the system refused the arguments"),
    401: ("access_denied", "the system does not accept our credentials"),
    403: ("access_denied", "the system does not let us do this"),
    404: ("not_found", "the system does not know what was asked for"),
    409: ("conflict", "the system says that this conflicts with its present state"),
    410: ("not_found", "the system no longer has what was asked for"),
    412: ("conflict", "the system says that the record has changed"),
    422: ("refused", "the system refused the arguments"),
    429: ("rate_limited", "the system asks us to slow down"),
}
_MAYBE_DONE = frozenset({301, 302, 303})
_PASSING = frozenset({500, 502, 503, 504})


def interpret(response: HttpResponse, effect: Effect, results: Mapping[str, str]) -> Answer:
    """Return what *response* says of a call with *effect*; *results* is the binding's form by status."""
    status = response.status
    if status in _IN_PARTS and str(status) not in results:
        detail = f"{_IN_PARTS[status]}, which the contract does not foresee"
        return unanswered(effect, "partly_done", detail, status=status)
    if 200 <= status < 300:
        return _result(response, effect, results.get(str(status)) or results.get("2XX") or results.get("2xx") or "json")
    if 300 <= status < 400:
        return _redirected(status, effect)
    if status < 500 and status != 408:
        code, detail = _REFUSALS.get(status, ("refused", "the system refused the call"))
        answer = failed(code, detail, status=status, **_own_words(response))
        return _later(answer, response) if status == 429 else answer
    detail = f"the system failed with status {status}"
    answer = unanswered(
        effect, "system_error", detail, status=status, transient=status in _PASSING, **_own_words(response)
    )
    return _later(answer, response) if status == 503 else answer


def broken(failure: HttpFailure, effect: Effect) -> Answer:
    """Return what it means that no whole answer came."""
    if not failure.sent:
        detail = f"{failure.what}: {failure.why}" if failure.why else failure.what
        more = {"fix": failure.fix} if failure.fix else {}
        return failed("unreachable", detail, sent=False, transient=failure.transient, **more)
    if isinstance(failure, (ResponseTooLarge, ResponseUnreadable)):
        return unanswered(effect, failure.code, failure.what)
    code = "timed_out" if failure.code == "http_timed_out" else "connection_lost"
    return unanswered(effect, code, failure.what, transient=True)


def _result(response: HttpResponse, effect: Effect, form: str) -> Answer:
    if form == "bytes":
        content = base64.b64encode(response.body).decode("ascii")
        return Answer(SUCCEEDED, {"type": response.media_type, "content": content})
    if not response.body or form == "none":
        return Answer(SUCCEEDED)
    if form == "text":
        if not response.media_type.startswith("text/"):
            return unanswered(effect, "result_breaks_contract", "the result is not text, as the contract says")
        try:
            return Answer(SUCCEEDED, response.body.decode(response.charset or "utf-8"))
        except (UnicodeDecodeError, LookupError):
            return unanswered(effect, "result_breaks_contract", "the result is not in the encoding that it names")
    if not response.is_json:
        return unanswered(effect, "result_breaks_contract", "the result is not JSON, as the contract says")
    try:
        return Answer(SUCCEEDED, whole(response.body))
    except NumberTooLarge as error:
        return unanswered(effect, "result_breaks_contract", f"the result {error}")
    except ValueError:
        return unanswered(effect, "result_breaks_contract", "the result says that it is JSON, and is not")


def _redirected(status: int, effect: Effect) -> Answer:
    """A redirect is never followed: it could lead anywhere, with our credentials.

    301, 302 and 303 are also how some systems say "done, look there", so for a write they settle nothing.
    """
    detail = "the system answered with a redirect, which is not followed"
    if status in _MAYBE_DONE:
        return unanswered(effect, "redirected", detail, status=status)
    return failed("redirected", detail, status=status)


def _later(answer: Answer, response: HttpResponse) -> Answer:
    """Return *answer* as one that may be repeated, if the system says when."""
    seconds = asked(response.headers)
    if seconds is None:
        seconds = used_up(response.headers) or None
    return answer if seconds is None else answer.after(min(seconds, LONGEST_WAIT))


def _own_words(response: HttpResponse) -> dict[str, Any]:
    """Return the system's own code and title (RFC 9457 and what is like it), as far as they may be shown."""
    if not response.is_json:
        return {}
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return {}
    inner = body.get("error") if isinstance(body, dict) else None
    code: object = None
    title: object = None
    for holder in (inner, body):
        if isinstance(holder, dict):
            words = (holder.get(key) for key in ("code", "error", "type"))
            code = next((word for word in words if isinstance(word, str)), code)
            title = holder.get("title", title)
    return said(code, title)

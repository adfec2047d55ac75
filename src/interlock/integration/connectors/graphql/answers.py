"""What an answer in GraphQL means: data and errors may come together, and a write must not take that for success.

A read with any error has failed. A write succeeded if its field has data and every error lies below it, and says then
what of its result could not be read; it failed if it certainly was not executed; whatever else came, its effect is
unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.bodies import whole
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed, unanswered
from interlock.integration.connectors.web.answers import interpret as interpret_http
from interlock.integration.connectors.wording import said
from interlock.values.operations import Effect

_STRICT = "application/graphql-response+json"
_BEFORE_EXECUTION = frozenset({"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "OPERATION_RESOLUTION_FAILURE"})
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
_MOST_NAMED, _DEEPEST = 5, 20
_BROKEN = "result_breaks_contract"
_CODES = {
    "UNAUTHENTICATED": ("access_denied", "the system does not accept our credentials"),
    "FORBIDDEN": ("access_denied", "the system does not let us do this"),
    "NOT_FOUND": ("not_found", "the system does not know what was asked for"),
    "CONFLICT": ("conflict", "the system says that this conflicts with its present state"),
    "BAD_USER_INPUT": ("refused", "the system refused the arguments"),
    "GRAPHQL_PARSE_FAILED": ("refused", "the system cannot read the document"),
    "GRAPHQL_VALIDATION_FAILED": ("refused", "the document does not fit the system's schema; it may have changed"),
    "RATE_LIMITED": ("rate_limited", "the system asks us to slow down"),
    "THROTTLED": ("rate_limited", "the system asks us to slow down"),
}


def interpret(response: HttpResponse, effect: Effect, field: str, refusals: frozenset[str]) -> Answer:
    """Return what *response* says of a call with *effect*.

    *field* is the one that a mutation selects; *refusals* are codes by which the system says it changed nothing.
    """
    body = _body(response)
    good = 200 <= response.status < 300
    if body is None or ("data" not in body and not body.get("errors")):
        if good:
            return unanswered(effect, _BROKEN, "the answer is not one of GraphQL")
        return interpret_http(response, effect, {})
    errors = body.get("errors") or []
    if not isinstance(errors, list) or not all(isinstance(error, dict) for error in errors):
        return unanswered(effect, _BROKEN, "the answer's errors are not those of GraphQL")
    # A status alone does not undo what was executed before it was chosen.
    if not good and body.get("data") is None and (effect is Effect.read or not _executed(body, errors)):
        return _with_words(interpret_http(response, effect, {}), body)
    if errors:
        return _refused(errors) if effect is Effect.read else _write(response, body, errors, field, refusals)
    data = body.get("data")
    if not isinstance(data, dict) or (field and field not in data):
        return unanswered(effect, _BROKEN, "the answer has neither data nor errors")
    return Answer(SUCCEEDED, data)


def _write(
    response: HttpResponse,
    body: Mapping[str, Any],
    errors: list[dict[str, Any]],
    field: str,
    refusals: frozenset[str],
) -> Answer:
    data = body.get("data")
    done = data.get(field) if isinstance(data, dict) else None
    if done is not None and all(_below(error, field) for error in errors):
        return Answer(SUCCEEDED, data, problem=_unread(errors))
    codes = [_code(error) for error in errors]
    if done is None and (all(code in refusals for code in codes) or _not_executed(response, body, errors, codes)):
        return _refused(errors)
    detail = "the system reports errors and no result, so it may have done part of it"
    return unanswered(Effect.write, "partly_done", detail, **said(codes[0]))


def _not_executed(
    response: HttpResponse, body: Mapping[str, Any], errors: list[dict[str, Any]], codes: list[str]
) -> bool:
    """Return whether the request was refused before any field was executed.

    An answer without `data` says so by the specification; as servers differ, it counts only where the media type
    promises to keep to it, or where the codes are of the stages before execution.
    """
    if _executed(body, errors):
        return False
    return response.media_type == _STRICT or all(code in _BEFORE_EXECUTION for code in codes)


def _executed(body: Mapping[str, Any], errors: list[dict[str, Any]]) -> bool:
    """Return whether the answer shows that fields were executed."""
    return "data" in body or any("path" in error for error in errors)


def _refused(errors: list[dict[str, Any]]) -> Answer:
    code = _code(errors[0])
    ours, detail = _CODES.get(code, ("system_error", "the system reports an error"))
    return failed(ours, detail, transient=ours == "rate_limited", **said(code))


def _below(error: Mapping[str, Any], field: str) -> bool:
    """Return whether *error* is about a part of what *field* returned, and not about the field itself."""
    path = error.get("path")
    return isinstance(path, list) and len(path) > 1 and path[0] == field


def _unread(errors: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the problem of a change that was made, with a result in which something is missing."""
    places = dict.fromkeys(_place(error["path"]) for error in errors)
    shown = ", ".join(list(places)[:_MOST_NAMED])
    detail = f"it was done, and the system could not tell all that came of it; not known, rather than nothing: {shown}"
    return {"code": "partly_read", "detail": detail, **said(_code(errors[0]))}


def _place(path: list[Any]) -> str:
    """Return a path as far as it can be names of our own document and positions."""
    steps = (str(step) if isinstance(step, int) or _NAME.fullmatch(str(step)) else "?" for step in path[:_DEEPEST])
    return ".".join(steps)


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else ""


def _with_words(answer: Answer, body: Mapping[str, Any]) -> Answer:
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if answer.problem is not None and isinstance(first, dict):
        answer.problem.update(said(_code(first)))
    return answer


def _body(response: HttpResponse) -> dict[str, Any] | None:
    if not response.is_json:
        return None
    try:
        body = whole(response.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None

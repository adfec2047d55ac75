"""What an answer in SOAP means for the call: done, surely not done, or not known.

A fault says why, not whether: only some kinds of it are promises that nothing was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.http import HttpResponse
from interlock.integration.connectors.interface import SUCCEEDED, Answer, failed, unanswered
from interlock.integration.connectors.soap.envelopes import Fault, unwrapped
from interlock.integration.connectors.soap.reading import AnswerUnfit, Reader, parse
from interlock.integration.connectors.web.answers import interpret as interpret_http
from interlock.integration.connectors.wording import said
from interlock.values.operations import Effect

BROKEN = "result_breaks_contract"
_AT_FAULT = frozenset({"Client", "Sender"})
"""By both versions of SOAP the message itself was at fault, and is not to be sent again as it is."""
_SERVER = frozenset({"Server", "Receiver"})
"""Whatever is said more closely within these, it may come from further down, after a part of the work was done."""
_DENIED = frozenset(
    "FailedAuthentication InvalidSecurity InvalidSecurityToken SecurityTokenUnavailable FailedCheck "
    "UnsupportedSecurityToken UnsupportedAlgorithm".split()
)
"""Codes of Web Services Security: the message was not let in."""
_UNREAD = frozenset(
    "VersionMismatch MustUnderstand DataEncodingUnknown ActionNotSupported InvalidAddressingHeader "
    "MessageAddressingHeaderRequired DestinationUnreachable".split()
)
"""Codes of SOAP and WS-Addressing for messages that must not be processed."""
_MEDIA = frozenset({"text/xml", "application/soap+xml", "application/xml", ""})


@dataclass(frozen=True, slots=True)
class Expected:
    """What a call would have back: *output* is the binding's shape of it, None where nothing comes.

    *refusals* are names of faults, by codes or details, by which the system says that it changed nothing; None where
    the project names none, and what the standard says of the outermost code counts.
    """

    effect: Effect
    output: Mapping[str, Any] | None
    records: Mapping[str, Any]
    refusals: frozenset[str] | None = None


def interpret(response: HttpResponse, expected: Expected) -> Answer:
    """Return what *response* says of a call."""
    effect, good = expected.effect, 200 <= response.status < 300
    if good and not response.body.strip() and expected.output is None:
        return Answer(SUCCEEDED)
    if response.media_type not in _MEDIA:
        what = "in several parts, which is not supported" if "multipart" in response.media_type else "not XML"
        return unanswered(effect, BROKEN, f"the answer is {what}") if good else interpret_http(response, effect, {})
    try:
        found = unwrapped(parse(response.body, _charset(response)))
    except AnswerUnfit as error:
        return unanswered(effect, BROKEN, f"the answer {error}") if good else interpret_http(response, effect, {})
    if found.fault is not None:
        return _faulted(response, found.fault, expected)
    if not good:
        return interpret_http(response, effect, {})
    if expected.output is None:
        return Answer(SUCCEEDED)
    name = expected.output["element"]
    if found.content is None or (found.content.tag != name and not expected.output.get("any_name")):
        return unanswered(effect, BROKEN, f"the answer has no {name.rpartition('}')[2]!r}, as the contract says")
    try:
        return Answer(SUCCEEDED, Reader(expected.records).value(found.content, expected.output["type"]))
    except AnswerUnfit as error:
        return unanswered(effect, BROKEN, f"the answer {error}")


def _faulted(response: HttpResponse, fault: Fault, expected: Expected) -> Answer:
    words = said(next((name for name in fault.names if name), ""))
    outermost = fault.codes[0] if fault.codes else ""
    codes: set[str] = set() if outermost in _SERVER else set(fault.codes)
    if codes & _DENIED:
        return failed("access_denied", "the system does not accept our credentials", **words)
    if codes & _UNREAD:
        return failed("refused", "the system does not take this message; its WSDL may have changed", **words)
    own = expected.refusals
    if outermost in _AT_FAULT if own is None else not own.isdisjoint(fault.names):
        if 400 < response.status < 500 and response.status != 408:
            return _with(interpret_http(response, expected.effect, {}), words)
        return failed("refused", "the system refused the call with a fault", **words)
    detail = "the system reports a fault"
    if expected.effect is not Effect.read:
        detail += ", which does not say whether the call had its effect"
    return unanswered(expected.effect, "system_error", detail, **words)


def _with(answer: Answer, words: Mapping[str, Any]) -> Answer:
    if answer.problem is not None:
        answer.problem.update(words)
    return answer


def _charset(response: HttpResponse) -> str:
    """Return the encoding that the answer's header names, which counts over the document's (RFC 7303), unless the
    document begins with a byte order mark.
    """
    if response.body[:2] in {b"\xff\xfe", b"\xfe\xff"} or response.body[:3] == b"\xef\xbb\xbf":
        return ""
    return response.charset

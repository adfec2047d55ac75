"""What a directory's result (RFC 4511, 4.1.9) means for the call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.integration.connectors.interface import Answer, failed, unanswered
from interlock.integration.connectors.wording import said
from interlock.values.operations import Effect

SUCCESS, SIZE_LIMIT, COMPARE_FALSE, COMPARE_TRUE, NO_SUCH_ENTRY, EXISTS = 0, 4, 5, 6, 32, 68
PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
"""The control in which a server says what is wrong with a password."""
_DENIED = ("access_denied", "the directory does not let us do this")
_UNKNOWN_US = ("access_denied", "the directory does not accept our credentials")
_LIMIT = ("limit_exceeded", "the directory gives no more than a part of the result; make the search narrower")
_SCHEMA = ("refused", "the directory's schema does not allow this")
_BUSY = ("system_error", "the directory is busy or not available")
_CONFLICT = ("conflict", "this conflicts with what the entry holds")
_MEANINGS = {
    3: ("limit_exceeded", "the directory gave the search up for its own time limit; make it narrower"),
    SIZE_LIMIT: _LIMIT,
    7: ("access_denied", "the directory does not take this way of logging in"),
    8: ("access_denied", "the directory wants a stronger way of logging in, or TLS"),
    10: ("referral", "another server holds the entry, and referrals are not followed"),
    11: _LIMIT,
    12: ("not_supported", "the directory does not know a control that the operation needs"),
    13: ("access_denied", "the directory wants TLS"),
    16: ("conflict", "the entry has no such attribute or value"),
    17: ("refused", "the directory's schema has no such attribute; it may have changed"),
    18: ("refused", "the directory cannot compare the attribute in this way"),
    19: ("refused", "a rule of the directory does not allow this value"),
    20: ("conflict", "the entry has this value already"),
    21: ("refused", "a value is not of the attribute's syntax"),
    NO_SUCH_ENTRY: ("not_found", "the directory has no such entry"),
    34: ("refused", "the directory does not take this for a name"),
    48: _UNKNOWN_US,
    49: _UNKNOWN_US,
    50: _DENIED,
    51: _BUSY,
    52: _BUSY,
    53: ("refused", "the directory is not willing to do this"),
    54: ("refused", "the directory found a loop"),
    64: _SCHEMA,
    65: _SCHEMA,
    66: ("conflict", "the entry has others under it"),
    67: ("refused", "the attribute is a part of the entry's name; rename it"),
    EXISTS: ("conflict", "the directory has an entry of this name already"),
    69: _SCHEMA,
    71: ("referral", "the change would concern several servers"),
    122: ("conflict", "the entry is no longer as `when` says it has to be"),
}
_TRANSIENT = frozenset({51, 52})
_REASONS = {0: "password_expired", 1: "account_locked", 2: "password_must_change"}
_ACTIVE_DIRECTORY = {
    "532": "password_expired",
    "533": "account_disabled",
    "701": "account_expired",
    "773": "password_must_change",
    "775": "account_locked",
}
_DATA = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]{1,8})\b")


def refusal(result: Mapping[str, Any], effect: Effect) -> Answer:
    """Return what *result*, which is no success, says of a call with *effect*.

    Each change is all or nothing, so a refusal changed nothing; what only says that something went wrong does not say
    that. Texts of the directory are not shown: they may repeat what was sent.
    """
    number: int = result["result"]
    shown = {**said(result["description"]), "status": number}
    if number in _MEANINGS:
        code, detail = _MEANINGS[number]
        return failed(code, detail, transient=number in _TRANSIENT, **shown)
    return unanswered(effect, "system_error", "the directory reports an error", **shown)


def reason_of(result: Mapping[str, Any]) -> str:
    """Return why a login was refused, in one word, empty where the directory does not say it."""
    control = (result.get("controls") or {}).get(PASSWORD_POLICY)
    if control is not None:
        return _REASONS.get(_policy_error(control["value"] or b""), "")
    match = _DATA.search(str(result.get("message", "")))
    return _ACTIVE_DIRECTORY.get(match[1], "") if match else ""


def _policy_error(value: bytes) -> int:
    """Return the error in a password policy response: SEQUENCE {warning [0] OPTIONAL, error [1] OPTIONAL}; else -1."""
    place, end = 2, len(value)
    while place + 2 <= end:
        tag, length = value[place], value[place + 1]
        if tag == 0x81 and length == 1 and place + 3 <= end:
            return value[place + 2]
        place += 2 + length
    return -1

"""A relay before a directory, and what it says in the directory's place."""

from __future__ import annotations

import re

from tests.integration.connectors import relay

_RESULT = re.compile(rb"[\x61-\x79](?=\x07\x0a\x01)")
_ANSWERS = {0x63: 0x65, 0x66: 0x67, 0x68: 0x69, 0x4A: 0x6B, 0x6C: 0x6D, 0x6E: 0x6F, 0x60: 0x61, 0x77: 0x78}
"""The tag of the result, by that of the request."""
_REFUSALS = {"busy": 51, "unwilling": 53}


def tlv(tag: int, content: bytes) -> bytes:
    """Return an element of BER."""
    return bytes([tag, 0x82, len(content) >> 8, len(content) & 255]) + content


def head(request: bytes) -> tuple[bytes, int]:
    """Return the number of a request as it is written, and the tag of its result."""
    place = 2 + (request[1] & 127 if request[1] > 127 else 0)
    end = place + 2 + request[place + 1]
    return request[place:end], _ANSWERS[request[end]]


def result(request: bytes, code: int) -> bytes:
    """Return the result *code* of a request."""
    number, tag = head(request)
    return tlv(0x30, number + tlv(tag, tlv(0x0A, bytes([code])) + tlv(4, b"") + tlv(4, b"")))


class Relay(relay.Relay):
    """One that speaks LDAP: `mistyped` answers with the result of something else; `busy` and `unwilling` pass
    nothing on and say that they are.
    """

    noise = b"\x30\x0c\x02\x01\x07\x65\x07\x0a\x01\x00\x04\x7f\x04\x00"  # its inner lengths lead outside
    long = b"\x30\x84\x7f\xff\xff\xff"  # the head of a message of two gigabytes

    def refusal(self, request: bytes) -> bytes:
        return result(request, _REFUSALS[self.fault]) if self.fault in _REFUSALS else b""

    def altered(self, answer: bytes) -> bytes | None:
        return _RESULT.sub(b"\x6d", answer) if self.fault == "mistyped" else None

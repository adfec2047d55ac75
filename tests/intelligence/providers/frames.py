"""Writes frames of `application/vnd.amazon.eventstream`, as a server does."""

from __future__ import annotations

import json
import struct
from typing import Any
from zlib import crc32


def frame(event: dict[str, Any]) -> bytes:
    """Return `{type, payload}` or `{exception, payload}` as one frame."""
    message = "exception" if "exception" in event else "event"
    named = {":message-type": message, ":content-type": "application/json"}
    named[f":{message}-type"] = event.get("exception") or event["type"]
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in named.items()
    )
    payload = json.dumps(event["payload"], ensure_ascii=False).encode()
    begin = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    begin += struct.pack(">I", crc32(begin))
    whole = begin + headers + payload
    return whole + struct.pack(">I", crc32(whole))

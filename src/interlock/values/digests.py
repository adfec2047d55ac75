"""Canonical bytes and digests of JSON values, so that equal values always have equal digests."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces (the subset of RFC 8785 that JSON from a parser needs)."""
    return orjson.dumps(value, option=_OPTIONS)


def digest(value: Any) -> str:
    """Return `sha256:` and the hex digest of the value's canonical bytes."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes) -> str:
    """Return `sha256:` and the hex digest of *data*."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def salted_digest(salt: bytes, value: Any) -> str:
    """Return a digest that cannot be guessed back from likely values once *salt* is erased."""
    return "sha256:" + hashlib.sha256(salt + canonical(value)).hexdigest()

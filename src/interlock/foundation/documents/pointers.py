"""JSON pointers (RFC 6901): how a place in a JSON value is written."""

from __future__ import annotations

from collections.abc import Iterable


def escape(step: str | int) -> str:
    """Return one step of a pointer as it is written."""
    return str(step).replace("~", "~0").replace("/", "~1")


def unescape(written: str) -> str:
    """Return the step that is *written* between two slashes."""
    return written.replace("~1", "/").replace("~0", "~")


def pointer_of(steps: Iterable[str | int]) -> str:
    """Return the pointer of *steps*; of none the empty one, which is the whole."""
    return "".join(f"/{escape(step)}" for step in steps)


def steps_of(pointer: str) -> tuple[str, ...]:
    """Return the steps of a *pointer*; what stands before its first slash is left out."""
    return tuple(map(unescape, pointer.split("/")[1:]))

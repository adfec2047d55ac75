"""A lock of one writer among processes, for connectors that write files. Not for network file systems."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_PAUSE = 0.02


def lock_file(path: Path, deadline: float) -> int | None:
    """Return a descriptor that holds the lock at *path* until it is closed, or None if it cannot be had by *deadline*.

    *deadline* is a moment of `time.monotonic`. The lock dies with its process. It blocks. Raises `OSError`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() + _PAUSE >= deadline:
                    os.close(descriptor)
                    return None
                time.sleep(_PAUSE)
            else:
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise

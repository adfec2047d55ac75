"""What a process holds, for tests that look for leaks, and waiting for what has no event."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 30.0


def held() -> tuple[int, int, int]:
    """Return how many files, threads and child processes are held."""
    gc.collect()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    files = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    threads = [one for one in threading.enumerate() if not one.name.startswith("asyncio_")]  # those are the loop's own
    return files, len(threads), len(children.read_text().split()) if children.exists() else 0


def peak() -> int:
    """Return the most memory, in bytes, that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


async def until(met: Callable[[], Any]) -> None:
    """Wait until *met*, for what is being done on the other side too, which may be busy. Fails after `PATIENCE`."""
    limit = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < limit, "what was waited for did not come"
        await asyncio.sleep(0.05)

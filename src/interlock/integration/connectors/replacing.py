"""Names given to files in one step, and made durable, for connectors that write files."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_NO_REPLACE = 1
_UNKNOWN = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def durable(folder: int | Path) -> None:
    """Flush the names of a *folder* (its path, or a descriptor of it) to the disk. Raises `OSError`."""
    if isinstance(folder, int):
        os.fsync(folder)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_new(source: int, old: str, target: int, new: str) -> None:
    """Rename *old* in the folder of descriptor *source* to *new* in that of *target*, where nothing has that name.

    One step where the system has it (`renameat2` of Linux), else a link and its undoing. Raises `FileExistsError`,
    `OSError`.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if rename(source, os.fsencode(old), target, os.fsencode(new), _NO_REPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _UNKNOWN:
            raise OSError(number, os.strerror(number))
    os.link(old, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    os.unlink(old, dir_fd=source)

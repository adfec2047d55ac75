"""What keeps a call on files from doing its work. The connector turns each into an answer.

FilesTrouble
 +-- PlaceAway        the place, or the file, is not there or may not be used
 |    +-- AccessDenied    the server does not let us in, or is not the one that was declared
 +-- FileMissing      there is no such file
 +-- FileExists       a file of this name is there already
 +-- FileTooLarge     more bytes, rows, columns or larger cells than are declared
 +-- FileChanged      somebody else wrote meanwhile
 +-- FileBroken       the file cannot be read, at a row and perhaps a column
 +-- ColumnsChanged   the file has other columns than are declared
 +-- ArgumentUnfit    what was to be written cannot be
 +-- PlaceBusy        another of our writers holds the place
 +-- KeyReused        the idempotency key was used for something else
 +-- TimeOver         the time limit passed
 +-- ConnectionGone   the connection ended before the answer came
 +-- Unclear          whether something came about cannot be told
"""

from __future__ import annotations

from typing import Any


class FilesTrouble(Exception):
    """The branch; *detail* is a sentence without data of the file. *more* are small harmless facts."""

    code = "system_error"
    sent = True
    transient = False

    def __init__(self, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.more = more


class PlaceAway(FilesTrouble):
    """The place or the file is not there, or may not be used."""

    code = "unreachable"
    sent = False


class AccessDenied(PlaceAway):
    """The server does not let us in, or it is not the declared one."""

    code = "access_denied"


class FileMissing(FilesTrouble):
    """There is no such file."""

    code = "not_found"


class FileExists(FilesTrouble):
    """A file of this name is there already."""

    code = "file_exists"


class FileTooLarge(FilesTrouble):
    """A declared bound is passed."""

    code = "file_too_large"


class FileChanged(FilesTrouble):
    """Somebody else wrote meanwhile."""

    code = "file_changed"
    transient = True


class FileBroken(FilesTrouble):
    """The file cannot be read; *row* is where, from 1, or 0 for the file as a whole."""

    code = "file_broken"

    def __init__(self, reason: str, *, row: int = 0, column: str = "") -> None:
        where = (f"row {row}" if row else "the file") + (f", column {column}" if column else "")
        super().__init__(f"{where} {reason}", **({"row": row} if row else {}), **({"column": column} if column else {}))


class ColumnsChanged(FilesTrouble):
    """The file has other columns than are declared."""

    code = "columns_changed"


class ArgumentUnfit(FilesTrouble):
    """What was to be written cannot be."""

    code = "argument_unfit"
    sent = False


class PlaceBusy(FilesTrouble):
    """Another of our writers holds the place."""

    code = "system_busy"
    sent = False
    transient = True


class KeyReused(FilesTrouble):
    """The idempotency key was used for something else."""

    code = "key_reused"
    sent = False


class TimeOver(FilesTrouble):
    """The time limit passed."""

    code = "timed_out"
    transient = True


class ConnectionGone(FilesTrouble):
    """The connection ended before the answer came."""

    code = "connection_lost"
    transient = True


class Unclear(FilesTrouble):
    """Whether something came about cannot be told; it is settled by looking."""

    code = "commit_unclear"


INDEFINITE = (ConnectionGone, TimeOver, Unclear)
"""After these it is not known whether what was sent came about."""

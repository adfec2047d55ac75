"""What can go wrong on the command line itself.

InterlockError
 +-- UsageInvalid        the command was written in a way that cannot be meant (exit code 2)
 +-- FolderTaken         `init` would write over files that are there
 +-- FileUnusable        a file or folder that a command needs cannot be read or written
 +-- NothingStored       the project has no storage yet, so there is no journal to read
 +-- AdminKeyExists      `keys create --local` where keys can be created through the server
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class UsageInvalid(InterlockError):
    """The command was written in a way that cannot be meant."""

    code = "usage_invalid"
    status = 422
    title = "The command cannot be understood"


class FolderTaken(InterlockError):
    """`init` would write over files that are there already."""

    code = "folder_taken"
    status = 409
    title = "The folder already holds such files"


class FileUnusable(InterlockError):
    """A file or folder that a command needs cannot be read or written."""

    code = "file_unusable"
    status = 400
    title = "A file cannot be used"


class NothingStored(InterlockError):
    """The project has no storage yet: nothing was ever recorded there."""

    code = "nothing_stored"
    status = 404
    title = "There is no journal yet"


class AdminKeyExists(InterlockError):
    """`keys create --local` is for the first administrator alone; further keys come from that one's authority."""

    code = "admin_key_exists"
    status = 409
    title = "There is an administrator's key already"

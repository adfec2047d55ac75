"""Errors of secrets. None ever holds a secret's text.

InterlockError
 +-- SecretMissing              no place that was looked in has the secret
 +-- SecretInsecure             a file with secrets may be read by others than its owner
 +-- SecretReferenceInvalid     a reference is not written as `secret:NAME`
 +-- SecretFileInvalid          a line of a secrets file is not `NAME=value`
 +-- KeptKeyUnsafe              a key that the installation keeps may be read by others, or is none
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class SecretMissing(InterlockError):
    """No place that was looked in has the secret."""

    code = "secret_missing"
    status = 500
    title = "A secret is missing"


class SecretInsecure(InterlockError):
    """A file with secrets may be read or changed by others than its owner."""

    code = "secret_insecure"
    status = 500
    title = "A secrets file is open to others"


class SecretReferenceInvalid(InterlockError):
    """A reference is not written as `secret:NAME`."""

    code = "secret_reference_invalid"
    status = 422
    title = "Not a reference to a secret"


class SecretFileInvalid(InterlockError):
    """A line of a secrets file is not `NAME=value`, or the file is no text."""

    code = "secret_file_invalid"
    status = 500
    title = "A secrets file is not valid"


class KeptKeyUnsafe(InterlockError):
    """A key that the installation made for itself may be read by others than its owner, or the file holds no key."""

    code = "kept_key_unsafe"
    status = 500
    title = "A kept key is not safe"

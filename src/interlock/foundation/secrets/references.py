"""How a file refers to a secret without holding it."""

from __future__ import annotations

import re

from interlock.foundation.secrets.errors import SecretReferenceInvalid

PREFIX = "secret:"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def is_reference(value: object) -> bool:
    """Return whether *value* is a text that begins with `secret:`."""
    return isinstance(value, str) and value.startswith(PREFIX)


def secret_name(reference: str) -> str:
    """Return NAME of `secret:NAME`. Raises `SecretReferenceInvalid`, which does not repeat the text."""
    name = reference.removeprefix(PREFIX)
    if not reference.startswith(PREFIX) or _NAME.fullmatch(name) is None:
        raise SecretReferenceInvalid(
            "this is no reference to a secret",
            fix="write secret:NAME; NAME is a letter, then letters, digits, '_', '-' or '.'",
        )
    return name


def variable_form(name: str) -> str:
    """Return the name as environment variables spell it: `erp.main-key` is `ERP_MAIN_KEY`."""
    return name.upper().replace("-", "_").replace(".", "_")

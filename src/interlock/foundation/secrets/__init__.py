"""Secrets by reference: `secret:NAME`, found in the environment or in files that only the owner may read."""

from __future__ import annotations

from interlock.foundation.secrets.references import is_reference, secret_name
from interlock.foundation.secrets.secret_store import SecretStore

__all__ = ["SecretStore", "is_reference", "secret_name"]

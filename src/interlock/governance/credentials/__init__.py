"""Who is calling: API keys and tokens, and what they may be used for."""

from __future__ import annotations

from interlock.governance.credentials.authenticator import Authenticator, demand_scope
from interlock.governance.credentials.demo import check_listen, is_demo
from interlock.governance.credentials.directory import Directory, Member, directory_of
from interlock.governance.credentials.jwks import Fetch
from interlock.governance.credentials.key import SCOPES, IssuedKey, Key, KeyRequest
from interlock.governance.credentials.keys import Keys
from interlock.governance.credentials.tokens import Tokens

__all__ = [
    "SCOPES",
    "Authenticator",
    "Directory",
    "Fetch",
    "IssuedKey",
    "Key",
    "KeyRequest",
    "Keys",
    "Member",
    "Tokens",
    "check_listen",
    "demand_scope",
    "directory_of",
    "is_demo",
]

"""The connection that commands take: the address and key of the environment."""

from __future__ import annotations

import argparse
import os

from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import note
from interlock.experience.client.connection import Connection, segment
from interlock.foundation.settings.environment import setting

__all__ = ["Connection", "connect", "segment"]


def connect(arguments: argparse.Namespace) -> Connection:
    """Return the client for `--url` or INTERLOCK_URL with INTERLOCK_KEY. Raises `UsageInvalid` without a key."""
    key = setting("INTERLOCK_KEY", os.environ)
    if not key:
        raise UsageInvalid(
            "there is no key to talk to the server with",
            why="INTERLOCK_KEY is not set",
            fix="export INTERLOCK_KEY=ik_...; the first one is made by `interlock keys create --local`",
        )
    client = Connection(arguments.url or setting("INTERLOCK_URL", os.environ), key)
    if client.exposed:
        note("warning: the key travels in the clear; use https beyond this machine")
    return client

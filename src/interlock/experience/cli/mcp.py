"""`interlock mcp`: the Model Context Protocol on stdin and stdout, as a bridge to a running server."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from interlock.experience.cli.client import connect
from interlock.experience.cli.command import OK
from interlock.experience.mcp.stdio import bridge
from interlock.foundation.settings.environment import setting


def bridge_stdio(arguments: argparse.Namespace) -> int:
    """Pass messages between stdin, stdout and the server's `/mcp` until stdin ends."""
    url = connect(arguments).url
    asyncio.run(bridge(url, setting("INTERLOCK_KEY", os.environ), sys.stdin.buffer, sys.stdout.buffer))
    return OK

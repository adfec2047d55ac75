"""The console at `/console`: server-rendered pages on which people judge, decide and look things up."""

from interlock.experience.console.console import Console

__all__ = ["Console"]

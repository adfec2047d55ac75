"""REST systems without a document: each operation's request and answer are described by hand."""

from __future__ import annotations

from interlock.integration.connectors.http.plugin import plugin

__all__ = ["plugin"]

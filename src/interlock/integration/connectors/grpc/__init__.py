"""Systems that speak gRPC."""

from __future__ import annotations

from interlock.integration.connectors.grpc.plugin import plugin

__all__ = ["plugin"]

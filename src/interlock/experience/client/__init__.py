"""The client for Python programs."""

from __future__ import annotations

from interlock.experience.client.client import Client, JobResult
from interlock.experience.client.errors import AddressInvalid, ServerProblem, ServerUnreachable

__all__ = ["AddressInvalid", "Client", "JobResult", "ServerProblem", "ServerUnreachable"]

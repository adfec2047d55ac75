"""Warming up: what takes time before a first answer is done before anybody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

from interlock.intelligence.gateway.errors import ProviderFailure
from interlock.intelligence.gateway.routes import Instance, Route

LOG = logging.getLogger("interlock.models")


@runtime_checkable
class Warmable(Protocol):
    """The part of a provider that can get ready ahead of a first call: makes its connection, loads its model."""

    async def warm(self, *, timeout: float) -> None:
        """Get ready within *timeout* seconds; the model is asked for nothing. Raises a kind of `ProviderFailure`."""
        ...


async def warm(routes: Mapping[str, Route], done: set[object]) -> None:
    """Warm up what is declared `warm` and not among *done*, all at once; what it comes to is logged and stops nobody.

    What was tried is *done*, and not tried again for as long as nothing about it changes.
    """
    cold = {instance.identity: (instance, limit) for instance, limit in _declared(routes)}
    found = [one for identity, one in cold.items() if identity not in done]
    done.intersection_update(cold)
    done.update(cold)
    await asyncio.gather(*(_warm(instance, limit) for instance, limit in found))


def _declared(routes: Mapping[str, Route]) -> Iterator[tuple[Instance, float]]:
    for route in routes.values():
        for target in route.targets:
            for instance in target.instances:
                if target.warm and isinstance(instance.provider, Warmable) and not instance.provider.missing():
                    yield instance, target.warm


async def _warm(instance: Instance, limit: float) -> None:
    assert isinstance(instance.provider, Warmable)
    try:
        async with asyncio.timeout(limit):
            await instance.provider.warm(timeout=limit)
    except (ProviderFailure, TimeoutError) as error:
        LOG.warning("%s is not warmed up: %s", instance.name, getattr(error, "what", "it took too long"))
    else:
        LOG.info("%s is warmed up", instance.name)

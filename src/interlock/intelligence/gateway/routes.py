"""Routes: names for models, compiled from models.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.documents import Document, Findings, ProjectInvalid, check, escape
from interlock.foundation.plugins import PROVIDERS, load_plugin
from interlock.foundation.plugins.errors import PluginMissing
from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway.provider import Provider, ProviderPlugin, ProviderPorts, Target

GATEWAY_KEYS = frozenset({"provider", "when_configured", "timeout"})


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """One model that a route may use. *optional*: passed over in silence while it is not configured."""

    provider: Provider
    optional: bool = False
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Route:
    """A name for a model: its targets in the order they are tried, and the seconds that all may take."""

    name: str
    targets: tuple[RouteTarget, ...]
    timeout: float = 60.0


def build_routes(document: Document, ports: ProviderPorts) -> dict[str, Route]:
    """Return the routes of a models document, without contacting anything.

    Raises `ProjectInvalid` with every problem: unknown providers, wrong keys of a target, broken rules files.
    """
    findings = Findings()
    routes: dict[str, Route] = {}
    for name, declared in document.data["routes"].items():
        targets: list[RouteTarget] = []
        for position, data in enumerate(declared["targets"]):
            pointer = f"/routes/{escape(name)}/targets/{position}"
            with findings.collect():
                targets.append(_target(Target(document, pointer, data), ports))
        routes[name] = Route(name, tuple(targets), duration(declared.get("timeout", "60s")))
    findings.raise_if_any()
    return routes


def _target(target: Target, ports: ProviderPorts) -> RouteTarget:
    data = target.data
    plugin = _plugin(target)
    problems = check(target.document, _with_gateway_keys(plugin.target_schema), pointer=target.pointer)
    if problems:
        raise ProjectInvalid(problems)
    own = {key: value for key, value in data.items() if key not in GATEWAY_KEYS}
    provider = plugin.build(Target(target.document, target.pointer, own), ports)
    return RouteTarget(provider, bool(data.get("when_configured")), duration(data.get("timeout", "30s")))


def _plugin(target: Target) -> ProviderPlugin:
    try:
        plugin: ProviderPlugin = load_plugin(PROVIDERS, target.data["provider"])
    except PluginMissing as error:
        raise ProjectInvalid([target.finding("provider", f"{error.what}; {error.fix}")]) from error
    return plugin


def _with_gateway_keys(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The plug-in's schema, letting the gateway's own keys stand beside its."""
    properties = dict.fromkeys(GATEWAY_KEYS, True) | dict(schema.get("properties", {}))
    return {**schema, "properties": properties}

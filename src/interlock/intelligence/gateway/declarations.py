"""Routes as they are declared in models.yaml: read, held against each other, and built without contacting anything."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from interlock.foundation.documents import Document, Finding, Findings, ProjectInvalid, check, escape, unescape
from interlock.foundation.expressions import ExpressionInvalid
from interlock.foundation.plugins import PROVIDERS, load_plugin
from interlock.foundation.plugins.errors import PluginMissing
from interlock.foundation.settings.quantities import duration
from interlock.governance.limits import BreakerLimits
from interlock.intelligence.gateway import guards, terms
from interlock.intelligence.gateway.caching import cache_plan
from interlock.intelligence.gateway.conditions import ALWAYS, Condition, compile_condition
from interlock.intelligence.gateway.embeddings import Embedder
from interlock.intelligence.gateway.guards import NO_GUARDS
from interlock.intelligence.gateway.hedging import hedge_of
from interlock.intelligence.gateway.latency import AnotherRoute, KeptAnswer, PreparedAnswer, latencies_of
from interlock.intelligence.gateway.messages import RouteKind
from interlock.intelligence.gateway.pins import Pin
from interlock.intelligence.gateway.provider import ProviderPlugin, ProviderPorts, Target
from interlock.intelligence.gateway.retries import NO_RETRIES, Retries
from interlock.intelligence.gateway.routes import FALL_BACK, Instance, Route, RouteTarget
from interlock.intelligence.gateway.strategies import STRATEGIES
from interlock.intelligence.gateway.warming import Warmable
from interlock.values.clearances import clearance_of
from interlock.values.digests import digest

GATEWAY_KEYS = frozenset(
    {
        "provider",
        "name",
        "when_configured",
        "timeout",
        "first_token",
        "idle",
        "weight",
        "when",
        "pin",
        "on_change",
        "instances",
        "warm",
        "clearance",
        "region",
    }
)
INSTANCES = "instances"


def build_routes(document: Document, ports: ProviderPorts) -> dict[str, Route]:
    """Return the routes of a models document, without contacting anything.

    Raises `ProjectInvalid` with every problem: unknown providers, wrong keys of a target, conditions that are none,
    keys that mean nothing beside others, broken rules files.
    """
    findings = Findings()
    routes: dict[str, Route] = {}
    for name, declared in document.data["routes"].items():
        place = f"/routes/{escape(name)}"
        targets: list[RouteTarget] = []
        for position, data in enumerate(declared["targets"]):
            with findings.collect():
                targets.append(_target(Target(document, f"{place}/targets/{position}", data), ports))
        findings.extend(_contradictions(document, place, declared))
        findings.extend(guards.contradictions(document, place, declared))
        findings.extend(terms.contradictions(document, place, declared))
        guarded = NO_GUARDS
        with findings.collect():
            guarded = guards.guards_of(document, place, declared)
        routes[name] = replace(_route(name, declared, targets), guards=guarded, residency=terms.residency_of(declared))
        if len(targets) == len(declared["targets"]):
            findings.extend(_unfit(document, place, routes[name]))
    for name, route in routes.items():
        findings.extend(_astray(document, f"/routes/{escape(name)}", route, routes))
    findings.raise_if_any()
    return routes


def _route(name: str, declared: Mapping[str, Any], targets: list[RouteTarget]) -> Route:
    health = declared.get("health", {})
    standard = BreakerLimits()
    return Route(
        name,
        tuple(targets),
        duration(declared.get("timeout", "60s")),
        STRATEGIES[declared.get("strategy", "ordered")],
        _retries(declared.get("retries")),
        frozenset(declared.get("fall_back_on", FALL_BACK)),
        BreakerLimits(
            failures=health.get("failures", standard.failures),
            pause=duration(health["pause"]) if "pause" in health else standard.pause,
        ),
        RouteKind(declared.get("kind", RouteKind.chat)),
        cache_plan(declared.get("cache")),
        hedge_of(declared.get("hedge")),
        latencies_of(declared.get("latency")),
    )


def _unfit(document: Document, place: str, route: Route) -> Iterator[Finding]:
    """Yield which targets of a route for embeddings cannot make any."""
    if route.kind is not RouteKind.embeddings:
        return
    for at, target in enumerate(route.targets):
        if not isinstance(target.provider, Embedder):
            message = f"{target.provider.name!r} makes no embeddings"
            yield document.finding(f"{place}/targets/{at}/provider", message)


def _astray(document: Document, place: str, route: Route, routes: Mapping[str, Route]) -> Iterator[Finding]:
    """Yield where *route* names another that there is not, or that is not for what it is named for."""
    if route.kind is RouteKind.embeddings and route.latency.by_use:
        yield document.finding(f"{place}/latency", "means nothing with `kind: embeddings`")
    for use, latency in route.latency.by_use.items():
        there = f"{place}/latency/{escape(use)}"
        if latency.wait > latency.budget:
            yield document.finding(f"{there}/wait", "is more than `budget`")
        for at, resort in enumerate(latency.then):
            if isinstance(resort, AnotherRoute):
                fitting = resort.route in routes and routes[resort.route].kind is RouteKind.chat
                if resort.route == route.name or not fitting:
                    message = f"{resort.route!r} is no other route of `kind: chat`"
                    yield document.finding(f"{there}/then/{at}/route", message)
            elif isinstance(resort, KeptAnswer) and (route.cache is None or not route.cache.stale):
                message = "means nothing without `cache`, and `stale` in it"
                yield document.finding(f"{there}/then/{at}", message)
            elif isinstance(resort, PreparedAnswer) and at < len(latency.then) - 1:
                yield document.finding(f"{there}/then/{at + 1}", "is never reached: the words before it always do")
    if route.cache is None:
        return
    if route.kind is RouteKind.embeddings:
        yield document.finding(f"{place}/cache", "vectors are not kept; it means nothing with `kind: embeddings`")
    like = route.cache.semantic
    if like is not None and (like.route not in routes or routes[like.route].kind is not RouteKind.embeddings):
        message = f"{like.route!r} is no route of `kind: embeddings`"
        yield document.finding(f"{place}/cache/semantic/route", message)


def _retries(declared: Mapping[str, Any] | None) -> Retries:
    if declared is None:
        return NO_RETRIES
    return Retries(declared["times"], duration(declared.get("wait", "250ms")), duration(declared.get("longest", "8s")))


def _contradictions(document: Document, place: str, declared: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what would silently mean nothing, or two things."""
    retries = _retries(declared.get("retries"))
    if retries.wait > retries.longest:
        yield document.finding(f"{place}/retries", "`wait` is more than `longest`")
    if "hedge" in declared and sum(len(target.get(INSTANCES, "1")) for target in declared["targets"]) < 2:
        yield document.finding(f"{place}/hedge", "means nothing with one target of one instance")
    weighted = declared.get("strategy", "ordered") == "weighted"
    named = Counter(target["name"] for target in declared["targets"] if "name" in target)
    for at, target in enumerate(declared["targets"]):
        pointer = f"{place}/targets/{at}"
        if "weight" in target and not weighted:
            message = "means nothing without `strategy: weighted` beside `targets`"
            yield document.finding(f"{pointer}/weight", message)
        if "on_change" in target and "pin" not in target:
            yield document.finding(f"{pointer}/on_change", "means nothing without `pin`")
        if named[target.get("name", "")] > 1:
            yield document.finding(f"{pointer}/name", f"{target['name']!r} is the name of several targets")
        for number, instance in enumerate(target.get(INSTANCES, ())):
            for key in sorted(instance.keys() & GATEWAY_KEYS):
                message = f"{key!r} is for the whole target; write it beside `{INSTANCES}`"
                yield document.finding(f"{pointer}/{INSTANCES}/{number}/{key}", message)


def _target(target: Target, ports: ProviderPorts) -> RouteTarget:
    data = target.data
    plugin = _plugin(target)
    findings = Findings()
    condition = ALWAYS
    with findings.collect():
        condition = _condition(target)
    instances: list[Instance] = []
    for at, one in enumerate(_instances(target)):
        with findings.collect():
            instances.append(_instance(one, plugin, ports, f"#{at + 1}" if INSTANCES in data else ""))
    if findings:
        raise ProjectInvalid(_once(findings))
    provider = instances[0].provider
    if "warm" in data and not isinstance(provider, Warmable):
        raise ProjectInvalid([target.finding("warm", f"means nothing: {provider.name!r} needs no time to get ready")])
    name = data.get("name") or f"{provider.name}:{provider.model}"
    return RouteTarget(
        provider,
        bool(data.get("when_configured")),
        duration(data.get("timeout", "30s")),
        name,
        float(data.get("weight", 1)),
        condition,
        Pin(data.get("pin", ""), data.get("on_change", "warn")),
        tuple(replace(instance, name=name + instance.name) for instance in instances),
        duration(data["first_token"]) if "first_token" in data else math.inf,
        duration(data.get("idle", "30s")),
        duration(data.get("warm", "0s")),
        clearance_of(data.get("clearance", "restricted")),
        data.get("region", ""),
    )


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Return *findings* without those that a key shared by several instances has again."""
    return list({(found.file, found.line, found.message): found for found in findings}.values())


def _condition(target: Target) -> Condition:
    text = target.data.get("when", "")
    if not text:
        return ALWAYS
    try:
        return compile_condition(text)
    except ExpressionInvalid as error:
        reason = " ".join(part for part in (error.what, error.why, error.fix) if part)
        raise ProjectInvalid([target.finding("when", reason)]) from error


def _instance(target: Target, plugin: ProviderPlugin, ports: ProviderPorts, name: str) -> Instance:
    problems = check(target.document, _with_gateway_keys(plugin.target_schema), pointer=target.pointer)
    if problems:
        raise ProjectInvalid(problems)
    own = {key: value for key, value in target.data.items() if key not in GATEWAY_KEYS}
    provider = plugin.build(Target(target.document, target.pointer, own), ports)
    return Instance(name, provider, digest([target.data["provider"], own]))


def _instances(target: Target) -> Iterator[Target]:
    """Yield the target once for each of its instances, with the instance's own keys over its own."""
    declared = target.data.get(INSTANCES)
    if declared is None:
        yield target
        return
    shared = {key: value for key, value in target.data.items() if key != INSTANCES}
    for at, own in enumerate(declared):
        pointer = f"{target.pointer}/{INSTANCES}/{at}"
        yield Target(_laid_over(target, pointer, shared | own, own), pointer, shared | own)


def _laid_over(target: Target, pointer: str, merged: Mapping[str, Any], own: Mapping[str, Any]) -> Document:
    """Return the document with *merged* at *pointer*, where findings and secrets lead to where each key was written."""
    document, moved = target.document, {}
    for key in merged.keys() - own.keys():
        moved[f"{target.pointer}/{escape(key)}"] = f"{pointer}/{escape(key)}"
    lines = dict(document.lines) | {new: document.line_of(old) for old, new in moved.items()}
    interpolated = document.interpolated | {new for old, new in moved.items() if old in document.interpolated}
    return replace(
        document, data=_with(document.data, pointer, merged), lines=lines, interpolated=frozenset(interpolated)
    )


def _with(data: Any, pointer: str, value: Any) -> Any:
    """Return *data* with *value* at *pointer*, sharing all that does not change."""
    if not pointer:
        return value
    member, _, rest = pointer[1:].partition("/")
    rest = f"/{rest}" if rest else ""
    if isinstance(data, list):
        at = int(member)
        return [*data[:at], _with(data[at], rest, value), *data[at + 1 :]]
    key = unescape(member)
    return {**data, key: _with(data[key], rest, value)}


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

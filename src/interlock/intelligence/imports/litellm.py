"""A LiteLLM proxy's `config.yaml` as routes, prices and budgets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from interlock.intelligence.imports.deployments import Deployment, deployment_of
from interlock.intelligence.imports.errors import ConfigUnreadable
from interlock.intelligence.imports.imported import Imported

ROUTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
MOST_TARGETS = 16
_MILLION = Decimal(1_000_000)
_READ = {
    "router_settings": {
        "routing_strategy",
        "num_retries",
        "retry_after",
        "timeout",
        "allowed_fails",
        "cooldown_time",
        "fallbacks",
        "default_fallbacks",
        "content_policy_fallbacks",
        "context_window_fallbacks",
        "model_group_alias",
    },
    "litellm_settings": {
        "num_retries",
        "request_timeout",
        "fallbacks",
        "default_fallbacks",
        "content_policy_fallbacks",
        "context_window_fallbacks",
        "allowed_fails",
        "cooldown_time",
        "max_budget",
        "budget_duration",
    },
}
_INSTEAD = {
    "general_settings": "keys, tenants and storage are declared in interlock.yaml; `interlock keys create` makes keys",
    "environment_variables": "set them where the server is started; the files name them",
    "include": "import each of those files by itself",
    "callbacks": "the journal, metrics and traces record every call",
    "success_callback": "the journal, metrics and traces record every call",
    "failure_callback": "the journal, metrics and traces record every call",
    "cache": "declare `cache` on the routes that may keep answers",
    "cache_params": "declare `cache` on the routes that may keep answers",
    "drop_params": "members that a model does not know are passed on; leave them out of the request",
    "guardrails": "declare `guards` on the routes",
    "provider_budget_config": "write budgets for the models in budgets.yaml",
}
_PERIODS = {"1h": "hour", "60m": "hour", "24h": "day", "1d": "day", "30d": "month", "1mo": "month", "31d": "month"}


def translate(config: Any, *, day: str) -> Imported:
    """Return what *config* (JSON values) is in a project; *day* (ISO 8601) is that of its prices.

    What is not carried over, or not as it was, is among the notes; no note and no document holds a key's text. Raises
    `ConfigUnreadable` where it declares no model that can be reached.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("model_list"), list):
        raise ConfigUnreadable("there is no `model_list`", fix="give the config.yaml of a LiteLLM proxy")
    return _Translation(config, day).run()


class _Translation:
    def __init__(self, config: Mapping[str, Any], day: str) -> None:
        self._config = config
        self._day = day
        self._router = _mapping(config.get("router_settings"))
        self._settings = _mapping(config.get("litellm_settings"))
        self._found = Imported()
        self._groups: dict[str, list[Deployment]] = {}

    def run(self) -> Imported:
        for at, entry in enumerate(self._config["model_list"]):
            self._take(entry, f"model_list[{at}]")
        routes = {name: self._route(name) for name in self._groups}
        for alias, meant in self._aliases():
            routes[alias] = dict(routes[meant])
        if not routes:
            raise ConfigUnreadable(
                "no model of its `model_list` can be reached from here",
                why="; ".join(f"{note.place}: {note.what}" for note in self._found.notes[:5]),
                fix="see docs/how-to/import-litellm.md for the providers that can be",
            )
        self._found.documents["models.yaml"] = {"routes": routes}
        self._money()
        self._rest()
        return self._found

    def _take(self, entry: Any, place: str) -> None:
        name = entry.get("model_name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not ROUTE_NAME.fullmatch(name):
            what = "wildcards are not carried over: name each model" if "*" in str(name) else "it has no usable name"
            self._found.note(f"{place}.model_name", what)
            return
        found = deployment_of(entry, place, self._found)
        if found is not None:
            self._groups.setdefault(name, []).append(found)

    def _route(self, name: str) -> dict[str, Any]:
        own = self._groups[name]
        others = [one for group in self._fallbacks(name) for one in self._groups[group]]
        if len(own) + len(others) > MOST_TARGETS:
            self._found.note(
                f"fallbacks of {name}", f"a route has {MOST_TARGETS} targets at most; the last are left out"
            )
            others = others[: MOST_TARGETS - len(own[:MOST_TARGETS])]
        route: dict[str, Any] = {}
        if own[0].embeds:
            route["kind"] = "embeddings"
        if timeout := _seconds(self._router.get("timeout"), self._settings.get("request_timeout")):
            route["timeout"] = timeout
        if retries := self._retries(own):
            route["retries"] = retries
        if health := self._health():
            route["health"] = health
        if self._declines(name):
            route["fall_back_on"] = ["error", "refusal", "declined"]
        weights = _weights(own) if len(own) > 1 else None
        if weights is not None:
            route["strategy"] = "weighted"
        shares: list[float | None] = list(weights) if weights is not None else [None] * len(own)
        targets = [one.target(share) for one, share in zip(own[:MOST_TARGETS], shares, strict=False)]
        targets += [one.target(0 if weights is not None else None) for one in others]
        route["targets"] = _named(targets)
        return route

    def _retries(self, own: Iterable[Deployment]) -> dict[str, Any] | None:
        named = [one.retries for one in own if one.retries is not None]
        times = next(
            (
                count
                for count in (*named, self._router.get("num_retries"), self._settings.get("num_retries"))
                if _count(count)
            ),
            None,
        )
        if not times:
            return None
        wait = _seconds(self._router.get("retry_after"))
        return {"times": min(times, 10), **({"wait": wait} if wait else {})}

    def _health(self) -> dict[str, Any]:
        health: dict[str, Any] = {}
        fails = next(
            (n for n in (self._router.get("allowed_fails"), self._settings.get("allowed_fails")) if _count(n)), 0
        )
        if fails:
            health["failures"] = min(fails + 1, 100)
        if pause := _seconds(self._router.get("cooldown_time"), self._settings.get("cooldown_time")):
            health["pause"] = pause
        return health

    def _fallbacks(self, name: str) -> list[str]:
        """Return the groups that are asked after *name*, whatever for, each once and in order."""
        meant: list[Any] = []
        for where, settings in (("router_settings", self._router), ("litellm_settings", self._settings)):
            for kind in ("fallbacks", "content_policy_fallbacks", "context_window_fallbacks"):
                listed = settings.get(kind)
                for entry in listed if isinstance(listed, list) else ():
                    chosen = _mapping(entry).get(name)
                    if isinstance(chosen, list):
                        meant += chosen
                        if kind != "fallbacks":
                            self._found.note(f"{where}.{kind}", f"{name}: the same targets are asked for every reason")
            default = settings.get("default_fallbacks")
            if not meant and isinstance(default, list):
                meant += default
        found: list[str] = []
        for group in meant:
            if not isinstance(group, str) or group == name or group in found:
                continue
            if group in self._groups:
                found.append(group)
            else:
                self._found.note(f"fallbacks of {name}", f"{group[:64]!r} is no model that was carried over")
        return found

    def _declines(self, name: str) -> bool:
        listed = [settings.get("content_policy_fallbacks") for settings in (self._router, self._settings)]
        return any(name in _mapping(entry) for one in listed if isinstance(one, list) for entry in one)

    def _aliases(self) -> Iterable[tuple[str, str]]:
        for alias, meant in _mapping(self._router.get("model_group_alias")).items():
            group = _mapping(meant).get("model") if isinstance(meant, Mapping) else meant
            if (
                isinstance(group, str)
                and group in self._groups
                and ROUTE_NAME.fullmatch(str(alias))
                and alias not in self._groups
            ):
                yield str(alias), str(group)
            else:
                self._found.note("router_settings.model_group_alias", f"{str(alias)[:64]!r} names no model")

    def _money(self) -> None:
        prices: dict[str, Any] = {}
        unpriced = set()
        for one in (one for group in self._groups.values() for one in group):
            if one.price:
                prices[one.model] = {kind: float(_MILLION * Decimal(str(cost))) for kind, cost in one.price.items()}
            else:
                unpriced.add(one.model)
        if prices:
            source = "the LiteLLM configuration that was imported; look them up before you rely on them"
            self._found.documents["prices.yaml"] = {
                "source": source,
                "date": self._day,
                "currency": "USD",
                "models": prices,
            }
        budgets = {}
        limit = self._settings.get("max_budget")
        if _amount(limit):
            budgets["everything"] = self._budget(limit, self._settings.get("budget_duration"), "litellm_settings")
        for name, group in self._groups.items():
            for one in group:
                if _amount(one.budget):
                    budget = self._budget(one.budget, one.period, f"max_budget of {name}")
                    budgets[f"model-{len(budgets) + 1}"] = {"for": {"route": name, "model": one.model}, **budget}
        if budgets:
            self._found.documents["budgets.yaml"] = {"budgets": budgets}
            if still := sorted(unpriced - prices.keys()):
                what = f"a hard limit refuses models without a price; add {', '.join(still[:10])} to prices.yaml"
                self._found.note("budgets", what)

    def _budget(self, limit: Any, duration: Any, place: str) -> dict[str, Any]:
        period = "total" if duration is None else _PERIODS.get(str(duration), "month")
        if duration is not None and str(duration) not in _PERIODS:
            self._found.note(f"{place}.budget_duration", "periods are hour, day and month (UTC); it is a month now")
        return {"period": period, "hard": {"money": float(limit)}}

    def _rest(self) -> None:
        """Note all that was not read."""
        strategy = self._router.get("routing_strategy")
        if strategy not in (None, "simple-shuffle"):
            what = "targets are drawn by weight; `instances` of one target are asked by how busy they are"
            self._found.note("router_settings.routing_strategy", what)
        for name, value in self._config.items():
            if name == "model_list":
                continue
            if name in _READ:
                for key in _mapping(value):
                    if key not in _READ[name]:
                        what = _INSTEAD.get(key, "not carried over")
                        self._found.note(f"{name}.{str(key)[:64]}", what)
            else:
                self._found.note(str(name)[:64], _INSTEAD.get(str(name), "not carried over"))


def _weights(own: list[Deployment]) -> list[float]:
    """Return the shares that simple-shuffle gives: by weight, else by rpm, else by tpm, else even."""
    for kind in ("weight", "rpm", "tpm"):
        if any(kind in one.shares for one in own):
            return [one.shares.get(kind, 0) or 0 for one in own]
    return [1] * len(own)


def _named(targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give a name of its own to each target that asks the same model as another."""
    models = [target["model"] for target in targets]
    seen: dict[str, int] = {}
    for target in targets:
        model = target["model"]
        if models.count(model) > 1:
            seen[model] = seen.get(model, 0) + 1
            plain = re.sub(r"[^a-zA-Z0-9._:-]", "-", f"{model}-{seen[model]}").lower().lstrip("._:-")
            target["name"] = plain[-64:].lstrip("._:-") or f"target-{seen[model]}"
    return targets


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _amount(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1_000_000_000


def _seconds(*values: Any) -> str:
    """Return the first of *values* that is a number of seconds, as a duration; else the empty string."""
    for value in values:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1_000_000:
            return f"{round(value * 1000)}ms" if value != int(value) else f"{int(value)}s"
    return ""

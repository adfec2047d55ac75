"""One deployment of a LiteLLM configuration, as a target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.intelligence.imports.imported import Imported

_BASES = {
    "openai": "https://api.openai.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "together_ai": "https://api.together.xyz/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "xai": "https://api.x.ai/v1",
    "perplexity": "https://api.perplexity.ai",
    "cerebras": "https://api.cerebras.ai/v1",
    "nvidia_nim": "https://integrate.api.nvidia.com/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "ollama_chat": "http://127.0.0.1:11434/v1",
}
"""Providers whose own interface is OpenAI's chat completions, or which offer it beside theirs."""

_NATIVE = frozenset({"anthropic", "gemini", "bedrock"})
"""Providers that are asked in their own words."""

_ADDRESSED = frozenset({"hosted_vllm", "vllm", "openai_like", "lm_studio", "llamafile", "custom_openai", "azure"})
"""Providers that are reached at an address of the deployment's own."""

_KEYLESS = frozenset({"ollama", "ollama_chat", "hosted_vllm", "vllm", "llamafile", "lm_studio"})
_PARAMETERS = frozenset(
    "temperature top_p max_tokens max_completion_tokens seed stop presence_penalty frequency_penalty reasoning_effort "
    "response_format user logit_bias parallel_tool_calls service_tier".split()
)
_READ = frozenset(
    "model api_base api_key weight rpm tpm timeout stream_timeout max_retries num_retries input_cost_per_token "
    "output_cost_per_token cache_read_input_token_cost max_budget budget_duration "
    "aws_region_name aws_access_key_id aws_secret_access_key aws_session_token".split()
)
_ACCESS = {
    "aws_access_key_id": "access_key",
    "aws_secret_access_key": "secret_key",
    "aws_session_token": "session_token",
}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_VARIABLE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(slots=True)
class Deployment:
    """What is known of one; *price* by kind and token, *shares* as they stand there, *budget* in money."""

    model: str
    own: dict[str, Any]
    embeds: bool = False
    shares: dict[str, float] = field(default_factory=dict)
    price: dict[str, float] = field(default_factory=dict)
    retries: int | None = None
    budget: Any = None
    period: Any = None

    def target(self, weight: float | None) -> dict[str, Any]:
        """Return the target, with its share of the route where it has one."""
        return dict(self.own) if weight is None else {**self.own, "weight": weight}


def deployment_of(entry: Mapping[str, Any], place: str, found: Imported) -> Deployment | None:
    """Return an entry of `model_list`, or None with a note where it cannot be reached from here."""
    given = entry.get("litellm_params")
    given = given if isinstance(given, Mapping) else {}
    info = entry.get("model_info")
    info = info if isinstance(info, Mapping) else {}
    named = given.get("model")
    if not isinstance(named, str) or not named or "*" in named:
        found.note(f"{place}.litellm_params.model", "it names no model")
        return None
    provider, _, model = named.partition("/") if "/" in named else ("openai", "", named)
    if provider not in _BASES and provider not in _ADDRESSED and provider not in _NATIVE:
        found.note(f"{place}.litellm_params.model", f"the provider {provider[:40]!r} cannot be reached from here")
        return None
    base = _text(given.get("api_base"))
    if base is None and provider in _ADDRESSED:
        found.note(f"{place}.litellm_params.api_base", "it is missing")
        return None
    if provider == "azure" and base is not None:
        base = f"{base.rstrip('/')}/openai/v1"
        found.note(f"{place}.litellm_params.api_base", "asked by the v1 interface, which needs no api_version")
    if base is not None and provider in {"ollama", "ollama_chat"} and not base.rstrip("/").endswith("/v1"):
        base = f"{base.rstrip('/')}/v1"
    own = _named(provider, model, base, given, found, place)
    if own is None:
        return None
    _limits(given, own)
    parameters = {name: literal(given[name]) for name in sorted(_PARAMETERS & given.keys()) if given[name] is not None}
    if parameters:
        own["parameters"] = parameters
    for name in given:
        if name not in _READ and name not in _PARAMETERS:
            found.note(f"{place}.litellm_params.{str(name)[:64]}", "not carried over")
    retries = next((given[name] for name in ("max_retries", "num_retries") if isinstance(given.get(name), int)), None)
    return Deployment(
        model,
        own,
        info.get("mode") == "embedding",
        {kind: given[kind] for kind in ("weight", "rpm", "tpm") if _number(given.get(kind))},
        _price({**info, **given}),
        retries,
        given.get("max_budget"),
        given.get("budget_duration"),
    )


def _named(
    provider: str, model: str, base: str | None, given: Mapping[str, Any], found: Imported, place: str
) -> dict[str, Any] | None:
    """Return what says which model is asked, where, and with which keys; None with a note where that is not said."""
    own: dict[str, Any] = {"provider": provider if provider in _NATIVE else "openai"}
    if base is not None and provider == "anthropic":
        base = base.rstrip("/").removesuffix("/v1")
    if base is not None or provider not in _NATIVE:
        own["base_url"] = base or _BASES[provider]
    if provider != "bedrock":
        key = _key(given.get("api_key"), provider, f"{place}.litellm_params.api_key", found)
        return {**own, "model": literal(model), **({"key": key} if key else {})}
    region = given.get("aws_region_name")
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        found.note(f"{place}.litellm_params.aws_region_name", "it names no region")
        return None
    model = literal(model.removeprefix("converse/"))
    return {**own, "aws_region": region, "model": model, **_access(given, place, found)}


def _access(given: Mapping[str, Any], place: str, found: Imported) -> dict[str, str]:
    """Return the keys that sign requests: from the variables that are named, or from the usual ones."""
    keys: dict[str, str] = {}
    for name, ours in _ACCESS.items():
        value = given.get(name)
        variable = _VARIABLE.fullmatch(str(value))
        if value is not None and variable is None:
            found.note(f"{place}.litellm_params.{name}", f"a key does not belong in a file; set {name.upper()}")
        if value is not None or ours != "session_token":
            keys[ours] = f"${{{variable[1] if variable else name.upper()}:-}}"
    return keys


def _limits(given: Mapping[str, Any], own: dict[str, Any]) -> None:
    for name, ours in (("timeout", "timeout"), ("stream_timeout", "first_token")):
        if _number(given.get(name)) and 0 < given[name] < 1_000_000:
            own[ours] = f"{max(round(given[name] * 1000), 1)}ms"


def _price(given: Mapping[str, Any]) -> dict[str, float]:
    names = {
        "input": "input_cost_per_token",
        "output": "output_cost_per_token",
        "cached_input": "cache_read_input_token_cost",
    }
    price = {kind: given[name] for kind, name in names.items() if _number(given.get(name)) and 0 <= given[name] < 1}
    return price if {"input", "output"} <= price.keys() else {}


def _key(key: Any, provider: str, place: str, found: Imported) -> str:
    if key is None:
        return "" if provider in _KEYLESS else f"${{{provider.upper()}_API_KEY:-}}"
    variable = _VARIABLE.fullmatch(str(key))
    if variable:
        return f"${{{variable[1]}:-}}"
    if provider in _KEYLESS:
        return ""
    name = f"{provider.upper()}_API_KEY"
    found.note(place, f"a key does not belong in a file, so it was not copied; set {name}")
    return f"${{{name}:-}}"


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    variable = _VARIABLE.fullmatch(value)
    return f"${{{variable[1]}:-}}" if variable else literal(value)


def literal(value: Any) -> Any:
    """Return JSON values so that nothing in their texts is filled in from the environment."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list):
        return [literal(one) for one in value]
    return {name: literal(one) for name, one in value.items()} if isinstance(value, dict) else value


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e15 < value < 1e15

"""Who else may say who someone is: the settings of an OpenID Connect issuer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.foundation.settings.quantities import duration


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer of tokens (OpenID Connect Core 1.0), and how its claims are read.

    *leeway* is in seconds. *roles_claim*, *tenant_claim* and *scopes_claim* may be empty; a claim is a name
    or a path of names joined by dots. *attributes* maps an attribute's name to its claim.
    """

    issuer: str
    audience: tuple[str, ...]
    jwks_url: str
    subject_claim: str = "sub"
    roles_claim: str = ""
    tenant_claim: str = ""
    scopes_claim: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    leeway: float = 30.0
    algorithms: tuple[str, ...] = ("RS256", "ES256")


def parse_issuers(parts: Iterable[Mapping[str, Any]]) -> tuple[Issuer, ...]:
    """Return the issuers of the file's `identity.oidc`, which its schema has already checked."""
    return tuple(_issuer(part) for part in parts)


def _issuer(part: Mapping[str, Any]) -> Issuer:
    values = dict(part)
    values["audience"] = tuple(values["audience"])
    if "leeway" in values:
        values["leeway"] = duration(values["leeway"])
    if "algorithms" in values:
        values["algorithms"] = tuple(values["algorithms"])
    return Issuer(**values)

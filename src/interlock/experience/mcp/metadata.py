"""Protected-resource metadata (RFC 9728): which authorization servers' tokens this server takes."""

from __future__ import annotations

from typing import Any

from interlock.experience.api.responses import Headers
from interlock.foundation.settings import ProjectSettings

WELL_KNOWN = "/.well-known/oauth-protected-resource"
RESOURCE = "/mcp"
SCOPE = "act"


def base_url(settings: ProjectSettings, *, scheme: str, host: str) -> str:
    """Return the server's public address without a trailing slash; without one set, what the request used."""
    return (settings.server.public_url or f"{scheme}://{host}").rstrip("/")


def metadata(settings: ProjectSettings, base: str, path: str) -> dict[str, Any]:
    """Return the document of the resource at *path* (empty: the whole server), the one its address is made from.

    Without an OpenID Connect issuer in the project there is no authorization server to name: keys are all there is.
    """
    document: dict[str, Any] = {
        "resource": base + path,
        "resource_name": f"Interlock: {settings.name}",
        "bearer_methods_supported": ["header"],
        "scopes_supported": [SCOPE],
    }
    if settings.issuers:
        document["authorization_servers"] = [issuer.issuer for issuer in settings.issuers]
    return document


def challenge(base: str, resource: str, *, missing_scope: bool = False) -> Headers:
    """Return the `WWW-Authenticate` header that leads an OAuth client to the metadata of *resource* (empty: all)."""
    base = base.replace('"', "")
    text = f'Bearer resource_metadata="{base}{WELL_KNOWN}{resource}", scope="{SCOPE}"'
    if missing_scope:
        text += ', error="insufficient_scope"'
    return [(b"www-authenticate", text.encode("latin-1", "replace"))]

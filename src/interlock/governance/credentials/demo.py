"""Secrets that everyone knows, and the refusal to listen to others while they are in use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from interlock.foundation.http.egress import is_loopback
from interlock.governance.credentials.errors import UnsafeListen
from interlock.values.secrets import Secret

SHORTEST = 12
_PUBLIC = re.compile(r"demo|example|sample|change.?me|password|passwd|letmein|hunter2|default|insecure|dummy|todo")
_PLAIN = re.compile(r"(secret|test|admin|interlock|northwind|key|token|bearer)[-_. ]*[0-9]*")


def is_demo(secret: str | Secret) -> bool:
    """Return whether a key or secret is a demo's, or so short or so common that anyone could guess it."""
    text = secret.reveal() if isinstance(secret, Secret) else secret
    if text.startswith("ik_"):
        return text.startswith("ik_demo")
    plain = text.strip().lower()
    if len(plain) < SHORTEST or len(set(plain)) < SHORTEST // 2:
        return True
    return _PUBLIC.search(plain) is not None or _PLAIN.fullmatch(plain) is not None


def check_listen(host: str, demo: Sequence[str]) -> None:
    """Refuse to listen on *host* beyond this machine while *demo* names demo keys or secrets that are in use.

    *demo* are key ids and names of secrets, never their texts. Raises `UnsafeListen`.
    """
    if demo and not is_loopback(host):
        raise UnsafeListen(
            f"demo secrets are in use, and {host or 'every address'} can be reached from other machines",
            why=f"these can be guessed: {', '.join(demo)}",
            fix="listen on 127.0.0.1, or revoke the keys and set secrets of your own (openssl rand -hex 32)",
        )

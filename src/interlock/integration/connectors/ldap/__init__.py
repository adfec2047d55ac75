"""The `ldap` connector: a directory that is searched, read and changed by LDAP version 3."""

from __future__ import annotations

from interlock.integration.connectors.ldap.plugin import plugin

__all__ = ["plugin"]

"""The `mail` connector: mailboxes by IMAP, sending by SMTP."""

from __future__ import annotations

from interlock.integration.connectors.mail.plugin import plugin

__all__ = ["plugin"]

"""django-helpdesk: a queue for tickets, which are also told by mail."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from interlock.testing.servers import free_port
from tests.systems import django

PASSWORD = "hidden-password-of-the-clerk"
SITE = django.Site(
    "helpdesk",
    settings="""
INSTALLED_APPS = [
    *(f"django.contrib.{name}" for name in "admin auth contenttypes humanize messages sessions sites".split()),
    "rest_framework", "helpdesk",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ],
}}]
HELPDESK_ACTIVATE_API_ENDPOINT = True
HELPDESK_TEAMS_MODE_ENABLED = False
""",
    urls="""
from django.urls import include, path
urlpatterns = [path("helpdesk/", include("helpdesk.urls", namespace="helpdesk"))]
""",
    setup="""
from helpdesk.models import Queue
Queue.objects.create(title="IT", slug="it", email_address="it@acme.example")
""",
    fixtures=("emailtemplate",),
)


class Helpdesk:
    """The running helpdesk."""

    def __init__(self, running: django.Running) -> None:
        self.url = running.url
        self._running = running

    def tickets(self, title: str) -> list[dict[str, Any]]:
        """Return the tickets of a *title* from the helpdesk's own database."""
        return self._rows("SELECT * FROM helpdesk_ticket WHERE title = ? ORDER BY id", title)

    def receive(self, title: str, text: str, email: str) -> int:
        """Open a ticket as its mailbox does, and return its number."""
        body = json.dumps({"queue": 1, "title": title, "description": text, "submitter_email": email, "priority": 3})
        clerk = base64.b64encode(f"{django.CLERK}:{PASSWORD}".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {clerk}"}
        connection = HTTPConnection("127.0.0.1", urlsplit(self.url).port or 0, timeout=60)
        try:
            connection.request("POST", "/helpdesk/api/tickets/", body, headers)
            connection.getresponse().read()
        finally:
            connection.close()
        (ticket,) = self.tickets(title)
        return int(ticket["id"])

    def answers(self, ticket: int) -> list[dict[str, Any]]:
        """Return what was answered to a ticket, from the helpdesk's own database."""
        return self._rows(
            "SELECT * FROM helpdesk_followup WHERE ticket_id = ? AND title LIKE 'Answer%' ORDER BY id", ticket
        )

    def status(self, ticket: int) -> int:
        """Return a ticket's status: 1 is open, 4 is closed."""
        (found,) = self._rows("SELECT status FROM helpdesk_ticket WHERE id = ?", ticket)
        return int(found["status"])

    def answered(self) -> int:
        """Return how many times an answer was sent to it."""
        return self._running.requests("POST /helpdesk/api/followups/")

    def posts(self) -> int:
        """Return how many times a ticket was sent to it."""
        return self._running.requests("POST /helpdesk/api/tickets/")

    def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._running.database)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]


@contextmanager
def running(*, mail: bool) -> Iterator[Helpdesk]:
    """Run a helpdesk whose mails go nowhere, or, without *mail*, whose mail server is away."""
    backend = 'EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"\n'
    with django.running(SITE, PASSWORD, backend if mail else f"EMAIL_PORT = {free_port()}\n") as found:
        yield Helpdesk(found)

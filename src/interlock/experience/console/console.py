"""The console as a raw ASGI application: who is signed in, which page, which form, within strict headers."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl, quote, urlsplit

from interlock.experience.api.errors import InternalError, MethodNotAllowed, RequestMalformed
from interlock.experience.api.request import Receive, Scope, Send, parse_query, read_body
from interlock.experience.api.responses import Headers, send_bytes
from interlock.experience.console.errors import FormForged
from interlock.experience.console.frame import frame
from interlock.experience.console.gate import Gate, Ticket
from interlock.experience.console.rendering import asset, asset_path, render
from interlock.experience.console.routes import find
from interlock.experience.console.sealing import Seal, seal_in
from interlock.experience.console.visit import Answer, Page, Redirect, Visit
from interlock.experience.installation import Installation
from interlock.foundation.settings.state import state_folder
from interlock.governance.credentials.errors import Unauthenticated
from interlock.values.errors import InterlockError

log = logging.getLogger("interlock.console")

LARGEST_FORM = 1 << 20
MOST_FIELDS = 1000
HTML = b"text/html; charset=utf-8"
ASSETS = {"style.css": b"text/css; charset=utf-8", "icon.svg": b"image/svg+xml"}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Headers = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Console:
    """Answers everything under `/console`. It works without scripts and asks no other server for anything."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._gate: Gate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. An error of ours is a page that says what, why and what to do."""
        base = f"{scope.get('root_path', '')}/console"
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/console").strip("/")
        if path.startswith("static/"):
            await _send_asset(send, path)
            return
        exchange = _Exchange(self._installation, self._open_gate(), scope, receive, send, base)
        try:
            await exchange.answer(path)
        except InterlockError as error:
            await exchange.send_problem(error)
        except Exception as error:
            log.error("%s while answering %s", type(error).__name__, scope["method"])
            await exchange.send_problem(InternalError("the page could not be made", fix="see the server's log"))

    def _open_gate(self) -> Gate:
        """The key is read at the first request, so that building the server touches no file."""
        if self._gate is None:
            self._gate = Gate(self._installation, self._seal())
        return self._gate

    def _seal(self) -> Seal:
        return seal_in(state_folder(self._installation.projects.current.root, os.environ))


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, installation: Installation, gate: Gate, scope: Scope, receive: Receive, send: Send, base: str
    ) -> None:
        self._installation = installation
        self._gate = gate
        self._scope = scope
        self._receive = receive
        self._send = send
        self._base = base
        self._headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self._ticket: Ticket = gate.read(self._headers)

    @property
    def _section(self) -> str:
        return str(self._scope["path"]).removeprefix(self._base).strip("/").partition("/")[0]

    async def answer(self, path: str) -> None:
        method = self._scope["method"]
        if path == "":
            await self._redirect("approvals")
        elif path == "sign-in":
            await self._sign_in(method)
        elif path == "sign-out":
            await self._form(method)
            self._ticket = self._gate.leave()
            await self._redirect("sign-in")
        else:
            await self._visit(method, path)

    async def send_problem(self, error: InterlockError) -> None:
        """Send *error* as a page; to one who is not signed in any more, the way to sign in."""
        if isinstance(error, Unauthenticated):
            self._ticket = self._gate.leave()
            path = self._scope["path"]
            goal = path if self._scope["method"] == "GET" else path.rpartition("/")[0]
            await self._redirect(f"sign-in?next={quote(goal, safe='')}")
            return
        page = Page("problem.html", {"title": error.title, "error": error}, error.status)
        if error.status >= 500:  # what broke may be what the frame would ask
            await self._send_within(page, await frame(self._installation, None))
        else:
            await self._send_page(page)

    async def _sign_in(self, method: str) -> None:
        query = parse_query(self._scope["query_string"])
        goal = _own_path(query.get("next", ""), self._base)
        if method != "POST":
            await self._send_page(Page("sign_in.html", {"title": "Sign in", "next": goal, "refused": ""}))
            return
        form = await self._form(method)
        goal = _own_path(form.get("next", ""), self._base)
        try:
            self._ticket = await self._gate.enter(form.get("key", ""))
        except InterlockError as error:
            refused = "This key is not accepted here." if isinstance(error, Unauthenticated) else error.what
            values = {"title": "Sign in", "next": goal, "refused": refused}
            await self._send_page(Page("sign_in.html", values, error.status))
            return
        await self._redirect(goal.removeprefix(f"{self._base}/") or "approvals")

    async def _visit(self, method: str, path: str) -> None:
        view, parameters = find(method, path)
        principal = await self._gate.principal(self._ticket)
        self._ticket = self._gate.renewed(self._ticket)
        form = await self._form(method) if method == "POST" else {}
        query = parse_query(self._scope["query_string"])
        answer: Answer = await view(Visit(self._installation, principal, parameters, query, form))
        if isinstance(answer, Redirect):
            await self._redirect(answer.to)
        else:
            await self._send_page(answer)

    async def _form(self, method: str) -> Mapping[str, str]:
        """Return the form's fields once it is certain that a page of ours sent it."""
        if method != "POST":
            raise MethodNotAllowed("this takes a form", allow="POST")
        raw = await read_body(self._receive, self._headers, largest=LARGEST_FORM)
        try:
            form = dict(parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
        except ValueError as error:
            raise RequestMalformed("the form cannot be read") from error
        token = form.get("token", "")
        if not self._ticket.sign_in.token or not compare_digest(token, self._ticket.sign_in.token) or self._foreign():
            raise FormForged(
                "this form does not belong to your sign-in",
                why="it came from another site, or you signed in again since the page was opened",
                fix="go back, open the page again and send it anew",
            )
        return form

    def _foreign(self) -> bool:
        """Return whether the browser says that another site sent the form (RFC 6454, Fetch metadata)."""
        site = self._headers.get(b"sec-fetch-site", b"same-origin")
        origin = self._headers.get(b"origin", b"")
        host = self._headers.get(b"host", b"").decode("latin-1")
        foreign = bool(origin) and urlsplit(origin.decode("latin-1")).netloc != host
        return foreign or site not in (b"same-origin", b"none")

    async def _redirect(self, to: str) -> None:
        location = [(b"location", f"{self._base}/{to}".encode("ascii", "ignore")), *self._cookie()]
        await send_bytes(self._send, 303, b"", HTML, [*HEADERS, *location])

    async def _send_page(self, page: Page) -> None:
        await self._send_within(page, await frame(self._installation, await self._gate.visitor(self._ticket)))

    async def _send_within(self, page: Page, around: Mapping[str, object]) -> None:
        values = {
            **around,
            **page.values,
            "base": self._base,
            "section": self._section,
            "token": self._ticket.sign_in.token,
        }
        body = render(page.template, values)
        await send_bytes(self._send, page.status, body, HTML, [*HEADERS, *self._cookie()])

    def _cookie(self) -> Headers:
        return self._gate.cookie(self._ticket, path=self._base, secure=self._scope.get("scheme") == "https")


async def _send_asset(send: Send, path: str) -> None:
    for name, kind in ASSETS.items():
        if path == asset_path(name):
            kept = (b"cache-control", b"public, max-age=31536000, immutable")
            start = [(b"content-type", kind), (b"content-length", b"%d" % len(asset(name))), kept, *HEADERS]
            await send({"type": "http.response.start", "status": 200, "headers": start})
            await send({"type": "http.response.body", "body": asset(name)})
            return
    await send_bytes(send, 404, b"", b"text/plain", HEADERS)


def _own_path(path: str, base: str) -> str:
    """Return *path* if it is a page of the console, else the empty string: nobody is sent elsewhere."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and "//" not in path and ".." not in path
    return path if plain and path.startswith(f"{base}/") else ""

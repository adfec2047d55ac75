"""A browser without a screen: cookies, redirects and forms over plain HTTP, and a page's text and fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from urllib.parse import urlencode

HIDDEN_TAGS = {"style", "script", "title"}


@dataclass
class Form:
    """One form of a page: where it goes, and its fields as they would be sent."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Shown:
    """One answer. *text* is what a person reads, with single spaces."""

    status: int
    headers: Mapping[str, str]
    html: str
    path: str
    text: str = ""
    forms: list[Form] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def form(self, ending: str) -> Form:
        """Return the form whose address ends so."""
        return next(form for form in self.forms if form.action.endswith(ending))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._inside: list[str] = []
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "input" and self.forms and given.get("type") != "radio":
            self.forms[-1].fields[given.get("name", "")] = given.get("value", "")
        elif tag == "textarea":
            self._area = given.get("name", "")
            self.forms[-1].fields[self._area] = ""
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and "selected" in given:
            self.forms[-1].fields[self._select] = given.get("value", "")
        if tag in HIDDEN_TAGS:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            fields = self.forms[-1].fields
            fields[self._area] = fields[self._area].removeprefix("\n")
            self._area = ""
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data
        elif not self._inside:
            self.words.append(data)


class Visitor:
    """Somebody with a browser of their own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Shown:
        """Open a page, following redirects."""
        return self._follow(self.send("GET", path))

    def post(
        self,
        form: Form,
        inputs: Mapping[str, str] | None = None,
        *,
        origin: Mapping[str, str] | None = None,
        **fields: str,
    ) -> Shown:
        """Send a form with *fields* and *inputs* (arguments of an action) over its own, following redirects.

        *origin* are the headers by which a browser says where the form stands.
        """
        edits = {f"input.{name}": text for name, text in (inputs or {}).items()}
        return self._follow(self.send("POST", form.action, {**form.fields, **edits, **fields}, headers=origin))

    def sign_in(self, key: str, at: str = "/console/approvals") -> Shown:
        """Open a page, sign in where it asks, and return where that leads."""
        return self.post(self.get(at).form("/sign-in"), key=key)

    def send(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Shown:
        """Send one request and return its answer as it is."""
        sent = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        content = None
        if form is not None:
            content = urlencode(form)
            sent["content-type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, content, {**sent, **(headers or {})})
            response = connection.getresponse()
            body = response.read().decode("utf-8")
            for name, value in response.getheaders():
                if name.lower() == "set-cookie":
                    cookie, _, text = value.partition(";")[0].partition("=")
                    self.cookies[cookie] = text
        finally:
            connection.close()
        reader = _Reader()
        reader.feed(body)
        found = {name.lower(): value for name, value in response.getheaders()}
        text = " ".join(" ".join(reader.words).split())
        return Shown(response.status, found, body, path, text, reader.forms, reader.links)

    def _follow(self, shown: Shown) -> Shown:
        for _ in range(5):
            if shown.status != 303:
                return shown
            shown = self.send("GET", shown.headers["location"])
        raise AssertionError("it is sent in a circle")

"""Signing in: for people, with a cookie that holds no key in the clear, ended by revocation, safe from other sites."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.experience.cli.shop import Shop
from tests.experience.console.visitor import Visitor

PAGES = ("approvals", "actions", "doubts", "switches", "project")


def _key(shop: Shop, kind: str, who: str, scopes: str) -> dict[str, str]:
    found: dict[str, str] = shop.run("keys", "create", "--kind", kind, "--id", who, "--scopes", scopes, by="sam")
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_page_asks_who_is_there_and_leads_back(shop: Shop, page: str) -> None:
    visitor = Visitor(shop.server.port)
    shown = visitor.get(f"/console/{page}")
    assert shown.path.startswith("/console/sign-in")
    assert visitor.post(shown.form("/sign-in"), key=shop.keys["sam"]).path == f"/console/{page}"


def test_the_cookie_holds_no_key_and_is_for_this_site_alone(shop: Shop) -> None:
    visitor = Visitor(shop.server.port)
    form = visitor.get("/console").form("/sign-in")
    answer = visitor.send("POST", form.action, {**form.fields, "key": shop.keys["sam"]})
    cookie = answer.headers["set-cookie"]
    assert shop.keys["sam"] not in cookie
    assert shop.keys["sam"].split("_")[1] not in cookie
    assert {"HttpOnly", "SameSite=Strict", "Path=/console"} <= set(cookie.split("; "))


def test_a_wrong_key_is_refused_on_the_page(shop: Shop) -> None:
    shown = Visitor(shop.server.port).sign_in("ik_aaaaaaaaaaaaaaaa_" + "b" * 52)
    assert shown.status == 401
    assert "This key is not accepted here." in shown.text
    assert "bbbb" not in shown.html


@pytest.mark.parametrize(("kind", "who"), [("agent", "assistant")])
def test_the_console_is_for_people(shop: Shop, kind: str, who: str) -> None:
    shown = Visitor(shop.server.port).sign_in(_key(shop, kind, who, "act,read")["text"])
    assert shown.status == 403  # person_needed
    assert "the console is for people" in shown.text


def test_a_revoked_key_ends_the_sign_in_at_once(shop: Shop) -> None:
    key = _key(shop, "person", "sam", "act,approve,read")
    visitor = Visitor(shop.server.port)
    assert visitor.sign_in(key["text"]).status == 200
    shop.run("keys", "revoke", key["id"], by="sam")
    assert visitor.get("/console/actions").path.startswith("/console/sign-in")


def test_signing_out_forgets_the_person(shop: Shop) -> None:
    visitor = Visitor(shop.server.port)
    shown = visitor.sign_in(shop.keys["sam"])
    assert "Sam" in shown.text
    assert "Sam" not in visitor.post(shown.form("/sign-out")).text
    assert visitor.get("/console/approvals").path.startswith("/console/sign-in")


@pytest.mark.parametrize("cookie", ["", "x", "A" * 300, "%00", 'a"b'])
def test_a_cookie_that_is_none_signs_nobody_in(shop: Shop, cookie: str) -> None:
    visitor = Visitor(shop.server.port)
    visitor.cookies["interlock-console"] = cookie
    assert visitor.get("/console/approvals").path.startswith("/console/sign-in")


@pytest.mark.parametrize(
    "goal",
    ["https://evil.example", "//evil.example", "/console/../v1", "/console//evil.example", "/v1/keys", "/consoles"],
)
def test_signing_in_leads_nowhere_else(shop: Shop, goal: str) -> None:
    visitor = Visitor(shop.server.port)
    form = visitor.get(f"/console/sign-in?next={quote(goal, safe='')}").form("/sign-in")
    answer = visitor.send("POST", form.action, {**form.fields, "key": shop.keys["sam"], "next": goal})
    assert answer.headers["location"] == "/console/approvals"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_another_sites_form_is_refused(shop: Shop, headers: dict[str, str]) -> None:
    visitor = Visitor(shop.server.port)
    visitor.sign_in(shop.keys["sam"])
    form = visitor.get("/console/switches").form("/set")
    shown = visitor.post(form, origin=headers, scope="agent", target="assistant", reason="no")
    assert shown.status == 403
    assert "form_forged" in shown.text
    assert shop.run("switches", "list", by="sam")["items"] == []


@pytest.mark.parametrize("token", ["", "guessed"])
def test_a_form_without_its_token_is_refused(shop: Shop, token: str) -> None:
    approval = shop.waiting(shop.add_order())
    visitor = Visitor(shop.server.port)
    visitor.sign_in(shop.keys["sam"])
    form = visitor.get(f"/console/approvals/{approval['id']}").form("/decide")
    shown = visitor.post(form, token=token, verdict="approve")
    assert shown.status == 403
    assert shop.run("approvals", "show", approval["id"], by="sam")["state"] == "pending"


def test_every_answer_forbids_what_pages_do_not_need(shop: Shop) -> None:
    visitor = Visitor(shop.server.port)
    for shown in (visitor.get("/console"), visitor.sign_in(shop.keys["sam"]), visitor.get("/console/nothing")):
        policy = shown.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "unsafe" not in policy
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["cache-control"] == "no-store"
        assert "<script" not in shown.html
        assert "style=" not in shown.html


def test_what_is_not_there_is_a_page_that_says_so(shop: Shop) -> None:
    visitor = Visitor(shop.server.port)
    visitor.sign_in(shop.keys["sam"])
    assert visitor.get("/console/approvals/apr_none").status == 404
    assert "there is no such approval" in visitor.get("/console/approvals/apr_none").text.lower()
    assert visitor.send("POST", "/console/approvals", {}).status in (403, 405)
    assert visitor.send("GET", "/console/switches/set").status == 405
    assert visitor.send("GET", "/console/static/style-000000000000.css").status == 404

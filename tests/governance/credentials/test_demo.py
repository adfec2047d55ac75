"""Guessable secrets are recognised, and keep the server on this machine."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.http.egress import is_loopback
from interlock.governance.credentials import check_listen, is_demo
from interlock.governance.credentials.errors import UnsafeListen
from interlock.governance.credentials.key import new_text
from interlock.values.secrets import Secret


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "changeme",
        "Change-Me-Please-Now",
        "northwind-demo-billing-key",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "password1234567",
        "interlock-123456789012",
        "short-key-1",
        "my-example-secret-0123456789",
    ],
)
def test_what_anyone_could_guess_is_a_demo_secret(text: str) -> None:
    assert is_demo(text)
    assert is_demo(Secret(text))


def test_demo_keys_are_demo_secrets_and_real_ones_are_not() -> None:
    assert is_demo(new_text(demo=True)[1])
    assert not is_demo(new_text()[1])


@given(st.integers(0, 2**20))
def test_random_secrets_are_not(seed: int) -> None:
    assert not is_demo(secrets.token_hex(32))
    assert not is_demo(secrets.token_hex(16))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.5", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("interlock.acme.example", False),
    ],
)
def test_demo_secrets_stay_on_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    check_listen(host, [])
    if loopback:
        check_listen(host, ["billing"])
        return
    with pytest.raises(UnsafeListen) as caught:
        check_listen(host, ["billing", "demoabc"])
    assert "billing, demoabc" in str(caught.value)

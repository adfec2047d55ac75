"""OpenID Connect tokens against an issuer that really listens: one way in, and many refusals."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest

from interlock.foundation.settings.identity import Issuer
from interlock.governance.credentials import Authenticator, Directory, Keys, Tokens
from interlock.governance.credentials.errors import (
    IdentityUnavailable,
    Refusal,
    TokenExpired,
    Unauthenticated,
)
from interlock.governance.credentials.jwks import FRESH, PAUSE, USABLE, parse_keys
from interlock.governance.credentials.tokens import claim_at
from interlock.testing.clock import FixedClock
from interlock.values.principals import Kind, Principal
from tests.governance.credentials.conftest import DIRECTORY, Ground
from tests.governance.credentials.issuer import LocalIssuer, plain

NAME = "https://id.acme.example"


class Bench:
    """Tokens checked against the local issuer at a time that stands still."""

    def __init__(self, issuer: LocalIssuer, clock: FixedClock | None = None, **settings: Any) -> None:
        self.issuer = issuer
        self.clock = clock or FixedClock()
        options = {"leeway": 30.0, "algorithms": ("RS256", "ES256"), **settings}
        self.settings = Issuer(NAME, ("interlock",), f"{issuer.url}/keys", **options)
        self.tokens = Tokens([self.settings], issuer.fetch, clock=self.clock)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = self.clock.now()
        usual = {"iss": NAME, "aud": "interlock", "sub": "anna", "iat": now, "exp": now + 300}
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    async def reason(self, text: str) -> Refusal:
        with pytest.raises(Unauthenticated) as caught:
            await self.tokens.verify(text)
        return caught.value.reason


@pytest.mark.parametrize(("key", "alg"), [("rsa", "RS256"), ("ec", "ES256")])
async def test_a_genuine_token_is_accepted(issuer: LocalIssuer, key: str, alg: str) -> None:
    bench = Bench(issuer)
    token = await bench.tokens.verify(issuer.token(key=key, alg=alg, **bench.claims()))
    assert token.claims["sub"] == "anna"
    assert token.expires == bench.clock.now() + 330


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"iss": "https://evil.example"}, Refusal.token_issuer),
        ({"iss": NAME + "/"}, Refusal.token_issuer),
        ({"iss": None}, Refusal.token_issuer),
        ({"iss": [NAME]}, Refusal.token_issuer),
        ({"aud": "another"}, Refusal.token_audience),
        ({"aud": ["another", "third"]}, Refusal.token_audience),
        ({"aud": None}, Refusal.token_audience),
        ({"aud": {"interlock": 1}}, Refusal.token_audience),
        ({"exp": None}, Refusal.token_claims),
        ({"exp": "tomorrow"}, Refusal.token_claims),
        ({"exp": True}, Refusal.token_claims),
    ],
)
async def test_a_token_for_others_or_without_an_end_is_refused(
    issuer: LocalIssuer, changes: dict[str, Any], refusal: Refusal
) -> None:
    bench = Bench(issuer)
    payload = json.dumps(bench.claims(**changes)).encode()
    text = jwt.PyJWS().encode(payload, issuer.keys["rsa"], algorithm="RS256", headers={"kid": "rsa"})
    assert await bench.reason(text) is refusal


async def test_one_of_several_audiences_is_enough(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    await bench.tokens.verify(issuer.token(**bench.claims(aud=["other", "interlock"])))


async def test_clocks_may_differ_by_the_leeway_and_no_more(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    now = bench.clock.now()
    for good in ({"exp": now - 29}, {"nbf": now + 30}, {"iat": now + 30}):
        await bench.tokens.verify(issuer.token(**bench.claims(**good)))
    for early in ({"nbf": now + 31}, {"iat": now + 31}):
        assert await bench.reason(issuer.token(**bench.claims(**early))) is Refusal.token_not_yet
    with pytest.raises(TokenExpired) as caught:
        await bench.tokens.verify(issuer.token(**bench.claims(exp=now - 30)))
    assert caught.value.problem()["code"] == "token_expired"


async def test_a_token_without_a_signature_is_refused(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    assert await bench.reason(issuer.unsigned(**bench.claims())) is Refusal.token_algorithm
    stripped = issuer.token(**bench.claims()).rpartition(".")[0] + "."
    assert await bench.reason(stripped) is Refusal.token_signature


async def test_the_public_key_is_no_shared_secret(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    assert await bench.reason(issuer.signed_with_public_key(**bench.claims())) is Refusal.token_algorithm


async def test_only_listed_algorithms_and_fitting_keys_count(issuer: LocalIssuer) -> None:
    bench = Bench(issuer, algorithms=("RS256",))
    ec = issuer.token(key="ec", alg="ES256", **bench.claims())
    assert await bench.reason(ec) is Refusal.token_algorithm
    assert await bench.reason(issuer.token(alg="RS512", **bench.claims())) is Refusal.token_algorithm
    both = Bench(issuer)
    crossed = issuer.token(key="ec", alg="ES256", kid="rsa", **both.claims())
    assert await both.reason(crossed) is Refusal.token_key


async def test_a_token_signed_by_another_key_under_a_known_name_is_refused(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    assert await bench.reason(issuer.token(key="next", kid="rsa", **bench.claims())) is Refusal.token_signature


async def test_a_changed_claim_breaks_the_signature(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    header, _, signature = issuer.token(**bench.claims()).split(".")
    forged = f"{header}.{plain(bench.claims(sub='bo'))}.{signature}"
    assert await bench.reason(forged) is Refusal.token_signature


async def test_a_token_may_leave_the_key_out_where_only_one_fits(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    await bench.tokens.verify(issuer.token(kid=None, **bench.claims()))
    issuer.publish(rsa={}, next={})
    two = Bench(issuer)
    assert await two.reason(issuer.token(kid=None, **two.claims())) is Refusal.token_key


async def test_rotated_keys_are_learnt_and_old_ones_forgotten(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    old = issuer.token(**bench.claims())
    await bench.tokens.verify(old)
    assert issuer.asked == 1
    issuer.rotate()
    new = issuer.token(key="next", **bench.claims())
    bench.clock.advance(PAUSE)
    await bench.tokens.verify(new)
    assert issuer.asked == 2
    assert await bench.reason(old) is Refusal.token_key


async def test_invented_key_ids_do_not_become_requests(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    await bench.tokens.verify(issuer.token(**bench.claims()))
    for number in range(20):
        text = issuer.token(kid=f"invented-{number}", **bench.claims())
        assert await bench.reason(text) is Refusal.token_key
    assert issuer.asked == 1
    bench.clock.advance(PAUSE)
    assert await bench.reason(issuer.token(kid="invented", **bench.claims())) is Refusal.token_key
    assert issuer.asked == 2


async def test_many_at_once_ask_for_the_keys_once(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    text = issuer.token(**bench.claims())
    await asyncio.gather(*(bench.tokens.verify(text) for _ in range(20)))
    assert issuer.asked == 1


async def test_known_keys_bridge_an_outage_of_the_issuer_for_a_while(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    await bench.tokens.verify(issuer.token(**bench.claims()))
    issuer.status = 503
    bench.clock.advance(FRESH)
    await bench.tokens.verify(issuer.token(**bench.claims()))
    assert issuer.asked == 2
    bench.clock.advance(USABLE)
    with pytest.raises(IdentityUnavailable) as caught:
        await bench.tokens.verify(issuer.token(**bench.claims()))
    assert caught.value.transient
    issuer.status = 200
    bench.clock.advance(PAUSE)
    await bench.tokens.verify(issuer.token(**bench.claims()))


async def test_an_issuer_that_never_answered_makes_tokens_uncheckable(issuer: LocalIssuer) -> None:
    issuer.body = b"<html>sign in</html>"
    bench = Bench(issuer)
    for _ in range(3):
        with pytest.raises(IdentityUnavailable):
            await bench.tokens.verify(issuer.token(**bench.claims()))
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "text",
    [
        "a.b",
        "..",
        "a.b.c",
        "a.b.c.d",
        f"{plain([])}.{plain({})}.x",
        f"{plain({})}.{plain('x')}.x",
        "x" * 20_000 + "..",
    ],
)
async def test_what_is_no_token_is_refused_without_asking_anyone(issuer: LocalIssuer, text: str) -> None:
    assert await Bench(issuer).reason(text) is Refusal.malformed
    assert issuer.asked == 0


async def test_headers_that_must_be_understood_are_not(issuer: LocalIssuer) -> None:
    bench = Bench(issuer)
    text = issuer.token(headers={"crit": ["b64"], "b64": True}, **bench.claims())
    assert await bench.reason(text) is Refusal.malformed
    text = f"{plain({'alg': 'RS256', 'kid': 5})}.{plain(bench.claims())}.x"
    assert await bench.reason(text) is Refusal.malformed


async def test_keys_that_may_not_check_signatures_are_passed_over(issuer: LocalIssuer) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"}
    issuer.publish(rsa={}, ec={"use": "enc"}, small={}, next={"alg": "HS256"})
    assert issuer.body is not None
    document = json.loads(issuer.body)
    document["keys"] += [secret, "x", {"kty": "RSA"}, {"kty": "EC", "crv": "P-0", "x": "a", "y": "b"}]
    assert [key.kid for key in parse_keys(json.dumps(document).encode())] == ["rsa"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b"{" + b" " * 300_000 + b"}"])
def test_what_is_no_set_of_keys_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_keys(body)


async def test_a_key_bound_to_one_algorithm_checks_no_other(issuer: LocalIssuer) -> None:
    issuer.publish(rsa={"alg": "RS512"})
    bench = Bench(issuer)
    assert await bench.reason(issuer.token(**bench.claims())) is Refusal.token_key


def test_claims_are_found_by_name_and_by_path() -> None:
    claims = {"a": {"b": {"c": 1}}, "https://acme.example/roles": 2, "x": 3}
    assert claim_at(claims, "a.b.c") == 1
    assert claim_at(claims, "https://acme.example/roles") == 2
    assert claim_at(claims, "x.y") is None
    assert claim_at(claims, "nothing") is None


class Front:
    """An authenticator that takes tokens."""

    def __init__(self, ground: Ground, issuer: LocalIssuer, directory: Directory = DIRECTORY, **settings: Any) -> None:
        self.bench = Bench(issuer, ground.clock, **settings)
        keys: Keys = ground.keys
        self.authenticator = Authenticator(directory, keys=keys, tokens=self.bench.tokens, clock=ground.clock)

    async def principal(self, **claims: Any) -> Principal:
        text = self.bench.issuer.token(**self.bench.claims(**claims))
        return await self.authenticator.authenticate(f"Bearer {text}")

    async def reason(self, **claims: Any) -> Refusal:
        with pytest.raises(Unauthenticated) as caught:
            await self.principal(**claims)
        return caught.value.reason


async def test_a_person_of_the_project_signs_in_with_a_token(ground: Ground, issuer: LocalIssuer) -> None:
    principal = await Front(ground, issuer).principal(roles=["billing-lead"], tenant="south")
    assert principal == Principal(
        kind=Kind.person,
        id="anna",
        tenant="north",
        roles=frozenset({"support"}),
        attributes={"region": "eu"},
        scopes=frozenset({"act", "approve"}),
        present=True,
        credential=NAME,
    )


async def test_claims_bring_only_what_the_project_asks_for_and_knows(ground: Ground, issuer: LocalIssuer) -> None:
    front = Front(
        ground,
        issuer,
        roles_claim="realm.roles",
        tenant_claim="org",
        scopes_claim="scope",
        subject_claim="email",
        attributes={"region": "locale", "unit": "department"},
    )
    principal = await front.principal(
        email="cy@acme.example",
        realm={"roles": ["billing-lead", "root", 5]},
        org="south",
        scope="act admin openid",
        locale="de",
        department=7,
    )
    assert (principal.id, principal.tenant) == ("cy@acme.example", "south")
    assert principal.roles == {"billing-lead"}
    assert principal.scopes == {"act", "admin"}
    assert dict(principal.attributes) == {"region": "de"}


async def test_what_the_project_says_of_a_person_outranks_the_token(ground: Ground, issuer: LocalIssuer) -> None:
    front = Front(ground, issuer, tenant_claim="org", roles_claim="roles", attributes={"region": "locale"})
    principal = await front.principal(org="north", roles="billing-lead", locale="us")
    assert principal.roles == {"support", "billing-lead"}
    assert dict(principal.attributes) == {"region": "eu"}
    assert await front.reason(org="south") is Refusal.tenant_mismatch


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"sub": "cy"}, Refusal.tenant_mismatch),
        ({"sub": "cy", "org": "west"}, Refusal.tenant_mismatch),
        ({"sub": "cy", "org": ["north"]}, Refusal.token_claims),
        ({"sub": None}, Refusal.token_claims),
        ({"sub": ""}, Refusal.token_claims),
        ({"sub": 'x"::admin', "org": "north"}, Refusal.token_claims),
        ({"sub": "a" * 200, "org": "north"}, Refusal.token_claims),
    ],
)
async def test_a_token_that_does_not_say_who_and_where_is_refused(
    ground: Ground, issuer: LocalIssuer, claims: dict[str, Any], refusal: Refusal
) -> None:
    assert await Front(ground, issuer, tenant_claim="org").reason(**claims) is refusal


async def test_with_a_single_tenant_there_is_no_question(ground: Ground, issuer: LocalIssuer) -> None:
    front = Front(ground, issuer, replace(DIRECTORY, tenants=("north",)))
    assert (await front.principal(sub="cy")).tenant == "north"


async def test_a_remembered_token_still_ends_in_time(ground: Ground, issuer: LocalIssuer) -> None:
    front = Front(ground, issuer)
    text = issuer.token(**front.bench.claims(exp=ground.clock.now() + 5))
    first = await front.authenticator.authenticate(f"Bearer {text}")
    assert await front.authenticator.authenticate(f"Bearer {text}") is first
    ground.clock.advance(35)
    with pytest.raises(TokenExpired):
        await front.authenticator.authenticate(f"Bearer {text}")


async def test_without_issuers_no_token_is_accepted(ground: Ground, issuer: LocalIssuer) -> None:
    front = Front(ground, issuer)
    text = issuer.token(**front.bench.claims())
    front.authenticator.use(DIRECTORY, None)
    with pytest.raises(Unauthenticated):
        await front.authenticator.authenticate(f"Bearer {text}")

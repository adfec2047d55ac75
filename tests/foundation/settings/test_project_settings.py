"""`interlock.yaml` as typed settings, and the environment that a process reads."""

from __future__ import annotations

import pytest

from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.foundation.settings.environment import SETTINGS, setting
from interlock.foundation.settings.errors import SettingInvalid
from interlock.foundation.settings.project import ProjectSettings, project_settings
from interlock.values.decisions import Mode

FULL = """
name: acme
tenants: [north, south]
storage: {url: "postgresql://db/interlock"}
server: {host: 0.0.0.0, port: 80, public_url: "https://interlock.acme.example", workers: 2}
secrets: {file: secrets.env, directory: secrets}
mode: read-only
verification: [none, known, proven]
people:
  anna: {name: Anna Berg, roles: [support, billing-lead], attributes: {region: eu}, delegate: bo}
  bo: {}
services:
  batch: {roles: [nightly], tenant: south}
approvals:
  default_role: lead
  deadline: 2h
  roles:
    billing-lead: {deadline: 30m, escalate_to: head-of-finance}
limits: {actions_per_session: 10, repeats: 2, request_bytes: 64KiB, depth: 8}
identity:
  oidc:
    - issuer: https://id.acme.example
      audience: [interlock]
      jwks_url: https://id.acme.example/keys
      roles_claim: realm_access.roles
      leeway: 1m
      algorithms: [ES256]
      attributes: {region: locale}
roles: [auditor]
attributes: [region]
telemetry: {otlp_endpoint: "http://localhost:4318", service_name: acme, metrics: false}
"""


def settings_of(text: str) -> ProjectSettings:
    return project_settings(parse_document(text.encode(), "interlock", name="interlock.yaml", environment={}))


def test_everything_that_may_be_set_arrives_typed() -> None:
    settings = settings_of(FULL)
    assert settings.tenants == ("north", "south")
    assert settings.storage_url == "postgresql://db/interlock"
    assert (settings.server.host, settings.server.port, settings.server.workers) == ("0.0.0.0", 80, 2)
    assert settings.mode is Mode.read_only
    assert settings.verification == ("none", "known", "proven")
    assert settings.people["anna"].name == "Anna Berg"
    assert settings.people["anna"].roles == {"support", "billing-lead"}
    assert settings.people["anna"].delegate == "bo"
    assert (settings.people["bo"].name, settings.people["bo"].tenant) == ("bo", "north")
    assert settings.services["batch"].tenant == "south"
    assert settings.approvals.of("billing-lead").deadline == 1800
    assert settings.approvals.of("billing-lead").escalate_to == "head-of-finance"
    assert settings.approvals.of("anyone").deadline == 7200
    assert settings.limits.request_bytes == 65536
    assert settings.issuers[0].leeway == 60
    assert settings.issuers[0].algorithms == ("ES256",)
    assert settings.issuers[0].subject_claim == "sub"
    assert settings.telemetry.metrics is False


def test_the_roles_are_all_that_the_file_declares() -> None:
    assert settings_of(FULL).roles == {
        "support",
        "billing-lead",
        "nightly",
        "lead",
        "head-of-finance",
        "auditor",
    }


def test_a_name_is_enough_and_the_rest_is_safe() -> None:
    settings = settings_of("name: acme")
    assert settings.tenants == ("default",)
    assert settings.server.host == "127.0.0.1"
    assert settings.verification == ("none", "basic", "strong")
    assert settings.people == {}
    assert settings.limits.repeats == 3
    assert settings.approvals.of("x").deadline == 86_400
    assert settings.telemetry.otlp_endpoint == ""
    assert settings.roles == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "people:\n  a: {tenant: other}",
            "interlock.yaml:3: people.a.tenant: 'other' is none of the tenants (default)",
        ),
        (
            "services:\n  a: {tenant: other}",
            "interlock.yaml:3: services.a.tenant: 'other' is none of the tenants",
        ),
        ("people:\n  a: {attributes: {x: y}}", "people.a.attributes.x: 'x' does not stand in the list"),
        ("people:\n  a: {delegate: b}", "people.a.delegate: 'b' is nobody else among `people`"),
        ("people:\n  a: {delegate: a}", "people.a.delegate: 'a' is nobody else among `people`"),
        (
            "tenants: [t, u]\npeople:\n  a: {delegate: b, tenant: t}\n  b: {tenant: u}",
            "people.a.delegate: 'b' belongs to another tenant",
        ),
        (
            "approvals:\n  roles: {a: {escalate_to: a}}",
            "approvals.roles.a.escalate_to: escalates in a circle: a -> a",
        ),
        (
            "approvals:\n  roles: {a: {escalate_to: b}, b: {escalate_to: c}, c: {escalate_to: b}}",
            "approvals.roles.b.escalate_to: escalates in a circle: b -> c -> b",
        ),
        (
            "identity: {oidc: [{issuer: x, audience: [a], jwks_url: 'http://id.example/keys'}]}",
            "identity.oidc[0].jwks_url: keys must be fetched over https",
        ),
        (
            "identity: {oidc: [{issuer: x, audience: [a], jwks_url: 'http://localhost.evil.example/'}]}",
            "identity.oidc[0].jwks_url: keys must be fetched over https",
        ),
        (
            (
                "identity: {oidc: [{issuer: x, audience: [a], jwks_url: 'https://i/'}, "
                "{issuer: x, audience: [a], jwks_url: 'https://i/'}]}"
            ),
            "identity.oidc[1].issuer: this issuer stands twice",
        ),
        (
            "identity: {oidc: [{issuer: x, audience: [a], jwks_url: 'https://i/', attributes: {q: w}}]}",
            "identity.oidc[0].attributes.q: 'q' does not stand in the list",
        ),
        (
            "identity: {oidc: [{issuer: x, audience: [a], jwks_url: 'https://i/', algorithms: [HS256]}]}",
            "identity.oidc[0].algorithms[0]: must be one of RS256",
        ),
        (
            "identity: {oidc: [{issuer: x, audience: [a], jwks_url: 'https://i/', algorithms: [none]}]}",
            "must be one of",
        ),
    ],
)
def test_what_does_not_fit_together_is_found(text: str, expected: str) -> None:
    with pytest.raises(ProjectInvalid) as caught:
        settings_of(f"name: acme\n{text}")
    assert any(expected in str(finding) for finding in caught.value.findings), caught.value.findings


def test_every_environment_setting_says_what_it_is_and_has_a_default() -> None:
    assert len({each.name for each in SETTINGS}) == len(SETTINGS)
    for each in SETTINGS:
        assert each.name.startswith("INTERLOCK_")
        assert each.text.endswith(".")
        assert setting(each.name, {}) == each.default
        assert setting(each.name, {each.name: ""}) == each.default


def test_an_impossible_address_is_refused_before_anything_is_sent_there() -> None:
    assert setting("INTERLOCK_URL", {"INTERLOCK_URL": "https://i.example"}) == "https://i.example"
    with pytest.raises(SettingInvalid) as caught:
        setting("INTERLOCK_URL", {"INTERLOCK_URL": "i.example"})
    assert caught.value.code == "setting_invalid"

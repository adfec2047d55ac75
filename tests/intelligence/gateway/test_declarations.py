"""Routes as models.yaml declares them: everything can be said, and what would mean nothing is told with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.foundation.documents import ProjectInvalid, parse_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.governance.limits import BreakerLimits
from interlock.intelligence.gateway import (
    STRATEGIES,
    ModelRequest,
    Pin,
    ProviderPorts,
    Retries,
    Route,
    RouteKind,
    build_routes,
    facts_of,
)
from interlock.intelligence.gateway.caching import CachePlan, Likeness
from interlock.intelligence.gateway.hedging import Hedge
from interlock.intelligence.gateway.latency import AnotherRoute, KeptAnswer, Latency, PreparedAnswer


def built(text: str, root: Path = Path(), **environment: str) -> dict[str, Route]:
    document = parse_document(text.encode(), "models", name="models.yaml", environment=environment)
    return build_routes(document, ProviderPorts(root, HttpClient(), SecretStore([])))


def findings(text: str, root: Path = Path(), **environment: str) -> list[tuple[int, str]]:
    with pytest.raises(ProjectInvalid) as raised:
        built(text, root, **environment)
    return [(finding.line, finding.message) for finding in raised.value.findings]


def test_a_route_says_all_that_it_can() -> None:
    text = """
routes:
  desk:
    timeout: 45s
    strategy: weighted
    fall_back_on: [error, refusal, declined]
    retries: {times: 2, wait: 500ms, longest: 4s}
    health: {failures: 3, pause: 30s}
    targets:
      - name: large
        provider: openai
        base_url: "http://one/v1"
        model: m
        weight: 3
        when: characters > 8000 && size(tools) > 0
        pin: m-2026-01-01
        on_change: hold
        timeout: 20s
        connect: 500ms
      - provider: openai
        model: m
        key: "${KEY}"
        weight: 0.5
        instances:
          - {base_url: "http://two/v1"}
          - {base_url: "http://three/v1", model: other}
"""
    desk = built(text, KEY="k-1")["desk"]
    assert (desk.timeout, desk.strategy, desk.retries) == (45, STRATEGIES["weighted"], Retries(2, 0.5, 4))
    assert (set(desk.fall_back_on), desk.health) == (
        {"error", "refusal", "declined"},
        BreakerLimits(failures=3, pause=30),
    )
    large, pool = desk.targets
    assert (large.name, large.weight, large.pin, large.timeout) == ("large", 3, Pin("m-2026-01-01", "hold"), 20)
    facts = facts_of("desk", ModelRequest([{"role": "user", "content": "x" * 9000}], [{"function": {"name": "f"}}]))
    assert not large.when.verdict(facts)
    assert large.when.verdict(facts | {"characters": 5}) == "condition"
    assert [one.name for one in large.instances] == ["large"]
    assert [one.name for one in pool.instances] == ["openai:m#1", "openai:m#2"]
    assert [one.provider.model for one in pool.instances] == ["m", "other"]
    assert not any(one.provider.missing() for one in pool.instances), "each has the target's key"


@pytest.mark.parametrize(("name", "routes"), [("models", 4), ("caching", 2)])
def test_the_routes_of_the_how_tos_can_be_built(tmp_path: Path, name: str, routes: int) -> None:
    page = (Path(__file__).parents[3] / f"docs/how-to/{name}.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "routes:" in block]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/assistant.yaml").write_text(
        "rules: r\nintents:\n  hi: {examples: [hello], steps: [{call: a.b}]}\n"
    )
    assert len(blocks) == routes
    for block in blocks:
        document = parse_document(block.encode(), "models", environment={})
        assert build_routes(document, ProviderPorts(tmp_path, HttpClient(), SecretStore([])))


def test_a_route_that_says_nothing_is_as_it_always_was() -> None:
    desk = built('routes: {desk: {targets: [{provider: openai, model: m, base_url: "http://x"}]}}')["desk"]
    assert desk == Route("desk", desk.targets)
    assert desk.retries.times == 0


def test_what_is_the_same_has_the_same_identity_and_what_differs_another() -> None:
    def identities(url: str, **environment: str) -> list[object]:
        text = f'routes: {{d: {{targets: [{{provider: openai, model: m, base_url: "{url}", key: "${{K}}"}}]}}}}'
        return [one.identity for target in built(text, Path(), **environment)["d"].targets for one in target.instances]

    assert identities("http://x", K="1") == identities("http://x", K="1")
    assert identities("http://x", K="1") != identities("http://y", K="1")
    assert identities("http://x", K="1") != identities("http://x", K="2")
    assert "k-secret" not in str(identities("http://x", K="k-secret"))


def test_what_would_mean_nothing_is_told_with_its_line() -> None:
    told = findings("""routes:
  desk:
    retries: {times: 1, wait: 9s, longest: 1s}
    targets:
      - {provider: openai, model: m, base_url: "http://x", weight: 2}
      - provider: openai
        name: one
        model: m
        base_url: "http://x"
        on_change: hold
      - provider: openai
        name: one
        model: m
        base_url: "http://x"
        when: size(tolls) > 0
      - {provider: openai, model: m, base_url: "http://x", when: "tenant"}
      - {provider: openai, model: m, base_url: "http://x", when: "tenant =="}
""")
    expected = [
        (3, "`wait` is more than `longest`"),
        (5, "means nothing without `strategy: weighted` beside `targets`"),
        (7, "'one' is the name of several targets"),
        (10, "means nothing without `pin`"),
        (12, "'one' is the name of several targets"),
        (15, "there is no variable `tolls`"),
        (16, "A condition is neither true nor false."),
        (17, "`tenant ==`"),
    ]
    assert [line for line, _ in told] == [line for line, _ in expected]
    assert not [part for (_, message), (_, part) in zip(told, expected, strict=True) if part not in message]


def test_caches_hedges_latencies_and_embeddings_say_all_that_they_can() -> None:
    routes = built("""
routes:
  desk:
    cache: {ttl: 10m, stale: 1d, entries: 5, size: 1kB, knowledge: v2, semantic: {route: near, threshold: 0.9, ttl: 1m}}
    hedge: {after: 800ms}
    latency:
      chat: {budget: 2s, wait: 500ms, then: [{route: quick}, cached, {say: Wait}]}
      "*": {budget: 4s, then: [{route: quick}]}
    targets:
      - {provider: openai, model: m, base_url: "http://x", warm: 3s}
      - {provider: openai, model: n, base_url: "http://x"}
  quick: {targets: [{provider: openai, model: s, base_url: "http://x"}], cache: {ttl: 1s, semantic: {route: near}}}
  near: {kind: embeddings, targets: [{provider: openai, model: e, base_url: "http://x"}]}
""")
    desk = routes["desk"]
    assert desk.cache == CachePlan(600, 86_400, 5, 1000, "v2", Likeness("near", 0.9, 60))
    assert routes["quick"].cache == CachePlan(1, semantic=Likeness("near", ttl=1))
    assert desk.hedge == Hedge(0.8)
    then = (AnotherRoute("quick"), KeptAnswer(), PreparedAnswer("Wait"))
    assert desk.latency.of("chat") == Latency(2, then, 0.5)
    assert desk.latency.of("other") == Latency(4, (AnotherRoute("quick"),), 2), "all routes share it evenly"
    assert routes["quick"].latency.of("chat") is None
    assert [target.warm for target in desk.targets] == [3, 0]
    assert (desk.kind, routes["near"].kind) == (RouteKind.chat, RouteKind.embeddings)


def test_what_of_them_would_mean_nothing_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules: r\nintents:\n  hi: {examples: [hello]}\n")
    told = findings(
        """routes:
  desk:
    hedge: {after: 1s}
    cache:
      ttl: 1m
      semantic: {route: dusk}
    latency:
      chat:
        budget: 1s
        wait: 2s
        then:
          - cached
          - route: desk
          - route: near
          - say: Wait
          - cached
    targets:
      - {provider: openai, model: m, base_url: "http://x"}
  near:
    kind: embeddings
    cache: {ttl: 1m}
    latency: {chat: {budget: 1s, then: [{route: desk}]}}
    targets:
      - {provider: rules, file: rules.yaml}
  far:
    targets:
      - {provider: rules, file: rules.yaml, warm: 1s}
""",
        root=tmp_path,
    )
    expected = {
        (3, "means nothing with one target of one instance"),
        (6, "'dusk' is no route of `kind: embeddings`"),
        (10, "is more than `budget`"),
        (12, "means nothing without `cache`, and `stale` in it"),
        (13, "'desk' is no other route of `kind: chat`"),
        (14, "'near' is no other route of `kind: chat`"),
        (16, "is never reached: the words before it always do"),
        (16, "means nothing without `cache`, and `stale` in it"),
        (21, "vectors are not kept; it means nothing with `kind: embeddings`"),
        (22, "means nothing with `kind: embeddings`"),
        (24, "'rules' makes no embeddings"),
        (27, "means nothing: 'rules' needs no time to get ready"),
    }
    assert set(told) == expected


def test_an_instances_mistakes_are_told_once_and_where_they_were_written() -> None:
    assert findings("""routes:
  desk:
    targets:
      - provider: openai
        modle: m
        key: in-the-file
        model: m
        instances:
          - {base_url: "http://x"}
          - {base_url: "ftp://x"}
          - {base_url: "http://x", timeout: 1s}
""") == [
        (5, "unknown key 'modle' (did you mean 'model'?)"),
        (10, "is not written as it must be: the address before /chat/completions, such as https://host/v1"),
        (11, "'timeout' is for the whole target; write it beside `instances`"),
    ]
    assert findings("""routes:
  desk:
    targets:
      - provider: openai
        key: in-the-file
        model: m
        instances:
          - {base_url: "http://x"}
          - {base_url: "http://y"}
""") == [(5, "must be secret:NAME or come from the environment; a key does not belong in a file")]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("strategy: wieghted", "did you mean 'weighted'?"),
        ("fall_back_on: [errors]", "did you mean 'error'?"),
        ("retries: {times: 11}", "must be at most 10"),
        ("retries: {wait: 1s}", "'times' is missing"),
        ("health: {failures: 0}", "must be at least 1"),
        ("health: {pause: soon}", "a number and ms, s, m, h or d"),
    ],
)
def test_wrong_words_are_told_with_the_right_ones(keys: str, message: str) -> None:
    ((line, told),) = findings(f"routes:\n  desk:\n    {keys}\n    targets: [{{provider: rules, file: x}}]\n")
    assert line == 3
    assert message in told

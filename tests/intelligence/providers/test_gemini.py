"""What Gemini's errors and endings mean, beyond the recorded traffic."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.foundation.documents import Document
from interlock.foundation.secrets import SecretStore
from interlock.intelligence.gateway import ModelRequest, Provider, ProviderFailure, ProviderPorts, Target
from interlock.intelligence.providers.gemini import plugin
from interlock.testing.recordings import SECRET, Played, Recording

RETRY = "type.googleapis.com/google.rpc.RetryInfo"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"
ASKED = ModelRequest([{"role": "user", "content": "Hi"}])


def provider_of(folder: Path, status: int, body: bytes, headers: Mapping[str, str] = {}) -> Provider:
    path = folder / "recording.json"
    answers = {"status": status, "headers": headers}
    path.write_text(json.dumps({"request": {"messages": []}, "sends": {}, "answers": answers}))
    secrets = SecretStore.standard(environment={"INTERLOCK_SECRET_MODEL": SECRET})
    ports = ProviderPorts(folder, Played(Recording(path), [body]), secrets)
    target = {"model": "gemini-x", "key": "secret:model"}
    return plugin.build(Target(Document("models", folder / "models.yaml", "models.yaml", {}), "", target), ports)


def failure(provider: Provider, *, streamed: bool = False) -> ProviderFailure:
    async def ask() -> None:
        if not streamed:
            await provider.complete(ASKED, timeout=9)
            return
        async for _ in provider.stream(ASKED, timeout=9, idle=9):
            pass

    with pytest.raises(ProviderFailure) as raised:
        asyncio.run(ask())
    assert SECRET not in str(raised.value.problem())
    return raised.value


def error(status: int, *details: Any) -> dict[str, Any]:
    return {"error": {"code": status, "message": f"no: {SECRET}", "details": list(details)}}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("listed", [False, True], ids=["object", "list"])
@pytest.mark.parametrize(("status", "code"), [(429, "model_busy"), (503, "model_failed")])
def test_the_time_to_wait_is_read_from_the_body(
    tmp_path: Path, status: int, code: str, listed: bool, streamed: bool
) -> None:
    told = error(status, {"@type": INFO, "reason": "RATE_LIMIT_EXCEEDED"}, {"@type": RETRY, "retryDelay": "34.5s"})
    body = json.dumps([told] if listed else told).encode()
    found = failure(provider_of(tmp_path, status, body), streamed=streamed)
    assert (found.code, found.retry_after) == (code, 34.5)


def test_the_longer_of_the_header_and_the_body_counts(tmp_path: Path) -> None:
    body = json.dumps(error(429, {"@type": RETRY, "retryDelay": "3s"})).encode()
    assert failure(provider_of(tmp_path, 429, body, {"Retry-After": "7"})).retry_after == 7
    assert failure(provider_of(tmp_path, 429, body, {"Retry-After": "1"})).retry_after == 3


def test_a_wrong_key_is_told_as_one_although_the_status_is_400(tmp_path: Path) -> None:
    denied = json.dumps(error(400, {"@type": INFO, "reason": "API_KEY_INVALID"})).encode()
    assert failure(provider_of(tmp_path, 400, denied)).code == "model_denied"
    assert failure(provider_of(tmp_path, 400, json.dumps(error(400)).encode())).code == "model_refused"


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "FINISH_REASON_UNSPECIFIED"])
@pytest.mark.parametrize("parts", [[], [{"text": "Let me see"}]], ids=["empty", "words"])
def test_an_end_that_is_none_is_no_answer(tmp_path: Path, reason: str, parts: list[Any]) -> None:
    document = {"candidates": [{"content": {"parts": parts}, "finishReason": reason}]}
    assert failure(provider_of(tmp_path, 200, json.dumps(document).encode())).code == "model_unreadable"


trees = st.recursive(
    st.none() | st.integers() | st.sampled_from(["error", "details", "1s", "-1s", "infs", RETRY, "API_KEY_INVALID"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "details", "@type", "retryDelay", "reason"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(document=trees, status=st.sampled_from([400, 403, 429, 500, 503]), cut=st.integers(0, 400))
def test_whatever_the_body_is_the_failure_is_one_of_ours(
    tmp_path_factory: pytest.TempPathFactory, document: Any, status: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("gemini")
    failure(provider_of(folder, status, json.dumps({"error": {"details": document}}).encode()[:cut]))

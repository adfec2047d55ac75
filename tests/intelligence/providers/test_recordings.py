"""Recorded traffic of every provider that speaks over HTTP, in both directions and cut at every byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from interlock.testing.recordings import RecordedTraffic, Recording
from tests.intelligence.providers.frames import frame

RECORDINGS = Path(__file__).parent / "recordings"


class TestAnthropicTraffic(RecordedTraffic):
    plugin = "interlock.intelligence.providers.anthropic:plugin"
    target: ClassVar[dict[str, str]] = {"model": "claude-x", "key": "secret:model"}
    folder = RECORDINGS / "anthropic"


class TestBedrockTraffic(RecordedTraffic):
    plugin = "interlock.intelligence.providers.bedrock:plugin"
    target: ClassVar[dict[str, str]] = {
        "aws_region": "eu-central-1",
        "model": "eu.anthropic.claude-x-v1:0",
        "key": "secret:model",
    }
    folder = RECORDINGS / "bedrock"
    kind = "application/vnd.amazon.eventstream"

    def encode(self, event: Any) -> bytes:
        return frame(event)

    def _needed(self, recording: Recording) -> int:
        # Once the reason for the end has come the answer is complete; what follows is usage.
        events = recording.events or ()
        return next(at for at, event in enumerate(events, start=1) if event.get("type") == "messageStop")


class TestGeminiTraffic(RecordedTraffic):
    plugin = "interlock.intelligence.providers.gemini:plugin"
    target: ClassVar[dict[str, str]] = {"model": "gemini-x", "key": "secret:model"}
    folder = RECORDINGS / "gemini"


class TestOpenAiTraffic(RecordedTraffic):
    plugin = "interlock.intelligence.providers.openai:plugin"
    target: ClassVar[dict[str, str]] = {
        "model": "gpt-x",
        "base_url": "https://models.example/v1",
        "key": "secret:model",
    }
    folder = RECORDINGS / "openai"

    def _needed(self, recording: Recording) -> int:
        # Once the reason for the end has come the answer is complete; what follows is usage, and a last line.
        events = recording.events or ()
        return next(at for at, event in enumerate(events, start=1) if '"finish_reason"' in event)

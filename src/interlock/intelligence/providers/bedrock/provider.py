"""One model behind `/model/{id}/converse`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from interlock.foundation.http import HttpRequest
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest
from interlock.intelligence.gateway.provider import HttpSender
from interlock.intelligence.providers.bedrock.frames import STREAM, FrameReader
from interlock.intelligence.providers.bedrock.replies import Assembly, read_answer
from interlock.intelligence.providers.bedrock.requests import body_of
from interlock.intelligence.providers.bedrock.signing import Signer
from interlock.intelligence.providers.upstream import JSON, MOST_BYTES, MOST_STREAMED, Key, Upstream

SERVICE = "bedrock"


class BedrockProvider(Upstream):
    """Sends conversations, streamed or not, signed with an access key or with a bearer key of the service."""

    name = "bedrock"
    streamed_as = STREAM

    def __init__(
        self,
        http: HttpSender,
        *,
        base_url: str,
        region: str,
        model: str,
        keys: Mapping[str, Key],
        parameters: Mapping[str, Any],
        connect: float = 0.0,
    ) -> None:
        super().__init__(http)
        self._base = f"{base_url.rstrip('/')}/model/{quote(model, safe='')}"
        self._region = region
        self.model = model
        self._keys = dict(keys)
        self.parameters = dict(parameters)
        self._connect = connect

    def missing(self) -> str:
        if not self.model:
            return "model is empty"
        if self._key("key") or (self._key("access_key") and self._key("secret_key")):
            return ""
        return "neither key, nor access_key with secret_key, is set"

    def _key(self, name: str) -> str:
        found = self._keys[name]() if name in self._keys else None
        return found.reveal() if found else ""

    def _sent(self, request: ModelRequest, *, streamed: bool, timeout: float) -> HttpRequest:
        url = f"{self._base}/{'converse-stream' if streamed else 'converse'}"
        body = orjson.dumps(body_of(request, self.parameters))
        headers = {"Content-Type": JSON, "Accept": STREAM if streamed else JSON}
        if bearer := self._key("key"):
            headers["Authorization"] = f"Bearer {bearer}"
        else:
            names = ("access_key", "secret_key", "session_token")
            signer = Signer(self._region, SERVICE, *(self._key(name) for name in names))
            headers = signer.headers("POST", url, headers, body, time.time())
        most = MOST_STREAMED if streamed else MOST_BYTES
        return HttpRequest("POST", url, headers, body, timeout, most, self._connect)

    def _read(self, body: bytes) -> ModelReply:
        return read_answer(body, model=self.model)

    def _reader(self) -> FrameReader:
        return FrameReader()

    def _assembly(self) -> Assembly:
        return Assembly(self.model)

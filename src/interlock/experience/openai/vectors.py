"""`/v1/embeddings`: a route that makes vectors, asked in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from interlock.experience.installation import Installation
from interlock.experience.openai.exchange import Exchange
from interlock.experience.openai.shapes import demand
from interlock.integration.contracts import Contract
from interlock.intelligence.gateway import Embeddings, embedding_request, numbers, packed
from interlock.intelligence.gateway.embeddings import Input
from interlock.values.principals import Principal

PATH = "/v1/embeddings"
MOST_INPUTS = 2048
MOST_TOKENS = 8192
FLOAT, BASE64 = "float", "base64"

_TEXT = {"type": "string", "minLength": 1}
_TOKENS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_TOKENS,
    "items": {"type": "integer", "minimum": 0, "maximum": (1 << 31) - 1},
}
_CONTRACT = Contract(
    {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": {"type": "string", "minLength": 1, "maxLength": 128},
            "input": {
                "anyOf": [
                    _TEXT,
                    {"type": "array", "minItems": 1, "maxItems": MOST_INPUTS, "items": _TEXT},
                    _TOKENS,
                    {"type": "array", "minItems": 1, "maxItems": MOST_INPUTS, "items": _TOKENS},
                ]
            },
            "dimensions": {"type": ["integer", "null"], "minimum": 1, "maximum": 65536},
            "encoding_format": {"enum": [FLOAT, BASE64, None]},
            "user": {"type": ["string", "null"]},
        },
    }
)
_OWN = frozenset({"model", "input"})


@dataclass(frozen=True, slots=True)
class VectorRequest:
    """A valid request. *parameters* are all members but the route and the inputs; the model gets them."""

    model: str
    inputs: Sequence[Input] = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def encoding(self) -> str:
        """The form in which the client wants its vectors."""
        return str(self.parameters.get("encoding_format", FLOAT))


def vector_request(body: Any) -> VectorRequest:
    """Return the request that *body* is. Raises `RequestInvalid`."""
    demand(_CONTRACT, body, "the embeddings of OpenAI's interface")
    given = body["input"]
    inputs = [given] if isinstance(given, str) or isinstance(given[0], int) else given
    return VectorRequest(
        body["model"], inputs, {name: value for name, value in body.items() if name not in _OWN and value is not None}
    )


class Vectors:
    """Answers requests for embeddings."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def answer(
        self, principal: Principal, request: VectorRequest, exchange: Exchange, *, session: str, use_case: str
    ) -> bytes:
        """Return the body of the answer; *exchange* is told of everything on the way.

        The texts are recorded nowhere, and heard as nobody's words. Raises as `Models.embed` and `Sessions.use` do.
        """
        metadata: dict[str, Any] = {"tenant": principal.tenant, "actor": principal.name}
        if session:
            named = await self._installation.sessions.use(session, principal)
            exchange.session = named.id
            metadata |= {"session": named.id, "label": named.memory.seen.to_json()}
            if named.agent:
                metadata["agent"] = named.agent
        if use_case:
            metadata["use_case"] = use_case
        exchange.route = request.model
        asked = embedding_request(request.inputs, metadata=metadata, parameters=request.parameters)
        reply = await self._installation.models.embed(request.model, asked)
        exchange.answering(f"{reply.provider}:{reply.model}", reply.asked)
        exchange.paid(reply.cost)
        return body_of(reply, request)


def body_of(reply: Embeddings, request: VectorRequest) -> bytes:
    """Return the answer in OpenAI's shape, its vectors in the form that *request* wants."""
    form = packed if request.encoding == BASE64 else numbers
    data = [{"object": "embedding", "index": at, "embedding": form(one)} for at, one in enumerate(reply.vectors)]
    tokens = reply.usage.input_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return orjson.dumps({**reply.extras.top, "object": "list", "data": data, "model": request.model, "usage": usage})

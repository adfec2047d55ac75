"""The one way to call a model: named routes over providers, with time limits, fallback and a record of each call."""

from __future__ import annotations

from interlock.intelligence.gateway.attempts import OnModelCall
from interlock.intelligence.gateway.calls import Answers
from interlock.intelligence.gateway.conditions import Condition, compile_condition, facts_of
from interlock.intelligence.gateway.declarations import build_routes
from interlock.intelligence.gateway.embeddings import (
    Embedder,
    EmbeddingRequest,
    Embeddings,
    Vector,
    embedding_request,
    numbers,
    packed,
)
from interlock.intelligence.gateway.errors import (
    AnswerForbidden,
    ModelBusy,
    ModelChanged,
    ModelCutOff,
    ModelDenied,
    ModelFailed,
    ModelHeld,
    ModelRefused,
    ModelTimedOut,
    ModelUnreadable,
    ProviderFailure,
    RouteBroken,
    RouteExhausted,
    RouteHeld,
    RouteRefused,
    RouteSlow,
    RouteUnfit,
    RouteUnknown,
)
from interlock.intelligence.gateway.formats import PLAN, PLAN_SCHEMA, format_of, json_format, json_of
from interlock.intelligence.gateway.gateway import Gateway, route_unfit, route_unknown
from interlock.intelligence.gateway.messages import (
    Answering,
    Attempt,
    CallPart,
    Delta,
    Extras,
    ModelReply,
    ModelRequest,
    RouteKind,
    ToolCall,
    Usage,
)
from interlock.intelligence.gateway.pins import Pin
from interlock.intelligence.gateway.provider import (
    Configured,
    Provider,
    ProviderPlugin,
    ProviderPorts,
    Streamed,
    Target,
    as_delta,
    in_one_piece,
)
from interlock.intelligence.gateway.retries import Retries
from interlock.intelligence.gateway.routes import Instance, Route, RouteTarget
from interlock.intelligence.gateway.strategies import STRATEGIES, Ordered, Strategy, Weighted
from interlock.intelligence.gateway.surroundings import Surroundings
from interlock.intelligence.gateway.tools import ToolNames, tool_name, tool_of
from interlock.intelligence.gateway.warming import Warmable, warm

__all__ = [
    "PLAN",
    "PLAN_SCHEMA",
    "STRATEGIES",
    "AnswerForbidden",
    "Answering",
    "Answers",
    "Attempt",
    "CallPart",
    "Condition",
    "Configured",
    "Delta",
    "Embedder",
    "EmbeddingRequest",
    "Embeddings",
    "Extras",
    "Gateway",
    "Instance",
    "ModelBusy",
    "ModelChanged",
    "ModelCutOff",
    "ModelDenied",
    "ModelFailed",
    "ModelHeld",
    "ModelRefused",
    "ModelReply",
    "ModelRequest",
    "ModelTimedOut",
    "ModelUnreadable",
    "OnModelCall",
    "Ordered",
    "Pin",
    "Provider",
    "ProviderFailure",
    "ProviderPlugin",
    "ProviderPorts",
    "Retries",
    "Route",
    "RouteBroken",
    "RouteExhausted",
    "RouteHeld",
    "RouteKind",
    "RouteRefused",
    "RouteSlow",
    "RouteTarget",
    "RouteUnfit",
    "RouteUnknown",
    "Strategy",
    "Streamed",
    "Surroundings",
    "Target",
    "ToolCall",
    "ToolNames",
    "Usage",
    "Vector",
    "Warmable",
    "Weighted",
    "as_delta",
    "build_routes",
    "compile_condition",
    "embedding_request",
    "facts_of",
    "format_of",
    "in_one_piece",
    "json_format",
    "json_of",
    "numbers",
    "packed",
    "route_unfit",
    "route_unknown",
    "tool_name",
    "tool_of",
    "warm",
]

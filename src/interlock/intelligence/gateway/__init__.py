"""The one way to call a model: named routes over providers, with time limits, fallback and a record of each call."""

from __future__ import annotations

from interlock.intelligence.gateway.errors import (
    ModelBusy,
    ModelFailed,
    ModelRefused,
    ModelTimedOut,
    ModelUnreadable,
    ProviderFailure,
    RouteExhausted,
    RouteUnknown,
)
from interlock.intelligence.gateway.formats import PLAN, PLAN_SCHEMA, format_of, json_format
from interlock.intelligence.gateway.gateway import Gateway, OnModelCall, route_unknown
from interlock.intelligence.gateway.messages import ModelReply, ModelRequest, ToolCall, Usage
from interlock.intelligence.gateway.provider import Provider, ProviderPlugin, ProviderPorts, Target
from interlock.intelligence.gateway.routes import Route, RouteTarget, build_routes
from interlock.intelligence.gateway.tools import ToolNames, tool_name, tool_of

__all__ = [
    "PLAN",
    "PLAN_SCHEMA",
    "Gateway",
    "ModelBusy",
    "ModelFailed",
    "ModelRefused",
    "ModelReply",
    "ModelRequest",
    "ModelTimedOut",
    "ModelUnreadable",
    "OnModelCall",
    "Provider",
    "ProviderFailure",
    "ProviderPlugin",
    "ProviderPorts",
    "Route",
    "RouteExhausted",
    "RouteTarget",
    "RouteUnknown",
    "Target",
    "ToolCall",
    "ToolNames",
    "Usage",
    "build_routes",
    "format_of",
    "json_format",
    "route_unknown",
    "tool_name",
    "tool_of",
]

"""Facades over HTTP: REST with its OpenAPI document, GraphQL and MCP, for what a project's facades offer."""

from __future__ import annotations

from interlock.experience.facades.graphql import sdl
from interlock.experience.facades.openapi import openapi
from interlock.experience.facades.surface import PREFIX, Facades

__all__ = ["PREFIX", "Facades", "openapi", "sdl"]

"""A facade in GraphQL: its types from the schemas of its endpoints, its answers from their calls."""

from __future__ import annotations

from interlock.experience.facades.graphql.serving import GraphQl
from interlock.experience.facades.graphql.types import schema_of, sdl

__all__ = ["GraphQl", "schema_of", "sdl"]

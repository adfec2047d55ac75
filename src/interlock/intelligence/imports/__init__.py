"""Configurations of other gateways, as what they are here; and what of them could not be carried over."""

from __future__ import annotations

from interlock.intelligence.imports.errors import ConfigUnreadable
from interlock.intelligence.imports.imported import Imported, Note, yaml_of
from interlock.intelligence.imports.litellm import translate

__all__ = ["ConfigUnreadable", "Imported", "Note", "translate", "yaml_of"]

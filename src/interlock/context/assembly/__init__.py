"""Gathers what an agent is given to know before it starts: declared reads, in parallel, within a time budget."""

from __future__ import annotations

from interlock.context.assembly.assembly import Assembled, ContextPart, Reader, assemble, compile_context

__all__ = ["Assembled", "ContextPart", "Reader", "assemble", "compile_context"]

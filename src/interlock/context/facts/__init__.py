"""Facts: what the layer finds out itself, through declared reads, before it decides."""

from interlock.context.facts.plan import FactPlan, FactSource, compile_facts
from interlock.context.facts.reader import FactReader, Gathered

__all__ = ["FactPlan", "FactReader", "FactSource", "Gathered", "compile_facts"]

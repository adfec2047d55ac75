"""Facts: what the layer finds out itself, through declared reads, before it decides."""

from interlock.context.facts.plan import FactPlan, compile_facts
from interlock.context.facts.reader import FactReader, Gathered

__all__ = ["FactPlan", "FactReader", "Gathered", "compile_facts"]

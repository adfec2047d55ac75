"""What systems a project has, how each is reached, and what is missing between them and those who use them."""

from __future__ import annotations

from interlock.assessment.inventory.inventory import Gap, Inventory, inventories
from interlock.assessment.inventory.ways import WAYS, Way, way_of

__all__ = ["WAYS", "Gap", "Inventory", "Way", "inventories", "way_of"]

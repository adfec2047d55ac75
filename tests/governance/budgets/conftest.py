"""The ground that limits stand on serves budgets too."""

from __future__ import annotations

from tests.governance.limits.conftest import Ground, ground

__all__ = ["Ground", "ground"]

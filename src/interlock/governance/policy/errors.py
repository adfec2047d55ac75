"""What can go wrong with policies and with what they are asked about.

InterlockError
 +-- PolicyInvalid     policy files that must not be used; carries every finding
 +-- SnapshotInvalid   a stored snapshot that cannot be read back
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.governance.policy.findings import Finding
from interlock.values.errors import InterlockError


class PolicyInvalid(InterlockError):
    """Some policy does not parse, does not fit the operations' types, or asks for something unknown."""

    code = "policy_invalid"
    status = 422
    title = "The policies are not valid"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        lines = "\n".join(f"  {finding}" for finding in self.findings)
        super().__init__(
            f"The policies have {len(self.findings)} problem{'s' if len(self.findings) != 1 else ''}:\n{lines}",
            fix="Correct the named policies; `interlock check` shows all problems at once.",
            findings=[finding.to_json() for finding in self.findings],
        )


class SnapshotInvalid(InterlockError):
    """A JSON document is not a snapshot of this or an earlier version."""

    code = "snapshot_invalid"
    status = 422
    title = "The snapshot cannot be read"

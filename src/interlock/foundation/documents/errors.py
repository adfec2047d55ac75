"""Errors of reading a project's files.

InterlockError
 +-- ProjectInvalid    one or more files are not as they must be; all problems at once
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    from interlock.foundation.documents.findings import Finding

SHOWN = 50


class ProjectInvalid(InterlockError):
    """The project's files have problems; `findings` holds every one with its file and line."""

    code = "project_invalid"
    status = 422
    title = "The project's files are not valid"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings: list[Finding] = list(findings)
        count = len(self.findings)
        files = len({finding.file for finding in self.findings})
        super().__init__(
            f"{count} problem{'s' if count != 1 else ''} in {files} file{'s' if files != 1 else ''}",
            why="; ".join(str(finding) for finding in self.findings[:3]) + ("; ..." if count > 3 else ""),
            fix="correct each line named, then run `interlock check`",
            findings=[finding.to_json() for finding in self.findings[:SHOWN]],
        )

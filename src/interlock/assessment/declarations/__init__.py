"""What a project declares of its operations: an overview with its holes, and a declaration pack to start from."""

from interlock.assessment.declarations.draft import Draft, draft_of
from interlock.assessment.declarations.overview import Overview, overviews

__all__ = ["Draft", "Overview", "draft_of", "overviews"]

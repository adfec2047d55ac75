"""Sessions: the frame around a piece of work, opened with a person's authority and not extendable by an agent."""

from interlock.orchestration.sessions.errors import SessionClosed, SessionForbidden, SessionInvalid, SessionUnknown
from interlock.orchestration.sessions.registry import Opening, Sessions
from interlock.orchestration.sessions.session import Session

__all__ = ["Opening", "Session", "SessionClosed", "SessionForbidden", "SessionInvalid", "SessionUnknown", "Sessions"]

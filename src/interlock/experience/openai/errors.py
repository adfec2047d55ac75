"""What can be wrong with a chat completion that is asked for.

ConversationBroken, ParameterUnsupported, ToolAmbiguous, RequestOvertaken
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class ConversationBroken(InterlockError):
    """Tool calls and their results do not belong together: one is missing, unknown or there twice."""

    code = "conversation_broken"
    status = 400
    title = "The messages are no conversation"


class ParameterUnsupported(InterlockError):
    """The request asks for something of OpenAI's interface that would go around the layer or is not there yet."""

    code = "parameter_unsupported"
    status = 400
    title = "Not supported here"


class ToolAmbiguous(InterlockError):
    """A tool's name stands for more than one operation of the project."""

    code = "tool_ambiguous"
    status = 422
    title = "The tool's name is not clear"


class RequestOvertaken(InterlockError):
    """The same request is being answered twice at this moment, and the other one got to a step first."""

    code = "request_overtaken"
    status = 409
    title = "The same request is being answered"
    transient = True

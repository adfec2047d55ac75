"""Errors of calling a model.

InterlockError
 +-- RouteUnknown        no route of that name
 +-- RouteExhausted      no target of the route gave an answer
 +-- ProviderFailure     one target gave none
      +-- ModelRefused       it refused the request: key, model name or content
      +-- ModelBusy          it has too many requests
      +-- ModelFailed        it broke or cannot be reached
      +-- ModelTimedOut      it took too long
      +-- ModelUnreadable    it answered something that is not an answer
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class RouteUnknown(InterlockError):
    """The project's models.yaml has no such route."""

    code = "route_unknown"
    status = 404
    title = "No such route"


class RouteExhausted(InterlockError):
    """Every target of the route is unconfigured or failed; `details.targets` says which and why."""

    code = "models_unavailable"
    status = 503
    title = "No model is available"
    transient = True


class ProviderFailure(InterlockError):
    """One provider gave no answer; the route goes on to its next target."""

    status = 502
    title = "The model gave no answer"


class ModelRefused(ProviderFailure):
    """The provider refused the request: its key, the model's name, or what was asked."""

    code = "model_refused"
    title = "The model provider refused"


class ModelBusy(ProviderFailure):
    """The provider has too many requests."""

    code = "model_busy"
    status = 503
    title = "The model provider is busy"
    transient = True


class ModelFailed(ProviderFailure):
    """The provider broke, or cannot be reached."""

    code = "model_failed"
    title = "The model provider failed"
    transient = True


class ModelTimedOut(ProviderFailure):
    """The provider did not answer within the target's or the route's time limit."""

    code = "model_timed_out"
    status = 504
    title = "The model took too long"
    transient = True


class ModelUnreadable(ProviderFailure):
    """The provider's answer is not a chat completion."""

    code = "model_unreadable"
    title = "The model's answer cannot be read"

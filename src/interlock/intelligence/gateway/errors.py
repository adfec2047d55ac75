"""Errors of calling a model.

InterlockError
 +-- RouteUnknown        no route of that name
 +-- RouteUnfit          the route is for something else
 +-- FormatInvalid       the schema that the answer is to have is none
 +-- RouteExhausted      no target of the route gave an answer
      +-- RouteRefused       what was asked is refused; asking again is of no use
      +-- AnswerForbidden    a guard of the route does not let the answer through
      +-- AnswerUnfit        it is not what was asked for, by its schema
      +-- AnswerUngrounded   it does not show where it has it from
      +-- RouteNotCleared    none may be shown what the call holds
      +-- RouteBroken        the answer broke off after it had begun
      +-- RouteSlow          none began to answer within the latency budget
      +-- RouteHeld          a model is not the version that was pinned, and the route waits for a person
 +-- ProviderFailure     one target gave none
      +-- ModelRefused       it refused what was asked
           +-- ModelDenied       it does not accept the key, or does not know the address or the model
      +-- ModelBusy          it has too many requests
      +-- ModelFailed        it broke or cannot be reached, before it had begun to answer
           +-- ModelCutOff       it broke in the middle of its answer
      +-- ModelTimedOut      it took too long
      +-- ModelUnreadable    it answered something that is not an answer
      +-- ModelObjected      a guard of the route objects to what it answered
           +-- ModelForbidden    it said what may not be said
           +-- ModelUnfit        its answer does not fit the schema
           +-- ModelUngrounded   its answer cites nothing, or what was not given
      +-- ModelChanged       it is not the version that was pinned
           +-- ModelHeld         the same, where nobody else may answer either
"""

from __future__ import annotations

from typing import ClassVar

from interlock.values.errors import InterlockError


class RouteUnknown(InterlockError):
    """The project's models.yaml has no such route."""

    code = "route_unknown"
    status = 404
    title = "No such route"


class RouteUnfit(InterlockError):
    """The route is for something else: vectors are asked of one that answers in words, or the other way round."""

    code = "route_unfit"
    status = 400
    title = "The route is for something else"


class FormatInvalid(InterlockError):
    """The request's `response_format` has a schema that no answer can be held against."""

    code = "format_invalid"
    status = 400
    title = "The format of the answer is none"


class RouteExhausted(InterlockError):
    """Every target of the route is unconfigured or failed; `details.targets` says which and why."""

    code = "models_unavailable"
    status = 503
    title = "No model is available"
    transient = True
    did: ClassVar[str] = "gave an answer"
    fixed_by: ClassVar[str] = (
        "see whether the providers are configured and reachable; `rules` needs neither key nor network"
    )


class RouteRefused(RouteExhausted):
    """A model refused what was asked, and the route has no other that may be asked."""

    code = "route_refused"
    status = 422
    title = "The model refused the request"
    transient = False
    fixed_by = "ask for something else; sending the same again is of no use"


class AnswerForbidden(RouteExhausted):
    """A guard of the route does not let the answer through; a part of it may have been passed on before."""

    code = "answer_forbidden"
    status = 422
    title = "The answer may not be said"
    transient = False
    did = "gave an answer that may be said"
    fixed_by = "ask for something else; a guard is changed in models.yaml"


class AnswerUnfit(RouteExhausted):
    """What the models answered does not fit the schema that the route or the request declares, asked again or not."""

    code = "answer_unfit"
    status = 502
    title = "The answer is not what was asked for"
    transient = False
    did = "gave an answer that fits its schema"
    fixed_by = "see whether the schema can be met; a larger model may do better"


class AnswerUngrounded(RouteExhausted):
    """What the models answered cites nothing, cites what was not given, or quotes what does not stand there."""

    code = "answer_ungrounded"
    status = 502
    title = "The answer does not show where it has it from"
    transient = False
    did = "gave an answer that cites what was given"
    fixed_by = "see whether the passages that were given, each marked [doc:ID], hold an answer"


class RouteNotCleared(RouteExhausted):
    """No target of the route may be shown what the call holds, or may be asked for what it is for."""

    code = "not_cleared"
    status = 403
    title = "No model may be shown this"
    transient = False
    did = "may be shown what this call holds"
    fixed_by = "leave out what it may not see; targets and rules are changed in models.yaml"


class RouteBroken(RouteExhausted):
    """The answer broke off after a part of it was passed on; it is not complete and cannot be taken back."""

    code = "answer_broken_off"
    status = 502
    title = "The answer broke off"
    fixed_by = "throw away what has come, and send the request again"


class RouteSlow(RouteExhausted):
    """No target of the route began to answer within the latency budget of the use case."""

    code = "route_too_slow"
    status = 504
    title = "No model began to answer in time"
    fixed_by = "send the request again, or allow more time, or something that stands in, under `latency` in models.yaml"


class RouteHeld(RouteExhausted):
    """A target reports another version than its `pin`, and is declared to hold the route until a person has looked."""

    code = "route_held"
    title = "A model has changed and is held back"
    transient = False
    fixed_by = "see whether the new version does as well, then write it after `pin:` in models.yaml"


class ProviderFailure(InterlockError):
    """One provider gave no answer; the route goes on as it declares.

    *cause* is the word of a route's `fall_back_on` that it counts as, *repeatable* says that the same target may be
    asked again, *unwell* that it speaks against the target's health, and *ends* is what the caller gets where the
    route does not go on. `details.retry_after` are the seconds for which the provider wants to be left alone.
    """

    status = 502
    title = "The model gave no answer"
    cause: ClassVar[str] = "error"
    repeatable: ClassVar[bool] = False
    unwell: ClassVar[bool] = True
    ends: ClassVar[type[RouteExhausted]] = RouteExhausted

    @property
    def retry_after(self) -> float:
        """Seconds for which the provider wants to be left alone; 0 where it did not say."""
        said = self.details.get("retry_after", 0.0)
        return float(said) if isinstance(said, (int, float)) and said > 0 else 0.0


class ModelRefused(ProviderFailure):
    """The provider refused what was asked."""

    code = "model_refused"
    title = "The model provider refused"
    cause = "refusal"
    unwell = False
    ends: ClassVar[type[RouteExhausted]] = RouteRefused


class ModelDenied(ModelRefused):
    """The provider does not accept the key, or does not know the address or the model: the declaration is wrong."""

    code = "model_denied"
    title = "The model provider does not let us in"
    cause = "error"
    unwell = True
    ends = RouteExhausted


class ModelBusy(ProviderFailure):
    """The provider has too many requests."""

    code = "model_busy"
    status = 503
    title = "The model provider is busy"
    transient = True
    repeatable = True


class ModelFailed(ProviderFailure):
    """The provider broke or cannot be reached, and had not begun to answer."""

    code = "model_failed"
    title = "The model provider failed"
    transient = True
    repeatable = True


class ModelCutOff(ModelFailed):
    """The provider broke in the middle of its answer, which it may well charge for."""

    code = "model_cut_off"
    title = "The model's answer broke off"
    repeatable = False


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


class ModelObjected(ProviderFailure):
    """A guard of the route objects to what the model answered; *why* names the rule, never what was said.

    *wanted* tells the model what an answer must be, where it is worth asking it again.
    """

    cause = "refusal"
    unwell = False
    guard: ClassVar[str] = ""
    ends: ClassVar[type[RouteExhausted]] = AnswerForbidden

    def __init__(self, what: str, *, why: str, kind: str, wanted: str = "") -> None:
        super().__init__(what, why=why)
        self.kind = kind
        self.wanted = wanted


class ModelForbidden(ModelObjected):
    """The model said what an answer of the route may not say."""

    code = "model_forbidden"
    title = "The model said what may not be said"
    guard = "forbid"


class ModelUnfit(ModelObjected):
    """The model's answer does not fit the schema that the route or the request declares."""

    code = "model_unfit"
    title = "The model's answer is not what was asked for"
    guard = "schema"
    ends: ClassVar[type[RouteExhausted]] = AnswerUnfit


class ModelUngrounded(ModelObjected):
    """The model's answer cites nothing, cites what was not given, or quotes what does not stand there."""

    code = "model_ungrounded"
    title = "The model's answer does not show where it has it from"
    guard = "citations"
    ends: ClassVar[type[RouteExhausted]] = AnswerUngrounded


OBJECTED = frozenset({ModelForbidden.code, ModelUnfit.code, ModelUngrounded.code})
"""What is ours to say of an answer: what provider answered it does not show in it."""


class ModelChanged(ProviderFailure):
    """The provider reports another version than the target's `pin`; the next target is asked."""

    code = "model_changed"
    title = "The model is not the pinned version"
    cause = "change"
    unwell = False


class ModelHeld(ModelChanged):
    """The provider reports another version than the target's `pin`, and nobody else may answer either."""

    code = "model_held"
    title = "The model is held back"
    cause = "hold"
    ends = RouteHeld

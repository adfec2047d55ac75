"""A turn that cannot go on, as the question that is put before a person."""

from __future__ import annotations

from interlock.orchestration.agents import Ended, Turn
from interlock.orchestration.escalations import Question, Source
from interlock.orchestration.turns.kept import KeptTurn

HANDED_OVER = frozenset(
    {Ended.step_limit, Ended.time_limit, Ended.no_model, Ended.budget, Ended.no_answer, Ended.no_progress}
)
"""How a turn ends that a person might help on."""


def question(kept: KeptTurn, role: str, turn: Turn) -> Question:
    """Return what is asked of the people of *role* about *turn*: what was asked, seen, tried, and said last."""
    return Question(
        tenant=kept.tenant,
        role=role,
        source=Source.agent,
        name=kept.agent,
        subject=kept.id,
        reason=turn.ended.value,
        words=turn.answer,
        session=kept.session,
        story={
            "asked": {"agent": kept.agent, "by": kept.asker, "words": kept.words},
            "seen": [step.action.get("output") for step in turn.steps if step.action.get("output") is not None],
            "tried": [
                {
                    "operation": step.operation,
                    "arguments": dict(step.arguments),
                    "action": step.action.get("id", ""),
                    "state": step.action.get("state", ""),
                    "decision": step.action.get("decision"),
                    "problem": step.action.get("problem"),
                }
                for step in turn.steps
            ],
        },
        label=turn.label,
    )

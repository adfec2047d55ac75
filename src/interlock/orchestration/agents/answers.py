"""What the layer itself says to the person when a turn ends without the model's last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.orchestration.agents.step import Step


def waiting_words(view: Mapping[str, Any]) -> str:
    """Return what an action waits for, why, and its handle."""
    decision = view.get("decision") or {}
    wanted = " and ".join(map(str, decision.get("requirements") or ())) or "a person"
    told = "; ".join(str(reason["text"]) for reason in decision.get("reasons") or () if reason.get("text"))
    because = f": {told}" if told else ""
    return f"This waits for {wanted}{because} (action {view.get('id', '')})."


def with_handle(text: str, view: Mapping[str, Any]) -> str:
    """Return *text*, with what is waited for added unless it names the action already."""
    handle = str(view.get("id", ""))
    return text if handle and handle in text else f"{text.rstrip()}\n{waiting_words(view)}"


def limit_words(limit: str, steps: Sequence[Step]) -> str:
    """Return that a turn stopped at a limit, and how far it had come."""
    done = sum(step.action.get("state") == "succeeded" for step in steps)
    counted = f"{len(steps)} step{'s' if len(steps) != 1 else ''}, {done} of them done"
    if limit == "steps":
        return f"I stopped at the limit of steps for one request, after {counted}."
    return f"I stopped because the time for one request is up, after {counted}."


def idle_words(steps: Sequence[Step]) -> str:
    """Return that a turn stopped because nothing came of its steps, with the last reason that was given."""
    last = steps[-1].action if steps else {}
    reasons = (last.get("decision") or {}).get("reasons") or ()
    told = [str(reason["text"]) for reason in reasons if reason.get("text")]
    told = told or [str((last.get("problem") or {}).get("detail", ""))]
    because = f" The last one: {told[-1]}" if told[-1] else ""
    return f"I stopped because nothing came of several steps one after the other.{because}"

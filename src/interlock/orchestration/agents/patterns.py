"""The patterns of teams: from what has been said so far, who is asked next, or what the answer is.

Each is a pure function of the members' turns, so that a run can be gone on with wherever its process died.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

NEXT = "NEXT"
"""What a moderator answers where the discussion is to go on."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent's turn came to; *answered* says whether it came to an answer."""

    agent: str
    answer: str
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Due:
    """Whom to ask next, each with the words; all at the same time."""

    asked: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The team's answer, and how it came about: `answered`, `stopped` or `no_agreement`."""

    answer: str
    ended: str = "answered"


Pattern = Callable[[str, Sequence[Said]], Due | Outcome]
"""From the request and what has been said, what is next."""


def sequential(agents: Sequence[str]) -> Pattern:
    """Return the pattern in which each agent goes on where the one before has ended; the last one's answer counts.

    All hear the request itself; what the others said is in the session's conversation. It stops at the first that
    comes to no answer.
    """

    def step(words: str, said: Sequence[Said]) -> Due | Outcome:
        if said and not said[-1].answered:
            return Outcome(said[-1].answer, "stopped")
        if len(said) < len(agents):
            return Due(((agents[len(said)], words),))
        return Outcome(said[-1].answer)

    return step


def concurrent(agents: Sequence[str], merge: str, merger: str = "") -> Pattern:
    """Return the pattern in which all agents are asked at once, and their answers merged.

    *merge* is `all` (each answer under its agent's name), `first` (that of the first agent that answered, in the
    declared order), `majority` (what more than half of the agents say), or `agent`: *merger* is asked with all of them.
    """

    def step(words: str, said: Sequence[Said]) -> Due | Outcome:
        if not said:
            return Due(tuple((agent, words) for agent in agents))
        answered = [one for one in said[: len(agents)] if one.answered]
        if not answered:
            return Outcome(_minutes(said), "stopped")
        if merge == "agent":
            if len(said) > len(agents):
                return Outcome(said[-1].answer, "answered" if said[-1].answered else "stopped")
            return Due(((merger, f"{words}\n\nThese were the answers:\n{_minutes(answered)}\n\nGive one answer."),))
        return _merged(merge, answered, len(agents))

    return step


def discussion(agents: Sequence[str], moderator: str, rounds: int) -> Pattern:
    """Return the pattern in which agents speak in turn and a *moderator* ends the round: with the answer, or `NEXT`.

    After *rounds* rounds the moderator is told that there will be no other.
    """
    width = len(agents) + 1

    def step(words: str, said: Sequence[Said]) -> Due | Outcome:
        done, place = divmod(len(said), width)
        if place < len(agents):
            if place == 0 and done and _closes(said[-1], last=done >= rounds):
                return Outcome(said[-1].answer, "answered" if said[-1].answered else "stopped")
            return Due(((agents[place], _speech(words, said)),))
        last = done + 1 >= rounds
        asked = "This was the last round." if last else f"Answer {NEXT} and nothing else if another round is needed."
        return Due(((moderator, f"{_speech(words, said)}\n\nYou moderate. Give the answer. {asked}"),))

    return step


def _closes(said: Said, *, last: bool) -> bool:
    return last or not said.answered or said.answer.strip().upper() != NEXT


def _speech(words: str, said: Sequence[Said]) -> str:
    return f"{words}\n\nThe discussion so far:\n{_minutes(said)}" if said else words


def _minutes(said: Sequence[Said]) -> str:
    return "\n".join(f"{one.agent}: {one.answer}" for one in said)


def _merged(merge: str, answered: Sequence[Said], agents: int) -> Outcome:
    if merge == "first":
        return Outcome(answered[0].answer)
    if merge == "majority":
        counted = Counter(_plain(one.answer) for one in answered)
        answer, most = counted.most_common(1)[0]
        if 2 * most <= agents:
            return Outcome(f"There is no majority.\n{_minutes(answered)}", "no_agreement")
        return Outcome(next(one.answer for one in answered if _plain(one.answer) == answer))
    return Outcome(_minutes(answered))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".!")


PATTERNS: Mapping[str, str] = {
    "sequential": "each goes on where the one before has ended",
    "concurrent": "all at once, and their answers merged",
    "discussion": "in turn, until a moderator gives the answer",
}
"""The patterns by name, and what each is."""

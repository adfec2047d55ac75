"""Whether somebody may lower the label of a place in a session, and what they lower by it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from interlock.governance.labels import Declassification, FieldPlace, Held, Lowering, field_place, joined
from interlock.integration.systems import Catalog
from interlock.orchestration.sessions.errors import DeclassificationForbidden, DeclassificationInvalid, PlaceUnseen
from interlock.orchestration.sessions.overheard import SYSTEM
from interlock.orchestration.sessions.session import Session
from interlock.values.clearances import Clearance
from interlock.values.labels import Integrity, Label
from interlock.values.principals import Kind, Principal

MOST = 100
"""Declassifications of one session."""
LONGEST_REASON = 2000
LONGEST_PLACE = 500
_NEAREST = 3
_LONGEST_STEP = 60


def check_authority(principal: Principal) -> None:
    """Raise `DeclassificationForbidden` for who may not lower any label: agents, services, people without the scope."""
    if principal.kind is not Kind.person or not principal.present or not principal.may("approve"):
        raise DeclassificationForbidden(
            "only a person with a credential for approving can lower a label",
            why="whoever lowers a label answers for it; an agent or a service cannot, whatever it claims",
            fix="let somebody do it whose own key or token has the scope approve",
        )


def check_four_eyes(session: Session, principal: Principal) -> None:
    """Raise `DeclassificationForbidden` for the person that the session is opened by, for or about."""
    own = principal.attributes.get("customer")
    if principal.name == session.opener or session.is_person(principal) or (own and own == session.customer):
        raise DeclassificationForbidden(
            "nobody lowers a label in their own session",
            why="four eyes: what the session's own person wants done is not for them to vouch for",
            fix="let another person with the scope approve do it",
        )


def declassification(
    session: Session, written: str, to: Lowering, reason: str, *, principal: Principal, at: float
) -> Declassification:
    """Return the declassification that lowers the present label of the place that is *written*.

    Raises `DeclassificationInvalid` for one that says nothing or lowers nothing, and `PlaceUnseen`.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise DeclassificationInvalid(
            f"a declassification needs a reason, of at most {LONGEST_REASON} characters",
            why="it stands in the journal for whoever asks later why the label was lowered",
        )
    if len(session.declassified) >= MOST:
        raise DeclassificationInvalid(f"a session has at most {MOST} declassifications", fix="open a new session")
    place = _place(written)
    covered = _covered(session, place)
    if not covered:
        raise _unseen(session, place)
    given = Declassification(place, to, joined(held.label for held in covered), reason, principal.name, at)
    before, after = labels(session, given)
    if before == after:
        raise DeclassificationInvalid(
            f"this lowers nothing: the label of {place} is {before}, {before.integrity.value}",
            why="a declassification only lowers what it names, and what outsiders' text had a hand in stays untrusted",
            fix="name a lower confidentiality, the categories that are left, or integrity trusted",
        )
    return given


def check_clearance(session: Session, given: Declassification, clearance: Clearance) -> None:
    """Raise `DeclassificationForbidden` unless *clearance* admits the present label of what is to be lowered."""
    label, _ = labels(session, given)
    if not clearance.admits(label):
        raise DeclassificationForbidden(
            f"this is {label} data, for which you are not cleared",
            why="only who may see a value as it is can say that less care is enough for it",
            fix="let somebody with the clearance do it",
        )


def check_operation(given: Declassification, catalog: Catalog) -> None:
    """Raise `DeclassificationInvalid` where the values of the place are whatever an agent says they are."""
    place, compiled = given.place, catalog.operations.get(given.place.operation)
    told = place.operation.startswith(f"{SYSTEM}.")
    if compiled is None or told:
        raise DeclassificationInvalid(
            f"{place.operation} is no operation of this project",
            why="what the caller's own tools returned is known from the caller alone" if told else "",
        )
    if compiled.external and given.to.integrity is Integrity.trusted:
        raise DeclassificationInvalid(
            f"what {place.operation} returns cannot be made trusted",
            why="whoever carries it out reports its result, so an agent would vouch for itself",
        )


def labels(session: Session, given: Declassification) -> tuple[Label, Label]:
    """Return the joined label of what the session holds in the place, before and after."""
    covered = _covered(session, given.place)
    after = [held._replace(label=given.lowered(held.label)) for held in covered]
    return joined(held.now for held in covered), joined(held.now for held in after)


def told(session: Session, given: Declassification) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the journal says of a declassification: in the open, and apart."""
    before, after = labels(session, given)
    body = {
        "operation": given.place.operation,
        "to": given.to.to_json(),
        "before": before.to_json(),
        "after": after.to_json(),
    }
    return body, {"place": str(given.place), "reason": given.reason}


def _covered(session: Session, place: FieldPlace) -> list[Held]:
    return [held for seen, held in session.memory.places().items() if place.covers(seen.operation, seen.steps)]


def _place(written: str) -> FieldPlace:
    try:
        place = field_place(written[:LONGEST_PLACE])
    except ValueError as error:
        raise DeclassificationInvalid(
            f"{written[:60]!r} names no place", why=str(error), fix="write it as origins do: helpdesk.get_ticket#/body"
        ) from error
    return place


def _unseen(session: Session, place: FieldPlace) -> PlaceUnseen:
    near = _nearest(str(place), session.memory.places())
    return PlaceUnseen(
        f"the session has seen nothing at {str(place)[:200]!r}",
        why="only what a session has read can be declassified in it, field by field",
        fix=f"the nearest that it has seen: {', '.join(near)}" if near else "read it in the session first",
    )


def _nearest(wanted: str, seen: Iterable[FieldPlace]) -> list[str]:
    """Return a few seen places like *wanted*, else of any; names that outsiders may have chosen to mislead are left."""
    names = [str(place) for place in seen if all(len(step) <= _LONGEST_STEP for step in place.steps)]
    plain = [name for name in names if name.isprintable() and not name.startswith(f"{SYSTEM}.")]
    return get_close_matches(wanted, plain, _NEAREST, 0.5) or plain[:_NEAREST]

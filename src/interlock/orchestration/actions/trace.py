"""The five questions answered for one action, from the journal alone: context, systems, product, action, failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.governance.journal import Record

_RUN = {"action.succeeded", "action.failed", "action.in_doubt"}


def trace(records: Sequence[Record]) -> dict[str, Any]:
    """Return what the journal's records of one action say.

    `context`: what was known and where it came from; `systems`: which were accessed; `produced`: what was asked
    for and answered; `action`: what was decided, by which rules and whom, and what followed; `failed`: what broke.
    """
    snapshots = [record.fields["snapshot"] for record in records if "snapshot" in record.fields]
    snapshot: dict[str, Any] = snapshots[-1] if snapshots and snapshots[-1] is not None else {}
    return {
        "context": {
            "session": snapshot.get("session"),
            "facts": snapshot.get("facts"),
            "origins": snapshot.get("origins"),
            "data": snapshot.get("data"),
            "quality": snapshot.get("quality"),
        },
        "systems": _systems(records),
        "produced": {
            "operation": snapshot.get("operation"),
            "input": snapshot.get("input"),
            "output": next((r.fields["output"] for r in reversed(records) if "output" in r.fields), None),
        },
        "action": {
            "decisions": [_decision(record) for record in records if "decision" in record.body],
            "consents": [_consent(record) for record in records if record.kind.startswith("approval.")]
            + [_consent(record) for record in records if record.kind == "action.confirmed"],
            "state": _state(records),
        },
        "failed": [_failure(record) for record in records if _failure(record)],
        "records": [_line(record) for record in records],
    }


def _systems(records: Sequence[Record]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for record in records:
        found += [{"purpose": "fact", **read} for read in record.body.get("reads", ())]
        if record.kind in _RUN and "status" in record.body:
            names = ("operation", "status", "elapsed_ms", "key")
            found.append({"purpose": "action", **{name: record.body.get(name) for name in names}})
    return found


def _decision(record: Record) -> dict[str, Any]:
    decision = dict(record.body["decision"])
    texts = record.fields.get("reasons")
    if texts is not None:
        decision["reasons"] = [
            {"rule": rule, "text": text} for rule, text in zip(decision["reasons"], texts, strict=False)
        ]
    return {"at": record.at, "kind": record.kind, "by": record.actor, **decision}


def _consent(record: Record) -> dict[str, Any]:
    return {"at": record.at, "kind": record.kind, "by": record.actor, **record.body, **record.fields}


def _state(records: Sequence[Record]) -> str:
    for record in reversed(records):
        if record.kind in _RUN or record.kind in ("action.compensated", "action.denied", "action.cancelled"):
            return record.kind.partition(".")[2]
        if "state" in record.body and "decision" in record.body:
            return str(record.body["state"])
    return ""


def _failure(record: Record) -> dict[str, Any] | None:
    if record.kind in ("action.failed", "action.in_doubt"):
        return {"at": record.at, "kind": record.kind, "problem": record.body.get("problem", "")}
    return None


def _line(record: Record) -> dict[str, Any]:
    return {
        "chain": record.chain,
        "seq": record.seq,
        "at": record.at,
        "kind": record.kind,
        "actor": record.actor,
        "hash": record.hash,
    }

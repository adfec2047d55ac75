"""From a system's file to its declaration, and from an operation's settings to the operation itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from interlock.foundation.documents import Document, escape
from interlock.foundation.expressions import ExpressionInvalid, parse_call
from interlock.foundation.settings.quantities import duration, rate, size
from interlock.integration.connectors.interface import OperationDeclaration, SystemDeclaration, SystemLimits
from interlock.integration.contracts import Definition
from interlock.values.clearances import clearance_of
from interlock.values.decisions import Mode
from interlock.values.labels import Category, Confidentiality, Integrity, Label
from interlock.values.operations import (
    SINK,
    Call,
    Effect,
    Fact,
    FieldLabel,
    Operation,
    OutputTrust,
    ReadBack,
    Risk,
    Role,
    Sink,
)

RESERVED = frozenset({"input", "session", "facts", "item", "output", "result", "key", "interlock"})
GROUPS = frozenset({*(effect.value for effect in Effect), *(risk.value for risk in Risk), SINK})
"""The groups of actions in policies that no system may be named like."""
_CALL = re.compile(r"\s*([a-z][a-z0-9_]*)\.[a-z][a-z0-9_]*\s*\(\s*(?:\)|[A-Za-z_]\w*\s*=(?!=))")

Report = Callable[[str, str], None]
"""Takes a pointer into the file and a message."""


def declare(document: Document) -> SystemDeclaration:
    """Return the declaration that a valid system *document* holds."""
    data = document.data
    return SystemDeclaration(
        name=data["system"],
        connector=data["connector"],
        kind=data.get("kind", "other"),
        owner=data.get("owner", ""),
        connection=data.get("connection") or {},
        limits=_limits(data.get("limits") or {}),
        label=_label(data.get("labels") or {}, _USUAL_LABELS.get(data["connector"], Label())),
        operations={name: _operation(name, settings) for name, settings in data["operations"].items()},
        file=document.name,
    )


def _operation(name: str, settings: Mapping[str, Any]) -> OperationDeclaration:
    return OperationDeclaration(
        name,
        Effect(settings["effect"]),
        origin=settings.get("from", ""),
        idempotency_header=(settings.get("idempotency") or {}).get("header", ""),
        timeout=_seconds(settings, "timeout"),
        settings=settings,
    )


def _limits(settings: Mapping[str, Any]) -> SystemLimits:
    usual = SystemLimits()
    return SystemLimits(
        concurrency=settings.get("concurrency", usual.concurrency),
        queue=settings.get("queue", usual.queue),
        rate=rate(settings["rate"]) if "rate" in settings else usual.rate,
        timeout=_seconds(settings, "timeout") or usual.timeout,
        retries=settings.get("retries", usual.retries),
        response=size(settings["response"]) if "response" in settings else usual.response,
        failures=settings.get("failures", usual.failures),
        pause=_seconds(settings, "pause") or usual.pause,
        hold=_seconds(settings, "hold") if "hold" in settings else usual.hold,
    )


def _seconds(settings: Mapping[str, Any], key: str) -> float:
    return duration(settings[key]) if key in settings else 0.0


_USUAL_LABELS = dict.fromkeys(
    ("broker", "external", "fixed", "edi", "files", "ldap", "mail", "program", "terminal", "warehouse", "webhook"),
    Label(integrity=Integrity.untrusted),
)
"""What a caller reports it might have made up, and files come from outside: nothing in them is trusted that the project
does not say is.
"""


def _label(settings: Mapping[str, Any], usual: Label) -> Label:
    confidentiality = settings.get("confidentiality")
    return Label(
        Confidentiality[confidentiality] if confidentiality else usual.confidentiality,
        frozenset(map(Category, settings["categories"])) if "categories" in settings else usual.categories,
        Integrity(settings["integrity"]) if "integrity" in settings else usual.integrity,
    )


def operation_of(
    system: SystemDeclaration, declared: OperationDeclaration, definition: Definition, report: Report
) -> Operation:
    """Return the operation that a declaration and its definition make; what is wrong goes to *report*."""
    name, settings = declared.name, declared.settings
    place = f"/operations/{name}"
    label = _label(settings.get("labels") or {}, system.label)
    return Operation(
        system=system.name,
        name=name,
        effect=declared.effect,
        description=settings.get("description") or definition.description,
        input_schema=definition.input_schema,
        output_schema=definition.output_schema,
        binding=definition.binding,
        mode=Mode.parse(settings.get("mode", "automatic")),
        label=label,
        facts=tuple(_facts(settings.get("facts") or {}, f"{place}/facts", report)),
        arguments=_roles(settings.get("arguments") or {}, definition, f"{place}/arguments", report),
        output=_trust(settings.get("output") or {}, definition, label, f"{place}/output", report),
        undo=_call(settings["undo"], f"{place}/undo", report) if "undo" in settings else None,
        read_back=_read_back(settings.get("read_back"), f"{place}/read_back", report),
        idempotency_header=declared.idempotency_header,
        idempotent=settings.get("idempotent", False),
        version=settings.get("version", ""),
        timeout=declared.timeout,
        risks=frozenset(map(Risk, settings.get("risks", ()))),
        sink=_sink(settings.get("sink"), definition, f"{place}/sink", report),
        words=tuple(settings.get("words", ())),
    )


def _sink(settings: Mapping[str, Any] | None, definition: Definition, place: str, report: Report) -> Sink | None:
    if settings is None:
        return None
    known = definition.input_schema.get("properties", {})
    for index, name in enumerate(settings.get("recipients", ())):
        if name not in known:
            report(f"{place}/recipients/{index}", f"the operation has no argument {name!r}{_near(name, known)}")
    written = settings.get("clearance")
    return Sink(tuple(settings.get("recipients", ())), clearance_of(written) if written is not None else None)


def _call(text: str, place: str, report: Report) -> Call | None:
    try:
        return parse_call(text)
    except ExpressionInvalid as error:
        report(place, f"{error.what}{f': {error.why}' if error.why else ''}; {error.fix}")
        return None


def _read_back(settings: Any, place: str, report: Report) -> ReadBack | None:
    if settings is None:
        return None
    long = settings if isinstance(settings, Mapping) else {"read": settings}
    call = _call(long["read"], place if long is not settings else f"{place}/read", report)
    return ReadBack(call, long.get("found", "true"), long.get("output", "result")) if call is not None else None


def _facts(settings: Mapping[str, Any], place: str, report: Report) -> Iterator[Fact]:
    for name, written in settings.items():
        long = written if isinstance(written, Mapping) else {"read" if is_call(written) else "expression": written}
        read = None
        if "read" in long:
            read = _call(long["read"], f"{place}/{name}", report)
            if read is None:
                continue
        yield Fact(
            name,
            read=read,
            each=long.get("each", ""),
            expression=long.get("expression", ""),
            type=long.get("type", "number"),
            bound=long.get("bound", 50),
            on_failure=long.get("on_failure", "deny"),
            max_age=_seconds(long, "max_age"),
        )


def is_call(text: str) -> bool:
    """Return whether a fact written as text is a read of another operation, rather than a CEL expression."""
    match = _CALL.match(text)
    return match is not None and match[1] not in RESERVED


def _roles(settings: Mapping[str, str], definition: Definition, place: str, report: Report) -> dict[str, Role]:
    known = definition.input_schema.get("properties", {})
    for name in settings:
        if name not in known:
            report(f"{place}/{name}", f"the operation has no argument {name!r}{_near(name, known)}")
    return {name: Role(word) for name, word in settings.items()}


def _trust(
    settings: Mapping[str, Any], definition: Definition, label: Label, place: str, report: Report
) -> OutputTrust:
    schema = definition.output_schema or {}
    listed = schema.get("type") == "array"
    members = (schema.get("items") or {}) if listed else schema
    known = members.get("properties") or {}

    def pointer(name: str, where: str) -> str:
        if name.startswith("/"):
            return name
        if known and name.partition(".")[0] not in known:
            report(f"{place}/{where}", f"the result has no field {name!r}{_near(name, known)}")
        return ("/*/" if listed else "/") + name.replace(".", "/")

    def pointers(key: str) -> tuple[str, ...]:
        return tuple(pointer(name, f"{key}/{index}") for index, name in enumerate(settings.get(key, ())))

    return OutputTrust(
        pointers("trusted_fields"),
        pointers("untrusted_fields"),
        tuple(
            FieldLabel(pointer(name, f"labels/{escape(name)}"), _label(written, label))
            for name, written in settings.get("labels", {}).items()
        ),
    )


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else f"; it has {', '.join(known) or 'none'}"[:200]

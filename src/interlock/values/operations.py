"""One typed thing a business system can do, as declared in a project and pinned by a digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from interlock.values.clearances import Clearance
from interlock.values.decisions import Mode
from interlock.values.labels import Label


class Effect(StrEnum):
    """What running an operation does to the world."""

    read = "read"
    write = "write"
    irreversible = "irreversible"


class Role(StrEnum):
    """What an argument is for, so that its origin can be judged."""

    target = "target"  # chooses what or whom the operation touches
    control = "control"  # chooses how it behaves
    content = "content"  # text that is carried along


class Risk(StrEnum):
    """What running an operation may cost, beyond its effect."""

    spends = "spends"  # money or stock leaves
    destructive = "destructive"  # what it touches may be lost
    critical = "critical"  # it changes who may do what, or where things go from now on


@dataclass(frozen=True, slots=True)
class Sink:
    """How what is sent leaves the house.

    *recipients* are the arguments that say where to; where none is named the destination is implied, such as the
    writer of a ticket, and *clearance* says what may be sent there (nothing but public data, unless it says so).
    """

    recipients: tuple[str, ...] = ()
    clearance: Clearance | None = None


SINK = "sink"
"""The word for operations with a sink, in policies."""


@dataclass(frozen=True, slots=True)
class FieldLabel:
    """The label of the fields that *pattern* (a JSON pointer with `*`) covers; integrity is `OutputTrust`'s matter."""

    pattern: str
    label: Label


@dataclass(frozen=True, slots=True)
class Call:
    """A declared use of an operation, such as `orders.get(id = input.order_id)`.

    *arguments* maps each argument's name to a CEL expression.
    """

    operation: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the layer finds out itself before deciding: a read, a read per member of a list, or an expression.

    Exactly one of *read* and *expression* is set; *each* (a CEL list expression, only with *read*) makes it one
    read per member, bounded by *bound*. *type* is the JSON Schema type of an expression's value (a `number` is
    rounded to four digits, the precision of policy decimals). *on_failure* is the outcome when the fact cannot
    be had: `deny` or `wait`. *max_age* is how many seconds a read may be served from the cache.
    """

    name: str
    read: Call | None = None
    each: str = ""
    expression: str = ""
    type: str = "number"
    bound: int = 50
    on_failure: str = "deny"
    max_age: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How to find out what a call whose answer was lost did.

    *call* may use `input`, `key` (the idempotency key) and `facts`; *found* and *output* are CEL expressions over
    `result`: whether the effect is there, and what the operation's output would have been.
    """

    call: Call
    found: str = "true"
    output: str = "result"


@dataclass(frozen=True, slots=True)
class OutputTrust:
    """Which fields of an output an outsider can write, as JSON pointer patterns with `*` (RFC 6901).

    *labels* are the labels of single fields, where they differ from the operation's.
    """

    trusted: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()
    labels: tuple[FieldLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation's definition. *binding* is the connector's own part of it (method, path, statement, tool)."""

    system: str
    name: str
    effect: Effect
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    binding: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode = Mode.automatic
    label: Label = Label()
    facts: tuple[Fact, ...] = ()
    arguments: Mapping[str, Role] = field(default_factory=dict)
    output: OutputTrust = OutputTrust()
    undo: Call | None = None
    read_back: ReadBack | None = None
    idempotency_header: str = ""
    idempotent: bool = False
    version: str = ""
    timeout: float = 0.0
    risks: frozenset[Risk] = frozenset()
    sink: Sink | None = None
    words: tuple[str, ...] = ()
    id: str = field(init=False, compare=False)
    """`system.operation`."""
    returns: Label = field(init=False, compare=False)
    """The joined label of everything that it may return."""

    def __post_init__(self) -> None:
        joined = self.label
        for field_label in self.output.labels:
            joined = joined.join(field_label.label)
        object.__setattr__(self, "id", f"{self.system}.{self.name}")
        object.__setattr__(self, "returns", joined)

    @property
    def consequential(self) -> bool:
        """Whether running it changes anything, or lets anything out of the house."""
        return self.effect is not Effect.read or self.sink is not None

    @property
    def repeatable(self) -> bool:
        """Whether calling twice with one idempotency key has the effect of calling once."""
        return self.effect is Effect.read or self.idempotent or bool(self.idempotency_header)

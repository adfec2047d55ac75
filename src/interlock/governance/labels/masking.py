"""What somebody may not see, replaced by words that say so: `[masked: restricted, financial]`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interlock.foundation.documents import escape
from interlock.governance.labels.fields import FieldLabels
from interlock.governance.labels.shapes import Shape, Verdict
from interlock.values.clearances import Clearance
from interlock.values.labels import PUBLIC, Label, label_from_json
from interlock.values.operations import Operation

USUAL = Label()
SHORTEST_ECHO = 4
"""Shorter texts, and numbers of fewer digits, are in too many places to be taken for a repeated value."""

_START, _END = "[masked: ", "]"
Path = tuple[str | int, ...]


def masked(label: Label) -> str:
    """Return the words that stand for a value of *label*."""
    return f"{_START}{label}{_END}"


def is_masked(value: object) -> bool:
    """Return whether *value* is the words that stand for a masked one."""
    return isinstance(value, str) and value.startswith(_START) and value.endswith(_END)


class Mask:
    """Hides those fields of one operation's output that a clearance does not admit.

    A single value is replaced by words that name its label. An object or a list is replaced as a whole where all of
    it is hidden; where a longer pattern admits something in it, or hides something in what is admitted, its members
    are judged one by one, and the names of its members stay. Applying a mask twice is applying it once, and what is
    admitted is never changed: the same object comes back where nothing is hidden.
    """

    __slots__ = ("_clearance", "_fields", "_operation", "_schema", "label", "open")

    def __init__(self, operation: Operation, clearance: Clearance) -> None:
        self._operation = operation
        self._clearance = clearance
        self._fields = fields = FieldLabels(operation)
        self._schema: Mapping[str, Any] | None = None
        self.open = all(map(clearance.admits, fields.labels))
        """Whether nothing is ever hidden, so that applying it returns what it is given."""
        self.label = joined(label for label in fields.labels if clearance.admits(label))
        """The joined label of all that may be seen."""

    def apply(self, output: Any) -> Any:
        """Return *output* as the holder of the clearance may see it. The values given are not changed."""
        if self.open or output is None:
            return output
        return self._seen(output, (), {})

    def each(self, outputs: list[Any]) -> list[Any]:
        """Return several outputs as `apply` returns them; the same list where nothing is hidden."""
        seen = [self.apply(output) for output in outputs]
        return seen if any(one is not other for one, other in zip(seen, outputs, strict=True)) else outputs

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The schema that masked outputs fit: the operation's own, with what is hidden as text; None without one."""
        if self.open or self._operation.output_schema is None:
            return self._operation.output_schema
        if self._schema is None:
            shape = Shape(self._operation.output_schema, self._verdict, indexed=self._fields.indexed)
            self._schema = shape.masked()
        return self._schema

    def _verdict(self, path: Path) -> Verdict:
        label = self._fields.of(path)
        admitted = self._clearance.admits(label)
        mixed = any(self._clearance.admits(other) is not admitted for other in self._fields.beneath(path))
        return Verdict("" if admitted else masked(label), mixed)

    def _seen(self, value: Any, path: Path, known: dict[Path, Verdict]) -> Any:
        verdict = known.get(path)
        if verdict is None:
            verdict = known[path] = self._verdict(path)
        if not verdict.mixed or not isinstance(value, (dict, list)):
            return verdict.words or value
        if isinstance(value, dict):
            seen = {name: self._seen(member, (*path, name), known) for name, member in value.items()}
            return seen if any(seen[name] is not member for name, member in value.items()) else value
        every = not self._fields.indexed  # no pattern tells one member of a list from another
        members = [self._seen(member, (*path, 0 if every else at), known) for at, member in enumerate(value)]
        return members if any(one is not other for one, other in zip(members, value, strict=True)) else value


class Masks:
    """The masks of one project's operations, each made once for a clearance."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[str, Clearance], tuple[Operation, Mask]] = {}

    def of(self, operation: Operation, clearance: Clearance) -> Mask:
        """Return the mask of *operation*'s outputs for *clearance*."""
        known = self._known.get((operation.id, clearance))
        if known is None or known[0] is not operation:
            known = self._known[operation.id, clearance] = (operation, Mask(operation, clearance))
        return known[1]


def mask_arguments(
    arguments: dict[str, Any], labels: Mapping[str, Mapping[str, Any]], clearance: Clearance
) -> dict[str, Any]:
    """Return an action's arguments as the holder of *clearance* may see them; the same object if that is all of them.

    *labels* are those of the arguments' origins, as JSON objects; one that has none is taken for an ordinary value of
    the house. Each argument is hidden as a whole, also free text: what of it is the labelled value cannot be told.
    """
    if not labels and clearance.admits(USUAL):
        return arguments
    words = {}
    for name in arguments:
        label = label_from_json(labels[name]) if name in labels else USUAL
        if not clearance.admits(label):
            words[name] = masked(label)
    return {**arguments, **words} if words else arguments


class Echoes:
    """Finds the values of hidden arguments again where something else repeats them: a fact, a result, a problem."""

    __slots__ = ("_numbers", "_texts", "_words")

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._numbers: dict[float, str] = {}
        self._words = ""

    def learn(self, arguments: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
        """Take those of *arguments* that are hidden in *shown*."""
        for name, value in arguments.items():
            words = shown.get(name)
            if isinstance(words, str) and words is not value and is_masked(words):
                self._words = self._words or words
                for leaf in _leaves(value):
                    self._know(leaf, words)

    def _know(self, leaf: Any, words: str) -> None:
        if isinstance(leaf, str) and len(leaf) >= SHORTEST_ECHO:
            self._texts[leaf] = words
        elif isinstance(leaf, (int, float)) and abs(leaf) >= 10 ** (SHORTEST_ECHO - 1):
            self._numbers[leaf] = words
            self._texts[str(leaf)] = words

    @property
    def words(self) -> str:
        """What stands for a hidden value; the empty string where none is hidden."""
        return self._words

    def apply(self, value: Any) -> Any:
        """Return *value* with every single value masked that is, or holds, one of the hidden; else the same object."""
        if not self._texts:
            return value
        if isinstance(value, dict):
            seen = {name: self.apply(member) for name, member in value.items()}
            return seen if any(seen[name] is not member for name, member in value.items()) else value
        if isinstance(value, list):
            members = [self.apply(member) for member in value]
            return members if any(one is not other for one, other in zip(members, value, strict=True)) else value
        if isinstance(value, str):
            return next((words for text, words in self._texts.items() if text in value), value)
        return self._numbers.get(value, value) if type(value) in (int, float) else value


def masked_places(value: Any, place: str = "") -> Iterator[str]:
    """Yield a JSON pointer to every masked value inside *value*."""
    if is_masked(value):
        yield place
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, (list, tuple)):
        members = enumerate(value)
    for step, member in members:
        yield from masked_places(member, f"{place}/{escape(step)}")


def joined(labels: Iterable[Label]) -> Label:
    """Return the least label that is at least as strict as each of *labels*; of none, that of public data."""
    found = PUBLIC
    for label in labels:
        found = found.join(label)
    return found


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _leaves(member)
    elif value is not None and not isinstance(value, bool):
        yield value

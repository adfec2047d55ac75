"""What one session has seen and heard, and from it where the arguments of a proposed action came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from interlock.governance.labels import text as forms
from interlock.governance.labels.arguments import NO_NAMES, Judge, Path, exceeds, leaves, names
from interlock.governance.labels.declassifications import Declassification, FieldPlace
from interlock.governance.labels.echoes import Echoes
from interlock.governance.labels.fields import FieldLabels
from interlock.governance.labels.index import Index
from interlock.governance.labels.normal import key_of, strict, tail, windowed, words
from interlock.governance.labels.places import MOST_PLACES, Held, Place, Places
from interlock.governance.labels.records import Records
from interlock.governance.labels.schemas import property_names, property_schemas
from interlock.values.labels import PUBLIC, TRUSTED_SOURCES, Integrity, Label, Origin, Source
from interlock.values.operations import Effect, Operation, Role


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How much a session remembers.

    *trusted* and *untrusted* are rough bytes of the two indexes of results; *words* is how many characters of
    the person's words are kept; *result_values* and *text* bound what is taken from one result and one text.
    """

    trusted: int = 4 << 20
    untrusted: int = 10 << 20
    words: int = 64 << 10
    result_values: int = 5000
    text: int = 64 << 10


TURN = "\n"
_LIMITS = MemoryLimits()
_REQUEST, _DECLARED, _LOST = 0, 1, 2
MOST_SENT = 5000
"""Values of one call that are remembered as sent; of a call with more, everything that comes back may be an echo."""
_VOUCHING = TRUSTED_SOURCES - {Source.declared}
_FIRST_PLACES = (
    Place(Source.person, ("request",)),
    Place(Source.declared, ("schema",)),
    # Stands for every outsider's text that was too much to remember; with it nothing is taken for made up.
    Place(Source.untrusted_field, ("(no longer remembered)",), Label(integrity=Integrity.untrusted)),
)


class _Fields(NamedTuple):
    """What is known of one operation's results: the labels of fields, what lowers them, declared names, places."""

    operation: Operation
    labels: FieldLabels
    declassified: tuple[Declassification, ...]
    names: frozenset[str]
    places: dict[tuple[bool, tuple[str, ...]], tuple[int, bool]]


class Memory:
    """What one session has seen: the person's words, its authenticated facts, every result field by field.

    Bounded. Forgetting only makes answers more cautious: a forgotten trusted value becomes unknown or
    untrusted; once an outsider's text had to be forgotten (or was too long to be kept whole), a value that
    nobody trusted wrote is `untrusted` even if it is not found.

    What a field is labelled is what its operation declares, and lower only by what *declassified* says of it.
    """

    __slots__ = (
        "_declassified",
        "_fields",
        "_heard",
        "_heard_words",
        "_held",
        "_limits",
        "_lost",
        "_person",
        "_places",
        "_records",
        "_session",
        "_stored",
        "_trusted",
        "_untrusted",
        "seen",
        "tainted",
    )

    def __init__(self, limits: MemoryLimits = _LIMITS, declassified: Sequence[Declassification] = ()) -> None:
        self._limits = limits
        self._declassified = tuple(declassified)
        self._held: dict[FieldPlace, Held] = {}
        self._places = Places(*_FIRST_PLACES)
        self._person = Index(self._places, limits.words * 40)
        self._session = Index(self._places, limits.words * 40)
        self._trusted = Index(self._places, limits.trusted)
        self._untrusted = Index(self._places, limits.untrusted)
        self._stored = Echoes()
        self._records = Records()
        self._heard = self._heard_words = " "
        self._lost = False
        self._fields: dict[str, _Fields] = {}
        self.tainted = False
        """Whether any text of outsiders was seen, so that what was seen nowhere may have been hidden in it."""
        self.seen = PUBLIC
        """The joined label of everything that was returned here."""

    @property
    def used(self) -> int:
        """Roughly the bytes in use."""
        indexes = (self._person, self._session, self._trusted, self._untrusted)
        return sum(index.used for index in indexes) + len(self._heard) + len(self._heard_words)

    def hear(self, text: str) -> None:
        """Remember what the person wrote: the request and later turns.

        Of more words than the limit the latest are kept.
        """
        heard = strict(text)
        most = self._limits.words
        heard = tail(heard, most)
        self._heard = _grown(self._heard, heard, most)
        self._heard_words = _grown(self._heard_words, " ".join(words(heard)), most)
        self._records.hear(heard)
        for part in forms.text_parts(windowed(heard)):
            self._person.add(key_of(part), _REQUEST)

    def know(self, name: str, value: Any) -> None:
        """Remember an authenticated fact of the session, such as its customer."""
        place = self._places.number(Place(Source.session, (f"session.{name}",), Label()))
        for _, leaf in leaves(value, self._limits.result_values):
            for form in forms.leaf_forms(leaf):
                self._session.add(form, place)

    def lose(self, label: Label = PUBLIC) -> None:
        """Take note that a result of *label*, which outsiders may have written, was not kept.

        What nobody trusted wrote counts as untrusted from then on.
        """
        self._lost = self.tainted = True
        self.seen = self.seen.join(label)

    def remember(
        self,
        operation: Operation,
        output: Any,
        arguments: Mapping[str, Any] | None = None,
        origins: Mapping[str, Origin] | None = None,
        *,
        agreed: bool = False,
        steered: bool | None = None,
    ) -> None:
        """Remember a result, each field with the trust that *operation* declares for it.

        *arguments* is what the call was made with. A system that repeats them in its answer vouches for
        nothing: a value that no trusted source held before is not trusted for being sent and coming back.
        *origins*, where they are known from the decision, save finding that out again. What a write that outsiders'
        text had a hand in returns is theirs too, so that no value is laundered through a record that holds it;
        unless a person *agreed* to the write. *steered* says so as it was found when the write was decided.
        """
        if output is None:
            return
        if operation.effect is Effect.read or not arguments or agreed:
            steered = False
        elif steered is None:
            origins = origins if origins is not None else self.origins(operation, arguments)
            steered = is_steered(operation, arguments, origins)
        sent = Echoes()
        if arguments:
            stored = [self._stored] if operation.effect is not Effect.read and not agreed else []
            self._note_sent(operation, arguments, origins or {}, [sent, *stored])
        fields = self._fields_of(operation)
        most = self._limits.result_values
        seen: list[tuple[Path, Any, bool]] = []
        for path, leaf in leaves(output, most):
            number, trusted = self._place(operation, path, steered=steered)
            if not trusted:
                self.tainted = True
                self._distrust(leaf, number)
                seen.append((path, leaf, False))
            elif self._trust_value(leaf, number, sent):
                seen.append((path, leaf, True))
        self._records.see(seen)
        self._remember_names(operation, output, sent, steered=steered)
        if exceeds(output, most) and (steered or not fields.plain or fields.integrity(()) is Integrity.untrusted):
            self._lost = self.tainted = True

    def origins(self, operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Origin]:
        """Return where each argument of a proposed use of *operation* came from.

        A list or an object is as trustworthy as its worst member: one made of a person's value and an
        untrusted one is untrusted, one of a person's and an unknown one is unknown. Free text (`content`) is
        judged by the values inside it; its ordinary words count for nothing.
        """
        judge = self._judge()
        schemas = property_schemas(operation.input_schema)
        roles = operation.arguments
        return {
            name: judge.origin(
                value,
                schemas.get(name),
                free_text=roles.get(name) is Role.content,
                declared=property_names(operation.input_schema) if isinstance(value, (dict, list, tuple)) else NO_NAMES,
            )
            for name, value in arguments.items()
        }

    def places(self) -> Mapping[FieldPlace, Held]:
        """Return the fields that were seen here, up to a bound, with their labels as they count."""
        return self._held

    def label(self, operation: Operation, arguments: Mapping[str, Any], origins: Mapping[str, Origin]) -> Label:
        """Return the joined label of everything that flows into *operation* with *arguments*."""
        del operation
        joined = PUBLIC
        for name in arguments:
            origin = origins.get(name)
            if origin is None:
                continue
            label, untrusted = origin.label, origin.untrusted
            if (label.integrity is Integrity.untrusted) is not untrusted:
                label = replace(label, integrity=Integrity.untrusted if untrusted else Integrity.trusted)
            if label is not PUBLIC:
                joined = joined.join(label)
        return joined

    def _judge(self) -> Judge:
        heard = (self._heard, self._heard_words)
        indexes = (self._person, self._session, self._trusted, self._untrusted)
        lost = _LOST if self._lost or self._untrusted.evicted else None
        return Judge(self._places, indexes, heard, self._records, declared=_DECLARED, requested=_REQUEST, lost=lost)

    def _fields_of(self, operation: Operation) -> FieldLabels:
        known = self._fields.get(operation.id)
        if known is None or known.operation is not operation:
            names_of = property_names(operation.output_schema)
            lower = tuple(one for one in self._declassified if one.place.operation == operation.id)
            known = self._fields[operation.id] = _Fields(operation, FieldLabels(operation), lower, names_of, {})
        return known.labels

    def _place(self, operation: Operation, path: Path, *, steered: bool) -> tuple[int, bool]:
        """Return the number of the place that a field is, and whether what it holds is trusted."""
        known = self._fields[operation.id]
        key = (steered, known.labels.key(path))
        place = known.places.get(key)
        if place is None:
            declared = known.labels.of(path)
            label = self._hold(operation.id, key[1], known.declassified, declared, steered=steered)
            self.seen = self.seen.join(label)
            source = Source.untrusted_field
            if label.integrity is Integrity.trusted:
                # What a person vouches for is trusted; that nobody outside had a hand in it only the system can say.
                issued = operation.effect is not Effect.read and declared.integrity is Integrity.trusted
                source = Source.own if issued else Source.trusted_field
            pointer = "".join(f"/{step[:60]}" for step in key[1][:12])
            number = self._places.number(Place(source, (f"{operation.id}#{pointer}",), label))
            place = (number, label.integrity is Integrity.trusted)
            if len(known.places) < MOST_PLACES:
                known.places[key] = place
        return place

    def _hold(
        self, operation: str, key: tuple[str, ...], rules: Sequence[Declassification], label: Label, *, steered: bool
    ) -> Label:
        """Return the label that counts of a field that is seen for the first time, and note it."""
        for rule in rules:
            if rule.place.covers(operation, key):
                label = rule.lowered(label)
        place, held = FieldPlace(operation, key), Held(label, steered)
        known = self._held.get(place)
        if known is not None or len(self._held) < MOST_PLACES:
            self._held[place] = held if known is None else known.joined(held)
        return held.now

    def _remember_names(self, operation: Operation, output: Any, sent: Echoes, *, steered: bool) -> None:
        """Remember the names in a result that no schema declares: whoever writes that part of it chose them."""
        known = self._fields[operation.id]
        for path, name in names(output, self._limits.result_values, known.names):
            number, trusted = self._place(operation, path, steered=steered)
            if not trusted:
                self._distrust(name, number)
            elif not name.isidentifier():
                self._trust_value(name, number, sent)

    def _note_sent(
        self, operation: Operation, arguments: Mapping[str, Any], origins: Mapping[str, Origin], into: list[Echoes]
    ) -> None:
        """Remember in *into* what of the *arguments* nobody vouches for."""
        judge = self._judge()
        for name, value in arguments.items():
            content = operation.arguments.get(name) is Role.content
            # The origin of a list or of free text is that of all its parts together; each part must be asked about.
            origin = None if content or isinstance(value, (dict, list, tuple)) else origins.get(name)
            if origin is not None:
                unvouched = [] if _VOUCHING.intersection(origin.sources) else [value]
            else:
                unvouched = list(self._unvouched(judge, value, content=content))
            for leaf in unvouched:
                for echoes in into:
                    echoes.add(leaf)
            if isinstance(value, (dict, list, tuple)) and exceeds(value, MOST_SENT):
                for echoes in into:
                    echoes.full = True

    def _unvouched(self, judge: Judge, value: Any, *, content: bool) -> Iterator[Any]:
        for _, name in names(value, MOST_SENT, NO_NAMES):
            if not judge.vouched(name):
                yield name
        for _, leaf in leaves(value, MOST_SENT):
            if content and isinstance(leaf, str):
                yield from judge.unvouched(leaf)
            elif not judge.vouched(leaf):
                yield leaf

    def _trust_value(self, leaf: Any, place: int, sent: Echoes) -> bool:
        """Remember a trusted field's value, and return whether it is trusted: one that was sent unvouched is not."""
        if (sent and sent.has(leaf)) or (self._stored and self._stored.has(leaf)):
            if not self._judge().vouched(leaf):
                return False
            sent = self._stored  # the whole of it was known before; what else is in it may have been sent
        for form in forms.trusted_forms(leaf, self._limits.text):
            if " " in form:
                self._trusted.add_phrase(form, place)
            else:
                self._trusted.add(form, place)
        return True

    def _distrust(self, leaf: Any, place: int) -> None:
        if not isinstance(leaf, str):
            for form in forms.leaf_forms(leaf):
                self._untrusted.add(form, place)
            return
        if len(leaf) > self._limits.text:
            self._lost = True
            leaf = leaf[: self._limits.text]
        for key in forms.suspects(leaf):
            self._untrusted.add(key, place)


def is_steered(operation: Operation, arguments: Mapping[str, Any], origins: Mapping[str, Origin]) -> bool:
    """Return whether outsiders' text had a hand in a write with *arguments*, so that what it returns is theirs too."""
    return any(_steers(operation, name, value, origins.get(name)) for name, value in arguments.items())


def _steers(operation: Operation, name: str, value: Any, origin: Origin | None) -> bool:
    """Whether outsiders' text had a hand in a write by this argument; an ordinary word of theirs is none."""
    if origin is None:
        return False
    role = operation.arguments.get(name)
    if role is Role.target:
        return origin.untrusted
    if role is None:
        return origin.untrusted and not (isinstance(value, str) and value.isalpha())
    return bool(origin.carries)


def _grown(heard: str, more: str, most: int) -> str:
    """Return all that was heard, with a space around each word and a line's end between turns, cut at the front."""
    return f" {tail(f'{heard}{TURN} {more} ', most)}"

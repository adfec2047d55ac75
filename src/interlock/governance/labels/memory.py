"""What one session has seen and heard, and from it where the arguments of a proposed action came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from interlock.governance.labels import text as forms
from interlock.governance.labels.acts import acts_of, asked_for
from interlock.governance.labels.arguments import NO_NAMES, Judge, Path, exceeds, leaves, names
from interlock.governance.labels.book import NO_BOOK, WHERE, AddressBook
from interlock.governance.labels.declassifications import Declassification, FieldPlace
from interlock.governance.labels.echoes import Echoes, sent_forms
from interlock.governance.labels.fields import FieldLabels
from interlock.governance.labels.index import Index
from interlock.governance.labels.normal import bared, key_of, strict, tail, windowed, words
from interlock.governance.labels.places import MOST_PLACES, Held, Place, Places
from interlock.governance.labels.records import Records
from interlock.governance.labels.schemas import property_names, property_schemas
from interlock.governance.labels.steered import is_steered, standing_of
from interlock.governance.labels.suspects import suspects
from interlock.values.labels import PUBLIC, TRUSTED_SOURCES, Integrity, Label, Origin, Source
from interlock.values.operations import Effect, Operation, Role


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """How much a session remembers.

    *trusted* and *untrusted* are rough bytes of the two indexes of results; *words* is how many characters of
    the person's words are kept; *result_values* and *text* bound what is taken from one result and one text, and
    *result_text* the characters of all texts of one result that are longer than a name.
    """

    trusted: int = 4 << 20
    untrusted: int = 10 << 20
    words: int = 64 << 10
    result_values: int = 5000
    text: int = 64 << 10
    result_text: int = 128 << 10


TURN = "\n"
_LIMITS = MemoryLimits()
_REQUEST, _DECLARED, _LOST = 0, 1, 2
MOST_WORDS = 20_000
"""Different words of the person that may ask for acts; who said so many has asked for nothing in particular."""
LONGEST_PATH = 1000
"""Characters of a field's path up to which the field is known by it."""
LONGEST_NAME = 64
"""Characters of a text up to which it is taken from a result however much text there is in it."""
MOST_SENT = 5000
"""Values of one call that are remembered as sent; of a call with more, everything that comes back may be an echo."""
_VOUCHING = TRUSTED_SOURCES - {Source.declared}
_FIRST_PLACES = (
    Place(Source.person, ("request",)),
    Place(Source.declared, ("schema",)),
    # Stands for every outsider's text that was too much to remember; with it nothing is taken for made up.
    Place(Source.untrusted_field, ("(no longer remembered)",), Label(integrity=Integrity.untrusted)),
)


class _Arguments(NamedTuple):
    """What is known of one operation's arguments: their schemas, declared names, whether its act was asked for."""

    operation: Operation
    schemas: Mapping[str, Any]
    names: frozenset[str]
    asked: bool


class _Fields(NamedTuple):
    """What is known of one operation's results: the labels of fields, what lowers them, declared names, places."""

    operation: Operation
    labels: FieldLabels
    declassified: tuple[Declassification, ...]
    names: frozenset[str]
    places: dict[tuple[Source, tuple[str, ...]], tuple[int, bool]]


class Memory:
    """What one session has seen: the person's words, its authenticated facts, every result field by field.

    Bounded. Forgetting only makes answers more cautious: a forgotten trusted value becomes unknown or
    untrusted; once an outsider's text had to be forgotten (or was too long to be kept whole), a value that
    nobody trusted wrote is `untrusted` even if it is not found.

    What a field is labelled is what its operation declares, and lower only by what *declassified* says of it.
    """

    __slots__ = (
        "_arguments",
        "_declassified",
        "_fields",
        "_heard",
        "_heard_bare",
        "_heard_words",
        "_held",
        "_judging",
        "_limits",
        "_lost",
        "_person",
        "_places",
        "_records",
        "_said",
        "_session",
        "_shown",
        "_stored",
        "_trusted",
        "_untrusted",
        "seen",
        "strayed",
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
        self._said: set[str] = set()
        self._shown = PUBLIC
        self._heard = self._heard_words = self._heard_bare = " "
        self._lost = False
        self._fields: dict[str, _Fields] = {}
        self._arguments: dict[str, _Arguments] = {}
        indexes = (self._person, self._session, self._trusted, self._untrusted)
        self._judging = Judge(self._places, indexes, self._records, requested=_REQUEST)
        self.tainted = False
        """Whether any text of outsiders was seen, so that what was seen nowhere may have been hidden in it."""
        self.seen = self.strayed = PUBLIC
        """The joined label of everything that was returned here, and of what no words of the person had meant."""

    @property
    def used(self) -> int:
        """Roughly the bytes in use."""
        results = self._trusted.used + self._untrusted.used + self._stored.used + self._records.used
        return results + self._person.used + self._session.used + len(self._heard) + len(self._heard_words)

    def hear(self, text: str) -> None:
        """Remember what the person wrote: the request and later turns.

        Of more words than the limit the latest are kept.
        """
        heard = strict(text)
        most = self._limits.words
        heard = tail(heard, most)
        self._heard = _grown(self._heard, heard, most)
        self._heard_bare = _grown(self._heard_bare, bared(heard), most)
        self._heard_words = _grown(self._heard_words, " ".join(words(heard)), most)
        self._records.hear(heard)
        if len(self._said) < MOST_WORDS:
            self._said.update(words(heard))
            self._arguments.clear()
        parts = forms.Parts()
        parts.take(windowed(heard), windowed(tail(text, most)))
        for part in parts.found:
            if part:
                self._person.add(key_of(part), _REQUEST)

    def mean(self, name: str) -> None:
        """Take the name of the session's own person as something that their words mean: it is who "me" is."""
        spoken = words(strict(name))
        self._records.mean(frozenset(spoken))
        self.know("person", [name, " ".join(spoken), *spoken])

    def asked_for(self, operation: Operation) -> bool:
        """Return whether the person's words ask for what *operation* does."""
        return self._arguments_of(operation).asked

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
        self.strayed = self.strayed.join(label)

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
        arguments = arguments or {}
        if origins is None and arguments:
            origins = self.origins(operation, arguments)
        origins = origins or {}
        standing = Source.trusted_field
        if operation.effect is not Effect.read:
            led = is_steered(operation, arguments, origins) if steered is None else steered
            standing = standing_of(operation, origins, agreed=agreed, steered=led)
        sent = Echoes()
        if arguments:
            stored = [self._stored] if operation.effect is not Effect.read and not agreed else []
            self._note_sent(operation, arguments, origins, [sent, *stored])
        fields = self._fields_of(operation)
        meant = self._remember_values(operation, output, sent, standing)
        if operation.effect is Effect.read and not (meant or any(origin.naming for origin in origins.values())):
            self.strayed = self.strayed.join(self._shown)
        self._remember_names(operation, output, sent, standing)
        if exceeds(output, self._limits.result_values):
            self.seen = self.seen.join(operation.returns)
            if standing is Source.untrusted_field or not fields.plain or fields.integrity(()) is Integrity.untrusted:
                self._lost = self.tainted = True

    def _remember_values(self, operation: Operation, output: Any, sent: Echoes, standing: Source) -> bool:
        """Remember every value of a result; return whether the person's words mean any of its records."""
        seen: list[tuple[Path, Any, bool]] = []
        touched: set[int] = set()
        room = self._limits.result_text
        for path, leaf in leaves(output, self._limits.result_values):
            number, trusted = self._place(operation, path, standing)
            touched.add(number)
            long = isinstance(leaf, str) and len(leaf) > LONGEST_NAME
            if long and room <= 0:
                self._overlook(trusted=trusted)
            elif not trusted:
                self.tainted = True
                self._distrust(leaf, number)
                seen.append((path, leaf, False))
            else:
                seen.append((path, leaf, self._trust_value(leaf, number, sent)))
            if long:
                room -= min(len(leaf), self._limits.text)
        self._shown = PUBLIC
        for number in touched:
            self._shown = self._shown.join(self._places.label(number))
        if operation.effect is not Effect.read and standing is not Source.own:
            return False  # the words in it are those that the agent wrote: they single nothing out
        return self._records.see(seen)

    def origins(
        self, operation: Operation, arguments: Mapping[str, Any], book: AddressBook = NO_BOOK
    ) -> dict[str, Origin]:
        """Return where each argument of a proposed use of *operation* came from.

        A list or an object is as trustworthy as its worst member: one made of a person's value and an
        untrusted one is untrusted, one of a person's and an unknown one is unknown. Free text (`content`) is
        judged by the values inside it; its ordinary words count for nothing. A target that only outsiders' text
        holds, or nobody, is the house's own where *book* holds it.
        """
        judge, known, roles = self._judge(), self._arguments_of(operation), operation.arguments
        return {
            name: judge.origin(
                value,
                known.schemas.get(name),
                free_text=roles.get(name) is Role.content,
                declared=known.names,
                book=book if roles.get(name) is Role.target else NO_BOOK,
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
        judge = self._judging
        judge.heard, judge.heard_words, judge.heard_bare = self._heard, self._heard_words, self._heard_bare
        judge.lost = _LOST if self._lost or self._untrusted.evicted else None
        judge.seen = self.seen
        return judge

    def _arguments_of(self, operation: Operation) -> _Arguments:
        known = self._arguments.get(operation.id)
        if known is None or known.operation is not operation:
            schema, asked = operation.input_schema, asked_for(acts_of(operation), self._said)
            known = _Arguments(operation, property_schemas(schema), property_names(schema), asked)
            self._arguments[operation.id] = known
        return known

    def _fields_of(self, operation: Operation) -> FieldLabels:
        known = self._fields.get(operation.id)
        if known is None or known.operation is not operation:
            names_of = property_names(operation.output_schema)
            lower = tuple(one for one in self._declassified if one.place.operation == operation.id)
            known = self._fields[operation.id] = _Fields(operation, FieldLabels(operation), lower, names_of, {})
        return known.labels

    def _place(self, operation: Operation, path: Path, standing: Source) -> tuple[int, bool]:
        """Return the number of the place that a field is, and whether what it holds is trusted.

        *standing* is the source that a trusted field of this result is; `untrusted_field` lets none be trusted.
        """
        known = self._fields[operation.id]
        key = (standing, known.labels.key(path))
        place = known.places.get(key)
        if place is None:
            declared = known.labels.of(path)
            steered = standing is Source.untrusted_field
            label = self._hold(operation.id, key[1], known.declassified, declared, steered=steered)
            self.seen = self.seen.join(label)
            trusted = label.integrity is Integrity.trusted
            source = Source.untrusted_field
            if trusted:
                # What a person vouches for is trusted; that nobody outside had a hand in it only the system can say.
                source = standing if declared.integrity is Integrity.trusted else Source.trusted_field
            pointer = "".join(f"/{step[:60]}" for step in key[1][:12])
            number = self._places.number(Place(source, (f"{operation.id}#{pointer}",), label))
            place = (number, trusted)
            if len(known.places) < MOST_PLACES and _short(key[1]):
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
        if known is not None or (len(self._held) < MOST_PLACES and _short(key)):
            self._held[place] = held if known is None else known.joined(held)
        return held.now

    def _remember_names(self, operation: Operation, output: Any, sent: Echoes, standing: Source) -> None:
        """Remember the names in a result that no schema declares: whoever writes that part of it chose them."""
        known = self._fields[operation.id]
        if isinstance(output, dict) and known.names.issuperset(output) and not any(map(_holds, output.values())):
            return
        for path, name in names(output, self._limits.result_values, known.names):
            number, trusted = self._place(operation, path, standing)
            if not trusted:
                self.tainted = True
                self._distrust(name, number)
            elif not name.isidentifier():
                self._trust_value(name, number, sent)

    def _overlook(self, *, trusted: bool) -> None:
        """Take note that a text of a result was not looked at, as there was too much of them."""
        if not trusted:
            self._lost = self.tainted = True

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
                # What the book vouches for is the house's when it is sent; that it comes back makes it nobody's own.
                vouched = _VOUCHING.intersection(origin.sources) and WHERE not in origin.where
                unvouched = [] if vouched else [value]
            else:
                unvouched = list(self._unvouched(judge, value, content=content))
            for leaf in unvouched:
                sent = sent_forms(leaf)
                for echoes in into:
                    echoes.note(sent)
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
        """Remember a trusted field's value, and return whether it is trusted: one that was sent unvouched is not.

        Nor is a part of it that was sent: a message that repeats what was asked for vouches for nothing in it.
        """
        echoing = bool(sent) or bool(self._stored)
        if echoing and self._echo(leaf, sent):
            return False
        whole = set(forms.leaf_forms(leaf)) if echoing else set()
        own = self._places.source(place) is Source.own
        for form in forms.trusted_forms(leaf, self._limits.text):
            if echoing and form not in whole and self._echo(form, sent):
                continue
            if own and self._trusted.get(form) is not None:
                continue  # it was there before the session wrote anything
            if " " in form:
                self._trusted.add_phrase(form, place)
            else:
                self._trusted.add(form, place)
        return True

    def _echo(self, value: Any, sent: Echoes) -> bool:
        """Whether a value that came back is one that the agent sent, in this call or in a write before, unvouched."""
        if self._vouches(forms.leaf_forms(value)):
            return False
        return (sent.has(value) or self._stored.has(value)) and not self._judge().vouched(value)

    def _vouches(self, keys: Sequence[str]) -> bool:
        """Whether a trusted source holds a value in one of these forms; there is more to `Judge.vouched`, for more."""
        for index in (self._person, self._session, self._trusted):
            place = index.first(keys)
            if place is not None and self._places.source(place) in TRUSTED_SOURCES:
                return True
        return False

    def _distrust(self, leaf: Any, place: int) -> None:
        if not isinstance(leaf, str):
            for form in forms.leaf_forms(leaf):
                self._untrusted.add(form, place)
            return
        if len(leaf) > self._limits.text:
            self._lost = True
            leaf = leaf[: self._limits.text]
        self._untrusted.add_all(suspects(leaf), place)


def _holds(value: Any) -> bool:
    """Whether a value has members of its own."""
    return isinstance(value, (dict, list, tuple))


def _short(path: tuple[str, ...]) -> bool:
    return len(path) <= LONGEST_PATH // 10 and sum(map(len, path)) <= LONGEST_PATH


def _grown(heard: str, more: str, most: int) -> str:
    """Return all that was heard, with a space around each word and a line's end between turns, cut at the front."""
    return f" {tail(f'{heard}{TURN} {more} ', most)}"

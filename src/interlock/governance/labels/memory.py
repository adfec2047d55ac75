"""What one session has seen and heard, and from it where the arguments of a proposed action came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.governance.labels import text as forms
from interlock.governance.labels.arguments import Judge, Path, leaves
from interlock.governance.labels.fields import FieldLabels
from interlock.governance.labels.index import Index
from interlock.governance.labels.places import MOST_PLACES, Place, Places
from interlock.governance.labels.schemas import property_schemas
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


_LIMITS = MemoryLimits()
_REQUEST, _DECLARED, _LOST = 0, 1, 2
_VOUCHING = TRUSTED_SOURCES - {Source.declared}
_FIRST_PLACES = (
    Place(Source.person, ("request",)),
    Place(Source.declared, ("schema",)),
    # Stands for every outsider's text that was too much to remember; with it nothing is taken for made up.
    Place(Source.untrusted_field, ("(no longer remembered)",), Label(integrity=Integrity.untrusted)),
)


class Memory:
    """What one session has seen: the person's words, its authenticated facts, every result field by field.

    Bounded. Forgetting only makes answers more cautious: a forgotten trusted value becomes unknown or
    untrusted; once an outsider's text had to be forgotten (or was too long to be kept whole), a value that
    nobody trusted wrote is `untrusted` even if it is not found.
    """

    __slots__ = (
        "_fields",
        "_heard",
        "_heard_words",
        "_limits",
        "_lost",
        "_person",
        "_places",
        "_session",
        "_trusted",
        "_untrusted",
        "seen",
        "tainted",
    )

    def __init__(self, limits: MemoryLimits = _LIMITS) -> None:
        self._limits = limits
        self._places = Places(*_FIRST_PLACES)
        self._person = Index(self._places, limits.words * 40)
        self._session = Index(self._places, limits.words * 40)
        self._trusted = Index(self._places, limits.trusted)
        self._untrusted = Index(self._places, limits.untrusted)
        self._heard = self._heard_words = " "
        self._lost = False
        self._fields: dict[str, tuple[Operation, FieldLabels, dict[tuple[str, ...], int]]] = {}
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
        heard = forms.strict(text)
        if len(heard) > self._limits.words:
            heard = heard[-self._limits.words :].partition(" ")[2]
        self._heard = f"{self._heard}\n {heard} "[-self._limits.words :]
        self._heard_words = f"{self._heard_words}\n {' '.join(forms.words(heard))} "[-self._limits.words :]
        for part in forms.text_parts(heard):
            self._person.add(forms.key_of(part), _REQUEST)

    def know(self, name: str, value: Any) -> None:
        """Remember an authenticated fact of the session, such as its customer."""
        place = self._places.number(Place(Source.session, (f"session.{name}",), Label()))
        for _, leaf in leaves(value, self._limits.result_values):
            for form in leaf_forms(leaf):
                self._session.add(form, place)

    def remember(
        self,
        operation: Operation,
        output: Any,
        arguments: Mapping[str, Any] | None = None,
        origins: Mapping[str, Origin] | None = None,
        *,
        agreed: bool = False,
    ) -> None:
        """Remember a result, each field with the trust that *operation* declares for it.

        *arguments* is what the call was made with. A system that repeats them in its answer vouches for
        nothing: a value that no trusted source held before is not trusted for being sent and coming back.
        *origins*, where they are known from the decision, save finding that out again. What a write that outsiders'
        text had a hand in returns is theirs too, so that no value is laundered through a record that holds it;
        unless a person *agreed* to the write.
        """
        if output is None:
            return
        if operation.effect is not Effect.read and arguments and not agreed:
            origins = origins if origins is not None else self.origins(operation, arguments)
            steered = any(origin.untrusted or origin.carries for origin in origins.values())
        else:
            steered = False
        sent = self._sent(operation, arguments, origins or {}) if arguments else {}
        fields = self._fields_of(operation)
        count = 0
        for path, leaf in leaves(output, self._limits.result_values):
            count += 1
            integrity = Integrity.untrusted if steered else fields.integrity(path)
            number = self._place(operation, path, integrity)
            if integrity is Integrity.untrusted:
                self.tainted = True
                self._distrust(leaf, number)
            else:
                self._trust_value(leaf, number, sent)
        if count >= self._limits.result_values and (not fields.plain or fields.integrity(()) is Integrity.untrusted):
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
            name: judge.origin(value, schemas.get(name), free_text=roles.get(name) is Role.content)
            for name, value in arguments.items()
        }

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
        return Judge(self._places, indexes, heard, declared=_DECLARED, requested=_REQUEST, lost=lost)

    def _fields_of(self, operation: Operation) -> FieldLabels:
        known = self._fields.get(operation.id)
        if known is None or known[0] is not operation:
            known = self._fields[operation.id] = (operation, FieldLabels(operation), {})
        return known[1]

    def _place(self, operation: Operation, path: Path, integrity: Integrity) -> int:
        _, fields, numbers = self._fields[operation.id]
        field = (integrity, *("*" if isinstance(step, int) else step for step in path))
        number = numbers.get(field)
        if number is None:
            trusted = integrity is Integrity.trusted
            source = Source.untrusted_field
            if trusted:
                source = Source.trusted_field if operation.effect is Effect.read else Source.own
            pointer = "".join(f"/{step[:60]}" for step in field[1:13])
            label = fields.of(path)
            if label.integrity is not integrity:
                label = replace(label, integrity=integrity)
            self.seen = self.seen.join(label)
            number = self._places.number(Place(source, (f"{operation.id}#{pointer}",), label))
            if len(numbers) < MOST_PLACES:
                numbers[field] = number
        return number

    def _sent(
        self, operation: Operation, arguments: Mapping[str, Any], origins: Mapping[str, Origin]
    ) -> dict[str, list[Any] | None]:
        """Return the forms of what was sent unvouched: the values to ask about, or None where that is known."""
        sent: dict[str, list[Any] | None] = {}
        longest, most = self._limits.text, self._limits.result_values
        for name, value in arguments.items():
            # The origin of a list or of free text is that of all its parts together; each part must be asked about.
            single = not isinstance(value, (dict, list, tuple)) and operation.arguments.get(name) is not Role.content
            origin = origins.get(name) if single else None
            known = origin is not None
            if origin is not None and _VOUCHING.intersection(origin.sources):
                continue
            for _, leaf in leaves(value, most):
                for form in trusted_forms(leaf, longest):
                    asked = sent.setdefault(form, None if known else [])
                    if known:
                        sent[form] = None
                    elif asked is not None:
                        asked.append(leaf)
        return sent

    def _trust_value(self, leaf: Any, place: int, sent: Mapping[str, list[Any] | None]) -> None:
        for form in trusted_forms(leaf, self._limits.text):
            if form in sent:  # what comes back as it was sent is not trusted for that
                asked = sent[form]
                if asked is None or not all(self._judge().vouched(argument) for argument in asked):
                    continue
            if " " in form:
                self._trusted.add_phrase(form, place)
            else:
                self._trusted.add(form, place)

    def _distrust(self, leaf: Any, place: int) -> None:
        if not isinstance(leaf, str):
            for form in leaf_forms(leaf):
                self._untrusted.add(form, place)
            return
        if len(leaf) > self._limits.text:
            self._lost = True
            leaf = leaf[: self._limits.text]
        add = self._untrusted.add
        for form in forms.value_forms(leaf):
            add(form, place)
        if leaf.isascii() and leaf.isalpha():
            return
        spread = forms.wide(leaf)
        for part in forms.wide_parts(spread):
            add(forms.key_of(part), place)
        add(forms.key_of(" ".join(forms.words(spread))), place)


def leaf_forms(leaf: Any) -> list[str]:
    """Return the forms under which a single value is remembered and looked up."""
    if isinstance(leaf, str):
        return forms.value_forms(leaf)
    if isinstance(leaf, bool):
        return ["true" if leaf else "false"]
    if isinstance(leaf, (int, float)):
        return [forms.number_text(leaf)]
    return []


def trusted_forms(leaf: Any, longest: int) -> Iterator[str]:
    """Yield the forms of a trusted field's value: the whole of it, and the values inside a text."""
    yield from leaf_forms(leaf)
    if not isinstance(leaf, str) or leaf.isalnum():
        return
    spread = forms.strict(leaf)
    if forms.mild(spread):
        yield forms.key_of(" ".join(forms.words(spread)))
    if " " in spread:
        yield from (part for part in forms.text_parts(spread[:longest]) if forms.identifying(part))

"""A document against a JSON Schema: each error as a finding in a person's words, at its line.

Values are repeated only where they are one of a closed list's near misses; a value that came from the
environment or that failed a pattern is never shown, since it may be a secret in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from interlock.foundation.documents.findings import Finding
from interlock.foundation.documents.pointers import escape, pointer_of, steps_of
from interlock.foundation.documents.schemas import compile_schema

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

_NAMES = {"string": "text", "object": "a mapping", "array": "a list", "integer": "a whole number"} | {
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_LIMITS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} members",
    "maxItems": "must have at most {} members",
    "minProperties": "must have at least {} keys",
    "maxProperties": "must have at most {} keys",
}
_NESTED = ("allOf", "anyOf", "oneOf")
_LONGEST_SHOWN = 40


class Subject(Protocol):
    """What is validated: a value with lines, and which of its texts came from the environment."""

    @property
    def name(self) -> str: ...
    @property
    def data(self) -> Any: ...
    @property
    def interpolated(self) -> frozenset[str]: ...
    def line_of(self, pointer: str) -> int: ...


def check(subject: Subject, schema: dict[str, Any], *, pointer: str = "") -> list[Finding]:
    """Return every problem that the member at *pointer* of *subject* has with *schema*, by line.

    Raises `ValueError` if *schema* itself is not valid.
    """
    return check_with(subject, schema, compile_schema(schema), pointer=pointer)


def check_with(
    subject: Subject, schema: dict[str, Any], validator: Draft202012Validator, *, pointer: str = ""
) -> list[Finding]:
    """Return what `check` returns, by a validator that was compiled from *schema* before."""
    value = subject.data
    for member in steps_of(pointer):
        value = value[int(member) if isinstance(value, list) else member]
    reporter = _Reporter(subject, schema, pointer)
    findings = [finding for error in validator.iter_errors(value) for finding in reporter.explain(error)]
    return sorted(set(findings))


class _Reporter:
    """Puts one validator's errors into words."""

    def __init__(self, subject: Subject, schema: dict[str, Any], base: str) -> None:
        self._subject = subject
        self._schema = schema
        self._base = base

    def explain(self, error: ValidationError) -> list[Finding]:
        kind: Any = error.kind
        name = str(kind.name)
        pointer = self._base + pointer_of(error.instance_path)
        if name in {"additionalProperties", "unevaluatedProperties"}:
            return [self._unknown_key(error, pointer, key) for key in kind.unexpected]
        if name in {"anyOf", "oneOf"} and hasattr(kind, "context"):
            return self._branches(error, pointer, kind.context)
        if name == "propertyNames":
            return [self._bad_key(error, pointer, kind.error)]
        return [self._finding(pointer, self._message(error, name, kind, pointer))]

    def _finding(self, pointer: str, message: str, *, line_at: str = "") -> Finding:
        return Finding(self._subject.name, self._subject.line_of(line_at or pointer), pointer, message)

    def _message(self, error: ValidationError, name: str, kind: Any, pointer: str) -> str:
        if name == "required":
            return f"{kind.property!r} is missing"
        if name == "type":
            return f"must be {_any_of(kind.types)}, not {_kind_of(error.instance)}"
        if name == "enum":
            return self._closed_list(error.instance, kind.options, pointer)
        if name == "const":
            return f"must be {kind.expected_value!r}"
        if name in _LIMITS:
            return _LIMITS[name].format(kind.limit)
        if name == "pattern":
            return f"is not written as it must be{self._meaning(error) or f': it must match {kind.pattern}'}"
        if name == "falseSchema":
            return "is not allowed here"
        return error.message

    def _closed_list(self, value: Any, options: Sequence[Any], pointer: str) -> str:
        message = f"must be one of {', '.join(str(option) for option in options)}"
        shown = isinstance(value, (str, int, bool)) and len(str(value)) <= _LONGEST_SHOWN
        if not shown or pointer in self._subject.interpolated:
            return message
        return f"{message}, not {str(value)!r}{_suggestion(str(value), map(str, options))}"

    def _unknown_key(self, error: ValidationError, pointer: str, key: str) -> Finding:
        known = _properties(self._schema, _at(self._schema, list(error.schema_path)[:-1]))
        message = f"unknown key {key!r}{_suggestion(key, known)}"
        return self._finding(pointer, message, line_at=f"{pointer}/{escape(key)}")

    def _branches(
        self, error: ValidationError, pointer: str, context: Sequence[Sequence[ValidationError]]
    ) -> list[Finding]:
        """Explain the branch that the writer most likely meant: the right type, and the fewest errors."""
        depth = len(error.instance_path)
        fitting = [
            branch
            for branch in context
            if not any(_name(each) == "type" and len(each.instance_path) == depth for each in branch)
        ]
        if fitting:
            best = min(fitting, key=len)
            if not best:  # nothing is wrong with any one of them
                message = f"fits more than one of the forms that exclude each other here{self._meaning(error)}"
                return [self._finding(pointer, message)]
            return [finding for each in best for finding in self.explain(each)]
        types = [kind for branch in context for each in branch for kind in getattr(each.kind, "types", ())]
        if not types:
            return [self._finding(pointer, f"fits none of the forms allowed here{self._meaning(error)}")]
        message = f"must be {_any_of(dict.fromkeys(types))}, not {_kind_of(error.instance)}"
        return [self._finding(pointer, message)]

    def _bad_key(self, error: ValidationError, pointer: str, reason: ValidationError) -> Finding:
        keys: list[str] = list(error.instance) if isinstance(error.instance, dict) else []
        key = next((key for key in keys if error.message.startswith(f'"{key}" ')), "")
        message = f"{key!r} is no valid name here{self._meaning(reason)}"
        return self._finding(pointer, message, line_at=f"{pointer}/{escape(key)}")

    def _meaning(self, error: ValidationError) -> str:
        """Return what the schema says in words about the member that is wrong."""
        part = _at(self._schema, list(error.schema_path)[:-1])
        description = part.get("description", "") if isinstance(part, Mapping) else ""
        return f": {description}" if description else ""


def _name(error: ValidationError) -> str:
    kind: Any = error.kind
    return str(kind.name)


def _at(schema: Any, path: Sequence[str | int]) -> Any:
    """Return the part of *schema* at *path*; the paths that errors carry have no references in them."""
    for member in path:
        if isinstance(schema, Mapping):
            schema = schema.get(str(member))
        elif isinstance(schema, list) and isinstance(member, int) and member < len(schema):
            schema = schema[member]
        else:
            return None
    return schema


def _properties(root: Mapping[str, Any], part: Any) -> set[str]:
    """Return every key that *part* of the schema knows, also through its branches and references."""
    if not isinstance(part, Mapping):
        return set()
    found = set(part.get("properties", ()))
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found |= _properties(root, _at(root, reference[2:].split("/")))
    for word in _NESTED:
        for branch in part.get(word, ()):
            found |= _properties(root, branch)
    for word in ("then", "else"):
        found |= _properties(root, part.get(word))
    return found


def _any_of(types: Iterable[str]) -> str:
    return " or ".join(_NAMES.get(kind, kind) for kind in types)


def _kind_of(value: Any) -> str:
    kinds: list[tuple[type, str]] = [(bool, "boolean"), (str, "string"), (int, "integer"), (float, "number")]
    kinds += [(dict, "object"), (list, "array")]
    return next((_NAMES[name] for kind, name in kinds if isinstance(value, kind)), _NAMES["null"])


def _suggestion(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""

"""From a verb and its options to an operation's definition, and to what is asked of a directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from interlock.integration.connectors.declared import OperationInvalid, arguments_of, options_of, usual_values
from interlock.integration.connectors.interface import OperationDeclaration
from interlock.integration.connectors.ldap.attributes import ATTRIBUTE, ATTRIBUTES, SECRET, TYPES, Kind, kinds_of
from interlock.integration.connectors.ldap.filters import FilterInvalid, FilterTemplate
from interlock.integration.connectors.ldap.names import NameInvalid, NameTemplate, RelativeTemplate, parse
from interlock.integration.contracts import Contract, Definition, SchemaInvalid
from interlock.integration.contracts.cursors import LONGEST
from interlock.values.operations import Effect

PAGE, MOST = 100, 500
VERBS = ("search", "read", "compare", "add", "modify", "modify add", "modify delete", "rename", "delete")
READS = frozenset({"search", "read", "compare"})
_REPEATABLE = frozenset({"add", "modify", "modify add", "modify delete", "delete"})
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 2000}
_NAMES = {"type": "array", "items": {"type": "string", "pattern": ATTRIBUTE}, "uniqueItems": True}
_NAME = {**_TEXT, "description": "a distinguished name (RFC 4514), with places such as {uid} in its values"}
_FILTER = {**_TEXT, "description": "a filter (RFC 4515), with places such as {name} in its values"}
_KINDS_OF_OPTIONS: dict[str, dict[str, Any]] = {
    "base": {**_NAME, "description": "where the search begins; by default `connection.base`"},
    "scope": {"enum": ["one", "subtree"], "description": "entries right under it, or all; by default subtree"},
    "filter": _FILTER,
    "optional": {"type": "array", "items": {"type": "string"}, "description": "arguments that may be left out"},
    "attributes": ATTRIBUTES,
    "reveal": {**_NAMES, "description": "attributes that hold secrets, and are shown or looked for all the same"},
    "most": {"type": "integer", "minimum": 1, "maximum": 10000, "description": f"entries, by default {MOST}"},
    "order": {
        "type": "string",
        "pattern": ATTRIBUTE,
        "description": "an attribute of which each entry has a value of its own; the list is in its order, and goes on",
    },
    "page": {"type": "integer", "minimum": 0, "maximum": 1000, "description": "entries a page; 0: not in pages"},
    "dn": _NAME,
    "attribute": {"type": "string", "pattern": ATTRIBUTE},
    "type": {"enum": list(TYPES), "description": "of the attribute, by default string"},
    "classes": {**_NAMES, "minItems": 1, "description": "the object classes of a new entry"},
    "required": {**_NAMES, "description": "attributes that have to be given"},
    "when": {**_FILTER, "description": "a filter that the entry has to fit, else nothing is changed (RFC 4528)"},
    "to": {**_NAME, "description": "the new first part of the name, such as uid={new_uid}"},
    "under": {**_NAME, "description": "the entry under which it stands then"},
    "keep_old": {"type": "boolean", "description": "whether the old value stays as one more of the attribute"},
}
_CHANGE = (("dn", "attributes"), ("required", "when"))
_OPTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "search": (("filter", "attributes"), ("base", "scope", "optional", "reveal", "most", "page", "order")),
    "read": (("dn", "attributes"), ("filter", "reveal")),
    "compare": (("dn", "attribute"), ("type",)),
    "add": (("dn", "classes"), ("attributes", "required")),
    "modify": _CHANGE,
    "modify add": _CHANGE,
    "modify delete": _CHANGE,
    "rename": (("dn", "to"), ("under", "keep_old", "when")),
    "delete": (("dn",), ("when",)),
}
_FITS = {
    verb: Contract(
        {
            "type": "object",
            "properties": {name: _KINDS_OF_OPTIONS[name] for name in (*needed, *others)},
            "required": list(needed),
            "additionalProperties": False,
        }
    )
    for verb, (needed, others) in _OPTIONS.items()
}
MOMENT = "date-time"
_FILLS = ("string", "integer", "boolean")
DONE = {"add": "added", "delete": "deleted"}
"""The member of a result that says whether this call did it, by verb."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """What one operation asks. *name* is the entry, or where a search begins; *usual* are values not given,
    *moments* the places that a moment fills.
    """

    verb: str
    options: Mapping[str, Any]
    name: NameTemplate
    kinds: Mapping[str, Kind]
    fits: FilterTemplate | None = None
    to: RelativeTemplate | None = None
    under: NameTemplate | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)
    moments: frozenset[str] = frozenset()
    idempotent: bool = False

    @property
    def places(self) -> frozenset[str]:
        """The names of all places."""
        parts = (self.name, self.fits, self.to, self.under)
        return frozenset().union(*(one.places for one in parts if one is not None))


def job_of(operation: OperationDeclaration, base: str) -> Job:
    """Return what *operation* asks of the directory under *base*. Raises `OperationInvalid`."""
    verb = operation.origin
    if verb not in VERBS:
        raise OperationInvalid(f"must be one of: {', '.join(VERBS)}")
    if (verb in READS) != (operation.effect is Effect.read):
        raise OperationInvalid(
            f"{verb} {'is a read' if verb in READS else 'changes something'}, so its effect is another"
        )
    if operation.settings.get("idempotent") and verb not in READS | _REPEATABLE:
        raise OperationInvalid(f"{verb} cannot be run twice and do it once", "idempotent")
    options = options_of(operation, _FITS[verb])
    arguments = arguments_of(operation)
    top, fits = parse(base), options.get("filter" if verb in READS else "when")
    job = Job(
        verb,
        options,
        _made("dn", lambda: NameTemplate(options.get("dn", options.get("base", base)), top)),
        kinds_of(options.get("attributes", {})),
        _made("filter", lambda: FilterTemplate(fits, options.get("optional", ()))) if fits else None,
        _made("to", lambda: RelativeTemplate(options["to"])) if "to" in options else None,
        _made("under", lambda: NameTemplate(options["under"], top)) if "under" in options else None,
        usual_values(arguments),
        frozenset(name for name, one in arguments.items() if isinstance(one, Mapping) and one.get("format") == MOMENT),
        bool(operation.settings.get("idempotent")),
    )
    _protected(options, job.fits.attributes if job.fits is not None else ())
    _protected(options, job.kinds if verb in READS else ())
    _protected(options, [options["order"]] if "order" in options else ())
    if "order" in options and options.get("page") == 0:
        raise OperationInvalid("has an order, which needs pages, so `page` cannot be 0", "options")
    if options.get("attribute", "").lower() in SECRET:
        raise OperationInvalid("compares a secret: whether a password is right is not for operations to say", "options")
    return job


def define(operation: OperationDeclaration, job: Job) -> Definition:
    """Return the definition of an operation that *job* carries out. Raises `OperationInvalid`."""
    binding = {"verb": job.verb, "options": dict(job.options), "idempotent": job.idempotent}
    return Definition(_input(operation, job), _output(job), binding, str(operation.settings.get("description", "")))


def _made(key: str, made: Callable[[], T]) -> T:
    try:
        return made()
    except (NameInvalid, FilterInvalid) as error:
        raise OperationInvalid(f"{key} {error}", "options") from None


def _protected(options: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise `OperationInvalid` for the first of *names* that holds a secret and is not in `reveal`."""
    revealed = {name.lower() for name in options.get("reveal", ())}
    for name in sorted(names):
        if name.lower() in SECRET and name.lower() not in revealed:
            raise OperationInvalid(f"{name} holds a secret; name it in `reveal` too if it has to be read", "options")


def _input(operation: OperationDeclaration, job: Job) -> dict[str, Any]:
    """Return the schema of what the places and attributes take, with what `input` says of them."""
    written = operation.settings.get("input") or {}
    derived: dict[str, Any] = {place: dict(_TEXT) for place in sorted(job.places)}
    required = [*derived]
    if job.verb == "search":
        optional = job.options.get("optional", ())
        required = [place for place in required if place not in optional]
        most = job.options.get("most", MOST)
        _free("limit", derived)
        derived["limit"] = {"type": "integer", "minimum": 1, "maximum": most, "default": most}
        if "order" in job.options:
            _free("after", derived)
            derived["after"] = {"type": "string", "maxLength": LONGEST, "description": "`next` of the page before"}
    elif job.verb == "compare":
        _free("value", derived)
        derived["value"] = Kind(job.options.get("type", "string")).schema(empty=False)
        required.append("value")
    elif job.verb not in READS:
        derived |= {name: _changed(job.verb, kind) for name, kind in job.kinds.items() if name not in derived}
        unknown = set(job.options.get("required", ())) - job.kinds.keys()
        if unknown:
            raise OperationInvalid(f"required names {min(unknown)}, which `attributes` does not", "options")
        required += [name for name in job.options.get("required", ()) if name not in required]
    declared = arguments_of(operation)
    if unknown := declared.keys() - derived.keys():
        raise OperationInvalid(f"declares {min(unknown)!r}, for which there is no place or attribute", "input")
    properties = {name: declared.get(name, schema) for name, schema in derived.items()}
    for place in job.places:
        _fillable(place, properties[place])
    required += [name for name in written.get("required", ()) if name in derived and name not in required]
    required = [name for name in required if "default" not in properties[name]]
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    schema |= {"required": required} if required else {}
    try:
        Contract(schema)
    except SchemaInvalid as error:
        raise OperationInvalid(f"is no JSON Schema: {error}", "input") from None
    return schema


def _free(name: str, taken: Mapping[str, Any]) -> None:
    if name in taken:
        raise OperationInvalid(f"has a place {{{name}}}, a name that is taken here", "options")


def _fillable(place: str, schema: Any) -> None:
    types = schema.get("type") if isinstance(schema, Mapping) else None
    if types not in _FILLS:
        raise OperationInvalid(f"{place!r} fills a place, so its type must be string, integer or boolean", "input")
    if types == "string" and not schema.get("minLength") and "enum" not in schema and schema.get("format") != MOMENT:
        raise OperationInvalid(f"{place!r} fills a place, so it needs a minLength of 1 or more, or an enum", "input")


def _changed(verb: str, kind: Kind) -> dict[str, Any]:
    schema = kind.schema(empty=False)
    if verb != "modify":
        return schema
    return {"anyOf": [schema, {"type": "null"}], "description": "the new value; null takes the attribute away"}


def _output(job: Job) -> dict[str, Any]:
    entry = _whole(dn={"type": "string"}, **{name: kind.schema(empty=True) for name, kind in job.kinds.items()})
    if job.verb == "search":
        complete = {"type": "boolean", "description": "whether these are all that fit"}
        following: dict[str, Any] = {}
        if "order" in job.options:
            complete = {"type": "boolean", "description": "whether no more follow"}
            following["next"] = {"type": ["string", "null"], "description": "what to ask for more with, as `after`"}
        elsewhere = {"type": "integer", "description": "how often it says that other servers hold more; none was asked"}
        entries = {"type": "array", "items": entry}
        return _whole(entries=entries, complete=complete, referrals=elsewhere, **following)
    if job.verb == "read":
        return entry
    if job.verb == "compare":
        return _whole(matches={"type": "boolean"})
    made: dict[str, Any] = {"dn": {"type": "string"}}
    if job.verb in DONE:
        made[DONE[job.verb]] = {"type": "boolean", "description": "false where it was so already"}
    return _whole(**made)


def _whole(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

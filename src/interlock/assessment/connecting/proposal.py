"""A system's file, proposed from what was found: effects, ways to repeat, undos. Guesses are on the cautious side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from interlock.assessment.attacks.fields import singles_of
from interlock.assessment.attacks.filling import type_of
from interlock.assessment.declarations.draft import draft_of
from interlock.assessment.declarations.guesses import distrusts, words_of
from interlock.assessment.declarations.marked import flow, marked_lines, plain, remark
from interlock.foundation.documents import Finding, ProjectInvalid, escape, parse_document, pointer_of
from interlock.integration.systems import FILES, NAME, SECRET, STATE, Catalog, Offer, Survey, build_catalog
from interlock.values.operations import Effect, Operation

MOST_FIELDS = 12
"""How many fields of a result are named as those that its system may issue."""

_HEAD = """\
# Proposed from {source}. Lines with a remark are guesses: look at each, put it right, and take the remark away.
"""
_MAKES = frozenset("create add new insert post open book make register issue submit place start".split())
_UNMAKES = frozenset("delete remove cancel void revoke withdraw unregister".split())
_LOSES = frozenset("delete remove purge destroy wipe drop erase send pay transfer publish".split())
_LOOKS = frozenset("list find search get query read show".split())
_BESIDE = frozenset("by id a an the".split())
_OPERATION = re.compile(r"/operations/([a-z][a-z0-9_]*)(/.*)?")
_FOLDER = "services"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation that cannot be used, and why."""

    origin: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What connecting would write: *files* by path in the project, the system's own first. *operations* are the names
    that it declares; *notes* say what is left to do by hand.
    """

    system: str
    connector: str
    files: Mapping[str, bytes] = field(repr=False)
    operations: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, without the contents of its files."""
        return {
            "system": self.system,
            "connector": self.connector,
            "files": sorted(self.files),
            "operations": list(self.operations),
            "left_out": [{"origin": one.origin, "why": one.why} for one in self.left_out],
            "notes": list(self.notes),
        }


def propose(name: str, connector: str, survey: Survey, offers: Sequence[Offer], *, source: str, owner: str) -> Proposal:
    """Return the declaration of the system *name*, with all of *offers* that can be used; contacts nothing.

    *source* is what the files say that it was made from. Raises `ProjectInvalid` where not single operations are wrong,
    but all of it.
    """
    kept = {f"{_FOLDER}/{name}/{file}": content for file, content in survey.files.items()}
    system: dict[str, Any] = {
        "system": name,
        "kind": survey.kind,
        "owner": owner,
        "connector": connector,
        "connection": _placed(survey.connection, name),
    }
    survey = replace(survey, notes=tuple(note.replace(NAME, name) for note in survey.notes))
    usable, left_out, catalog = _usable(system, offers, kept)
    if not usable:
        return Proposal(name, connector, {}, (), tuple(left_out), survey.notes)
    declared, marks = _operations(usable)
    _pair(catalog, declared, marks)
    text = "".join(_written(system, declared, marks, _issued(catalog), survey, source))
    files = {f"systems/{name}.yaml": text.encode(), **kept}
    with _folder(files) as root:
        draft = draft_of(build_catalog([parse_document(text.encode(), "system", name=name)], root), name)
    if draft.pack is not None:
        files[draft.file] = draft.to_yaml().encode()
    notes = list(survey.notes)
    if f"secret:{name}" in text:
        notes.append(f"put the secret {name!r} where secrets are kept, such as INTERLOCK_SECRET_{name.upper()}")
    return Proposal(name, connector, files, tuple(declared), tuple(left_out), tuple(notes))


@contextmanager
def _folder(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Give a folder that holds *files*, for a moment."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        yield root


def _placed(value: Any, name: str) -> Any:
    """Return *value* with the folder of its files, the name of its secret and the folder of its own put in."""
    if isinstance(value, Mapping):
        return {key: _placed(one, name) for key, one in value.items()}
    if isinstance(value, list):
        return [_placed(one, name) for one in value]
    if value in (SECRET, STATE):
        return value.replace(NAME, name)
    if isinstance(value, str) and value.startswith(FILES):
        return value.replace(FILES, f"{_FOLDER}/{name}/", 1)
    return value


def _usable(
    system: Mapping[str, Any], offers: Sequence[Offer], files: Mapping[str, bytes]
) -> tuple[list[Offer], list[LeftOut], Catalog]:
    """Return the offers that make operations, those that do not with the reason, and the catalogue of the first."""
    remaining = {offer.name: offer for offer in offers}
    left_out: list[LeftOut] = []
    with _folder(files) as root:
        while True:
            declared, _ = _operations(list(remaining.values()))
            if not declared:
                return [], left_out, Catalog()
            try:
                return list(remaining.values()), left_out, _catalog({**system, "operations": declared}, root)
            except ProjectInvalid as error:
                blamed = _blamed(error.findings, remaining)
                if not blamed:
                    raise
                left_out += (LeftOut(remaining.pop(name).origin, why) for name, why in blamed.items())


def _operations(offers: Sequence[Offer]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return what is declared of each offer by itself, and the remarks on it by pointer."""
    declared: dict[str, dict[str, Any]] = {}
    marks: dict[str, str] = {}
    for offer in offers:
        place = f"/operations/{offer.name}"
        operation: dict[str, Any] = {"from": offer.origin}
        if offer.description:
            operation["description"] = offer.description
        effect, why = _effect(offer)
        operation["effect"] = effect.value
        if why:
            marks[f"{place}/effect"] = why
        if offer.idempotent and effect is not Effect.read:
            operation["idempotent"] = True
            marks[f"{place}/idempotent"] = "its kind says that it may be run again; does it hold?"
        declared[offer.name] = {**operation, **offer.settings}
    return declared, marks


def _effect(offer: Offer) -> tuple[Effect, str]:
    """Return the effect and what to look at; nothing is called a read but what its description says is one."""
    if offer.effect is Effect.read:
        return Effect.read, ""
    if offer.effect is Effect.irreversible:
        return Effect.irreversible, "`write` if it can be taken back"
    lost = next((word for word in words_of(offer.name) if word in _LOSES), "")
    if lost:
        return Effect.irreversible, f"the name says {lost!r}; `write` if it can be taken back"
    return Effect.write, "" if offer.effect is Effect.write else "what it does is not said; `read` if it only looks"


def _catalog(system: Mapping[str, Any], root: Path) -> Catalog:
    text = "".join(marked_lines(system, {}, "", 0)).encode()
    return build_catalog([parse_document(text, "system", name=f"systems/{system['system']}.yaml")], root)


def _blamed(findings: Sequence[Finding], offered: Mapping[str, Offer]) -> dict[str, str]:
    """Return the operations that are to blame for *findings*, with the reason; none where more than they is wrong."""
    found: dict[str, str] = {}
    for finding in findings:
        match = _OPERATION.match(finding.pointer)
        if match is None or match[1] not in offered:
            return {}
        found.setdefault(match[1], finding.message)
    return found


def _pair(catalog: Catalog, declared: dict[str, dict[str, Any]], marks: dict[str, str]) -> None:
    """Propose for what makes something the operation that takes it away again, where its arguments are at hand."""
    operations = [compiled.operation for compiled in catalog.operations.values()]
    for maker in operations:
        for other in operations if maker.effect is not Effect.read else ():
            given = _taken_back(maker, other)
            if given:
                declared[maker.name]["undo"] = f"{other.name}({given})"
                marks[f"/operations/{maker.name}/undo"] = "by their names; does it take all of it back?"
                break
        finder = next((one for one in operations if _finds(maker, one)), None)
        if finder is not None:
            found = _listed(finder)
            declared[maker.name]["read_back"] = {
                "read": f"{finder.id}({_key(finder)} = key)",
                "found": f"size(result{found}) > 0",
                "output": f"result{found}[0]",
            }
            marks[f"/operations/{maker.name}/read_back"] = "by its arguments; does it find what was made under a key?"


def _taken_back(maker: Operation, other: Operation) -> str:
    """Return the arguments with which *other* would undo *maker*, empty where it does not seem to."""
    made, unmade = words_of(maker.name), words_of(other.name)
    if _MAKES.isdisjoint(made) or _UNMAKES.isdisjoint(unmade) or other.effect is Effect.read:
        return ""
    if _thing(made, _MAKES) != _thing(unmade, _UNMAKES):
        return ""
    results = (maker.output_schema or {}).get("properties", {})
    arguments = []
    for name in other.input_schema.get("required", ()):
        result = name if name in results else "id" if name.lower().endswith("id") and "id" in results else ""
        if not result.isidentifier():
            return ""
        arguments.append(f"{name} = output.{result}")
    return ", ".join(arguments)


def _finds(maker: Operation, other: Operation) -> bool:
    """Whether *other* reads what *maker* makes, by the key under which it was made."""
    if not maker.idempotency_header or other.effect is not Effect.read or not _key(other) or _listed(other) is None:
        return False
    return bool({word.removesuffix("s") for word in words_of(maker.name)} & set(_thing(words_of(other.name), _LOOKS)))


def _key(operation: Operation) -> str:
    """Return the argument of a read that takes an idempotency key, empty where there is none, or others are needed."""
    needed = operation.input_schema.get("required", ())
    names = [name for name in operation.input_schema.get("properties", {}) if "idempotency" in words_of(name)]
    return names[0] if len(names) == 1 and set(needed) <= set(names) and names[0].isidentifier() else ""


def _listed(operation: Operation) -> str | None:
    """Return where a result has its only list, as an expression goes on after `result`; None where it has none."""
    schema = operation.output_schema or {}
    if schema.get("type") == "array":
        return ""
    lists = [name for name, part in schema.get("properties", {}).items() if part.get("type") == "array"]
    return f".{lists[0]}" if len(lists) == 1 and lists[0].isidentifier() else None


def _thing(words: Sequence[str], verbs: frozenset[str]) -> list[str]:
    """Return the words for what an operation is about, in the singular."""
    return [word.removesuffix("s") for word in words if word not in verbs and word not in _BESIDE]


def _issued(catalog: Catalog) -> dict[str, list[str]]:
    """Return, by operation, the fields of its result that outsiders can probably not write."""
    found: dict[str, list[str]] = {}
    for compiled in catalog.operations.values():
        fields = singles_of(compiled.operation.output_schema) if compiled.operation.output_schema else ()
        issued = [pointer_of(path) for path, part in fields if path and type_of(part) and not distrusts(path, part)]
        if issued:
            found[compiled.operation.name] = issued[:MOST_FIELDS]
    return found


def _written(
    system: Mapping[str, Any],
    declared: Mapping[str, Mapping[str, Any]],
    marks: Mapping[str, str],
    issued: Mapping[str, Sequence[str]],
    survey: Survey,
    source: str,
) -> Iterator[str]:
    """Yield the lines of the system's file."""
    yield _HEAD.format(source=remark(source))
    if survey.title:
        yield f"# {remark(survey.title)}\n"
    for note in survey.notes:
        yield f"# - {remark(note)}\n"
    guesses = {f"/connection/{escape(member)}": remark(why) for member, why in survey.guesses.items()}
    yield from marked_lines(system, {"/kind": "crm, erp, helpdesk ...", **guesses}, "", 0)
    yield "labels: {integrity: untrusted}  # until fields are trusted one by one\n"
    yield "operations:\n"
    for name, operation in declared.items():
        yield f"  {plain(name)}:\n"
        yield from marked_lines(operation, marks, f"/operations/{name}", 4)
        if issued.get(name):
            yield f"    # output: {{trusted_fields: {flow(list(issued[name]))}}}  # if the system itself issues them\n"

"""What is wrong with the files of `attacks/`, each at its line: names, arguments, texts that would prove nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from interlock.assessment.attacks.fields import schema_at
from interlock.assessment.attacks.filling import closed
from interlock.assessment.attacks.scenario import plants_of
from interlock.foundation.documents import Document, Finding, escape
from interlock.governance.labels import FieldLabels
from interlock.integration.systems import CompiledOperation
from interlock.orchestration.agents import AgentSpec
from interlock.orchestration.project import Project
from interlock.values.labels import Integrity


def check_attacks(documents: Sequence[Document], project: Project) -> list[Finding]:
    """Return every finding of *documents* (of kind `attacks`) against *project*."""
    findings: list[Finding] = []
    names: dict[str, str] = {}
    for document in documents:
        name = document.data["attacks"]
        if name in names:
            findings.append(document.finding("/attacks", f"{names[name]} is named {name!r} too"))
        names.setdefault(name, document.name)
        findings += _Check(document, project).findings()
    return findings


class _Check:
    """One file against the project."""

    def __init__(self, document: Document, project: Project) -> None:
        self._document = document
        self._data: Mapping[str, Any] = document.data
        self._project = project
        self._operations = project.catalog.operations
        self._found: list[Finding] = []

    def findings(self) -> list[Finding]:
        """Return what is wrong, in the order of the file."""
        agent = self._project.agents.get(self._data["agent"])
        if agent is None:
            self._tell(
                "/agent", f"there is no agent {self._data['agent']!r}{_near(self._data['agent'], self._project.agents)}"
            )
        self._session("/session", self._data.get("session"))
        self._records()
        for name, arguments in self._data.get("calls", {}).items():
            self._call(f"/calls/{escape(name)}", name, arguments, agent)
        for key in ("tasks", "goals"):
            for index, part in enumerate(self._data.get(key, ())):
                self._part(f"/{key}/{index}", part, agent)
        return self._found

    def _tell(self, pointer: str, message: str) -> None:
        self._found.append(self._document.finding(pointer, message))

    def _part(self, place: str, part: Mapping[str, Any], agent: AgentSpec | None) -> None:
        """Check one task or goal."""
        self._session(f"{place}/session", part.get("session"))
        self._plan(f"{place}/plan", part.get("plan"))
        used = []
        for index, step in enumerate(part["steps"]):
            for name, arguments in step.items():
                used.append(name)
                self._call(f"{place}/steps/{index}/{escape(name)}", name, arguments, agent)
        for index, turn in enumerate(part.get("turns", ())):
            if turn["before"] > len(used):
                self._tell(f"{place}/turns/{index}/before", f"there are only {len(used)} steps")
        if part.get("harm") and part["harm"] not in used:
            self._tell(f"{place}/harm", f"no step uses {part['harm']!r}")
        self._plants(place, part, used)

    def _session(self, place: str, session: Mapping[str, Any] | None) -> None:
        levels = self._project.settings.verification
        level = (session or {}).get("verification")
        if level is not None and level not in levels:
            self._tell(f"{place}/verification", f"{level!r} is no verification level; levels: {', '.join(levels)}")
        self._plan(f"{place}/plan", (session or {}).get("plan"))

    def _plan(self, place: str, plan: Sequence[str] | None) -> None:
        for index, pattern in enumerate(plan or ()):
            if not any(fnmatchcase(name, pattern) for name in self._operations):
                self._tell(f"{place}/{index}", f"{pattern!r} matches no operation{_near(pattern, self._operations)}")

    def _records(self) -> None:
        for name, written in self._data.get("records", {}).items():
            place = f"/records/{escape(name)}"
            compiled = self._known(place, name)
            if compiled is None:
                continue
            arguments = compiled.operation.input_schema.get("properties", {})
            for index, record in enumerate(written):
                for argument in record.get("when") or {}:
                    if argument not in arguments:
                        message = f"{name} has no argument {argument!r}{_near(argument, arguments)}"
                        self._tell(f"{place}/{index}/when/{escape(argument)}", message)
                for breach in compiled.output.breaches(record["result"]) if compiled.output is not None else ():
                    self._tell(
                        f"{place}/{index}/result{breach.pointer}", f"does not fit what {name} answers: {breach.reason}"
                    )

    def _known(self, place: str, name: str) -> CompiledOperation | None:
        compiled = self._operations.get(name)
        if compiled is None:
            self._tell(place, f"no system declares {name!r}{_near(name, self._operations)}")
        return compiled

    def _call(self, place: str, name: str, arguments: Mapping[str, Any], agent: AgentSpec | None) -> None:
        compiled = self._known(place, name)
        if compiled is None:
            return
        if agent is not None and not agent.may_use(name):
            self._tell(place, f"the agent {agent.name} is not meant to use {name}")
        for breach in compiled.input.breaches(dict(arguments)):
            self._tell(f"{place}{breach.pointer}", f"does not fit {name}: {breach.reason}")

    def _plants(self, place: str, part: Mapping[str, Any], used: Iterable[str]) -> None:
        several = isinstance(part.get("plant"), list)
        for index, plant in enumerate(plants_of(part)):
            at = f"{place}/plant/{index}/in" if several else f"{place}/plant/in"
            compiled = self._known(at, plant.operation)
            if compiled is None:
                continue
            for message in _unfit(compiled, plant.path):
                self._tell(at, message)
            if plant.operation not in used:
                self._tell(at, f"no step uses {plant.operation}, so the agent never sees the text")


def _unfit(compiled: CompiledOperation, path: Sequence[str]) -> Iterator[str]:
    """Yield why a text in this field would prove nothing."""
    operation = compiled.operation
    pointer = "".join(f"/{step}" for step in path)
    schema = schema_at(operation.output_schema, path)
    if schema is None:
        yield f"the answer of {operation.id} has no field {pointer}"
    elif closed(schema) or schema.get("type") not in (None, "string", ["string", "null"], ["null", "string"]):
        yield f"{pointer} of {operation.id} holds no text"
    elif FieldLabels(operation).integrity(path) is Integrity.trusted:
        yield f"{pointer} of {operation.id} is declared trusted, so an attack from there proves nothing"


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""

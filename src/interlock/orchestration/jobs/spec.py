"""A job as its file declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import jsonschema_rs

from interlock.foundation.documents import Document, Findings, ProjectInvalid
from interlock.foundation.settings.quantities import duration
from interlock.intelligence.gateway import json_format
from interlock.orchestration.jobs.kinds import KINDS, Kind, answer_schema
from interlock.orchestration.jobs.prompt import Prompt, PromptInvalid, own_template, prompt_of
from interlock.values.labels import Category, Confidentiality, Integrity, Label

USUAL_TIME = "60s"
LONGEST_PROMPT = 100_000


class Estimator(StrEnum):
    """How the confidence of an answer is estimated."""

    none = "none"
    logprobs = "logprobs"
    agreement = "agreement"
    grounding = "grounding"
    judge = "judge"


class Last(StrEnum):
    """What is done when no route has given an answer that is sure enough."""

    person = "person"
    queue = "queue"
    abstain = "abstain"


@dataclass(frozen=True, slots=True)
class Surety:
    """How sure an answer must be. A *threshold* of None lets every valid answer through."""

    estimator: Estimator = Estimator.none
    threshold: float | None = None
    samples: int = 5
    temperature: float = 0.7
    judge: str = ""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job. *routes* are asked in order; when none gives an answer that is sure enough, *last* is done.

    *time* is in seconds, for one run with all that is tried. *format* are the parameters of each model request;
    *classes* are those of classify and route, empty for the other kinds.
    """

    name: str
    kind: Kind
    routes: tuple[str, ...]
    last: Last
    prompt: Prompt
    input: jsonschema_rs.Draft202012Validator = field(repr=False)
    answer: jsonschema_rs.Draft202012Validator = field(repr=False)
    input_schema: Mapping[str, Any] = field(repr=False)
    result_schema: Mapping[str, Any] = field(repr=False)
    format: Mapping[str, Any] = field(repr=False)
    description: str = ""
    roles: frozenset[str] = frozenset()
    label: Label = Label()
    time: float = 60.0
    surety: Surety = Surety()
    ask: str = ""

    @property
    def judged_by(self) -> tuple[str, ...]:
        """Every route that the job uses."""
        return (*self.routes, self.surety.judge) if self.surety.judge else self.routes

    def to_json(self) -> dict[str, Any]:
        """Return what a caller may know of it."""
        surety = self.surety
        return {
            "job": self.name,
            "kind": self.kind.name,
            "description": self.description,
            "input": dict(self.input_schema),
            "result": dict(self.result_schema),
            "routes": list(self.routes),
            "otherwise": self.last.value,
            "estimator": surety.estimator.value,
            "threshold": surety.threshold,
            "version": self.prompt.version,
        }


def job_from_document(document: Document, root: Path) -> JobSpec:
    """Return the job of a document of kind `job`; its prompt is read from *root*. Raises `ProjectInvalid`."""
    data = document.data
    kind = KINDS[data["kind"]]
    findings = Findings()
    if kind.needs and kind.needs not in data:
        findings.add(document.finding("/kind", f"a job of kind {kind.name} must have `{kind.needs}`"))
        raise ProjectInvalid(list(findings))
    prompt = _prompt(document, root, findings)
    given, result = data.get("input", kind.input), kind.result(data)
    checks = {name: _validator(document, findings, name, schema) for name, schema in _schemas(data, given, result)}
    routes, last = _otherwise(document, findings)
    surety = _surety(document, findings)
    findings.raise_if_any()
    assert prompt is not None  # for the type checker: without one there is a finding
    labels = data.get("labels", {})
    return JobSpec(
        name=data["job"],
        kind=kind,
        routes=routes,
        last=last,
        prompt=prompt,
        input=checks["input"],
        answer=checks["answer"],
        input_schema=given,
        result_schema=result,
        format=json_format(f"job_{kind.name}_{data['job']}", answer_schema(result)),
        description=data.get("description", ""),
        roles=frozenset(data.get("roles", ())),
        label=Label(
            Confidentiality[labels.get("confidentiality", "internal")],
            frozenset(map(Category, labels.get("categories", ()))),
            Integrity.untrusted,  # a model has made it from whatever came in
        ),
        time=duration(data.get("limits", {}).get("time", USUAL_TIME)),
        surety=surety,
        ask=data.get("ask", ""),
    )


def _schemas(data: Mapping[str, Any], given: Any, result: Any) -> list[tuple[str, Any]]:
    declared = [("schema", data["schema"])] if "schema" in data else []
    return [("input", given), *declared, ("answer", answer_schema(result))]


def _validator(document: Document, findings: Findings, name: str, schema: Any) -> Any:
    try:
        return jsonschema_rs.Draft202012Validator(schema, mask="the value")
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        if name in document.data:
            findings.add(document.finding(f"/{name}", "is no valid JSON Schema (2020-12)"))
        return None


def _prompt(document: Document, root: Path, findings: Findings) -> Prompt | None:
    data = document.data
    values = {
        "description": data.get("description", "").rstrip("."),
        "classes": data.get("classes", {}),
        "words": data.get("words", 100),
    }
    try:
        template = own_template(data["kind"])
        if "prompt" in data:
            template = _read(root, data["prompt"])
        return prompt_of(template, values)
    except PromptInvalid as error:
        findings.add(document.finding("/prompt", f"the prompt {error}"))
        return None


def _read(root: Path, name: str) -> str:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise PromptInvalid("lies outside the project's folder")
    try:
        if path.stat().st_size > LONGEST_PROMPT:
            raise PromptInvalid(f"is longer than {LONGEST_PROMPT} bytes")
        return path.read_text("utf-8")
    except OSError as error:
        raise PromptInvalid(f"cannot be read: {(error.strerror or 'no such file').lower()}") from error
    except UnicodeDecodeError as error:
        raise PromptInvalid("is not UTF-8 text") from error


def _otherwise(document: Document, findings: Findings) -> tuple[tuple[str, ...], Last]:
    declared = document.data.get("otherwise", ["abstain"])
    routes, last = [document.data["route"]], Last.abstain
    for place, step in enumerate(declared):
        if isinstance(step, Mapping):
            routes.append(step["route"])
        elif place < len(declared) - 1:
            findings.add(document.finding(f"/otherwise/{place}", f"`{step}` can only come last"))
        else:
            last = Last(step)
    return tuple(routes), last


def _surety(document: Document, findings: Findings) -> Surety:
    declared = document.data.get("confidence")
    if declared is None:
        return Surety()
    estimator = Estimator(declared["estimator"])
    if (estimator is Estimator.judge) is not ("judge" in declared):
        findings.add(document.finding("/confidence", "`judge` names the route of the estimator `judge`"))
    return Surety(
        estimator,
        declared.get("threshold"),
        declared.get("samples", 5),
        declared.get("temperature", 0.7),
        declared.get("judge", ""),
    )

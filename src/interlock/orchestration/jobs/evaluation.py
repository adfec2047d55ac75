"""The evaluation set of a job: cases with what a right answer holds, and how a run is held against one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.foundation.documents import Document
from interlock.intelligence.confidence import Reliability, leaves
from interlock.orchestration.jobs.kinds import Abstention
from interlock.orchestration.jobs.run import JobRun, State


@dataclass(frozen=True, slots=True)
class Case:
    """One input, and what is expected of the run on it."""

    name: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]

    def problems(self, run: JobRun) -> list[str]:
        """Return what is wrong with *run*, in words that repeat none of the input; nothing if it is as expected."""
        return list(self._problems(run))

    def _problems(self, run: JobRun) -> Iterator[str]:
        expect = self.expect
        if "abstains" in expect:
            if run.result is not None:
                yield "it answered and should not have"
            elif expect["abstains"] is not True and run.reason != expect["abstains"]:
                yield f"it abstained as {run.reason}, not as {expect['abstains']}"
            return
        if run.result is None:
            yield f"it gave no answer: {run.reason}"
            return
        if "result" in expect:
            yield from _differences(expect["result"], run.result, "")
        said = "\n".join(leaves(run.result)).casefold()
        yield from (f"{text!r} is not in it" for text in expect.get("contains", ()) if text.casefold() not in said)
        yield from (f"{text!r} is in it" for text in expect.get("lacks", ()) if text.casefold() in said)
        cited = {str(citation.get("passage")) for citation in run.result.get("citations", ())}
        yield from (f"it does not cite {passage}" for passage in expect.get("cites", ()) if passage not in cited)
        if len(said.split()) > expect.get("words", len(said.split())):
            yield f"it has {len(said.split())} words; {expect['words']} were allowed"


def _differences(expected: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name, value in expected.items():
            if name in found:
                yield from _differences(value, found[name], f"{where}/{name}")
            else:
                yield f"{where}/{name} is missing"
    elif not _same(expected, found):
        yield f"{where or 'the result'} is not what was expected"


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, str) and isinstance(found, str):
        return " ".join(expected.split()).casefold() == " ".join(found.split()).casefold()
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_same, expected, found))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return bool(expected == found)


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """All cases of one job, and the least shares of *accuracy* and *answered* that are to be reached."""

    job: str
    cases: tuple[Case, ...]
    accuracy: float | None = None
    answered: float | None = None


def set_from_document(document: Document) -> EvaluationSet:
    """Return the set of a document of kind `evaluation`."""
    data = document.data
    least = data.get("least", {})
    cases = tuple(Case(case["name"], case["input"], case["expect"]) for case in data["cases"])
    return EvaluationSet(data["job"], cases, least.get("accuracy"), least.get("answered"))


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case: it passed if *problems* is empty."""

    name: str
    run: JobRun
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of a whole set. *answered* and *accuracy* are shares; accuracy is None where nothing was answered.

    A case that should abstain and did counts as right, but not among the answers.
    """

    of: EvaluationSet
    results: tuple[CaseResult, ...]
    reliability: Reliability

    @property
    def passed(self) -> int:
        """How many cases came out as expected."""
        return sum(not result.problems for result in self.results)

    @property
    def answered(self) -> float:
        """The share of cases that were answered."""
        return len(self._answers()) / len(self.results)

    @property
    def accuracy(self) -> float | None:
        """The share of answers that are right."""
        answers = self._answers()
        return sum(not result.problems for result in answers) / len(answers) if answers else None

    @property
    def met(self) -> bool:
        """Whether what the set asks for is reached; without any such figures, whether every case passed."""
        least = self.of
        if least.accuracy is None and least.answered is None:
            return self.passed == len(self.results)
        accuracy = self.accuracy
        right = least.accuracy is None or (accuracy is not None and accuracy >= least.accuracy)
        return right and (least.answered is None or self.answered >= least.answered)

    def _answers(self) -> list[CaseResult]:
        return [result for result in self.results if result.run.state is State.answered]

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as a JSON object."""
        return {
            "job": self.of.job,
            "met": self.met,
            "cases": len(self.results),
            "passed": self.passed,
            "answered": round(self.answered, 4),
            "accuracy": None if self.accuracy is None else round(self.accuracy, 4),
            "least": {"accuracy": self.of.accuracy, "answered": self.of.answered},
            "failed": [
                {"case": result.name, "run": result.run.id, "problems": list(result.problems)}
                for result in self.results
                if result.problems
            ],
            "reliability": reliability_json(self.reliability),
        }


def reliability_json(table: Reliability) -> dict[str, Any]:
    """Return a reliability table as a JSON object."""
    return {
        "outcomes": table.count,
        "accuracy": _rounded(table.accuracy),
        "expected_calibration_error": _rounded(table.error),
        "brier": _rounded(table.brier),
        "bins": [
            {
                "from": row.low,
                "to": row.high,
                "count": row.count,
                "confidence": round(row.confidence, 4),
                "accuracy": round(row.accuracy, 4),
            }
            for row in table.bins
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def abstains(case: Case) -> bool:
    """Return whether a model should give no result on *case*, and so cannot be right or wrong about it."""
    wanted = case.expect.get("abstains", False)
    return wanted is True or wanted in set(Abstention)

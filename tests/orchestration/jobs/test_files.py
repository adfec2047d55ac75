"""Files of jobs: what is wrong with one is found when the project is read, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.foundation.documents import ProjectInvalid
from interlock.orchestration.project import load_project
from tests.orchestration.jobs.place import SORT, with_jobs

EXTRACT = "job: sort\nkind: extract\nroute: desk\n"
WRONG = {
    "no classes": ("job: sort\nkind: classify\nroute: desk\n", "must have `classes`"),
    "no schema": (EXTRACT, "must have `schema`"),
    "an unknown kind": ("job: sort\nkind: guess\nroute: desk\n", "kind"),
    "an unknown key": (SORT + "otherwize: [queue]\n", "otherwise"),
    "an unknown route": (SORT.replace("route: desk", "route: nowhere"), "'nowhere' is no route"),
    "an unknown further route": (SORT + "otherwise: [{route: nowhere}]\n", "'nowhere' is no route"),
    "an unknown judge": (SORT + "confidence: {estimator: judge, judge: nowhere}\n", "'nowhere' is no route"),
    "a judge without a route": (SORT + "confidence: {estimator: judge}\n", "`judge` names the route"),
    "a judge that is not asked": (
        SORT + "confidence: {estimator: logprobs, judge: desk}\n",
        "`judge` names",
    ),
    "something after the last": (SORT + "otherwise: [abstain, {route: other}]\n", "can only come last"),
    "a person without a role": (SORT + "otherwise: [person]\n", "`ask` names no role"),
    "a schema that is none": (
        "job: sort\nkind: extract\nroute: desk\nschema: {type: nonsense}\n",
        "no valid JSON Schema",
    ),
    "an input that is no schema": (SORT + "input: {type: 7}\n", "no valid JSON Schema"),
    "a prompt that is not there": (SORT + "prompt: prompts/gone.md\n", "cannot be read: no such file"),
    "a prompt outside": (SORT + "prompt: prompts/a/../../../x.md\n", "outside the project"),
    "a prompt with the input": (SORT + "prompt: prompts/input.md\n", "names input, which a prompt does not have"),
    "a prompt that breaks": (SORT + "prompt: prompts/broken.md\n", "is no valid template in line 2"),
    "a prompt that says nothing": (SORT + "prompt: prompts/empty.md\n", "says nothing"),
    "a prompt that reaches out": (SORT + "prompt: prompts/reaching.md\n", "is no valid template"),
}
PROMPTS = {
    "prompts/input.md": "Sort {{ input }}.",
    "prompts/broken.md": "Sort\n{% if %}",
    "prompts/empty.md": "  \n",
    "prompts/reaching.md": "{{ description.__class__.__mro__ }}",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_wrong_is_told_with_its_place(tmp_path: Path, case: str) -> None:
    text, told = WRONG[case]
    with pytest.raises(ProjectInvalid) as error:
        load_project(with_jobs(tmp_path, sort=text, **PROMPTS))
    assert told in str(error.value)
    assert "jobs/sort.yaml" in str(error.value)


SET = "job: {job}\ncases: [{{name: one, input: {given}, expect: {{result: {{class: pay}}}}}}]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SET.format(job="gone", given="{text: a}"), "'gone' is no job"),
        (SET.format(job="sort", given="{words: a}"), "does not fit the job's schema"),
        (SET.format(job="sort", given="{text: a}").replace("expect", "expects"), "expect"),
    ],
    ids=["of no job", "with a wrong input", "with a wrong key"],
)
def test_an_evaluation_set_is_held_against_its_job(tmp_path: Path, text: str, told: str) -> None:
    files = {"sort": SORT, "tests/evaluations/sort.yaml": text}
    with pytest.raises(ProjectInvalid) as error:
        load_project(with_jobs(tmp_path, **files))
    assert told in str(error.value)


def test_a_job_named_twice_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectInvalid, match="named twice"):
        load_project(with_jobs(tmp_path, sort=SORT, same=SORT))

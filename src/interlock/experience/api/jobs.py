"""REST: the project's jobs, running them, what their results turned out to be worth, and evaluating them."""

from __future__ import annotations

from typing import Any

from interlock.experience.api import schemas
from interlock.experience.api.request import Request
from interlock.experience.api.routes import Parameter, Route
from interlock.experience.api.sessions import PAGING
from interlock.orchestration.jobs import Request as Asked
from interlock.orchestration.jobs import State, Verdict, reliability_json


async def list_jobs(request: Request) -> Any:
    """List the jobs that the caller may run, with the schemas of what goes in and what comes out."""
    return {"items": [spec.to_json() for spec in request.installation.jobs.specs(request.principal)]}


async def run_job(request: Request) -> Any:
    """Run a job. That no answer is sure enough is no error: the run says what was done instead, and why."""
    asked = Asked(request.path["job"], request.body["input"], request.body.get("session", ""))
    run = await request.installation.jobs.run(request.principal, asked)
    return run.to_json()


async def list_job_runs(request: Request) -> Any:
    """List runs of a job, newest first: the caller's own, or all of the tenant for who may read."""
    limit, query = request.limit(), request.query
    found = await request.installation.jobs.page(
        request.principal,
        request.path["job"],
        state=query.get("state", ""),
        before=query.get("before", ""),
        limit=limit,
    )
    page: dict[str, Any] = {"items": [run.to_json() for run in found]}
    if len(found) == limit:
        page["next"] = found[-1].id
    return page


async def get_job_run(request: Request) -> Any:
    """Return one run."""
    run = await request.installation.jobs.get(request.principal, request.path["job"], request.path["id"])
    return run.to_json()


async def run_job_again(request: Request) -> Any:
    """Run a queued input again."""
    run = await request.installation.jobs.again(request.principal, request.path["job"], request.path["id"])
    return run.to_json()


async def judge_job_run(request: Request) -> Any:
    """Say what the result of a run turned out to be worth; confidence is calibrated on it."""
    body = request.body
    run = await request.installation.jobs.outcome(
        request.principal, request.path["job"], request.path["id"], Verdict(body["verdict"]), body.get("right")
    )
    return run.to_json()


async def job_reliability(request: Request) -> Any:
    """Return how far the job's confidences could be relied on: as they were estimated, and as they were told."""
    estimated, told = await request.installation.jobs.reliability(request.principal, request.path["job"])
    return {
        "job": request.path["job"],
        "estimated": reliability_json(estimated),
        "told": reliability_json(told),
    }


async def evaluate_job(request: Request) -> Any:
    """Run the job on its evaluation set, which calls its models once for each case at least."""
    evaluation = await request.installation.jobs.evaluate(request.principal, request.path["job"])
    return evaluation.to_json()


_STATE = Parameter("state", "Only runs in this state.", {"enum": list(State)})
_RUN = ("job_run_unknown",)
_MODELS = ("budget_exceeded", "budget_unpriced")

ROUTES = (
    Route("GET", "/v1/jobs", "list_jobs", "List the jobs that models are used for", list_jobs, response="Page"),
    Route(
        "POST",
        "/v1/jobs/{job}",
        "run_job",
        "Run a job",
        run_job,
        scope="act",
        body=schemas.RUN_JOB,
        response="JobRun",
        errors=("job_unknown", "job_forbidden", "job_input_invalid", "session_unknown", "session_closed", *_MODELS),
    ),
    Route(
        "GET",
        "/v1/jobs/{job}/runs",
        "list_job_runs",
        "List runs of a job, newest first",
        list_job_runs,
        parameters=(*PAGING, _STATE),
        response="Page",
    ),
    Route(
        "GET", "/v1/jobs/{job}/runs/{id}", "get_job_run", "Look at a run", get_job_run, response="JobRun", errors=_RUN
    ),
    Route(
        "POST",
        "/v1/jobs/{job}/runs/{id}/again",
        "run_job_again",
        "Run a queued input again",
        run_job_again,
        scope="act",
        response="JobRun",
        errors=("job_unknown", "job_forbidden", "job_input_invalid", "job_run_closed", *_RUN, *_MODELS),
    ),
    Route(
        "POST",
        "/v1/jobs/{job}/runs/{id}/outcome",
        "judge_job_run",
        "Say what a result turned out to be worth",
        judge_job_run,
        scope="act",
        body=schemas.JUDGE_JOB_RUN,
        response="JobRun",
        errors=("job_unknown", "job_input_invalid", "job_run_closed", *_RUN),
    ),
    Route(
        "GET",
        "/v1/jobs/{job}/reliability",
        "job_reliability",
        "How far the job's confidences can be relied on",
        job_reliability,
        scope="read admin",
        errors=("job_unknown",),
    ),
    Route(
        "POST",
        "/v1/jobs/{job}/evaluation",
        "evaluate_job",
        "Run the job on its evaluation set",
        evaluate_job,
        scope="admin",
        errors=("job_unknown", "job_forbidden", "job_unevaluated", *_MODELS),
    ),
)

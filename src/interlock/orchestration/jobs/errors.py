"""What can go wrong with running a job. That no answer is sure enough is no error: the run says so.

JobUnknown, JobForbidden, JobInputInvalid, JobRunUnknown, JobRunClosed, JobUnevaluated
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class JobUnknown(InterlockError):
    """The project has no such job."""

    code = "job_unknown"
    status = 404
    title = "No such job"


class JobForbidden(InterlockError):
    """The job is for other roles than the caller has."""

    code = "job_forbidden"
    status = 403
    title = "Not this caller's to run"


class JobInputInvalid(InterlockError):
    """The input does not fit the job's schema."""

    code = "job_input_invalid"
    status = 422
    title = "The input does not fit"


class JobRunUnknown(InterlockError):
    """No run of the job that the caller may see has this id."""

    code = "job_run_unknown"
    status = 404
    title = "No such run"


class JobRunClosed(InterlockError):
    """The run is not in a state in which this can be done."""

    code = "job_run_closed"
    status = 409
    title = "Not possible any more"


class JobUnevaluated(InterlockError):
    """The job has no evaluation set."""

    code = "job_unevaluated"
    status = 404
    title = "No evaluation set"

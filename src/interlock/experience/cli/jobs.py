"""`interlock jobs`: the jobs that models are used for, over a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from interlock.experience.cli.client import connect, segment
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import UsageInvalid
from interlock.experience.cli.output import fields, note, parse_json, show, table
from interlock.experience.words import plain


def list_jobs(arguments: argparse.Namespace) -> int:
    """List the jobs that the key may run."""
    head = ("JOB", "KIND", "ROUTES", "OTHERWISE", "WHAT FOR")
    show(
        arguments,
        connect(arguments).get("/v1/jobs"),
        lambda found: table(
            head,
            (
                (job["job"], job["kind"], ", ".join(job["routes"]), job["otherwise"], job["description"])
                for job in found["items"]
            ),
            empty="no jobs",
        ),
    )
    return OK


def run(arguments: argparse.Namespace) -> int:
    """Run a job; 1 where no answer was given."""
    body: dict[str, Any] = {"input": _given(arguments)}
    if arguments.session:
        body["session"] = arguments.session
    done = connect(arguments).post(_path(arguments.job), body)
    show(arguments, done, run_text)
    return OK if done["state"] == "answered" else REFUSED


def list_runs(arguments: argparse.Namespace) -> int:
    """List runs of a job."""
    page = connect(arguments).get(
        _path(arguments.job, "runs"), state=arguments.state, limit=arguments.limit, before=arguments.before
    )
    head = ("RUN", "STATE", "CONFIDENCE", "REASON", "BY", "VERDICT")
    show(
        arguments,
        page,
        lambda found: table(
            head,
            (
                (run["id"], run["state"], _sure(run), run["reason"] or "", run["by"] or "", run["verdict"] or "")
                for run in found["items"]
            ),
            empty="no runs",
        ),
    )
    if "next" in page and not arguments.json:
        note(f"more: --before {page['next']}")
    return OK


def show_run(arguments: argparse.Namespace) -> int:
    """Show one run."""
    show(arguments, connect(arguments).get(_path(arguments.job, "runs", arguments.run)), run_text)
    return OK


def again(arguments: argparse.Namespace) -> int:
    """Run a queued input again; 1 where no answer was given."""
    done = connect(arguments).post(_path(arguments.job, "runs", arguments.run, "again"))
    show(arguments, done, run_text)
    return OK if done["state"] == "answered" else REFUSED


def judge(arguments: argparse.Namespace) -> int:
    """Say what a result turned out to be worth."""
    body: dict[str, Any] = {"verdict": arguments.verdict}
    if arguments.right:
        body["right"] = _object(arguments.right, "--right")
    show(arguments, connect(arguments).post(_path(arguments.job, "runs", arguments.run, "outcome"), body), run_text)
    return OK


def reliability(arguments: argparse.Namespace) -> int:
    """Show how far a job's confidences can be relied on."""
    found = connect(arguments).get(_path(arguments.job, "reliability"))
    show(
        arguments,
        found,
        lambda both: "\n\n".join(
            [
                "as they were told\n" + reliability_text(both["told"]),
                "as they were estimated\n" + reliability_text(both["estimated"]),
            ]
        ),
    )
    return OK


def evaluate(arguments: argparse.Namespace) -> int:
    """Run a job on its evaluation set; 1 where it does not reach what the set asks for."""
    found = connect(arguments).post(_path(arguments.job, "evaluation"))
    show(arguments, found, evaluation_text)
    return OK if found["met"] else REFUSED


def run_text(run: dict[str, Any]) -> str:
    """Return a run: its result or why there is none, how sure it is, and what was tried."""
    result = run["result"]
    head = [("run", run["id"]), ("state", run["state"]), ("reason", run["reason"] or ""), ("confidence", _sure(run))]
    tried = table(
        ("ROUTE", "MODEL", "CALLS", "CONFIDENCE", "NOT TAKEN FOR"),
        (
            (
                attempt["route"],
                f"{attempt['provider']}:{attempt['model']}".strip(":"),
                attempt["calls"],
                _sure(attempt),
                attempt["reason"] or "",
            )
            for attempt in run["attempts"]
        ),
    )
    said = fields((name, plain(value)) for name, value in result.items()) if result else ""
    return "\n\n".join(part for part in (said, fields((name, text) for name, text in head if text), tried) if part)


def reliability_text(found: dict[str, Any]) -> str:
    """Return a reliability table with its summary."""
    if not found["outcomes"]:
        return "no outcomes yet"
    rows = table(
        ("CONFIDENCE", "ANSWERS", "MEAN CONFIDENCE", "RIGHT"),
        (
            (f"{row['from']:.1f}-{row['to']:.1f}", row["count"], f"{row['confidence']:.2f}", f"{row['accuracy']:.2f}")
            for row in found["bins"]
        ),
    )
    summary = [
        ("outcomes", found["outcomes"]),
        ("right", f"{found['accuracy']:.2f}"),
        ("expected calibration error", f"{found['expected_calibration_error']:.3f}"),
        ("Brier score", f"{found['brier']:.3f}"),
    ]
    return f"{rows}\n\n{fields(summary)}"


def evaluation_text(found: dict[str, Any]) -> str:
    """Return what came of an evaluation: each case that did not pass, the shares, and the reliability table."""
    failed = "\n".join(f"{one['case']}: {'; '.join(one['problems'])}" for one in found["failed"])
    accuracy = "-" if found["accuracy"] is None else f"{found['accuracy']:.2f}"
    summary = [
        ("cases", f"{found['passed']} of {found['cases']} as expected"),
        ("answered", f"{found['answered']:.2f}{_wanted(found['least']['answered'])}"),
        ("right", f"{accuracy}{_wanted(found['least']['accuracy'])}"),
        ("reached", "yes" if found["met"] else "no"),
    ]
    return "\n\n".join(part for part in (failed, fields(summary), reliability_text(found["reliability"])) if part)


def _wanted(least: float | None) -> str:
    return "" if least is None else f" (at least {least:.2f})"


def _sure(told: dict[str, Any]) -> str:
    confidence = told["confidence"]
    if confidence is None:
        return ""
    return f"{confidence['value']:.2f}{'' if confidence['calibrated'] else ' (not calibrated)'}"


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the input: a text, a file's text, or a JSON object."""
    ways = [arguments.text is not None, bool(arguments.file), bool(arguments.input)]
    if sum(ways) != 1:
        raise UsageInvalid("the input is given in one of three ways", fix="give --text, --file or --input")
    if arguments.input:
        return _object(arguments.input, "--input")
    if arguments.text is not None:
        return {"text": arguments.text}
    try:
        text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageInvalid("the file cannot be read as UTF-8 text", why=type(error).__name__) from error
    return {"text": text}


def _object(text: str, name: str) -> dict[str, Any]:
    value = parse_json(text, name)
    if not isinstance(value, dict):
        raise UsageInvalid(f"{name} is no JSON object", fix=f'write it like {name} \'{{"text": "..."}}\'')
    return value


def _path(*parts: str) -> str:
    return "/v1/jobs/" + "/".join(map(segment, parts))

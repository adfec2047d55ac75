"""`interlock check` and `interlock policy test`: a project validated without contacting anything."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from interlock.assessment.attacks import attack_documents, check_attacks
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.output import show
from interlock.experience.cli.storage import root_of
from interlock.foundation.documents import Finding, ProjectInvalid, read_document
from interlock.governance.gate import CaseResult, run_policy_tests
from interlock.orchestration.project import Project, load_project


def check(arguments: argparse.Namespace) -> int:
    """Print every finding as `file:line: message`, then what became of the policy cases; 1 if anything was found."""
    return _report(arguments, Path(arguments.folder) if arguments.folder else root_of(arguments))


def test_policies(arguments: argparse.Namespace) -> int:
    """Run the policy cases; 1 if one did not come out as expected."""
    return _report(arguments, root_of(arguments))


def run_cases(root: Path, project: Project) -> tuple[list[tuple[str, CaseResult]], list[Finding]]:
    """Return the result of each case of `tests/*.yaml` with its file, and what is wrong with the files."""
    results: list[tuple[str, CaseResult]] = []
    findings: list[Finding] = []
    for path in sorted((root / "tests").glob("*.yaml")):
        try:
            document = read_document(path, "policy-tests", root=root)
        except ProjectInvalid as error:
            findings += error.findings
            continue
        results += ((document.name, result) for result in run_policy_tests([document.data], project.policies))
    return results, findings


def _attack_findings(root: Path, project: Project) -> list[Finding]:
    try:
        return check_attacks(attack_documents(root), project)
    except ProjectInvalid as error:
        return error.findings


def _report(arguments: argparse.Namespace, root: Path) -> int:
    report: dict[str, Any] = {"ok": False, "findings": [], "cases": []}
    try:
        project = load_project(root)
    except ProjectInvalid as error:
        report["findings"] = [{**finding.to_json(), "text": str(finding)} for finding in error.findings]
    else:
        results, findings = run_cases(root, project)
        findings += _attack_findings(root, project)
        report["findings"] = [{**finding.to_json(), "text": str(finding)} for finding in findings]
        report["cases"] = [{"file": file, **result.to_json()} for file, result in results]
        report["ok"] = not findings and all(result.passed for _, result in results)
        report["project"] = {name: value for name, value in project.to_json().items() if name != "active_since"}
    show(arguments, report, _text)
    return OK if report["ok"] else REFUSED


def _text(report: dict[str, Any]) -> str:
    lines = [finding["text"] for finding in report["findings"]]
    cases = report["cases"]
    failed = [case for case in cases if not case["passed"]]
    lines += [f"{case['file']}: {case['name']}: {problem}" for case in failed for problem in case["problems"]]
    if "project" in report:
        lines.append(_size(report["project"]))
    if cases:
        lines.append(f"{len(cases) - len(failed)} of {len(cases)} policy cases came out as expected")
    if report["findings"]:
        count = len(report["findings"])
        lines.append(f"{count} finding{'s' if count != 1 else ''}")
    return "\n".join(lines)


def _size(project: dict[str, Any]) -> str:
    counts = [
        (len(project["systems"]), "system"),
        (project["operations"], "operation"),
        (len(project["agents"]), "agent"),
    ]
    size = ", ".join(f"{count} {noun}{'s' if count != 1 else ''}" for count, noun in counts)
    return f"{project['name']} {project['version']}: {size}"

"""Reading and compiling a project's folder; contacts nothing and reports everything that is wrong at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from interlock.context.facts import FactPlan, compile_facts
from interlock.foundation.documents import Document, Finding, ProjectInvalid, read_document
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.foundation.settings.project import ProjectSettings, project_settings
from interlock.governance.budgets import BudgetPlan, budgets_of
from interlock.governance.credentials import directory_of
from interlock.governance.labels import AddressBook
from interlock.governance.policy import OperationShape, Policies, PolicyInvalid, World, compile_policies
from interlock.integration.facades import facade_from_document
from interlock.integration.systems import Catalog, Listener, Receiver, SystemDeclaration, build_catalog
from interlock.intelligence.gateway import ProviderPorts, Route, build_routes
from interlock.intelligence.usage import Prices, prices_of
from interlock.orchestration.agents import PERSON, SYSTEM, AgentSpec, agent_from_document, team_from_document
from interlock.orchestration.jobs import JobBook, job_from_document, set_from_document
from interlock.orchestration.project.plans import Report, compile_plans
from interlock.orchestration.project.project import Project
from interlock.orchestration.triggers import TriggerSpec, trigger_from_document
from interlock.values.operations import Operation

T = TypeVar("T")

MAIN_FILE = "interlock.yaml"
_READ = ("*.yaml", "*.yml", "*.json", "*.cedar", "prompts/**/*.md")
_OWN_NAME = {"evaluation": "job"}
"""The member by which a file names what it declares, where that is not the word for its kind."""
_SKIPPED = {"var", "node_modules", "__pycache__"}


def project_files(root: Path) -> dict[str, str]:
    """Return the digest of every file that can change what a project means, by path relative to *root*."""
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(root)}


def glance(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, times and sizes of the same files: cheap to compare every second, without reading any."""
    return tuple((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in _files(root))


def _files(root: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in _READ:
        for path in root.rglob(pattern):
            relative = path.relative_to(root)
            hidden = any(part.startswith(".") for part in relative.parts)
            if path.is_file() and not hidden and not _SKIPPED.intersection(relative.parts):
                found.append(path)
    return sorted(found)


def version_of(files: Mapping[str, str]) -> str:
    """Return the version of a set of files: twelve hex digits, the same for the same contents."""
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in files.items()).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Folder:
    """A project's folder while it is read: its files, filled in from *environment*, and what is wrong with them."""

    root: Path
    environment: Mapping[str, str] | None
    findings: list[Finding] = field(default_factory=list)
    named: dict[str, Document] = field(default_factory=dict)
    """Documents by the file that each would be in by its own name."""

    def placed(self, finding: Finding) -> Finding:
        """Return *finding* with the file and the line where it is, where so far only a name is known."""
        document = None if finding.line else self.named.get(finding.file)
        return finding if document is None else document.finding(finding.pointer, finding.message)

    def document(self, path: Path, kind: str) -> Document | None:
        """Return one file, or None where it is not valid, which is then among the findings."""
        try:
            return read_document(path, kind, root=self.root, environment=self.environment)
        except ProjectInvalid as error:
            self.findings.extend(error.findings)
            return None

    def documents(self, folder: str, kind: str) -> Iterable[Document]:
        """Yield the valid files of *folder*, by name."""
        for path in sorted({*(self.root / folder).glob("*.yaml"), *(self.root / folder).glob("*.yml")}):
            document = self.document(path, kind)
            if document is not None:
                yield document


def load_project(
    root: Path, *, now: float = 0.0, http: HttpClient | None = None, environment: Mapping[str, str] | None = None
) -> Project:
    """Return the compiled project in *root*; its model providers will send through *http*.

    *environment* is the process's unless given. Raises `ProjectInvalid`: a finding, by file and line, for each problem.
    """
    folder, files = _Folder(root, environment), project_files(root)
    findings = folder.findings
    settings = _settings(folder)
    agents = _named(folder, "agents", "agent", agent_from_document)
    teams = _named(folder, "teams", "team", team_from_document)
    triggers = _named(folder, "triggers", "trigger", lambda found: trigger_from_document(found, settings.tenants[0]))
    jobs = _jobs(folder)
    before = len(findings)
    documents = {document.data["system"]: document for document in folder.documents("systems", "system")}
    if len(findings) > before:
        raise ProjectInvalid(findings)  # what else would be said is only for want of the broken system
    packs = list(folder.documents("labels", "labels"))
    catalog = _catalog(root, list(documents.values()), packs, findings)
    operations = {name: compiled.operation for name, compiled in catalog.operations.items()}
    facades = _named(folder, "facades", "facade", lambda document: facade_from_document(document, catalog))

    def report(system: str, pointer: str, message: str) -> None:
        findings.append(documents[system].finding(pointer, message))

    facts = _facts(operations, report)
    undos, read_backs = compile_plans(operations, report)
    policies = _policies(root, operations, facts, _world(settings, agents), findings)
    secrets = _secrets(root, settings)
    routes = _routes(folder, ProviderPorts(root, http or HttpClient(), secrets))
    findings += (*_agent_findings(agents, operations, routes), *jobs.findings(routes))
    findings += (finding for team in teams.values() for finding in team.findings(agents))
    findings += _trigger_findings(triggers.values(), agents, catalog, settings)
    prices, budgets = _money(folder)
    if findings or policies is None:
        raise ProjectInvalid([folder.placed(one) for one in findings])
    return Project(
        root=root,
        version=version_of(files),
        active_since=now,
        files=files,
        settings=settings,
        catalog=catalog,
        policies=policies,
        agents=agents,
        teams=teams,
        triggers=triggers,
        facades=facades,
        jobs=jobs,
        facts=facts,
        undos=undos,
        read_backs=read_backs,
        secrets=secrets,
        directory=directory_of(settings, {name: frozenset(spec.roles) for name, spec in agents.items()}),
        routes=routes,
        prices=prices,
        budgets=budgets,
        book=AddressBook(settings.clearances),
    )


def _settings(folder: _Folder) -> ProjectSettings:
    main = folder.root / MAIN_FILE
    if not main.exists():
        message = f"there is no {MAIN_FILE}; `interlock init` writes a first project"
        raise ProjectInvalid([Finding(MAIN_FILE, 0, "", message)])
    return project_settings(read_document(main, "interlock", root=folder.root, environment=folder.environment))


def _secrets(root: Path, settings: ProjectSettings) -> SecretStore:
    return SecretStore.standard(
        file=root / settings.secrets_file if settings.secrets_file else None,
        directory=root / settings.secrets_directory if settings.secrets_directory else None,
    )


def _routes(folder: _Folder, ports: ProviderPorts) -> dict[str, Route]:
    path = folder.root / "models.yaml"
    document = folder.document(path, "models") if path.exists() else None
    if document is None:
        return {}
    try:
        return build_routes(document, ports)
    except ProjectInvalid as error:
        folder.findings.extend(error.findings)
        return {}


def _money(folder: _Folder) -> tuple[Prices, BudgetPlan]:
    """Return the price list and the budgets, each empty without its file."""
    prices, budgets = Prices(), BudgetPlan()
    files = {kind: folder.root / f"{kind}.yaml" for kind in ("prices", "budgets")}
    documents = {kind: folder.document(path, kind) for kind, path in files.items() if path.exists()}
    try:
        if (document := documents.get("prices")) is not None:
            prices = prices_of(document)
        if (document := documents.get("budgets")) is not None:
            budgets = budgets_of(document, currency=prices.currency)
    except ProjectInvalid as error:
        folder.findings.extend(error.findings)
    return prices, budgets


def _named(folder: _Folder, name: str, kind: str, compiled: Callable[[Document], T]) -> dict[str, T]:
    """Return what each file of *kind* in the folder *name* declares, by the name that it gives itself."""
    found: dict[str, T] = {}
    for document in folder.documents(name, kind):
        own = document.data[_OWN_NAME.get(kind, kind)]
        folder.named.setdefault(f"{name}/{own}.yaml", document)
        if own in found:
            pointer = f"/{_OWN_NAME.get(kind, kind)}"
            folder.findings.append(document.finding(pointer, "named twice"))
            continue
        try:
            found[own] = compiled(document)
        except ProjectInvalid as error:
            folder.findings.extend(error.findings)
    return found


def _jobs(folder: _Folder) -> JobBook:
    jobs = _named(folder, "jobs", "job", lambda document: job_from_document(document, folder.root))
    return JobBook(jobs, _named(folder, "tests/evaluations", "evaluation", set_from_document))


def _agent_findings(
    agents: Mapping[str, AgentSpec], operations: Mapping[str, Operation], routes: Mapping[str, Route]
) -> Iterable[Finding]:
    for spec in agents.values():
        file = f"agents/{spec.name}.yaml"
        for pattern in spec.operations:
            if not any(fnmatchcase(name, pattern) for name in operations):
                yield Finding(file, 0, "/operations", f"{pattern!r} matches no operation of the project")
        for name in spec.hand_offs:
            if name == PERSON and not spec.escalate:
                yield Finding(file, 0, "/hand_offs", "`person` stands for the people of `escalate`, which is not there")
            elif name != PERSON and (name not in agents or name == spec.name):
                yield Finding(file, 0, "/hand_offs", f"{name!r} is no other agent of the project")
        if routes and spec.route not in routes:
            known = ", ".join(sorted(routes))
            yield Finding(file, 0, "/route", f"{spec.route!r} is no route of models.yaml; routes: {known}")
    for route in routes.values():
        instances = [instance for target in route.targets for instance in target.instances]
        used: list[frozenset[str]] = [getattr(instance.provider, "operations", frozenset()) for instance in instances]
        handing = {f"{SYSTEM}.{name}" for name in (*agents, PERSON)}
        for name in sorted(frozenset().union(*used) - operations.keys() - handing):
            message = f"the rules of the route {route.name!r} use {name!r}, which no system declares"
            yield Finding("models.yaml", 0, f"/routes/{route.name}", message)


def _catalog(root: Path, documents: Sequence[Document], packs: Sequence[Document], findings: list[Finding]) -> Catalog:
    try:
        return build_catalog(documents, root, packs)
    except ProjectInvalid as error:
        findings.extend(error.findings)
        raise ProjectInvalid(findings) from error


def _trigger_findings(
    triggers: Iterable[TriggerSpec], agents: Mapping[str, AgentSpec], catalog: Catalog, settings: ProjectSettings
) -> Iterable[Finding]:
    sending = {name for name, system in catalog.systems.items() if _sends(catalog.plugins[system.connector], system)}
    for trigger in triggers:
        yield from trigger.findings(agents, sending, settings.tenants)


def _sends(plugin: object, system: SystemDeclaration) -> bool:
    return isinstance(plugin, Receiver) or (isinstance(plugin, Listener) and bool(plugin.subscriptions(system)))


def _facts(operations: Mapping[str, Operation], report: Report) -> dict[str, FactPlan]:
    plans: dict[str, FactPlan] = {}
    for operation in operations.values():

        def tell(fact: str, message: str, operation: Operation = operation) -> None:
            pointer = f"/operations/{operation.name}/facts/{fact}"
            report(operation.system, pointer, f"the fact {fact} {message}")

        plans[operation.id] = compile_facts(operation, operations, tell)
    return plans


def _world(settings: ProjectSettings, agents: Mapping[str, AgentSpec]) -> World:
    roles = set(settings.roles)
    for spec in agents.values():
        roles.update(spec.roles)
    return World(
        roles=tuple(sorted(roles)),
        levels=settings.verification,
        approver_role=settings.approvals.default_role,
        attributes=settings.attributes,
        tenants=settings.tenants,
        clearances=settings.clearances,
    )


def _policies(
    root: Path,
    operations: Mapping[str, Operation],
    facts: Mapping[str, FactPlan],
    world: World,
    findings: list[Finding],
) -> Policies | None:
    texts: dict[str, str] = {}
    for path in sorted((root / "policies").glob("*.cedar")):
        try:
            texts[str(path.relative_to(root))] = path.read_text("utf-8")
        except UnicodeDecodeError:
            findings.append(Finding(str(path.relative_to(root)), 0, "", "the file is not UTF-8 text"))
    shapes = [OperationShape(operation, facts[name].shapes) for name, operation in operations.items()]
    try:
        return compile_policies(texts, shapes, world)
    except PolicyInvalid as error:
        findings.extend(_policy_finding(finding) for finding in error.findings)
        return None


def _policy_finding(finding: Any) -> Finding:
    policy = f"policy {finding.policy}: " if finding.policy else ""
    return Finding(finding.file, finding.line, "", policy + finding.reason)

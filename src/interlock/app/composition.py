"""Building everything in order and wiring the ports; the only place that knows all parts."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock import __version__
from interlock.app.drift import DriftWatch
from interlock.app.gauges import Gauges
from interlock.app.listening import Listening
from interlock.app.pruning import Pruning
from interlock.app.warming import Warming
from interlock.context.facts import FactReader
from interlock.experience.installation import Installation
from interlock.foundation.clock import Clock, SystemClock
from interlock.foundation.http import HttpClient
from interlock.foundation.http.exchange import HttpRequest
from interlock.foundation.secrets.kept import derived_key, kept_key
from interlock.foundation.settings.state import state_folder
from interlock.foundation.store import Database, open_database
from interlock.foundation.telemetry import Telemetry
from interlock.governance.budgets import Ledger
from interlock.governance.credentials import Authenticator, Keys, Tokens
from interlock.governance.credentials.errors import IdentityUnavailable
from interlock.governance.journal import Entry, Journal, JournalReader
from interlock.governance.limits import Switches
from interlock.integration.contracts import Pins
from interlock.integration.events import Inbox
from interlock.integration.systems import Ports, Systems
from interlock.intelligence.usage import Metering, UsageBook
from interlock.orchestration.actions import Actions, Execution, Judge, Settlement, Waiting
from interlock.orchestration.actions.store import MIGRATIONS as ACTIONS
from interlock.orchestration.approvals import Approvals
from interlock.orchestration.approvals.store import MIGRATIONS as APPROVALS
from interlock.orchestration.escalations import Escalations, Handover, JobAnswers, JobDesk, Source
from interlock.orchestration.escalations.store import MIGRATIONS as ESCALATIONS
from interlock.orchestration.jobs import Jobs
from interlock.orchestration.jobs.store import MIGRATIONS as JOBS
from interlock.orchestration.launching import Launcher
from interlock.orchestration.launching.store import MIGRATIONS as LAUNCHING
from interlock.orchestration.models import Models
from interlock.orchestration.project import Load, Project, Projects, ProjectSecrets, load_project
from interlock.orchestration.sessions import Sessions
from interlock.orchestration.sessions.store import MIGRATIONS as SESSIONS
from interlock.orchestration.teams import Teams
from interlock.orchestration.teams.store import MIGRATIONS as TEAMS
from interlock.orchestration.turns import Keeping, Resuming, Turns
from interlock.orchestration.turns.store import MIGRATIONS as TURNS

OTHERS_AGE, REMOTE_AGE = 0.05, 0.25
"""Seconds after which a key or switch changed by another process counts here; one of this process counts at once."""
TABLES = {
    "sessions": SESSIONS,
    "actions": ACTIONS,
    "approvals": APPROVALS,
    "escalations": ESCALATIONS,
    "jobs": JOBS,
    "turns": TURNS,
    "teams": TEAMS,
    "launching": LAUNCHING,
}
SURFACES_KEY = "surfaces.key"
JWKS_TIMEOUT = 10.0
JWKS_BYTES = 262_144


@dataclass(slots=True)
class Running:
    """A composed installation, what must run beside it, and how it is closed."""

    installation: Installation
    database: Database
    writer: Journal
    http: HttpClient
    secret: bytes = field(repr=False)

    def background(self) -> list[Coroutine[Any, Any, None]]:
        """Return what runs for as long as the server does."""
        installation = self.installation
        gauges = Gauges(self.database, installation.systems, installation.telemetry.metrics, installation.clock)
        drift = DriftWatch(installation.systems, installation.pins)
        return [
            installation.settlement.run(),
            installation.escalations.run(),
            installation.resuming.run(),
            installation.teams.run(),
            installation.launcher.run(),
            Listening(installation).run(),
            installation.projects.watch(),
            gauges.run(),
            drift.run(),
            installation.ledger.run(),
            Warming(installation.projects).run(),
            Pruning(self.database, self.writer, installation).run(),
        ]

    async def ready(self) -> bool:
        """Return whether the database answers."""
        return bool(await self.database.read("SELECT 1"))

    async def close(self) -> None:
        """Close everything in the reverse order; the journal signs its head before the database goes."""
        await self.installation.systems.close()
        await self.writer.close()
        await self.database.close()
        self.writer.seal()
        self.installation.telemetry.tracing.close()


async def compose(
    root: Path, environment: Mapping[str, str], *, clock: Clock | None = None, load: Load = load_project
) -> Running:
    """Return the running installation of the project in *root*. Raises `ProjectInvalid` and storage errors."""
    clock = clock or SystemClock()
    http = HttpClient()
    projects = Projects(root, clock, http, load)
    state = state_folder(root, environment)
    database = open_database(projects.current.settings.storage_url, base=state)
    journal = Journal(database, state, clock=clock)
    await database.open()
    try:
        await journal.open()
        for capability, steps in TABLES.items():
            await database.migrate(capability, steps)
        installation = await _installation(projects, database, journal, http, state)
    except BaseException:
        await journal.close()
        await database.close()
        raise
    return Running(installation, database, journal, http, derived_key(kept_key(state / SURFACES_KEY), "mcp"))


async def _installation(
    projects: Projects, database: Database, journal: Journal, http: HttpClient, state: Path
) -> Installation:
    clock, settings = projects.clock, projects.current.settings
    telemetry = Telemetry.of(settings.telemetry, version=__version__)
    journal.committed = telemetry.journal
    age = max(OTHERS_AGE, REMOTE_AGE if database.dialect == "postgres" else 0.0)
    switches = Switches(database, journal, clock=clock, age=age)
    keys = Keys(database, journal, clock=clock, age=age)
    pins = Pins(database, journal, tenant=settings.tenants[0])
    inbox = Inbox(database, journal, clock)
    systems = Systems(Ports(http, ProjectSecrets(projects), projects.root, inbox), clock=clock)
    ledger = Ledger(database, journal, clock=clock, count=telemetry.metrics.count)
    usage = UsageBook(database)
    for part in (switches, keys, pins, inbox, systems, ledger, usage):
        await part.open()
    sessions = Sessions(database, journal, projects, clock)
    approvals = Approvals(database, journal, projects, clock)
    judge = Judge(FactReader(systems, clock), switches, pins, clock, telemetry)
    execution = Execution(database, systems, journal, sessions, clock, telemetry)
    actions = Actions(database, journal, projects, sessions, approvals, judge, execution)
    waiting = approvals.actions = Waiting(database, projects, sessions, actions, judge, execution)
    models = Models(projects, journal, Metering(ledger, journal, clock, telemetry.metrics), telemetry)
    escalations = Escalations(database, journal, projects, clock)
    turns = Turns(projects, sessions, actions, models, escalations, Keeping(database, journal, clock), telemetry)
    resuming = Resuming(turns, projects, database)
    jobs = Jobs(models, lambda: projects.current.jobs, sessions, JobDesk(escalations), database, journal, clock)
    launcher = Launcher(lambda: projects.current.triggers, sessions, turns, database, journal, clock)
    inbox.follow = launcher.due
    escalations.waiting |= {Source.job: JobAnswers(jobs), Source.agent: resuming}
    installation = Installation(
        projects=projects,
        sessions=sessions,
        actions=actions,
        waiting=waiting,
        approvals=approvals,
        settlement=Settlement(database, journal, projects, systems, execution, waiting, approvals),
        escalations=escalations,
        handover=Handover(projects, sessions, actions, escalations),
        jobs=jobs,
        models=models,
        turns=turns,
        resuming=resuming,
        teams=Teams(lambda: projects.current.teams, sessions, turns, database, journal, clock),
        launcher=launcher,
        journal=JournalReader(database, state),
        systems=systems,
        inbox=inbox,
        pins=pins,
        switches=switches,
        ledger=ledger,
        usage=usage,
        keys=keys,
        authenticator=_authenticator(projects, keys, http, telemetry),
        telemetry=telemetry,
        clock=clock,
    )
    await _follow(installation, journal, http)
    return installation


def _authenticator(projects: Projects, keys: Keys, http: HttpClient, telemetry: Telemetry) -> Authenticator:
    project, clock = projects.current, projects.clock
    return Authenticator(
        project.directory,
        keys=keys,
        tokens=_tokens(project, http, clock),
        clock=clock,
        refused=lambda error: telemetry.metrics.count("interlock_unauthenticated_total", error.reason.value),
    )


async def _follow(installation: Installation, journal: Journal, http: HttpClient) -> None:
    """Make everything that depends on the project follow it, now and at each reload."""
    projects = installation.projects

    async def apply(project: Project) -> None:
        await installation.systems.apply(project.catalog)
        definitions = {name: compiled.definition for name, compiled in project.catalog.operations.items()}
        await installation.pins.apply(definitions)
        installation.ledger.use(project.budgets)
        installation.models.metering.use(project.prices)
        installation.authenticator.use(project.directory, _tokens(project, http, installation.clock))

    async def report(kind: str, body: dict[str, Any]) -> None:
        tenant = projects.current.settings.tenants[0]
        await journal.record([Entry(kind=kind, tenant=tenant, subject="project", actor="service:interlock", body=body)])

    await apply(projects.current)
    projects.applied.append(apply)
    projects.reported = report
    await report("project.activated", {"version": projects.current.version, "previous": ""})


def _tokens(project: Project, http: HttpClient, clock: Clock) -> Tokens | None:
    if not project.settings.issuers:
        return None

    async def fetch(url: str) -> bytes:
        answer = await http.send(HttpRequest("GET", url, timeout=JWKS_TIMEOUT, max_bytes=JWKS_BYTES))
        if answer.status != 200:
            raise IdentityUnavailable("the issuer's keys cannot be fetched", why=f"it answered {answer.status}")
        return answer.body

    return Tokens(project.settings.issuers, fetch, clock=clock)

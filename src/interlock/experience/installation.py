"""Everything a surface may call, built once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.foundation.clock import Clock
from interlock.foundation.telemetry import Telemetry
from interlock.governance.budgets import Ledger
from interlock.governance.credentials import Authenticator, Keys
from interlock.governance.journal import JournalReader
from interlock.governance.limits import Switches
from interlock.integration.contracts import Pins
from interlock.integration.events import Inbox
from interlock.integration.systems import Systems
from interlock.intelligence.usage import UsageBook
from interlock.orchestration.actions import Actions, Settlement, Waiting
from interlock.orchestration.approvals import Approvals
from interlock.orchestration.escalations import Escalations, Handover
from interlock.orchestration.jobs import Jobs
from interlock.orchestration.launching import Launcher
from interlock.orchestration.models import Models
from interlock.orchestration.project import Projects
from interlock.orchestration.sessions import Sessions
from interlock.orchestration.teams import Teams
from interlock.orchestration.turns import Resuming, Turns


@dataclass(frozen=True, slots=True)
class Installation:
    """The verbs of one running installation. Surfaces parse, call one of these, and render."""

    projects: Projects
    sessions: Sessions
    actions: Actions
    waiting: Waiting
    approvals: Approvals
    escalations: Escalations
    handover: Handover
    jobs: Jobs
    settlement: Settlement
    models: Models
    turns: Turns
    resuming: Resuming
    teams: Teams
    launcher: Launcher
    journal: JournalReader
    systems: Systems
    inbox: Inbox
    pins: Pins
    switches: Switches
    ledger: Ledger
    usage: UsageBook
    keys: Keys
    authenticator: Authenticator
    telemetry: Telemetry
    clock: Clock

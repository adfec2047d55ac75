"""The commands about what models are used for: agents in teams, jobs, what people are asked, advice."""

from __future__ import annotations

from interlock.experience.cli.arguments import (
    BEFORE,
    COMMENT,
    HERE,
    IN_SESSION,
    LIMIT,
    SESSION,
    server,
)
from interlock.experience.cli.command import Command, argument

_JOB = argument("job", metavar="JOB", help="the job's name")
_RUN = argument("run", metavar="RUN", help="the run's id (run_...)")
_ESCALATION = argument("escalation", metavar="ESCALATION", help="the escalation's id (esc_...)")

ADVICE: tuple[Command, ...] = (
    Command(
        "advise pattern",
        "say which pattern of AI is the lightest that fits",
        HERE + "advice:pattern",
        (
            argument("--declared", action="store_true", help="inputs and outcomes can be written down as rules"),
            argument(
                "--knowledge",
                default="given",
                choices=("given", "documents", "systems"),
                help="where what has to be known stands: in the request, in texts, or in business systems",
            ),
            argument("--acts", action="store_true", help="something is changed in a system"),
            argument(
                "--steps",
                default="one",
                choices=("one", "known", "open"),
                help="one answer, several steps known beforehand, or steps that depend on what is found",
            ),
            argument("--skills", type=int, default=1, metavar="N", help="sets of instructions not to be mixed"),
            argument(
                "--relation",
                default="none",
                choices=("none", "in_order", "depends", "independent", "contested"),
                help="how several of them work together",
            ),
            argument("--wait", default="60s", metavar="TIME", help="how long whoever asks can wait"),
            argument("--volume", type=int, default=100, metavar="N", help="requests in a day"),
            argument("--risk", default="low", choices=("low", "medium", "high"), help="what a wrong answer costs"),
        ),
    ),
)
THINKING: tuple[Command, ...] = (
    server("turns list", "list the turns of a session, newest first", "asking:list_turns", SESSION, LIMIT, BEFORE),
    server(
        "turns show",
        "show a turn as it stands, after a wait too",
        "asking:show_turn",
        argument("turn", metavar="TURN", help="the turn's id (trn_...)"),
    ),
    server("teams list", "list the teams of agents", "asking:list_teams"),
    server(
        "teams show",
        "show a team's run as it stands",
        "asking:show_team",
        argument("team", metavar="TEAM", help="the team's name"),
        argument("run", metavar="RUN", help="the run's id (tea_...)"),
    ),
    server("triggers list", "list what starts agents' work by itself", "triggers:list_triggers"),
    server(
        "triggers runs",
        "list what a trigger started, newest first",
        "triggers:list_runs",
        argument("trigger", metavar="TRIGGER", help="the trigger's name"),
        LIMIT,
        BEFORE,
    ),
    server("jobs list", "list the jobs that a key may run", "jobs:list_jobs"),
    server(
        "jobs run",
        "run a job",
        "jobs:run",
        _JOB,
        argument("--text", default=None, metavar="TEXT", help="the input, for jobs that take a text"),
        argument("--file", default="", metavar="FILE", help="the same from a file; - for standard input"),
        argument("--input", default="", metavar="JSON", help="the input as a JSON object"),
        IN_SESSION,
    ),
    server(
        "jobs runs",
        "list runs of a job, newest first",
        "jobs:list_runs",
        _JOB,
        argument(
            "--state",
            default="",
            choices=("answered", "abstained", "waiting", "queued"),
            help="only those in this state",
        ),
        LIMIT,
        BEFORE,
    ),
    server("jobs show", "show a run", "jobs:show_run", _JOB, _RUN),
    server("jobs again", "run a queued input again", "jobs:again", _JOB, _RUN),
    server(
        "jobs judge",
        "say what a result turned out to be worth",
        "jobs:judge",
        _JOB,
        _RUN,
        argument("verdict", choices=("accepted", "corrected", "rejected"), help="what it was worth"),
        argument("--right", default="", metavar="JSON", help="what the result should have been"),
    ),
    server("jobs reliability", "show how far confidences can be relied on", "jobs:reliability", _JOB),
    server("jobs evaluate", "run a job on its evaluation set", "jobs:evaluate", _JOB),
    server(
        "escalations list",
        "list what waits for a person's answer",
        "escalations:list_escalations",
        argument(
            "--state",
            default="",
            choices=("open", "taken", "answered", "closed", "expired"),
            help="only those in this state (default: those that wait)",
        ),
        argument("--role", default="", metavar="ROLE", help="only those that people of this role are asked"),
        argument("--session", default="", metavar="SESSION", help="only those of this session"),
        LIMIT,
        BEFORE,
    ),
    server(
        "escalations open",
        "hand a session over to people",
        "escalations:open_escalation",
        argument("session", metavar="SESSION", help="the session's id (ses_...)"),
        argument("--reason", required=True, metavar="TEXT", help="why; people read it first"),
        argument(
            "--role", default="", metavar="ROLE", help="whose people (default: `escalations.role` of the project)"
        ),
    ),
    server("escalations show", "show one with all that was tried", "escalations:show_escalation", _ESCALATION),
    server("escalations take", "take one, so that nobody else works on it", "escalations:take", _ESCALATION),
    server("escalations return", "give one back to its queue", "escalations:give_back", _ESCALATION, COMMENT),
    server(
        "escalations answer",
        "answer one; what waited for it goes on",
        "escalations:answer",
        _ESCALATION,
        argument("answer", nargs="?", default="", metavar="ANSWER", help="a text, or JSON by the escalation's schema"),
        argument("--as-suggested", action="store_true", help="answer with what was suggested"),
    ),
    server(
        "escalations close",
        "end one without an answer",
        "escalations:close",
        _ESCALATION,
        argument("--comment", required=True, metavar="TEXT", help="why; stands in the journal"),
    ),
)

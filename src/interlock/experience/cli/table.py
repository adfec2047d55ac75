"""Every command that needs no composition root, as rows: words, help, where its function is, its arguments."""

from __future__ import annotations

from interlock.experience.cli.command import Argument, Command, argument

GROUPS = {
    "actions": "follow actions and take them further",
    "approvals": "decide what waits for a person",
    "escalations": "answer what no model could",
    "jobs": "the jobs that models are used for",
    "teams": "several agents on one request",
    "turns": "follow what agents were asked",
    "sessions": "open and follow sessions",
    "operations": "the operations that a key may use",
    "systems": "health of systems, and their accepted definitions",
    "labels": "what is declared of arguments, results, risks and sinks, without a server",
    "policy": "explain decisions and test policies",
    "journal": "verify and read the journal, without a server",
    "keys": "API keys",
    "switches": "kill switches",
    "models": "the models that agents think with",
}
"""What each first word of two is about."""

_HERE = "interlock.experience.cli."
_URL = argument("--url", metavar="URL", default="", help="the server's address (default: INTERLOCK_URL)")
_PROJECT = argument("--project", metavar="DIR", default="", help="the project's folder (default: INTERLOCK_PROJECT)")
_LIMIT = argument("--limit", type=int, default=50, metavar="N", help="how many at most")
_BEFORE = argument("--before", metavar="ID", default="", help="the `next` of the page before")
_TENANT = argument("--tenant", default="", help="only records of this tenant (default: all)")
_CLEARANCE = argument(
    "--clearance",
    default="confidential",
    choices=("public", "internal", "confidential", "restricted"),
    help="mask values of records above this level (default: confidential)",
)
_YES = argument("--yes", action="store_true", help="do not ask; for scripts")
_COMMENT = argument("--comment", default="", metavar="TEXT", help="why; stands in the journal")


def _server(name: str, text: str, target: str, *arguments: Argument) -> Command:
    """Return a command that talks to a server."""
    return Command(name, text, _HERE + target, (*arguments, _URL))


def _local(name: str, text: str, target: str, *arguments: Argument) -> Command:
    """Return a command that works on a project's folder."""
    return Command(name, text, _HERE + target, (*arguments, _PROJECT))


_ACTION = argument("action", metavar="ACTION", help="the action's id (act_...)")
_APPROVAL = argument("approval", metavar="APPROVAL", help="the approval's id (apr_...)")
_SESSION = argument("session", metavar="SESSION", help="the session's id (ses_...)")
_IN_SESSION = argument("--session", metavar="SESSION", default="", help="the session to work in")
_SCOPE = argument(
    "scope", choices=("agent", "operation", "system", "tenant", "installation"), help="what sort of thing"
)
_TARGET = argument("target", nargs="?", default="", metavar="TARGET", help="its name; none for the installation")
_EVERYWHERE = argument("--everywhere", action="store_true", help="for every tenant, not only your own")
_FOLDER = argument("folder", nargs="?", default=".", metavar="DIR", help="the folder (default: this one)")

_PROJECTS = (
    Command("init", "write a small working first project", _HERE + "first_project:init", (_FOLDER,)),
    Command("check", "validate a project and run its policy cases", _HERE + "check:check", (_FOLDER,)),
    _local("doctor", "look for what would keep an installation from working", "doctor:doctor"),
    Command("version", "print the version", _HERE + "version:version"),
)

_CONNECT = (
    _local(
        "connect",
        "write what an MCP server publishes as a file to pin",
        "connect:connect",
        argument("address", nargs="+", metavar="ADDRESS", help="its URL, or the command that starts it"),
        argument("--out", required=True, metavar="FILE", help="the file, relative to the project"),
        argument("--bearer", default="", metavar="secret:NAME", help="the secret that it is asked with"),
        argument("--replace", action="store_true", help="write over a file that exists"),
    ),
)

_WORK = (
    _server(
        "call",
        "use an operation, as an action of your own",
        "calls:call",
        argument("operation", metavar="OPERATION", help="the operation, as system.operation"),
        argument("inputs", nargs="*", metavar="NAME=VALUE", help="an argument; NAME:=JSON for one that is no text"),
        argument("--input", default="", metavar="JSON", help="all arguments as one JSON object; - reads stdin"),
        _IN_SESSION,
        argument("--idempotency-key", default="", metavar="KEY", help="makes a repeated call the same action"),
    ),
    _server(
        "ask",
        "give an agent, or a team of them, a person's own words",
        "asking:ask",
        argument("words", metavar="WORDS", help="what the person says"),
        argument("--agent", default="", help="the agent that is asked"),
        argument("--team", default="", help="the team that is asked"),
        _IN_SESSION,
        argument("--customer", default="", metavar="ID", help="the customer that the session is about"),
        argument("--person", default="", metavar="ID", help="the person a service asks for"),
        argument("--channel", default="cli", help="the channel that the words came by"),
        argument("--verification", default="", metavar="LEVEL", help="the level the customer is verified to"),
    ),
    _server(
        "sessions open",
        "open a session",
        "sessions:open_session",
        argument("--agent", default="", help="the agent that works in it"),
        argument("--request", default="", metavar="WORDS", help="the person's own words"),
        argument("--customer", default="", metavar="ID", help="the customer that it is about"),
        argument("--person", default="", metavar="ID", help="the person a service opens it for"),
        argument("--channel", default="cli", help="the channel that the request came by"),
        argument("--verification", default="", metavar="LEVEL", help="the level the customer is verified to"),
        argument("--purpose", default="", help="what it is for"),
        argument(
            "--plan",
            nargs="*",
            default=None,
            metavar="STEP",
            help="the only uses meant, as `sessions plan` writes them",
        ),
    ),
    _server("sessions list", "list sessions, newest first", "sessions:list_sessions", _LIMIT, _BEFORE),
    _server("sessions show", "show a session", "sessions:show_session", _SESSION),
    _server(
        "sessions turn",
        "add what the person said next",
        "sessions:turn",
        _SESSION,
        argument("words", metavar="WORDS", help="what the person says"),
    ),
    _server(
        "sessions plan",
        "give a session its plan, once, before anything is read",
        "sessions:plan",
        _SESSION,
        argument("--derive", action="store_true", help="derive it from the person's words"),
        argument(
            "--step",
            action="append",
            metavar="STEP",
            help="an operation, or JSON with operation, times and arguments; give it once for each step",
        ),
    ),
    _server(
        "sessions verify",
        "raise the verification level; what waited for it goes on",
        "sessions:verify",
        _SESSION,
        argument("level", metavar="LEVEL", help="the level the customer is verified to now"),
    ),
    _server(
        "sessions declassify",
        "lower the label of a field that a session has seen, in that session alone",
        "sessions:declassify",
        _SESSION,
        argument("place", metavar="PLACE", help="the field as origins name it, as in helpdesk.get_ticket#/body"),
        argument(
            "--confidentiality", choices=("public", "internal", "confidential"), help="the level it is lowered to"
        ),
        argument("--categories", metavar="CATEGORIES", help="those that are left, separated by commas; '' for none"),
        argument("--integrity", choices=("trusted",), help="vouch for what the field holds"),
        argument("--reason", required=True, metavar="TEXT", help="why; stands in the journal"),
    ),
    _server("sessions close", "close a session", "sessions:close", _SESSION),
    _server("operations list", "list the operations you may use", "operations:list_operations"),
    _server(
        "operations show",
        "show an operation's contract",
        "operations:show_operation",
        argument("operation", metavar="OPERATION", help="the operation, as system.operation"),
    ),
)

_ACTIONS = (
    _server(
        "actions list",
        "list actions, newest first",
        "actions:list_actions",
        argument("--state", default="", metavar="STATES", help="only these states, separated by commas"),
        argument("--session", default="", metavar="SESSION", help="only actions of this session"),
        _LIMIT,
        _BEFORE,
    ),
    _server("actions show", "show an action", "actions:show_action", _ACTION),
    _server("actions trace", "answer the five questions about an action", "actions:trace", _ACTION),
    _server("actions explain", "explain an action's decision", "policy:explain", _ACTION),
    _server("actions confirm", "confirm your own waiting action", "actions:confirm", _ACTION, _YES),
    _server("actions cancel", "withdraw a waiting action", "actions:cancel", _ACTION),
    _server("actions undo", "undo a succeeded action, as an action of its own", "actions:undo", _ACTION, _IN_SESSION),
    _server("actions settle", "find out now what an action in doubt did", "actions:settle", _ACTION),
    _server(
        "actions resolve",
        "say what became of an action in doubt",
        "actions:resolve",
        _ACTION,
        argument("outcome", choices=("succeeded", "failed"), help="what you found"),
        argument("--comment", required=True, metavar="TEXT", help="how you know; stands in the journal"),
    ),
    _server(
        "actions report",
        "report the result of an action that you executed",
        "actions:report",
        _ACTION,
        argument("status", choices=("succeeded", "failed", "unknown"), help="what came of it"),
        argument("--output", default="", metavar="JSON", help="the operation's output; - reads stdin"),
        argument("--problem", default="", metavar="TEXT", help="what went wrong"),
    ),
    _server(
        "approvals list",
        "list what waits for a person",
        "approvals:list_approvals",
        argument(
            "--state",
            default="pending",
            choices=("pending", "approved", "rejected", "expired", "void"),
            help="only those in this state",
        ),
        _LIMIT,
        _BEFORE,
    ),
    _server("approvals show", "show everything needed to judge", "approvals:show_approval", _APPROVAL),
    _server(
        "approvals approve",
        "approve exactly what is shown",
        "approvals:approve",
        _APPROVAL,
        _COMMENT,
        argument("--edit", default="", metavar="JSON", help="arguments to put in first; policy decides anew"),
        _YES,
    ),
    _server("approvals reject", "reject what is shown", "approvals:reject", _APPROVAL, _COMMENT, _YES),
    _server(
        "approvals delegate",
        "let another person decide as well",
        "approvals:delegate",
        _APPROVAL,
        argument("to", metavar="PERSON", help="the person's id"),
    ),
)

_GOVERNANCE = (
    _local(
        "labels list",
        "show what is declared of each operation, by which file, and what is not",
        "labels:list_labels",
        argument("system", nargs="?", default="", metavar="SYSTEM", help="only this system (default: all)"),
    ),
    _local(
        "labels pack",
        "print a declaration pack to start from, with guesses for what nobody declared",
        "labels:pack",
        argument("system", metavar="SYSTEM", help="the system that it is for"),
        argument("--out", default="", metavar="FILE", help="write it to this file, relative to the project"),
        argument("--replace", action="store_true", help="write over a file that exists"),
    ),
    _server("policy explain", "explain an action's decision, policy by policy", "policy:explain", _ACTION),
    _local("policy test", "run the project's policy cases", "check:test_policies"),
    _local("policy schema", "print the Cedar schema that policies are checked against", "policy:schema"),
    _local("journal verify", "verify every record; name the first bad one", "journal:verify"),
    _local(
        "journal show",
        "show every record about one action or session",
        "journal:show_subject",
        argument("subject", metavar="SUBJECT", help="the id of what it is about (act_..., ses_...)"),
        _TENANT,
        _CLEARANCE,
    ),
    _local(
        "journal search",
        "search records, newest first",
        "journal:search",
        argument("--kind", default="", help="only this kind, such as action.denied"),
        argument("--actor", default="", help="only this actor, such as agent:support"),
        argument("--subject", default="", metavar="ID", help="only records about this"),
        argument("--session", default="", metavar="SESSION", help="only records of this session"),
        argument("--since", default="", metavar="MOMENT", help="from this moment on (RFC 3339)"),
        argument("--until", default="", metavar="MOMENT", help="before this moment (RFC 3339)"),
        argument("--text", default="", help="only records that hold this text"),
        _TENANT,
        _LIMIT,
        argument("--before", metavar="CURSOR", default="", help="the `next` of the page before"),
    ),
    _local(
        "journal export",
        "write every record as a line of JSON",
        "journal:export",
        argument("--output", default="-", metavar="FILE", help="where to write (default: stdout)"),
        argument("--fields", action="store_true", help="with the values stored apart: words, inputs, outputs"),
        _TENANT,
        _CLEARANCE,
    ),
    _server("systems list", "show the health of every system", "systems:list_systems"),
    _server(
        "systems drift",
        "compare a system's live definitions with the accepted ones",
        "systems:drift",
        argument("system", metavar="SYSTEM", help="the system's name"),
    ),
    _server("systems pins", "list changed definitions in quarantine", "systems:pins"),
    _server(
        "systems accept",
        "accept an operation's changed definition",
        "systems:accept",
        argument("operation", metavar="OPERATION", help="the operation, as system.operation"),
        _YES,
    ),
)

_ADMINISTRATION = (
    Command(
        "keys create",
        "create a key; its text is shown once",
        _HERE + "keys:create",
        (
            argument("--kind", choices=("person", "agent", "service"), required=True, help="what holds the key"),
            argument("--id", required=True, help="who holds it, as the project's files name them"),
            argument("--scopes", default="", metavar="SCOPES", help="some of act,approve,read,admin"),
            argument("--days", type=int, default=None, metavar="N", help="how long it is valid"),
            argument("--note", default="", metavar="TEXT", help="what it is for"),
            argument("--local", action="store_true", help="make the first administrator's key, in the storage"),
            _PROJECT,
            _URL,
        ),
    ),
    _server("keys list", "list keys, without their text", "keys:list_keys"),
    _server(
        "keys rotate",
        "replace a key; the old one works on for the overlap",
        "keys:rotate",
        argument("key", metavar="KEY", help="the key's id"),
        argument("--overlap-hours", type=float, default=24.0, metavar="H", help="how long both work"),
    ),
    _server("keys revoke", "revoke a key at once", "keys:revoke", argument("key", metavar="KEY", help="the key's id")),
    _server("switches list", "list the kill switches that are set", "switches:list_switches"),
    _server(
        "switches set",
        "stop something at once",
        "switches:set_switch",
        _SCOPE,
        _TARGET,
        _EVERYWHERE,
        argument("--reason", required=True, metavar="TEXT", help="why; whoever is stopped is told"),
    ),
    _server("switches clear", "let what was stopped go on", "switches:clear", _SCOPE, _TARGET, _EVERYWHERE),
    _local("models list", "list routes and the models they lead to", "models:list_models"),
    _local(
        "models import",
        "make routes, prices and budgets of a LiteLLM proxy's configuration",
        "imports:import_models",
        argument("file", metavar="FILE", help="its config.yaml"),
        argument("--dry-run", action="store_true", help="show what would be written, and write nothing"),
        argument("--replace", action="store_true", help="write over files that exist"),
    ),
    _server(
        "models usage",
        "show what models took and cost",
        "usage:usage",
        argument("--by", default="", metavar="GROUPS", help="tenant,caller,agent,route,use_case,provider,model"),
        argument("--period", default="", choices=("hour", "day", "month", "total"), help="only the current one (UTC)"),
        argument("--since", default="", metavar="MOMENT", help="from this moment on (RFC 3339)"),
        argument("--until", default="", metavar="MOMENT", help="before this moment (RFC 3339)"),
        argument("--csv", action="store_true", help="write comma-separated values"),
        _EVERYWHERE,
    ),
    _server("models budgets", "show what budgets stand at", "usage:budgets", _EVERYWHERE),
    _server("mcp", "serve the Model Context Protocol on stdin and stdout", "mcp:bridge_stdio"),
)

_JOB = argument("job", metavar="JOB", help="the job's name")
_RUN = argument("run", metavar="RUN", help="the run's id (run_...)")
_ESCALATION = argument("escalation", metavar="ESCALATION", help="the escalation's id (esc_...)")
_JOBS = (
    _server("turns list", "list the turns of a session, newest first", "asking:list_turns", _SESSION, _LIMIT, _BEFORE),
    _server(
        "turns show",
        "show a turn as it stands, after a wait too",
        "asking:show_turn",
        argument("turn", metavar="TURN", help="the turn's id (trn_...)"),
    ),
    _server("teams list", "list the teams of agents", "asking:list_teams"),
    _server(
        "teams show",
        "show a team's run as it stands",
        "asking:show_team",
        argument("team", metavar="TEAM", help="the team's name"),
        argument("run", metavar="RUN", help="the run's id (tea_...)"),
    ),
    _server("jobs list", "list the jobs that a key may run", "jobs:list_jobs"),
    _server(
        "jobs run",
        "run a job",
        "jobs:run",
        _JOB,
        argument("--text", default=None, metavar="TEXT", help="the input, for jobs that take a text"),
        argument("--file", default="", metavar="FILE", help="the same from a file; - for standard input"),
        argument("--input", default="", metavar="JSON", help="the input as a JSON object"),
        _IN_SESSION,
    ),
    _server(
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
        _LIMIT,
        _BEFORE,
    ),
    _server("jobs show", "show a run", "jobs:show_run", _JOB, _RUN),
    _server("jobs again", "run a queued input again", "jobs:again", _JOB, _RUN),
    _server(
        "jobs judge",
        "say what a result turned out to be worth",
        "jobs:judge",
        _JOB,
        _RUN,
        argument("verdict", choices=("accepted", "corrected", "rejected"), help="what it was worth"),
        argument("--right", default="", metavar="JSON", help="what the result should have been"),
    ),
    _server("jobs reliability", "show how far confidences can be relied on", "jobs:reliability", _JOB),
    _server("jobs evaluate", "run a job on its evaluation set", "jobs:evaluate", _JOB),
    _server(
        "escalations list",
        "list what waits for a person's answer",
        "escalations:list_escalations",
        argument(
            "--state",
            default="",
            choices=("open", "taken", "answered", "closed", "expired"),
            help="only those in this state (default: those that wait)",
        ),
        _LIMIT,
        _BEFORE,
    ),
    _server("escalations show", "show one with all that was tried", "escalations:show_escalation", _ESCALATION),
    _server("escalations take", "take one, so that nobody else works on it", "escalations:take", _ESCALATION),
    _server("escalations return", "give one back to its queue", "escalations:give_back", _ESCALATION, _COMMENT),
    _server(
        "escalations answer",
        "answer one; what waited for it goes on",
        "escalations:answer",
        _ESCALATION,
        argument("answer", nargs="?", default="", metavar="ANSWER", help="a text, or JSON by the escalation's schema"),
        argument("--as-suggested", action="store_true", help="answer with what was suggested"),
    ),
    _server(
        "escalations close",
        "end one without an answer",
        "escalations:close",
        _ESCALATION,
        argument("--comment", required=True, metavar="TEXT", help="why; stands in the journal"),
    ),
)

COMMANDS: tuple[Command, ...] = (*_PROJECTS, *_CONNECT, *_WORK, *_ACTIONS, *_JOBS, *_GOVERNANCE, *_ADMINISTRATION)
"""All of them, in the order in which help lists them."""

"""Arguments that several commands share, and how a command of each sort is made."""

from __future__ import annotations

from interlock.experience.cli.command import Argument, Command, argument

HERE = "interlock.experience.cli."
URL = argument("--url", metavar="URL", default="", help="the server's address (default: INTERLOCK_URL)")
PROJECT = argument("--project", metavar="DIR", default="", help="the project's folder (default: INTERLOCK_PROJECT)")
LIMIT = argument("--limit", type=int, default=50, metavar="N", help="how many at most")
BEFORE = argument("--before", metavar="ID", default="", help="the `next` of the page before")
TENANT = argument("--tenant", default="", help="only records of this tenant (default: all)")
CLEARANCE = argument(
    "--clearance",
    default="confidential",
    choices=("public", "internal", "confidential", "restricted"),
    help="mask values of records above this level (default: confidential)",
)
YES = argument("--yes", action="store_true", help="do not ask; for scripts")
COMMENT = argument("--comment", default="", metavar="TEXT", help="why; stands in the journal")


def server(name: str, text: str, target: str, *arguments: Argument) -> Command:
    """Return a command that talks to a server."""
    return Command(name, text, HERE + target, (*arguments, URL))


def local(name: str, text: str, target: str, *arguments: Argument) -> Command:
    """Return a command that works on a project's folder."""
    return Command(name, text, HERE + target, (*arguments, PROJECT))


ACTION = argument("action", metavar="ACTION", help="the action's id (act_...)")
APPROVAL = argument("approval", metavar="APPROVAL", help="the approval's id (apr_...)")
SESSION = argument("session", metavar="SESSION", help="the session's id (ses_...)")
IN_SESSION = argument("--session", metavar="SESSION", default="", help="the session to work in")
SCOPE = argument("scope", choices=("agent", "operation", "system", "tenant", "installation"), help="what sort of thing")
TARGET = argument("target", nargs="?", default="", metavar="TARGET", help="its name; none for the installation")
EVERYWHERE = argument("--everywhere", action="store_true", help="for every tenant, not only your own")
CHECKED = argument("folder", nargs="?", default="", metavar="DIR", help="the project's folder, as with --project")
FOLDER = argument("folder", nargs="?", default=".", metavar="DIR", help="the folder (default: this one)")

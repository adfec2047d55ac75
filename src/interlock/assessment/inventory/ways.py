"""The ways into a system, from the safest to the last resort, with what each of them risks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One way into a system. *writes* is what it means to change something that way; empty where it is the best one.

    *better* is what to look for instead.
    """

    name: str
    risk: str
    writes: str = ""
    better: str = ""


API = Way("api", "low: the system's own rules hold, and it says what it refused")
MESSAGES = Way(
    "messages",
    "medium: what is sent is acknowledged by a broker or a mailbox, not by whoever acts on it",
    "nobody says whether it was acted upon",
    "an operation of the system that tells what became of a message, as `read_back`",
)
PROGRAM = Way(
    "program",
    "medium: its rules hold, but exit codes and texts are all that it says",
    "a call that is killed may have done half of it",
    "a facade in front, so that callers depend on names of yours and not on its texts",
)
DATABASE = Way(
    "database",
    "medium to read, high to write: what the system itself checks and counts is passed by",
    "the system's own rules, triggers in its code and caches do not hear of it",
    "an API of the system for writes; a facade over reads alone",
)
FILE = Way(
    "file",
    "medium to read, high to write: data is as old as the file, and two may write at once",
    "nobody says whether the file was taken, or taken twice",
    "an acknowledgement (EDI's 997 and CONTRL are such), or the database behind the files",
)
SCREEN = Way(
    "screen",
    "high: a changed screen is a broken connection, or a wrong field that nobody sees",
    "a dialogue that is cut off is in doubt until somebody looks",
    "anything else; as a last resort, reads only",
)
CALLER = Way(
    "caller",
    "medium: Interlock decides and records, and believes what its caller reports",
    "whether it was done is known from the caller's report alone",
    "a connector, so that the layer itself executes",
)
WAYS = (API, MESSAGES, PROGRAM, DATABASE, FILE, SCREEN, CALLER)
"""All ways, the safest first."""
_BY_CONNECTOR = {
    **dict.fromkeys(("broker", "mail", "webhook"), MESSAGES),
    "program": PROGRAM,
    **dict.fromkeys(("sql", "warehouse"), DATABASE),
    **dict.fromkeys(("files", "fixed", "edi"), FILE),
    "terminal": SCREEN,
    "external": CALLER,
}


def way_of(connector: str) -> Way:
    """Return the way into a system by its connector's name; one that is not known here speaks to an API."""
    return _BY_CONNECTOR.get(connector, API)

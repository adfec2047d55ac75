"""What can go wrong with a call to a system, by code: what it means, and what to do about it.

A problem says its code and what happened; `remedied` adds which operation of which system it was and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from interlock.integration.connectors.interface import UNKNOWN, Answer


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem: what its code *means*, and a *fix* for whoever has it, a sentence or two."""

    means: str
    fix: str


DOUBT = "It may have been done: do not send it again under another key before that is settled."
"""What comes first where the outcome is not known."""

_LATER = "Nothing is wrong with the call: make it again later."
_SAY = "Correct the arguments; what is wrong with them stands beside this, where it is safe to show."
_KEY = "Use a key that is new, or repeat the first call exactly."
_READ_AGAIN = "Read the record again, and decide on what it holds now."
_FILE = "Have the file's owner mend the place that is named; nothing else in the file is touched until then."
_PAGING = "Compare `paging` of the operation with what the system does; it may page in another way than is declared."
_SMALLER = "Ask for less at a time, by its arguments, or raise `limits.response` of the system."
_OWN = "Look this code up in the description of the system."
_SCREEN = "Run the dialogue by hand and compare; the program may have another version or ask something new."

PROBLEMS: Mapping[str, Problem] = {
    "access_denied": Problem(
        "The system does not take the credentials, or does not let them do this.",
        "Renew the system's secret, or have its owner grant what the operation needs.",
    ),
    "argument_unfit": Problem("An argument cannot be what it has to be for this system.", _SAY),
    "argument_unsendable": Problem("An argument cannot be sent, such as a text that is none.", _SAY),
    "certificate_untrusted": Problem(
        "The server's certificate is not trusted, or of another name.",
        "Name the server as its certificate does, or its authority as `ca` of the connection.",
    ),
    "columns_changed": Problem(
        "A file has other columns than are declared.",
        "Compare the file with the declared columns, and pin them anew if the change is meant.",
    ),
    "commit_unclear": Problem(
        "The change was being made final when the answer was lost.",
        "Look in the system whether the change is there, and settle the action.",
    ),
    "conflict": Problem("The record changed, or others hold it; nothing was done.", _READ_AGAIN),
    "connection_lost": Problem(
        "The connection broke while the system was at work.",
        "See whether the system or the network between was restarted; `interlock doctor` asks the system.",
    ),
    "connector_broke": Problem(
        "The connector failed in a way that nobody foresaw.",
        "Report it to whoever made the connector, with the kind of error that is named.",
    ),
    "control_number_reused": Problem(
        "Two interchanges bear the same control number and differ.",
        "Ask the partner which of them counts, and to send the other under a number of its own.",
    ),
    "cursor_invalid": Problem(
        "The cursor is not one that this list gave for these arguments.",
        "Begin again without a cursor.",
    ),
    "file_broken": Problem("A file, or a place in it, cannot be read as declared.", _FILE),
    "file_changed": Problem("Somebody else wrote the file meanwhile; nothing was changed.", _LATER),
    "file_exists": Problem("The file is there already.", "Choose another name, or declare that files are replaced."),
    "file_too_large": Problem(
        "A file is, or would be, larger than declared.",
        "Raise the bound that is named, or have the file split.",
    ),
    "folder_too_large": Problem("A folder holds more files than are looked at.", "Move old files away."),
    "input_invalid": Problem("The arguments do not fit the operation's contract.", _SAY),
    "input_required": Problem(
        "The tool asks a question in return, which nobody can answer here.",
        "Give what it asks for as an argument, or do without the tool.",
    ),
    "interchange_refused": Problem(
        "The interchange is broken; the segment is named.",
        "Send the acknowledgement to the partner, who has to send it again.",
    ),
    "key_ambiguous": Problem("More than one record has this key.", _FILE),
    "key_exists": Problem("A record with this key is there, and differs.", _READ_AGAIN),
    "key_reused": Problem("The same idempotency key came with other arguments.", _KEY),
    "key_unfit": Problem(
        "The key to sign with is none.",
        "Store a key of the declared kind as the system's secret.",
    ),
    "key_unreadable": Problem("A record's key cannot be read, so it may be the one that is meant.", _FILE),
    "limit_exceeded": Problem(
        "The system gives no more than a part of the result.",
        "Ask for less at a time, or have the system's limit raised.",
    ),
    "message_too_large": Problem(
        "A message is larger than `max_message`.",
        "Raise `max_message`, or send and ask for less.",
    ),
    "message_unreadable": Problem("A message is in no form that can be read.", "Look at it with a mail program."),
    "message_unsendable": Problem(
        "The broker takes no message of this size or subject.",
        "Send less, or raise the broker's limit.",
    ),
    "method_unknown": Problem(
        "The system has no such method.",
        "Compare the operation with the system's present description: `interlock systems drift`.",
    ),
    "no_stream": Problem(
        "No stream of JetStream takes messages of this subject.",
        "Have the stream made, or its subjects widened.",
    ),
    "no_topic": Problem("The broker has no such topic.", "Have the topic made, or correct its name."),
    "not_found": Problem("The system does not have what was asked for.", "Check the identifier by a search."),
    "not_supported": Problem("The server cannot do what the operation needs.", "Use another operation, or server."),
    "not_undone": Problem(
        "A change that had to be taken back could not be.",
        "Look in the system what is left of the change, and settle the action.",
    ),
    "operation_unknown": Problem(
        "No system of the project declares this operation.",
        "See `interlock operations list` for those that there are.",
    ),
    "page_stale": Problem("The list has changed since the page before.", "Begin again at the first page."),
    "paging_broken": Problem("A page does not fit what is declared of the list.", _PAGING),
    "paging_endless": Problem("The list does not end.", _PAGING),
    "paging_refused": Problem("The next page is at an address that is not asked.", _PAGING),
    "paging_repeats": Problem("The system gives a page again that was there before.", _PAGING),
    "partly_done": Problem(
        "The system did a part of what it was asked.",
        "Look in the system which part was done, and settle the action.",
    ),
    "partly_read": Problem(
        "What was asked was done, and a part of what came of it could not be read.",
        "Read the record to see the rest; do not make the change again.",
    ),
    "program_failed": Problem(
        "The program ended with a status that is not declared.",
        "See the program's own log, and declare under `exit` what the status means.",
    ),
    "rate_limited": Problem(
        "The system was asked too often.",
        "Make the call again after `retry_after` seconds; `limits.rate` keeps the calls below what the system allows.",
    ),
    "receiver_gone": Problem(
        "The receiver wants no more events.",
        "Ask its owner for the new address, or stop sending.",
    ),
    "redirected": Problem(
        "The system answered with a redirect, which is not followed.",
        "Write the address that it leads to into the connection, if that is the system's own.",
    ),
    "referral": Problem(
        "Another server holds the entry, and referrals are not followed.",
        "Declare that server as a system too, or name a base that this one holds.",
    ),
    "refused": Problem("The system refused what it was asked; nothing was done.", _SAY),
    "response_too_large": Problem("The answer is larger than allowed.", _SMALLER),
    "response_unreadable": Problem(
        "The answer cannot be unpacked.",
        "Have the system's owner look at how it compresses what it sends.",
    ),
    "result_breaks_contract": Problem(
        "The answer has another form than the contract says.",
        "Compare the contract with what the system gives now (`interlock systems drift`), and pin it anew.",
    ),
    "result_unread": Problem("The change was confirmed, and its result was not shown.", _SCREEN),
    "row_broken": Problem("A row cannot be read as declared.", _FILE),
    "screen_unexpected": Problem("The program did not show what is expected.", _SCREEN),
    "state_away": Problem(
        "What was done under which key cannot be kept.",
        "Make room in the project's state folder, and let the process write there.",
    ),
    "statement_refused": Problem(
        "The engine does not take the statement.",
        "Try the statement with the engine itself; tables may have changed.",
    ),
    "status_unexpected": Problem(
        "The system answered with a status that is not declared.",
        "Declare under `expect` what the status means.",
    ),
    "stream_unfinished": Problem("The stream did not end within its bounds.", _SMALLER),
    "system_busy": Problem("More calls are under way than the system takes.", _LATER),
    "system_error": Problem(
        "The system failed.",
        "Make the call again later; if it fails again, the system's own log says why.",
    ),
    "system_unavailable": Problem(
        "The system kept failing, so it is left alone for a while.",
        "Make the call again after `limits.pause`; `interlock doctor` asks the system.",
    ),
    "timed_out": Problem(
        "The time limit passed.",
        "Ask for less, or raise `timeout` of the operation or of the system's `limits`.",
    ),
    "too_costly": Problem("The read needs more memory or disk than it may have.", "Ask for less at a time."),
    "too_many_rows": Problem(
        "The result has more rows than allowed.",
        "Ask for less by the arguments, or raise `max_rows` of the operation.",
    ),
    "unexpected_rows": Problem(
        "The statement touched another number of rows than `expect_rows`; it was taken back.",
        _READ_AGAIN,
    ),
    "unroutable": Problem("No queue takes messages of this topic.", "Have a queue bound to it, or correct its name."),
    "unreachable": Problem(
        "Nobody answers at the system's address; nothing was sent.",
        "See that the system runs, and that `connection` names it rightly.",
    ),
    "value_unfit": Problem("A value of the result cannot be written as JSON.", "Convert it in the statement."),
    "version_changed": Problem("The record has changed since this version.", _READ_AGAIN),
}
"""What connectors say, by code. A connector of your own may have codes beside these, with a `fix` in the problem."""


def remedied(answer: Answer, operation: str) -> Answer:
    """Return *answer* with *operation* (as `system.operation`) and what to do in its problem, where it has one.

    A `fix` that the connector gave stays. A code that nobody knows here, such as what a declaration calls the exit of a
    program, is its system's own.
    """
    if answer.problem is None:
        return answer
    known = PROBLEMS.get(str(answer.problem.get("code", "")))
    fix = str(answer.problem.get("fix") or (known.fix if known is not None else _OWN))
    told = {"fix": f"{DOUBT} {fix}" if answer.status == UNKNOWN else fix}
    if operation:
        told["operation"] = operation
    return replace(answer, problem={**answer.problem, **told})

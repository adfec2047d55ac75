"""What keeps a read of a warehouse from being answered, beside what files have.

FilesTrouble
 +-- ValueUnfit       a value is not of the declared type
 +-- StatementRefused the engine does not take the statement
 +-- TooCostly        the read needs more memory or disk than it may have
 +-- Closed           the connector is closed
"""

from __future__ import annotations

from interlock.integration.connectors.files.errors import FilesTrouble


class ValueUnfit(FilesTrouble):
    """A value of the data, or an argument, is not of its declared type."""

    code = "value_unfit"


class StatementRefused(FilesTrouble):
    """The engine does not take the statement."""

    code = "statement_refused"


class TooCostly(FilesTrouble):
    """The read needs more memory or disk than it may have."""

    code = "too_costly"


class Closed(FilesTrouble):
    """The connector is closed."""

    code = "unreachable"
    sent = False

"""What can go wrong with a value expression.

InterlockError
 +-- ExpressionInvalid   the text is no expression, or names something that does not exist
 +-- ExpressionFailed    the expression had no value for what it was given
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class ExpressionInvalid(InterlockError):
    """The text is not a CEL expression over the variables that are there."""

    code = "expression_invalid"
    status = 422
    title = "The expression is not valid"


class ExpressionFailed(InterlockError):
    """The expression has no value here: a field is not there, types do not fit, a division by zero."""

    code = "expression_failed"
    status = 422
    title = "The expression has no value"

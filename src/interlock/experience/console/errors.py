"""What can go wrong on the console itself.

InterlockError
 +-- FormForged          a form came without the token that its page carried
 +-- FormInvalid         a form's field does not hold what it must
 +-- PersonNeeded        the credential is not a person's own
"""

from __future__ import annotations

from interlock.values.errors import InterlockError


class FormForged(InterlockError):
    """The form did not carry its page's token, or came from another site."""

    code = "form_forged"
    status = 403
    title = "The form cannot be trusted"


class FormInvalid(InterlockError):
    """A field of the form does not hold what it must."""

    code = "form_invalid"
    status = 422
    title = "The form is not filled in rightly"


class PersonNeeded(InterlockError):
    """The console is for people; agents and services have interfaces of their own."""

    code = "person_needed"
    status = 403
    title = "The console is for people"

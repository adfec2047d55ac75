"""Errors of credentials.

InterlockError
 +-- Unauthenticated            the caller did not show who is calling; why is for the operator's log alone
 |    +-- KeyExpired            a genuine key whose time is over
 |    +-- TokenExpired          a genuine token whose time is over
 +-- ScopeMissing               the credential does not cover this use
 +-- KeyInvalid                 a key is asked for that may not be
 +-- KeyNotFound                no such key, or it is over already
 +-- IdentityUnavailable        an issuer's keys cannot be had, so its tokens cannot be checked
 +-- UnsafeListen               demo secrets, and an address that others can reach
"""

from __future__ import annotations

from enum import StrEnum

from interlock.values.errors import InterlockError


class Refusal(StrEnum):
    """Why a credential was refused, for the operator's log; the caller is not told."""

    absent = "absent"
    malformed = "malformed"
    key_unknown = "key_unknown"
    key_wrong = "key_wrong"
    key_expired = "key_expired"
    key_revoked = "key_revoked"
    key_not_yet = "key_not_yet"
    principal_unknown = "principal_unknown"
    tenant_mismatch = "tenant_mismatch"
    token_issuer = "token_issuer"
    token_audience = "token_audience"
    token_algorithm = "token_algorithm"
    token_key = "token_key"
    token_signature = "token_signature"
    token_expired = "token_expired"
    token_not_yet = "token_not_yet"
    token_claims = "token_claims"


class Unauthenticated(InterlockError):
    """The caller did not show who is calling.

    *reason* and *credential* (a key's id or an issuer; never a secret) are for the operator's log; they are
    no part of what the caller sees.
    """

    code = "unauthenticated"
    status = 401
    title = "Who is calling is not known"

    def __init__(self, reason: Refusal, *, credential: str = "") -> None:
        super().__init__(
            "the request carries no credential that is accepted here",
            fix="send an API key or a token as 'Authorization: Bearer ...'",
        )
        self.reason = reason
        self.credential = credential


class KeyExpired(Unauthenticated):
    """The key is genuine and its time is over."""

    code = "key_expired"
    title = "The key has expired"

    def __init__(self, *, credential: str) -> None:
        super().__init__(Refusal.key_expired, credential=credential)
        self.args = (f"the key {credential} has expired",)
        self.what, self.fix = f"the key {credential} has expired", "use its successor, or ask for a new one"


class TokenExpired(Unauthenticated):
    """The token is genuine and its time is over."""

    code = "token_expired"
    title = "The token has expired"

    def __init__(self, *, credential: str) -> None:
        super().__init__(Refusal.token_expired, credential=credential)
        self.args = ("the token has expired",)
        self.what, self.fix = "the token has expired", "sign in again, or refresh it"


class ScopeMissing(InterlockError):
    """The credential does not cover this use."""

    code = "scope_missing"
    status = 403
    title = "The credential does not cover this"


class KeyInvalid(InterlockError):
    """A key is asked for that may not be: for nobody, for a scope that there is not, already over."""

    code = "key_invalid"
    status = 422
    title = "Not a key that can be made"


class KeyNotFound(InterlockError):
    """There is no such key in this tenant, or it is over already."""

    code = "key_not_found"
    status = 404
    title = "No such key"


class IdentityUnavailable(InterlockError):
    """An issuer's keys cannot be had, so its tokens can neither be accepted nor refused."""

    code = "identity_unavailable"
    status = 503
    title = "Tokens cannot be checked at the moment"
    transient = True


class UnsafeListen(InterlockError):
    """Demo or guessable secrets are in use, and others could reach the address to listen on."""

    code = "unsafe_listen"
    status = 500
    title = "Demo secrets beyond this machine"

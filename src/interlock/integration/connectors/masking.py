"""Our own credentials, kept out of what a system answers, should it repeat them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from interlock.foundation.http import HttpResponse
from interlock.values.secrets import MASK

SHORTEST = 8  # characters of a credential that is looked for in answers; a shorter one may be an ordinary word


def credentials(signed: Iterable[str]) -> list[bytes]:
    """Return what of the headers that say who we are must never come back: the part after a scheme's name."""
    texts = [value.rpartition(" ")[2] for value in signed]
    return [text.encode() for text in texts if len(text) >= SHORTEST]


def without(response: HttpResponse, hidden: list[bytes]) -> HttpResponse:
    """Return *response* with what is *hidden* masked."""
    body = response.body
    for credential in hidden:
        if credential in body:
            body = body.replace(credential, MASK.encode())
    return response if body is response.body else replace(response, body=body)

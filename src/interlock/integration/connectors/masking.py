"""Our own credentials, kept out of what a system answers, should it repeat them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote

from interlock.foundation.http import HttpResponse
from interlock.values.secrets import MASK

SHORTEST = 8  # characters of a credential that is looked for in answers; a shorter one may be an ordinary word


def credentials(signed: Iterable[str]) -> list[bytes]:
    """Return what of the headers that say who we are must never come back: the part after a scheme's name, and what it
    stands for where it is encoded.
    """
    texts: dict[str, None] = {}
    for value in signed:
        scheme, _, text = value.rpartition(" ")
        texts |= dict.fromkeys((text, unquote(text), _password(text) if scheme.lower() == "basic" else ""))
    return [text.encode() for text in texts if len(text) >= SHORTEST]


def _password(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


class _Headers(Mapping[str, str]):
    """Headers in which what is *hidden* is masked."""

    def __init__(self, headers: Mapping[str, str], hidden: list[str]) -> None:
        self._headers = headers
        self._hidden = hidden

    def __getitem__(self, name: str) -> str:
        value = self._headers[name]
        for credential in self._hidden:
            value = value.replace(credential, MASK)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def without(response: HttpResponse, hidden: list[bytes]) -> HttpResponse:
    """Return *response* with what is *hidden* masked."""
    body, headers = response.body, response.headers
    for credential in hidden:
        if credential in body:
            body = body.replace(credential, MASK.encode())
    texts = [credential.decode() for credential in hidden]
    if any(text in value for text in texts for value in headers.values()):
        headers = _Headers(headers, texts)
    if body is response.body and headers is response.headers:
        return response
    return replace(response, body=body, headers=headers)

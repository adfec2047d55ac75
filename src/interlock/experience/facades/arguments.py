"""What a caller gives, read from a path, a query and a body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from interlock.experience.api.errors import RequestInvalid, RequestMalformed
from interlock.integration.facades import Endpoint, resolved

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_WORDS = {"true": True, "false": False}
MOST_MEMBERS = 1000


def given_of(endpoint: Endpoint, path: Mapping[str, str], query: bytes, body: Any) -> dict[str, Any]:
    """Return what is given, words turned into the values that the endpoint's schema wants where they can be.

    Whether it fits is the contract's matter. Raises `RequestMalformed`, and `RequestInvalid` for a name that is given
    twice.
    """
    schema = endpoint.input_schema
    given: dict[str, Any] = dict(body)
    for name, words in _query(query).items():
        _take(given, name, _value(words, schema["properties"].get(name, {}), schema))
    for name, word in path.items():
        _take(given, name, _value([word], schema["properties"].get(name, {}), schema))
    return given


def _take(given: dict[str, Any], name: str, value: Any) -> None:
    if name in given:
        raise RequestInvalid("an argument is given in two places", fix="give it once", field=name)
    given[name] = value


def _query(raw: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_MEMBERS)
    except (UnicodeDecodeError, ValueError) as error:
        raise RequestMalformed("the query is not percent-encoded UTF-8, or too long") from error
    for name, word in pairs:
        found.setdefault(name, []).append(word)
    return found


def _value(words: Sequence[str], schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    kinds = _kinds(schema, root)
    if "array" in kinds:
        items = resolved(schema, root).get("items")
        inner = items if isinstance(items, Mapping) else {}
        return [_word(word, _kinds(inner, root)) for word in words]
    if len(words) > 1:
        return list(words)  # which does not fit, and is said to
    return _word(words[0], kinds)


def _kinds(schema: Mapping[str, Any], root: Mapping[str, Any]) -> set[str]:
    node = resolved(schema, root)
    kinds = node.get("type", ())
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    for word in ("anyOf", "oneOf"):
        members = node.get(word)
        for one in members if isinstance(members, list) else ():
            if isinstance(one, Mapping) and not found:
                found |= _kinds(one, root) if "$ref" not in one else set()
    return found


def _word(word: str, kinds: set[str]) -> Any:
    if "string" in kinds:
        return word
    if "integer" in kinds and _INTEGER.fullmatch(word):
        return int(word)
    if "number" in kinds and _NUMBER.fullmatch(word):
        return int(word) if _INTEGER.fullmatch(word) else float(word)
    if "boolean" in kinds and word in _WORDS:
        return _WORDS[word]
    return word

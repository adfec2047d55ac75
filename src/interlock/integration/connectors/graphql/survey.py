"""What a GraphQL schema offers: an operation for each field of its queries and mutations, with its plain members."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.errors import SourceUnfit
from interlock.integration.connectors.graphql.introspection import introspect
from interlock.integration.connectors.graphql.schema import SchemaInvalid, schema_of
from interlock.integration.connectors.interface import Ports
from interlock.integration.connectors.surveys import FILES, Offer, Source, Survey
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
_DEFINES = re.compile(
    rb"^[ \t]{0,40}(?:extend\s{1,9})?(?:schema\s{0,9}[@{]|type\s{1,9}(?:Query|Mutation)\b)", re.MULTILINE
)
_INTROSPECTED = re.compile(rb'^\s*\{(?:\s*"data"\s*:\s*\{)?\s*"__schema"\s*:')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ADDRESS = "http://127.0.0.1:8080/graphql"


def recognises(source: Source) -> bool:
    """Return whether *source* holds a schema's definitions or the result of an introspection."""
    content = source.content
    return content is not None and bool(_INTROSPECTED.match(content) or _DEFINES.search(content))


async def survey(source: Source, ports: Ports) -> Survey:
    """Return what a schema offers; the one of a file, or the one that the system at an address tells.

    Raises `SourceUnfit` and `SystemUnreachable`.
    """
    live = source.address.startswith(("http://", "https://"))
    content, notes = source.content or b"", []
    if live and not recognises(source):
        found = await introspect(ports.http, source.address, _HEADERS)
        if found is None:
            raise SourceUnfit("the system does not tell its schema", fix="connect a file that holds the schema")
        content, schema = found
        url = source.address
    else:
        content = source.document
        try:
            schema = schema_of(content)
        except SchemaInvalid as error:
            raise SourceUnfit("the GraphQL schema cannot be read", why=str(error)) from error
        url = _ADDRESS
        notes.append("a schema does not say where the system is: write `url`")
    notes.append("a schema does not say who may call: write `auth`")
    file = "schema.json" if content.lstrip()[:1] == b"{" else "schema.graphql"
    connection = {"url": url, "schema": f"{FILES}{file}"}
    return Survey("", connection, tuple(_offers(schema)), files={file: content}, notes=tuple(notes))


def _offers(schema: GraphQLSchema) -> Iterator[Offer]:
    taken: set[str] = set()
    for root, word, effect in (
        (schema.query_type, "query", Effect.read),
        (schema.mutation_type, "mutation", Effect.write),
    ):
        for name, one in (root.fields if root else {}).items():
            origin = name[:1].upper() + name[1:]
            yield Offer(
                origin=_document(word, origin, name, one),
                name=_fresh(name, taken),
                description=" ".join((one.description or "").split())[:500],
                tags=(word,),
                effect=effect,
                deprecated=one.deprecation_reason is not None,
            )


def _document(word: str, origin: str, name: str, one: Any) -> str:
    variables = ", ".join(f"${argument}: {each.type}" for argument, each in one.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in one.args)
    head = f"{word} {origin}{f'({variables})' if variables else ''}"
    return f"{head} {{ {name}{f'({passed})' if passed else ''}{_selection(one.type)} }}"


def _selection(kind: Any) -> str:
    """Return the members of *kind* that need neither arguments nor a selection; of a union, what it is."""
    from graphql import get_named_type, is_leaf_type, is_required_argument, is_union_type

    named: Any = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    plain = (
        []
        if is_union_type(named)
        else [
            name
            for name, one in named.fields.items()
            if is_leaf_type(get_named_type(one.type)) and not any(map(is_required_argument, one.args.values()))
        ]
    )
    return f" {{ {' '.join(plain) or '__typename'} }}"


def _fresh(name: str, taken: set[str]) -> str:
    words = "_".join(word.lower() for word in _WORD.findall(name))[:60].strip("_")
    base = words if words[:1].isalpha() else f"field_{words}".strip("_")
    number, found = 2, base
    while found in taken:
        found = f"{base}_{number}"
        number += 1
    taken.add(found)
    return found

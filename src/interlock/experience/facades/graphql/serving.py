"""Answering GraphQL over HTTP: each field of a request is a call of an endpoint, decided by itself.

Requests and answers are as the GraphQL-over-HTTP specification has them. Queries run side by side, mutations one after
the other. A request may ask for a bounded number of calls, and nest to a bounded depth.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interlock.experience.facades.calling import Calling, Visit
from interlock.experience.facades.errors import QueryInvalid
from interlock.experience.facades.graphql.types import EMPTY, require, schema_of
from interlock.experience.facades.standing import code_of, standing_of, words_of
from interlock.integration.facades import Endpoint, Facade
from interlock.values.errors import InterlockError

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLResolveInfo, GraphQLSchema, OperationDefinitionNode

MOST_CALLS, MOST_TOKENS, DEEPEST = 20, 5000, 20
_SCHEMAS = 200


@dataclass(frozen=True, slots=True)
class Query:
    """A request's parts."""

    text: str = field(repr=False)
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    operation: str = ""


def query_of(body: Any) -> Query:
    """Return the request that a body or a query string holds. Raises `QueryInvalid`."""
    if not isinstance(body, Mapping) or not isinstance(body.get("query"), str):
        raise QueryInvalid("there is no `query`", fix='send {"query": "...", "variables": {...}}')
    variables, operation = body.get("variables") or {}, body.get("operationName") or ""
    if not isinstance(variables, dict) or not isinstance(operation, str):
        raise QueryInvalid("`variables` must be an object and `operationName` a text")
    return Query(body["query"], variables, operation)


@dataclass(frozen=True, slots=True)
class _Answering:
    """What the fields of one request share."""

    visit: Visit
    calling: Calling
    endpoints: Mapping[str, Endpoint]

    async def resolve(self, _source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
        from graphql import GraphQLError

        key = f"{self.visit.key}/{info.path.key}" if self.visit.key else ""
        endpoint = self.endpoints[info.field_name]
        try:
            told = await self.calling.call(self.visit, endpoint, given, key=key)
        except InterlockError as error:
            extensions = {"code": error.code, "fix": error.fix, **error.details}
            raise GraphQLError(error.what, extensions=extensions) from error
        if told.done:
            return told.value
        assert told.action is not None  # or it were done
        extensions = {"code": code_of(told.action), **standing_of(told.action)}
        raise GraphQLError(words_of(told.action), extensions=extensions)


class GraphQl:
    """Answers the GraphQL requests of all facades of one process."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling
        self._schemas: OrderedDict[tuple[str, str, tuple[str, ...]], GraphQLSchema] = OrderedDict()

    async def answer(
        self, visit: Visit, query: Query, endpoints: Sequence[Endpoint], *, version: str, only_reads: bool
    ) -> dict[str, Any]:
        """Return the answer, of which `data` is missing where nothing was executed.

        *endpoints* are those that the caller may use, of the project of *version*; *only_reads* refuses mutations.
        Raises `InterfaceMissing`, and `QueryInvalid` for what asks for too much.
        """
        require()
        from graphql import GraphQLError, GraphQLSyntaxError, execute, parse

        schema = self._schema(visit.facade, endpoints, version)
        try:
            document = parse(query.text, max_tokens=MOST_TOKENS)
        except GraphQLSyntaxError as error:
            return {"errors": [error.formatted]}
        except (GraphQLError, RecursionError) as error:
            raise QueryInvalid("the request cannot be read", why="it is too long, or nests too deeply") from error
        if wrong := _wrong(schema, document):
            return {"errors": [error.formatted for error in wrong]}
        operation = _operation(document, query.operation)
        _bounded(document, operation)
        if only_reads and operation.operation.value != "query":
            raise QueryInvalid("GET asks for queries only", fix="send mutations with POST")
        answering = _Answering(visit, self._calling, {endpoint.name: endpoint for endpoint in endpoints})

        def resolver(source: Any, info: GraphQLResolveInfo[Any], **given: Any) -> Any:
            return answering.resolve(source, info, **given)

        result: Any = execute(
            schema,
            document,
            variable_values=query.variables,
            operation_name=query.operation or None,
            field_resolver=resolver,
        )
        if hasattr(result, "__await__"):
            result = await result
        shown: dict[str, Any] = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
        if result.data is not None or not _before_execution(result.errors):
            shown["data"] = result.data
        return shown

    def _schema(self, facade: Facade, endpoints: Sequence[Endpoint], version: str) -> GraphQLSchema:
        key = (version, facade.name, tuple(endpoint.name for endpoint in endpoints))
        known = self._schemas.get(key)
        if known is None:
            known = self._schemas[key] = schema_of(facade, endpoints)
            if len(self._schemas) > _SCHEMAS:
                self._schemas.popitem(last=False)
        else:
            self._schemas.move_to_end(key)
        return known


def _wrong(schema: GraphQLSchema, document: DocumentNode) -> list[Any]:
    from graphql import validate

    try:
        return validate(schema, document)
    except RecursionError as error:
        raise QueryInvalid("the request cannot be read", why="it nests too deeply") from error


def _before_execution(errors: Sequence[Any] | None) -> bool:
    """Whether the errors are of the request itself, such as variables that do not fit: then there is no data."""
    return bool(errors) and all(error.path is None for error in errors or ())


def _operation(document: DocumentNode, name: str) -> OperationDefinitionNode:
    from graphql import OperationDefinitionNode

    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in operations if not name or (one.name is not None and one.name.value == name)]
    if len(named) != 1:
        raise QueryInvalid("it is not clear which operation is meant", fix="name one of them with `operationName`")
    return named[0]


class _Sizes:
    """How many calls a document's parts make, and how deep they nest; each fragment is looked at once."""

    def __init__(self, document: DocumentNode) -> None:
        from graphql import FragmentDefinitionNode

        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, node: Any) -> tuple[int, int]:
        """Return the calls that *node* makes as the root of a request, and its depth."""
        from graphql import FieldNode, FragmentSpreadNode

        calls = depth = 0
        for selection in node.selection_set.selections if node.selection_set is not None else ():
            if isinstance(selection, FieldNode):
                name = selection.name.value
                own, inner = int(not name.startswith("__") and name != EMPTY), 1 + self.of(selection)[1]
            elif isinstance(selection, FragmentSpreadNode):
                own, inner = self._spread(selection.name.value)
            else:
                own, inner = self.of(selection)
            calls, depth = calls + own, max(depth, inner)
        return calls, depth

    def _spread(self, name: str) -> tuple[int, int]:
        if name not in self._known:
            self._known[name] = self.of(self._fragments[name])
        return self._known[name]


def _bounded(document: DocumentNode, operation: OperationDefinitionNode) -> None:
    """Raise `QueryInvalid` where an operation makes too many calls or nests too deeply; results may hold themselves."""
    try:
        calls, depth = _Sizes(document).of(operation)
    except RecursionError as error:
        raise QueryInvalid("the request cannot be read", why="it nests too deeply") from error
    if calls > MOST_CALLS:
        raise QueryInvalid(
            f"a request may make {MOST_CALLS} calls", why="each of its fields is one", fix="send several"
        )
    if depth > DEEPEST:
        raise QueryInvalid(f"a request may nest {DEEPEST} levels deep", fix="ask for less at once")

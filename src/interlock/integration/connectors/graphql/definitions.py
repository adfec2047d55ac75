"""From a named operation in a document to an operation's definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.graphql.inputs import Inputs
from interlock.integration.connectors.graphql.outputs import Outputs
from interlock.integration.connectors.graphql.schema import SchemaInvalid
from interlock.integration.contracts import Definition
from interlock.values.operations import Effect

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

DESCRIPTION_LENGTH = 2000
MOST_TOKENS = 20_000
_PIECEMEAL = frozenset({"defer", "stream"})


def parse_documents(*texts: str) -> DocumentNode:
    """Return one document of all *texts*. Raises `SchemaInvalid`."""
    from graphql import GraphQLError, concat_ast, parse

    try:
        return concat_ast([parse(text, no_location=True, max_tokens=MOST_TOKENS) for text in texts])
    except GraphQLError as error:
        raise SchemaInvalid(f"is no GraphQL document: {error.message}") from error
    except RecursionError as error:
        raise SchemaInvalid("is nested too deeply") from error


def pick(document: DocumentNode, name: str) -> DocumentNode:
    """Return the operation *name* with the fragments that it needs; an empty *name* is the only one.

    Raises `SchemaInvalid`.
    """
    from graphql import OperationDefinitionNode, separate_operations

    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    names = [one.name.value if one.name else "" for one in operations]
    if len(set(names)) < len(names):
        raise SchemaInvalid("has two operations of one name")
    if not name and len(names) == 1:
        name = names[0]
    if name not in names:
        known = ", ".join(sorted(one for one in names if one)) or "none with a name"
        raise SchemaInvalid(f"names the operation {name!r}, which no document has; there are: {known}")
    return separate_operations(document)[name]


def define(schema: GraphQLSchema, document: DocumentNode, effect: Effect, scalars: Mapping[str, Any]) -> Definition:
    """Return the definition of the one operation in *document*. Raises `SchemaInvalid`."""
    from graphql import FragmentDefinitionNode, OperationDefinitionNode, OperationType, print_ast, validate

    try:
        errors = validate(schema, document)
    except RecursionError as error:
        raise SchemaInvalid("is nested too deeply") from error
    if errors:
        raise SchemaInvalid(f"does not fit the schema: {errors[0].message}")
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    _fits(operation, effect)
    text = print_ast(document)
    if any(f"@{word}" in text for word in _PIECEMEAL):
        raise SchemaInvalid("uses @defer or @stream; an answer comes in one piece")
    mutation = operation.operation is OperationType.MUTATION
    root = schema.mutation_type if mutation else schema.query_type
    if root is None:
        raise SchemaInvalid("asks for what the schema has no type for")
    outputs = Outputs(schema, fragments, scalars)
    members = outputs.fields(root, operation.selection_set)
    if mutation and (len(members) != 1 or not next(iter(members.values())).always):
        raise SchemaInvalid("must change one thing, always: one field without @include and @skip")
    first = next(iter(members.values())).nodes[0][0].name.value
    known = root.fields.get(first)
    return Definition(
        Inputs(schema, scalars).arguments(operation),
        outputs.record(root, members),
        {
            "document": text,
            "operation": operation.name.value if operation.name else "",
            "field": next(iter(members)) if mutation else "",
        },
        ((known.description if known else "") or "")[:DESCRIPTION_LENGTH],
    )


def _fits(operation: OperationDefinitionNode, effect: Effect) -> None:
    """Raise `SchemaInvalid` unless the operation's kind can have *effect*."""
    from graphql import OperationType

    if operation.operation is OperationType.SUBSCRIPTION:
        raise SchemaInvalid("is a subscription, which no call can wait for")
    if operation.operation is OperationType.MUTATION and effect is Effect.read:
        raise SchemaInvalid("is a mutation, so its effect cannot be `read`")
    if operation.operation is OperationType.QUERY and effect is not Effect.read:
        raise SchemaInvalid("is a query, so its effect is `read`")

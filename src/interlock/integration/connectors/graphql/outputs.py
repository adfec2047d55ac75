"""What an operation selects, as a JSON Schema of its `data`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interlock.integration.connectors.graphql.inputs import nullable, scalar
from interlock.integration.connectors.graphql.schema import SchemaInvalid

if TYPE_CHECKING:
    from graphql import FieldNode, FragmentDefinitionNode, GraphQLObjectType, GraphQLSchema, SelectionSetNode

MOST_PARTS = 20_000
_CONDITIONS = frozenset({"include", "skip"})


@dataclass(slots=True)
class Selected:
    """One member of a result: the *nodes* that select it, and whether it is *always* there."""

    nodes: list[tuple[FieldNode, bool]] = field(default_factory=list)
    always: bool = False


class Outputs:
    """Turns selections into schemas, each fragment by the types that it applies to."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        scalars: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._scalars = scalars
        self._parts = 0

    def fields(self, kind: GraphQLObjectType, selection: SelectionSetNode) -> dict[str, Selected]:
        """Return what is selected of *kind*, by the names in the result."""
        found: dict[str, Selected] = {}
        for key, node, conditional in self._nodes(kind, selection, conditional=False):
            self._add(found, key, node, conditional=conditional)
        return found

    def record(self, kind: GraphQLObjectType, members: Mapping[str, Selected]) -> dict[str, Any]:
        """Return the schema of an object of *kind* with *members*. Raises `SchemaInvalid`."""
        properties = {key: self._member(kind, one) for key, one in members.items()}
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        required = sorted(key for key, one in members.items() if one.always)
        return schema | ({"required": required} if required else {})

    def _member(self, kind: GraphQLObjectType, selected: Selected) -> dict[str, Any]:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise SchemaInvalid(f"selects more than {MOST_PARTS} members; select fewer, or of fewer types")
        name = selected.nodes[0][0].name.value
        if name == "__typename":
            return {"const": kind.name}
        if name.startswith("__"):
            raise SchemaInvalid(f"selects {name}, which asks for the schema and not for data")
        return self._of(kind.fields[name].type, selected)

    def _of(self, kind: Any, selected: Selected) -> dict[str, Any]:
        from graphql import is_non_null_type

        return (
            self._present(kind.of_type, selected) if is_non_null_type(kind) else nullable(self._present(kind, selected))
        )

    def _present(self, kind: Any, selected: Selected) -> dict[str, Any]:
        from graphql import is_enum_type, is_list_type, is_object_type, is_scalar_type

        if is_list_type(kind):
            return {"type": "array", "items": self._of(kind.of_type, selected)}
        if is_scalar_type(kind):
            return scalar(kind.name, self._scalars)
        if is_enum_type(kind):
            return {"type": "string", "enum": sorted(kind.values)}
        if is_object_type(kind):
            return self.record(kind, self._below(kind, selected))
        forms: list[dict[str, Any]] = []
        for possible in sorted(self._schema.get_possible_types(kind), key=lambda one: one.name):
            form = self.record(possible, self._below(possible, selected))
            if form not in forms:
                forms.append(form)
        return forms[0] if len(forms) == 1 else {"anyOf": forms}

    def _below(self, kind: GraphQLObjectType, selected: Selected) -> dict[str, Selected]:
        found: dict[str, Selected] = {}
        for node, conditional in selected.nodes:
            # Where one node alone selects the member, what is below is there whenever the member is.
            depends = conditional and len(selected.nodes) > 1
            if node.selection_set is not None:
                for key, inner, also in self._nodes(kind, node.selection_set, conditional=depends):
                    self._add(found, key, inner, conditional=also)
        return found

    @staticmethod
    def _add(found: dict[str, Selected], key: str, node: FieldNode, *, conditional: bool) -> None:
        selected = found.setdefault(key, Selected())
        selected.nodes.append((node, conditional))
        selected.always = selected.always or not conditional

    def _nodes(
        self, kind: GraphQLObjectType, selection: SelectionSetNode, *, conditional: bool
    ) -> Iterator[tuple[str, FieldNode, bool]]:
        from graphql import FieldNode, FragmentSpreadNode

        for one in selection.selections:
            depends = conditional or any(each.name.value in _CONDITIONS for each in one.directives or ())
            if isinstance(one, FieldNode):
                yield (one.alias or one.name).value, one, depends
                continue
            fragment: Any = self._fragments[one.name.value] if isinstance(one, FragmentSpreadNode) else one
            if self._applies(fragment.type_condition, kind):
                yield from self._nodes(kind, fragment.selection_set, conditional=depends)

    def _applies(self, condition: Any, kind: GraphQLObjectType) -> bool:
        from graphql import is_abstract_type

        if condition is None or condition.name.value == kind.name:
            return True
        wider: Any = self._schema.get_type(condition.name.value)
        return is_abstract_type(wider) and self._schema.is_sub_type(wider, kind)

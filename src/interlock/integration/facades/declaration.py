"""A facade as its file declares it, against the operations that the project has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.foundation.documents import Document, Findings
from interlock.foundation.settings.quantities import duration, rate
from interlock.integration.facades.facade import Endpoint, Facade
from interlock.integration.facades.fields import Inputs, Outputs, Path, part, path_of, resolved, unknown
from interlock.integration.facades.paging import CURSOR, LIMIT, Counting, Cutting, Following, Keyed, Paging, Walk
from interlock.integration.systems import Catalog, CompiledOperation
from interlock.values.operations import Effect

METHODS = ("get", "post", "put", "patch", "delete")
OWN_PATHS = frozenset({"/openapi.json", "/graphql", "/mcp"})
SIZE, MOST = 50, 500


def facade_from_document(document: Document, catalog: Catalog) -> Facade:
    """Return the facade of a document of kind `facade`. Raises `ProjectInvalid` with all findings."""
    data = document.data
    findings = Findings()
    endpoints: dict[str, Endpoint] = {}
    taken: dict[tuple[str, str], str] = {}
    for name, declared in data["operations"].items():
        compiled = catalog.operations.get(declared["operation"])
        place = f"/operations/{name}"
        if compiled is None:
            findings.add(document.finding(f"{place}/operation", f"no system declares {declared['operation']!r}"))
            continue
        endpoint = _Declaration(document, place, declared, compiled, findings).endpoint(name)
        way = (endpoint.method, "/".join("{}" if s.startswith("{") else s for s in endpoint.path.split("/")))
        if way in taken:
            message = f"{endpoint.method} {endpoint.path} is the way of {taken[way]!r} already"
            findings.add(document.finding(f"{place}/{endpoint.method.lower()}", message))
        taken[way] = name
        endpoints[name] = endpoint
    findings.raise_if_any()
    return Facade(
        name=data["facade"],
        title=data.get("title", data["facade"]),
        description=data.get("description", ""),
        version=data.get("version", "1"),
        rate=rate(data["rate"]) if "rate" in data else 0.0,
        endpoints=endpoints,
    )


class _Declaration:
    """One member of a file's `operations`, beside the operation that it names."""

    def __init__(
        self,
        document: Document,
        place: str,
        declared: Mapping[str, Any],
        compiled: CompiledOperation,
        findings: Findings,
    ) -> None:
        self._document = document
        self._place = place
        self._declared = declared
        self._compiled = compiled
        self._operation = compiled.operation
        self._findings = findings

    def endpoint(self, name: str) -> Endpoint:
        """Return the endpoint; what is wrong with it goes to the findings."""
        method = next(word for word in METHODS if word in self._declared)
        walk, paged = self._walk()
        inputs = self._inputs(paged)
        items = path_of(self._declared["items"]) if "items" in self._declared else None
        endpoint = Endpoint(
            name=name,
            compiled=self._compiled,
            method=method.upper(),
            path=self._declared[method],
            description=self._declared.get("description", self._operation.description),
            inputs=inputs,
            outputs=self._outputs(items),
            items=items,
            paging=self._paging(walk),
            cache=duration(self._declared["cache"]) if "cache" in self._declared else 0.0,
        )
        self._check(endpoint, method)
        return endpoint

    def _report(self, member: str, message: str) -> None:
        self._findings.add(self._document.finding(f"{self._place}{member}", message))

    def _walk(self) -> tuple[Walk, frozenset[str]]:
        """Return how its list is gone through, and the arguments that are for that."""
        given = self._declared.get("page", {})
        limit = given.get("limit", "")
        known = self._operation.input_schema.get("properties", {})
        for word in ("limit", "offset", "cursor"):
            if word in given and given[word] not in known:
                self._report(f"/page/{word}", f"the operation has no argument {given[word]!r}")
        if "offset" in given:
            return Counting(given["offset"], limit, self._most(limit)), frozenset({given["offset"], limit})
        if "next" in given:
            return Following(given["cursor"], limit, path_of(given["next"])), frozenset({given["cursor"], limit})
        if "last" in given:
            walk = Keyed(given["cursor"], limit, path_of(given["last"]), self._most(limit))
            return walk, frozenset({given["cursor"], limit})
        return Cutting(), frozenset()

    def _most(self, limit: str) -> int:
        """Return how many items the operation says that it gives at once, 0 where it does not say."""
        schema = self._operation.input_schema
        most = resolved(part(schema, (limit,)) or {}, schema).get("maximum", 0) if limit else 0
        return int(most) if isinstance(most, (int, float)) and not isinstance(most, bool) and most > 0 else 0

    def _paging(self, walk: Walk) -> Paging | None:
        if "page" not in self._declared:
            return None
        given = self._declared["page"]
        if "items" not in self._declared:
            self._report("/page", "pages are of a list; say with `items` where the result has it")
        known = self._most(given.get("limit", ""))
        most = given.get("most", max(MOST, given.get("size", SIZE)))
        if known and given.get("most", given.get("size", 0)) > known:
            self._report("/page", f"the operation gives at most {known} items at once")
        most = min(most, known or most)
        size = given.get("size", min(SIZE, known or SIZE))
        if size > most:
            self._report("/page/size", f"is more than `most`, {most}")
        return Paging(walk, min(size, most), most)

    def _inputs(self, paged: frozenset[str]) -> Inputs:
        schema = self._operation.input_schema
        fixed = {path_of(key): value for key, value in self._declared.get("fixed", {}).items()}
        taken = {path[0] for path in fixed} | paged
        places: dict[str, Path] = {name: (name,) for name in schema.get("properties", {}) if name not in taken}
        if "input" in self._declared:
            places = {name: path_of(text) for name, text in self._declared["input"].items()}
        for name, path in places.items():
            if part(schema, path) is None:
                self._report(f"/input/{name}", f"the operation has no argument {'/'.join(path)!r}")
            if not name.isidentifier() or not name.isascii() or name.startswith("__"):
                self._report("", f"{name!r} is no name in GraphQL; give the argument another with `input`")
        for path in fixed:
            if part(schema, path) is None:
                self._report("/fixed", f"the operation has no argument {'/'.join(path)!r}")
        self._overlaps(places, fixed, paged)
        inputs = Inputs(places, fixed)
        missing = sorted(set(inputs.missing(schema)) - paged)
        if missing:
            self._report("", f"nothing gives the operation's {', '.join(missing)}; see `input` and `fixed`")
        return inputs

    def _overlaps(self, places: Mapping[str, Path], fixed: Mapping[Path, Any], paged: frozenset[str]) -> None:
        """Report what would be put into the same place: what a caller gives must not replace what the file says."""
        taken: list[tuple[str, Path]] = [("`page`", (name,)) for name in sorted(paged) if name]
        given = [("/fixed", "`fixed`", path) for path in fixed]
        given += [(f"/input/{name}", f"the argument {name!r}", path) for name, path in places.items()]
        for place, words, path in given:
            for other, known in taken:
                if path[: len(known)] == known[: len(path)]:
                    self._report(place if "input" in self._declared else "", f"{words} and {other} set the same place")
            taken.append((words, path))

    def _outputs(self, items: Path | None) -> Outputs:
        schema = self._operation.output_schema
        if items is not None and schema is not None:
            listed = part(schema, items)
            if listed is None or resolved(listed, schema).get("type", "array") != "array":
                self._report("/items", "the operation's result has no list there")
        if "output" not in self._declared:
            return Outputs()
        names = {name: path_of(text) for name, text in self._declared["output"].items()}
        at = () if items is None else (*items, "0")
        for path in unknown(schema, list(names.values()), at):
            name = next(one for one, known in names.items() if known == path)
            self._report(f"/output/{name}", f"the operation's result has no {'/'.join(path)!r}")
        return Outputs(names)

    def _check(self, endpoint: Endpoint, method: str) -> None:
        if self._compiled.external:
            self._report("/operation", "its caller carries it out, so nothing can be put in front of it")
        if method == "get" and not endpoint.reads:
            self._report("/get", "it changes something, and GET promises that nothing changes; use `post`, for one")
        if endpoint.cache and self._operation.effect is not Effect.read:
            self._report("/cache", "only what is read can be kept")
        if endpoint.path in OWN_PATHS:
            self._report(f"/{method}", "this path is the facade's own")
        properties = endpoint.input_schema["properties"]
        for name in endpoint.parameters:
            if name not in properties or (name in (LIMIT, CURSOR) and endpoint.paging is not None):
                self._report(f"/{method}", f"{{{name}}} is none of its arguments")
        if len(set(endpoint.parameters)) != len(endpoint.parameters):
            self._report(f"/{method}", "a name stands twice in the path")
        clash = {LIMIT, CURSOR} & endpoint.inputs.places.keys() if endpoint.paging is not None else set()
        if clash:
            self._report("/page", f"its pages are asked for with {min(clash)!r}, which is an argument's name as well")
        in_body = method in ("post", "put", "patch")
        for name, schema in properties.items():
            if (name in endpoint.parameters or not in_body) and not _fits_a_word(schema, endpoint.input_schema):
                self._report(f"/{method}", f"{name!r} is no single value, so it needs a body: use `post`")


def _fits_a_word(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    """Whether a value of *schema* can be written in a path or a query."""
    kinds = resolved(schema, root).get("type", ())
    return "object" not in ([kinds] if isinstance(kinds, str) else kinds)

"""Write docs/reference/ from the code, so that the pages cannot drift from what they describe.

Each page has one source: the error classes, the table of settings, the argument parser, the OpenAPI
document, the JSON Schemas of a project's files, the metrics, the plug-ins, the fault points. A page whose
source is absent is left out.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import interlock
from interlock.values.errors import registered_errors

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("docs/reference")
SCHEMAS = ROOT / "src/interlock/foundation/documents/schemas"
OPTIONAL = {"asyncpg", "mcp", "opentelemetry"}
PLUGINS = (
    ("interlock.connectors", "interlock.integration", ("Plugin", "Connector"), "connection_schema"),
    (
        "interlock.providers",
        "interlock.intelligence",
        ("ProviderPlugin", "Provider", "Configured", "Embedder", "Warmable"),
        "target_schema",
    ),
)
NOTE = "<!-- Written by `make docs` from the code; edit the source instead. -->\n"


@cache
def import_everything() -> dict[str, ModuleType]:
    """Import every module of the package, by name; one whose optional driver is absent is left out."""
    found = {}
    for info in pkgutil.walk_packages(interlock.__path__, "interlock."):
        if info.name.endswith("__main__"):
            continue
        try:
            found[info.name] = importlib.import_module(info.name)
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] not in OPTIONAL:
                raise
    return found


def command_line() -> argparse.ArgumentParser | None:
    """Return the parser of the `interlock` command, where there is one."""
    loaded = import_everything()
    module, whole = loaded.get("interlock.experience.cli.main"), loaded.get("interlock.app.main")
    return module.build_parser(whole.ALL_COMMANDS) if module and whole else None


def cell(value: object) -> str:
    """Return *value* as one line that a table can hold."""
    return re.sub(r"\s+", " ", str(value)).replace("|", "\\|").strip()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(title: str, lead: str, *parts: str) -> str:
    """Return a whole page; *parts* are separated by empty lines."""
    return "\n".join([f"# {title}\n", NOTE, f"{lead}\n", *parts]).rstrip("\n") + "\n"


def first_paragraph(thing: object) -> str:
    """Return the first paragraph of a docstring."""
    return (inspect.getdoc(thing) or "").split("\n\n", maxsplit=1)[0]


def code(value: object) -> str:
    """Return *value* as literal text; nothing for nothing."""
    text = str(value) if value is not None else ""
    return f"`{text}`" if text else ""


def errors() -> str | None:
    """Return the page of error codes."""
    import_everything()
    known = [error for error in registered_errors().values() if error.__module__.startswith("interlock.")]
    rows = [
        (
            code(e.code),
            e.status,
            e.title,
            first_paragraph(e),
            "yes" if e.transient else "no",
            code(e.__module__[10:-7]),
        )
        for e in known
    ]
    lead = (
        "Every error has a stable code: the same over REST (in the problem document), over MCP and on the"
        " command line. A refusal by policy is not an error: it is a decision, with its reasons."
    )
    head = ("Code", "Status", "Title", "Meaning", "Worth repeating", "Raised by")
    return page("Error codes", lead, table(head, rows)) if rows else None


def problems() -> str | None:
    """Return the page of what a call to a system can end with."""
    known = getattr(import_everything().get("interlock.integration.connectors.problems"), "PROBLEMS", {})
    rows = [(code(name), one.means, one.fix) for name, one in sorted(known.items())]
    lead = (
        "An action that failed, or whose outcome is not known, holds a `problem`: its `code`, what happened (`detail`),"
        " which `operation` of which system it was, and what to do (`fix`). These are the codes of the shipped"
        " connectors; beside them stand the [error codes](errors.md) for what kept a call from being sent at all,"
        " such as a missing secret, and words of a project's own, such as what it calls the exit of a program."
    )
    return page("Problems of systems", lead, table(("Code", "Meaning", "What to do"), rows)) if rows else None


def environment() -> Sequence[Any]:
    """Return the settings that a process takes from its environment."""
    for name in ("interlock.foundation.settings", "interlock.foundation.settings.environment"):
        found = getattr(import_everything().get(name), "SETTINGS", None)
        if found is not None:
            return tuple(found)
    return ()


def settings() -> str | None:
    """Return the page of environment settings."""
    rows = [(code(s.name), s.form, code(s.default), s.text, s.since) for s in environment()]
    lead = (
        "What a process is told before it reads its project; all else stands in the project's own files,"
        " which may name further variables with `${VAR}`."
    )
    return page("Settings", lead, table(("Name", "Value", "Default", "Meaning", "Since"), rows)) if rows else None


def _argument(action: argparse.Action, parser: argparse.ArgumentParser) -> tuple[str, str]:
    formatter = argparse.HelpFormatter(prog=parser.prog)
    names = ", ".join(action.option_strings)
    value = ""
    if action.nargs != 0:
        value = action.metavar if isinstance(action.metavar, str) else ""
        value = value or ("|".join(map(str, action.choices)) if action.choices else action.dest)
        value = value.upper() if names and not action.choices else value
    text = formatter._expand_help(action) if action.help else ""
    return code(f"{names} {value}".strip()), text


def _commands(parser: argparse.ArgumentParser, level: int = 2) -> Iterator[str]:
    """Yield a section for *parser* and for each of its commands, in their order."""
    children: dict[str, argparse.ArgumentParser] = {}
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            children = dict(action.choices)
        elif action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            rows.append(_argument(action, parser))
    yield f"{'#' * level} `{parser.prog}`\n\n{(parser.description or '').strip()}\n"
    if rows:
        yield table(("Argument", "Meaning"), rows)
    for child in children.values():
        yield from _commands(child, min(level + 1, 4))


def cli() -> str | None:
    """Return the page of commands."""
    parser = command_line()
    lead = "Every command, its arguments and options. All take `--help`."
    return page("Command line", lead, *_commands(parser)) if parser else None


def _document() -> dict[str, Any] | None:
    module = import_everything().get("interlock.experience.api.document")
    return module.openapi() if module else None


# Every route may give these; a route's own line names the others.
EVERYWHERE = frozenset(
    {"request_malformed", "unauthenticated", "scope_missing", "request_too_large", "media_type_unsupported"}
    | {"request_invalid"}
)


def _given(operation: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what a route takes: name, place, type, meaning."""
    for one in operation.get("parameters", ()):
        yield code(one["name"]), one["in"], _kinds(one.get("schema", {})), one.get("description", "")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for name, member in body.get("properties", {}).items():
        kind = _kinds(member) or "object"
        needed = "required. " if name in body.get("required", ()) else ""
        yield code(name), "body", kind, (needed + member.get("description", "")).strip()


def _answers(operation: dict[str, Any]) -> str:
    """Return one line: the status of success, and the codes of this route alone, by status."""
    good = [status for status in operation["responses"] if int(status) < 400]
    parts = [f"Answers {', '.join(code(status) for status in good)}"]
    for status, answer in operation["responses"].items():
        codes = re.findall(r"[a-z_]+", answer["description"].partition(": ")[2])
        own = [code(name) for name in codes if name not in EVERYWHERE]
        if own and int(status) >= 400:
            parts.append(f"{status} {', '.join(own)}")
    return "; ".join(parts) + ".\n"


def _route(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    said = operation.get("description") or f"{operation.get('summary', '')}."
    scopes = " or ".join(code(scope) for scope in operation.get("x-interlock-scopes", ()))
    yield f"### `{method.upper()} {path}`\n\n{said.strip()}{f' Scope: {scopes}.' if scopes else ''}\n"
    if rows := list(_given(operation)):
        yield table(("Name", "In", "Type", "Meaning"), rows)
    yield _answers(operation)


def rest() -> str | None:
    """Return the page of REST routes."""
    document = _document()
    if document is None:
        return None
    sections: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "put", "post", "delete", "patch"):
                section = sections.setdefault((operation.get("tags") or ["other"])[0], [])
                section += _route(method, path, operation)
    parts = [part for tag, routes in sections.items() for part in (f"## {tag.capitalize()}\n", *routes)]
    lead = (
        "The same as an OpenAPI document: [openapi.json](openapi.json), and at `/openapi.json` on a running server."
        " Send the credential as `Authorization: Bearer ...`. Problems are RFC 9457 documents with a code of"
        f" [errors.md](errors.md). Any route may answer with {', '.join(code(name) for name in sorted(EVERYWHERE))};"
        " each names the codes of its own."
    )
    return page("REST interface", lead, *parts)


def openapi() -> str | None:
    """Return the OpenAPI document itself."""
    document = _document()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n" if document else None


def _kinds(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


INNER = {"properties", "patternProperties", "additionalProperties", "items", "oneOf", "anyOf", "allOf"}


class SchemaRows:
    """The members of one JSON Schema as rows of a table; what is defined once is listed once."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._root = schema
        self.rows: list[tuple[str, str, str, str]] = []
        self._seen: set[str] = set()
        self._listed: dict[str, str] = {}
        self._walk(schema, "", ())

    def _resolve(self, schema: Any, trail: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
        if not isinstance(schema, dict):
            return {}, trail
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/") or reference in trail:
            return schema, trail
        target: Any = self._root
        for part in reference[2:].split("/"):
            target = target[part]
        return {**target, **{k: v for k, v in schema.items() if k != "$ref"}}, (*trail, reference)

    def _member(self, path: str, raw: Any, trail: tuple[str, ...], *, required: bool) -> None:
        schema, inner = self._resolve(raw, trail)
        if path in self._seen:
            return
        self._seen.add(path)
        reference = raw.get("$ref", "") if isinstance(raw, dict) else ""
        before = self._listed.setdefault(reference, path) if reference and INNER & schema.keys() else path
        variants = [self._resolve(v, inner)[0] for v in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))]
        kinds = _kinds(schema) or " or ".join(dict.fromkeys(filter(None, map(_kinds, variants))))
        default = code(json.dumps(schema["default"])) if "default" in schema else "required" if required else ""
        text = schema.get("description", "")
        again = f" Members as in `{before}`." if before != path else ""
        self.rows.append((code(path), kinds, default, f"{text}{again}".strip()))
        if not again:
            self._walk(schema, path, inner)

    def _walk(self, schema: dict[str, Any], path: str, trail: tuple[str, ...]) -> None:
        start = f"{path}." if path else ""
        for name, member in schema.get("properties", {}).items():
            self._member(start + name, member, trail, required=name in schema.get("required", ()))
        for member in (*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")):
            if isinstance(member, dict):
                self._member(f"{start}*", member, trail, required=False)
        items = schema.get("items")
        if isinstance(items, dict) and INNER & self._resolve(items, trail)[0].keys():
            self._member(f"{path}[]", items, trail, required=False)
        for variant in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
            self._walk(*_swap(self._resolve(variant, trail), path))


def _swap(resolved: tuple[dict[str, Any], tuple[str, ...]], path: str) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    return resolved[0], path, resolved[1]


def project_files() -> str | None:
    """Return the page of a project's files."""
    parts = []
    for path in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        name = path.name.removesuffix(".json").removesuffix(".schema")
        parts.append(f"## {name}\n\n{schema.get('description', schema.get('title', '')).strip()}\n")
        parts.append(table(("Key", "Type", "Default", "Meaning"), SchemaRows(schema).rows))
    lead = (
        "Every key of every file of a project. `*` stands for a name of your own, `[]` for a list's member."
        " A key that is not listed is an error, reported with its file, its line and the nearest right name."
    )
    return page("Project files", lead, *parts) if parts else None


def metrics() -> str | None:
    """Return the page of Prometheus metrics."""
    module = import_everything().get("interlock.foundation.telemetry")
    known = getattr(module, "METRICS", ())
    rows = [(code(m.name), m.kind, ", ".join(code(name) for name in m.labels), m.text) for m in known]
    lead = "What `/metrics` shows, in the Prometheus text format."
    return page("Metrics", lead, table(("Name", "Kind", "Labels", "Meaning"), rows)) if rows else None


def fault_points() -> str | None:
    """Return the page of fault points; what each means is the comment beside its name."""
    module = import_everything().get("interlock.foundation.faults")
    known = getattr(module, "POINTS", ())
    if module is None or not known:
        return None
    comments = dict(re.findall(r'^ *"([\w.]+)",\s*# *(.+)$', inspect.getsource(module), re.MULTILINE))
    lead = (
        "Places at which a process ends itself as `kill -9` would, when `INTERLOCK_FAULT` names them. They"
        " stand at every boundary between the journal and a business system; the crash tests turn them on."
    )
    rows = [(code(point), comments.get(point, "")) for point in known]
    return page("Fault points", lead, table(("Point", "Where it stands"), rows))


def _signature(name: str, member: Any) -> str:
    """Return a method as it is called, a property as it is read."""
    if isinstance(member, property):
        return f"{name}: {inspect.signature(member.fget).return_annotation}".replace("'", "") if member.fget else name
    return name + str(inspect.signature(member)).replace("self, ", "").replace("self", "").replace("'", "")


def _interface(kind: type) -> Iterator[str]:
    yield f"### `{kind.__name__}`\n\n`{kind.__module__}.{kind.__name__}`. {inspect.getdoc(kind) or ''}\n"
    rows = [
        (code(_signature(name, member)), inspect.getdoc(member) or "")
        for name, member in vars(kind).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    ]
    if rows:
        yield table(("Member", "Contract"), rows)


def _own_keys(group: str, attribute: str) -> Iterator[str]:
    """Yield a table of each shipped plug-in's own keys."""
    for point in sorted(entry_points(group=group)):
        schema = getattr(point.load(), attribute)
        yield f"### `{point.name}`: keys of `{attribute.removesuffix('_schema')}`\n"
        rows = SchemaRows(dict(schema)).rows
        yield table(("Key", "Type", "Default", "Meaning"), rows) if rows else "None.\n"


def plugins() -> str | None:
    """Return the page of plug-in groups, the shipped plug-ins and the interfaces they implement."""
    loaded = import_everything()
    parts = []
    for group, layer, names, attribute in PLUGINS:
        points = sorted(entry_points(group=group))
        rows = [(code(p.name), code(p.value), first_paragraph(loaded.get(p.module))) for p in points]
        parts += [f"## `{group}`\n", table(("Name", "Entry point", "What it is"), rows)]
        parts += _own_keys(group, attribute)
        for module in loaded.values():
            for name, kind in vars(module).items():
                here = name in names and isinstance(kind, type) and kind.__module__ == module.__name__
                if here and module.__name__.startswith(layer) and getattr(kind, "_is_protocol", False):
                    parts += _interface(kind)
    lead = (
        "Connectors and providers are found by package entry points; the shipped ones register as anyone's"
        " would. Finding one does not load it: a project names those that it uses."
    )
    return page("Plug-ins", lead, *parts) if any(layer in loaded for _, layer, _, _ in PLUGINS) else None


def pages() -> dict[str, str]:
    """Return every page whose source exists, by file name."""
    sources = {
        "cli.md": cli,
        "errors.md": errors,
        "fault-points.md": fault_points,
        "files.md": project_files,
        "metrics.md": metrics,
        "openapi.json": openapi,
        "plugins.md": plugins,
        "problems.md": problems,
        "rest.md": rest,
        "settings.md": settings,
    }
    return {name: text for name, source in sources.items() if (text := source()) is not None}


def main() -> None:
    """Write every page that is new or changed."""
    folder = ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {FOLDER / name}")


if __name__ == "__main__":
    main()

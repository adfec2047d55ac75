"""Compiling the system files of a project into a catalogue, with every problem of all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from interlock.foundation.documents import Document, Findings, check
from interlock.foundation.plugins import CONNECTORS, load_plugin
from interlock.foundation.plugins.errors import PluginBroken, PluginConflict, PluginMissing
from interlock.integration.connectors.interface import Description, Plugin, SystemDeclaration
from interlock.integration.contracts import Contract, Definition, SchemaInvalid
from interlock.integration.systems.catalog import Catalog, CompiledOperation
from interlock.integration.systems.declarations import GROUPS, RESERVED, declare, operation_of
from interlock.integration.systems.packs import Pack, holder_of, packs_of

EXTERNAL = "external"


def build_catalog(documents: Sequence[Document], root: Path, packs: Sequence[Document] = ()) -> Catalog:
    """Return the catalogue of the systems that *documents* (of kind `system`) declare; contacts nothing.

    *packs* (of kind `labels`) say more of their operations. Files that a system names lie below *root*. Raises
    `ProjectInvalid` with all findings.
    """
    findings = Findings()
    pack = packs_of(packs, {document.data["system"]: document for document in documents}, findings)
    plugins: dict[str, Plugin] = {}
    systems: dict[str, SystemDeclaration] = {}
    operations: dict[str, CompiledOperation] = {}
    sources: dict[str, tuple[Document, ...]] = {}
    for document in documents:
        name = document.data["system"]
        if name in RESERVED or name in GROUPS:
            where = "expressions" if name in RESERVED else "policies"
            message = f"{name!r} has a meaning of its own in {where}; choose another"
            findings.add(document.finding("/system", message))
        if name in systems:
            findings.add(document.finding("/system", f"{systems[name].file} declares the system {name!r} too"))
            continue
        plugin = _plugin(document, plugins, findings)
        if plugin is None or not _connection_fits(document, plugin, findings):
            continue
        system = declare(document)
        systems[name], sources[name] = system, pack.sources(document)
        operations |= _operations(document, system, plugin.describe(system, root), pack, findings)
    findings.raise_if_any()
    return Catalog(operations, systems, plugins, sources)


def _plugin(document: Document, plugins: dict[str, Plugin], findings: Findings) -> Plugin | None:
    name = document.data["connector"]
    if name not in plugins:
        try:
            plugins[name] = load_plugin(CONNECTORS, name)
        except (PluginMissing, PluginBroken, PluginConflict) as error:
            findings.add(document.finding("/connector", f"{error.what}: {error.why}; {error.fix}"))
            return None
    return plugins[name]


def _connection_fits(document: Document, plugin: Plugin, findings: Findings) -> bool:
    connection: Any = document.data.get("connection") or {}
    subject = replace(document, data={**document.data, "connection": connection})
    found = check(subject, dict(plugin.connection_schema), pointer="/connection")
    findings.extend(found)
    return not found


def _operations(
    document: Document, system: SystemDeclaration, description: Description, pack: Pack, findings: Findings
) -> Mapping[str, CompiledOperation]:
    for trouble in description.troubles:
        findings.add(document.finding(trouble.pointer, trouble.message))

    def report(pointer: str, message: str) -> None:
        findings.add(holder_of(pack.sources(document), pointer).finding(pointer, message))

    compiled: dict[str, CompiledOperation] = {}
    for name, definition in description.definitions.items():
        declared = system.operations[name]
        settings = pack.over(system.name, name, definition, declared.settings, findings)
        operation = operation_of(system, replace(declared, settings=settings), definition, report)
        try:
            compiled[operation.id] = CompiledOperation(
                operation,
                definition,
                definition.digest,
                Contract(definition.input_schema),
                _output(definition),
                external=system.connector == EXTERNAL,
            )
        except SchemaInvalid as error:
            report(f"/operations/{name}", f"its schema is not valid: {error}")
    return compiled


def _output(definition: Definition) -> Contract | None:
    return Contract(definition.output_schema) if definition.output_schema is not None else None

"""Declaration packs: what arguments and results of an imported system are, from a file of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.foundation.documents import Document, Findings
from interlock.integration.contracts import Definition


@dataclass(frozen=True, slots=True)
class Pack:
    """The packs of one project, by system."""

    documents: Mapping[str, Document]

    def over(
        self, system: str, operation: str, definition: Definition, settings: Mapping[str, Any], findings: Findings
    ) -> Mapping[str, Any]:
        """Return *settings* with what a pack declares of the operation beneath: the system's own file counts first.

        A pack is pinned: for another definition than it was written for, nothing of it is taken and a finding says
        so, because what an argument is for may have changed with the definition.
        """
        document = self.documents.get(system)
        declared = document.data["operations"].get(operation) if document is not None else None
        if document is None or declared is None:
            return settings
        pinned = declared["definition"]
        if not definition.fingerprint.startswith(pinned):
            message = (
                f"was written for another definition of {system}.{operation}; look at what changed, and pin it to"
                f" {definition.fingerprint[:12]} when the declarations still fit"
            )
            findings.add(document.finding(f"/operations/{operation}/definition", message))
            return settings
        beneath = {key: value for key, value in declared.items() if key != "definition"}
        merged = {**beneath, **settings}
        for key in ("output", "arguments", "labels"):
            if key in beneath and key in settings:
                merged[key] = {**beneath[key], **settings[key]}
        return merged

    def sources(self, document: Document) -> tuple[Document, ...]:
        """Return the documents that declare the system of *document*: its own file, then its pack, if it has one."""
        pack = self.documents.get(document.data["system"])
        return (document,) if pack is None else (document, pack)


def holder_of(sources: Sequence[Document], pointer: str) -> Document:
    """Return the first of *sources* that holds the member at *pointer*; the first of all where none does."""
    return next((source for source in sources if pointer in source.lines), sources[0])


def packs_of(documents: Sequence[Document], systems: Mapping[str, Any], findings: Findings) -> Pack:
    """Return the packs that *documents* (of kind `labels`) hold; what fits no system, or comes twice, is a finding."""
    found: dict[str, Document] = {}
    for document in documents:
        name = document.data["labels"]
        if name not in systems:
            known = ", ".join(sorted(systems)) or "none"
            findings.add(document.finding("/labels", f"there is no system {name!r}; systems: {known}"))
        elif name in found:
            findings.add(document.finding("/labels", f"{found[name].name} is for the system {name!r} too"))
        else:
            found[name] = document
    return Pack(found)

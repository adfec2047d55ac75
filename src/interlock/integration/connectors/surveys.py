"""What a system offers, as found by looking at it: the ground on which `interlock connect` proposes a declaration.

A connector's plug-in whose object also satisfies `Surveyor` can be imported from; nothing else about it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from interlock.integration.connectors.errors import DocumentWanted
from interlock.integration.connectors.interface import Ports
from interlock.values.operations import Effect

FILES, SECRET, STATE, NAME = "FILES/", "secret:SYSTEM", "state/SYSTEM", "SYSTEM"
"""What stands in a connection for the folder of its files, for its secret, and for the folder of what the connector
keeps, which is no other system's; and in notes for the system's name.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """What somebody wants connected: its *address* as written (a path, a URL, a database's address).

    *content* is what the file or URL holds, None where there is nothing to read (a database, a server, a folder).
    """

    address: str
    content: bytes | None = field(default=None, repr=False)

    @property
    def document(self) -> bytes:
        """What the file or URL holds, for connectors that can ask nothing but a document. Raises `DocumentWanted`."""
        if self.content is None:
            raise DocumentWanted("it is known by a document alone", fix="name the file that describes the system")
        return self.content


@dataclass(frozen=True, slots=True)
class Offer:
    """One operation that could be declared.

    *origin* is what `from:` would say, *name* a name that fits an operation, *settings* are further keys of the
    connector's own. *effect* and *idempotent* are what the description itself says; None where it does not.
    """

    origin: str
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    effect: Effect | None = None
    idempotent: bool | None = None
    deprecated: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found: a proposal for `connection:`, files that belong into the project, and all offers.

    *files* maps names to contents; *connection* refers to them as `FILES/NAME`, to its secret as `secret:SYSTEM`
    and to a folder of its own as `state/SYSTEM`, for which the importer puts the folder and the name; *notes* name the
    system as `SYSTEM`. Secrets themselves are never in it. *guesses* are remarks on members of the connection.
    """

    title: str
    connection: Mapping[str, Any]
    offers: tuple[Offer, ...]
    kind: str = "other"
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    guesses: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Surveyor(Protocol):
    """A plug-in that can look at a system and say what it offers."""

    def recognises(self, source: Source) -> bool:
        """Return whether *source* is of this kind, from its address and first bytes alone; contacts nothing."""
        ...

    async def survey(self, source: Source, ports: Ports) -> Survey:
        """Return what *source* offers; may ask a live system, without any effect.

        Raises a kind of `InterlockError` that says what is wrong with the source, and `PackageMissing`; with
        `DocumentWanted` it is called again, with the content of the file or URL.
        """
        ...

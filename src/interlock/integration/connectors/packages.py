"""The optional packages of a connector: whether they are installed, and which extra installs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec

from interlock.integration.connectors.errors import PackageMissing
from interlock.integration.connectors.interface import Trouble


@dataclass(frozen=True, slots=True)
class Packages:
    """The *modules* that *connector* imports only when it is used, and that *extra* installs.

    *names* gives the package of each module that is not called like its package.
    """

    connector: str
    extra: str
    modules: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `PackageMissing` for the first that is not installed. None of them is imported."""
        for module in self.modules:
            if not _is_installed(module):
                raise PackageMissing(self.connector, self.names.get(module, module), self.extra)

    def trouble(self) -> Trouble | None:
        """Return what `check` would raise as a fault of the declaration that asks for the connector."""
        try:
            self.check()
        except PackageMissing as missing:
            return Trouble("/connector", f"{missing.what}; {missing.fix}")
        return None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False

"""The one place that turns references into secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from interlock.foundation.secrets.errors import SecretMissing
from interlock.foundation.secrets.references import secret_name
from interlock.foundation.secrets.sources import DirectorySource, EnvironmentSource, FileSource, SecretSource
from interlock.values.secrets import Secret


class SecretStore:
    """Looks a secret up in its sources, in order, at each `get`: what was changed counts at once."""

    def __init__(self, sources: Sequence[SecretSource]) -> None:
        self._sources = tuple(sources)

    @classmethod
    def standard(
        cls,
        *,
        file: Path | None = None,
        directory: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> SecretStore:
        """Return a store over the environment, then *file*, then *directory*, where they are given."""
        sources: list[SecretSource] = [EnvironmentSource(os.environ if environment is None else environment)]
        if file is not None:
            sources.append(FileSource(file))
        if directory is not None:
            sources.append(DirectorySource(directory))
        return cls(sources)

    def get(self, reference: str) -> Secret:
        """Return the secret that `secret:NAME` refers to.

        Raises `SecretReferenceInvalid`, `SecretMissing` (with every place that was looked in),
        `SecretInsecure` or `SecretFileInvalid`. An empty text counts as missing.
        """
        name = secret_name(reference)
        for source in self._sources:
            text = source.find(name)
            if text is not None:
                return Secret(text, name=name)
        places = [source.place(name) for source in self._sources]
        raise SecretMissing(
            f"the secret {name!r} is nowhere to be found",
            why=f"looked in {'; '.join(places)}",
            fix=f"set {places[0]}" if places else "name a place for secrets in interlock.yaml",
            secret=name,
        )

    def has(self, reference: str) -> bool:
        """Return whether `get` would find the secret; raises as `get` does for anything but its absence."""
        name = secret_name(reference)
        return any(source.find(name) is not None for source in self._sources)

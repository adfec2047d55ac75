"""From `.proto` files to descriptors, by the compiler that the extra `grpc` brings; it runs no program."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from interlock.integration.connectors.grpc.descriptors import Descriptors, DescriptorsInvalid, descriptors_of

SUFFIX = ".proto"


def compile_protos(files: Sequence[Path], folders: Sequence[Path]) -> Descriptors:
    """Return what *files* describe. They import by paths below *folders*, or else below the folder of each.

    Raises `DescriptorsInvalid`.
    """
    # The package's public module changes how Python finds modules as soon as it is imported; this one does not.
    from grpc_tools import _protoc_compiler as compiler

    included = list(dict.fromkeys([*folders, *(_home(file, folders) for file in files)]))
    names = [_name(file, included) for file in files]
    places = [str(folder) for folder in [*included, *_bundled()]]
    _checked(compiler, names, places)
    with tempfile.TemporaryDirectory(prefix="interlock-") as kept:
        out = Path(kept) / "set"
        options = [f"-I{place}" for place in places]
        options += ["--include_imports", "--include_source_info", f"--descriptor_set_out={out}", *names]
        if compiler.run_main([one.encode() for one in ("protoc", *options)]) != 0:
            raise DescriptorsInvalid("cannot be compiled")
        return descriptors_of(out.read_bytes())


def _checked(compiler: Any, names: Sequence[str], places: Sequence[str]) -> None:
    """Raise `DescriptorsInvalid` for what the compiler would only print."""
    for name in names:
        try:
            compiler.get_protos(name.encode(), [place.encode() for place in places])
        except compiler.ProtocErrors as errors:
            first = errors.args[0][0]  # what is wrong, perhaps in an import; the last one is about this file
            where = f", line {first.line + 1}" if first.line >= 0 else ""
            raise DescriptorsInvalid(
                f"cannot be compiled: {_plain(first.filename)}{where}: {_plain(first.message)}"
            ) from None


def _plain(text: Any) -> str:
    """Return a text of the compiler, which gives bytes or how Python shows them."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return shown[2:-1] if shown[:2] in {"b'", 'b"'} else shown


def _home(file: Path, folders: Sequence[Path]) -> Path:
    return next((folder for folder in folders if file.is_relative_to(folder)), file.parent)


def _name(file: Path, included: Sequence[Path]) -> str:
    return str(next(file.relative_to(folder) for folder in included if file.is_relative_to(folder)))


def _bundled() -> Iterator[Path]:
    """Yield where the compiler's own files are, and Google's common ones where they are installed."""
    for package, up in (("grpc_tools", "_proto"), ("google.api", "../..")):
        found = _spec(package)
        for place in (found.submodule_search_locations or ()) if found else ():
            yield (Path(place) / up).resolve()


def _spec(package: str) -> Any:
    try:
        return find_spec(package)
    except ModuleNotFoundError:
        return None

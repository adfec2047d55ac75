"""An object store, by the driver that the user installed for fsspec. An object appears as a whole or not at all."""

from __future__ import annotations

import hashlib
import inspect
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from interlock.foundation.http.sockets import spots_now
from interlock.integration.connectors.files.errors import (
    AccessDenied,
    ConnectionGone,
    FileChanged,
    FileExists,
    FileMissing,
    FilesTrouble,
    FileTooLarge,
    PlaceAway,
)
from interlock.integration.connectors.files.names import unfit
from interlock.integration.connectors.files.packages import package
from interlock.integration.connectors.files.places.interface import CHUNK, Entry, Errand, Listing, Stamp
from interlock.integration.connectors.interface import SecretSource

PROTOCOLS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory"})
"""Stores of objects; `memory` is lost with the process, and is for trying."""
_IN_MEMORY = 4 << 20
_STATES = ("ETag", "etag", "md5Hash", "generation", "version_id", "LastModified", "last_modified", "updated", "created")
"""What drivers call that which tells one state of an object from another."""


class StorePlace:
    """The store and the prefix of the *written* URL."""

    renames = False

    def __init__(self, written: Mapping[str, Any], secrets: SecretSource) -> None:
        self._written = written
        self._secrets = secrets
        self._lock = threading.Lock()
        self._held: tuple[dict[str, Any], Any] | None = None

    @contextmanager
    def session(self, errand: Errand) -> Iterator[StoreSession]:
        revealed = {name: self._secrets.get(one).reveal() for name, one in self._written.get("secrets", {}).items()}
        options = {**self._written.get("options", {}), **revealed}
        _judge(options)
        system = self._system(options)
        yield StoreSession(system, system._strip_protocol(self._written["url"]).rstrip("/"), errand)

    def _system(self, options: dict[str, Any]) -> Any:
        """Return the driver, the same one while the options, secrets among them, are the same."""
        with self._lock:
            if self._held is None or self._held[0] != options:
                protocol = self._written["url"].partition("://")[0]
                make = package("fsspec").filesystem
                try:
                    system = make(protocol, skip_instance_cache=True, use_listings_cache=False, **options)
                except ImportError:
                    raise PlaceAway(f"the fsspec driver of {protocol} is not installed") from None
                except (ValueError, TypeError):
                    raise PlaceAway(f"the driver of {protocol} does not take these options") from None
                self._held = options, system
            return self._held[1]


def _judge(options: Mapping[str, Any]) -> None:
    """Raise `HttpForbidden` if an address among *options*, such as `endpoint_url`, is none to connect to.

    Drivers resolve the name again: they take no socket.
    """
    for written in options.values():
        try:
            url = urlsplit(written) if isinstance(written, str) and "://" in written else None
            host, port = (url.hostname, url.port) if url is not None else (None, None)
        except ValueError:
            raise PlaceAway("an address among the store's options is none") from None
        if host:
            with suppress(OSError):  # what stands for nothing is said by the driver
                spots_now(host, port or 443)


class StoreSession:
    """One call's use of the store. What is staged is kept here: an object needs no temporary name."""

    def __init__(self, system: Any, base: str, errand: Errand) -> None:
        self._system = system
        self._base = base
        self._errand = errand
        self._staged: dict[str, bytes] = {}

    def _path(self, folder: str, name: str = "") -> str:
        return "/".join(part for part in (self._base, "" if folder == "." else folder, name) if part)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what drivers raise into our own."""
        self._errand.left()
        try:
            yield
        except FilesTrouble:
            raise
        except FileNotFoundError:
            raise FileMissing("there is no such file") from None
        except FileExistsError:
            raise FileExists("a file of this name is there already") from None
        except PermissionError:
            raise AccessDenied("the store does not permit it") from None
        except (OSError, RuntimeError, ValueError, EOFError):  # what else a driver raises is unknown to all of us
            raise ConnectionGone("the store did not answer as it should") from None
        self._errand.reached = True

    def listing(self, folder: str) -> Listing:
        path = self._path(folder)
        with self._asking():
            try:
                found = self._system.ls(path, detail=True)
            except FileNotFoundError:
                if not self._system.exists(self._base):
                    raise PlaceAway("the store, or its prefix, is not there") from None
                found = []  # a folder without objects does not exist
        entries: list[Entry] = []
        others = 0
        for one in found:
            name = one["name"].rstrip("/").rpartition("/")[2]
            if one["name"].strip("/") == path.strip("/") or name.startswith("."):
                continue
            if one.get("type") != "file" or unfit(name):
                others += 1
            else:
                entries.append(Entry(name, _stamp(one), _modified(one)))
        return Listing(tuple(sorted(entries, key=lambda entry: entry.name)), others)

    def stamp(self, folder: str, name: str) -> Stamp | None:
        try:
            with self._asking():
                found = self._system.info(self._path(folder, name))
        except FileMissing:
            return None
        if found.get("type") != "file":
            raise PlaceAway("it is no plain file")
        return _stamp(found)

    @contextmanager
    def opened(self, folder: str, name: str, most: int) -> Iterator[tuple[BinaryIO, Stamp]]:
        before = self.stamp(folder, name)
        if before is None:
            raise FileMissing("there is no such file")
        if before.size > most:
            raise FileTooLarge(f"the file is larger than the {most} bytes that are allowed", limit=most)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            stream = cast(BinaryIO, spooled)
            with self._asking(), self._system.open(self._path(folder, name), "rb") as file:
                while stream.tell() <= before.size and (part := file.read(CHUNK)):
                    self._errand.left()
                    stream.write(part)
            if stream.tell() != before.size or self.stamp(folder, name) != before:
                raise FileChanged("the file was written by another meanwhile, or came incomplete")
            stream.seek(0)
            yield stream, before

    def stage(self, folder: str, name: str, content: BinaryIO) -> None:
        self._staged[self._path(folder, name)] = content.read()

    def drop(self, folder: str, name: str) -> None:
        path = self._path(folder, name)
        if self._staged.pop(path, None) is None and self.stamp(folder, name) is not None:
            with self._asking():
                self._system.rm_file(path)

    def place(self, folder: str, temporary: str, name: str) -> None:
        content = self._staged.pop(self._path(folder, temporary))
        put = getattr(self._system, "_pipe_file", self._system.pipe_file)
        if "mode" not in inspect.signature(put).parameters:
            raise PlaceAway("the driver cannot write without overwriting; `existing: replace` would let it")
        with self._asking():
            self._system.pipe_file(self._path(folder, name), content, mode="create")

    def replace(self, folder: str, temporary: str, name: str) -> None:
        content = self._staged.pop(self._path(folder, temporary))
        with self._asking():
            self._system.pipe_file(self._path(folder, name), content)

    def move(self, folder: str, name: str, target: str) -> None:
        old, new = self._path(folder, name), self._path(target, name)
        with self._asking():
            size = self._system.info(old)["size"]
            self._system.cp_file(old, new)
            if self._system.info(new)["size"] != size:
                raise FileChanged("the copy is not the file; the file was left where it is")
            self._system.rm_file(old)


def _stamp(found: Mapping[str, Any]) -> Stamp:
    state = "|".join(str(found[name]) for name in _STATES if found.get(name) is not None)
    size = int(found.get("size") or 0)
    return Stamp(size, f"{size:x}-{hashlib.sha256(state.encode()).hexdigest()[:16]}")


def _modified(found: Mapping[str, Any]) -> float | None:
    for name in ("LastModified", "last_modified", "updated", "mtime", "created"):
        value = found.get(name)
        if isinstance(value, datetime):
            return value.timestamp()
    return None

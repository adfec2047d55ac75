"""A server reached by SFTP, with a connection for each call. Its host key is the declared one, or nothing is sent."""

from __future__ import annotations

import asyncio
import posixpath
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, TypeVar, cast

from interlock.foundation.http.sockets import connected
from interlock.integration.connectors.files.errors import (
    AccessDenied,
    ConnectionGone,
    FileChanged,
    FileExists,
    FileMissing,
    FilesTrouble,
    FileTooLarge,
    PlaceAway,
    TimeOver,
)
from interlock.integration.connectors.files.names import unfit
from interlock.integration.connectors.files.packages import package
from interlock.integration.connectors.files.places.interface import CHUNK, Entry, Errand, Listing, Stamp
from interlock.integration.connectors.interface import SecretSource

T = TypeVar("T")
_IN_MEMORY = 4 << 20
_PARTING = 0.5
_REGULAR = 1
"""`SSH_FILEXFER_TYPE_REGULAR`."""


class SftpPlace:
    """The server that *written* names; *keys* are the public keys that it may have."""

    renames = True

    def __init__(self, written: Mapping[str, Any], keys: Sequence[str], secrets: SecretSource) -> None:
        self._written = written
        self._keys = keys
        self._secrets = secrets

    @contextmanager
    def session(self, errand: Errand) -> Iterator[SftpSession]:
        ssh = package("asyncssh")
        with asyncio.Runner() as runner:
            connection = runner.run(self._connected(ssh, errand))
            errand.reached = True
            try:
                yield SftpSession(ssh, runner, connection, self._written.get("path", "."), errand)
            finally:
                runner.run(_closed(connection))

    async def _connected(self, ssh: Any, errand: Errand) -> Any:
        try:
            options = self._options(ssh)
        except (ssh.KeyImportError, ssh.KeyEncryptionError):
            raise AccessDenied("the private key or a host key cannot be read, or the passphrase is another") from None
        host, port = self._written["host"], self._written.get("port", 22)
        try:
            async with asyncio.timeout(errand.left()):
                made = await connected(host, port)
                try:
                    return await ssh.connect(host, port, sock=made, **options)
                except BaseException:
                    made.close()
                    raise
        except TimeoutError:
            raise TimeOver("no connection was made in time") from None
        except ssh.HostKeyNotVerifiable:
            raise AccessDenied("the server's host key is not the declared one") from None
        except ssh.PermissionDenied:
            raise AccessDenied("the server does not let us in") from None
        except (OSError, ssh.Error):
            raise PlaceAway("no connection could be made") from None

    def _options(self, ssh: Any) -> dict[str, Any]:
        written = self._written
        options: dict[str, Any] = {
            "username": written["username"],
            "known_hosts": ([ssh.import_public_key(key) for key in self._keys], [], []),
            "config": None,
            "agent_path": None,
            "client_keys": None,
            "gss_host": None,
        }
        if "password" in written:
            return {
                **options,
                "password": self._secrets.get(written["password"]).reveal(),
                "preferred_auth": ["password", "keyboard-interactive"],
            }
        phrase = self._secrets.get(written["passphrase"]).reveal() if "passphrase" in written else None
        key = ssh.import_private_key(self._secrets.get(written["key"]).reveal(), phrase)
        return {**options, "client_keys": [key], "preferred_auth": ["publickey"]}


async def _closed(connection: Any) -> None:
    connection.abort()
    with suppress(TimeoutError):
        async with asyncio.timeout(_PARTING):
            await connection.wait_closed()


class SftpSession:
    """One connection, used in one thread, by the loop of *runner*."""

    def __init__(self, ssh: Any, runner: asyncio.Runner, connection: Any, base: str, errand: Errand) -> None:
        self._ssh = ssh
        self._runner = runner
        self._errand = errand
        self._known: dict[str, str] = {}
        self._client = self._do(connection.start_sftp_client)
        self._base = str(self._do(lambda: self._client.realpath(base)))

    def _do(self, step: Callable[[], Awaitable[T]]) -> T:
        """Return what *step* comes to in the time that is left."""
        ssh = self._ssh
        left = self._errand.left()

        async def bounded() -> T:
            async with asyncio.timeout(left):
                return await step()

        try:
            return self._runner.run(bounded())
        except TimeoutError:
            raise TimeOver("the server did not answer in time") from None
        except (ssh.SFTPNoSuchFile, ssh.SFTPNoSuchPath):
            raise FileMissing("there is no such file") from None
        except (ssh.SFTPConnectionLost, ssh.SFTPNoConnection):
            raise ConnectionGone("the connection ended before the answer came") from None
        except (ssh.SFTPNoSpaceOnFilesystem, ssh.SFTPQuotaExceeded):
            raise PlaceAway("the server has no more space") from None
        except ssh.SFTPPermissionDenied:
            raise PlaceAway("the server does not permit it") from None
        except ssh.SFTPBadMessage:
            raise ConnectionGone("the server's answer makes no sense") from None
        except ssh.SFTPError as error:
            raise PlaceAway(f"the server refused it, with code {error.code}") from None
        except (ssh.Error, OSError):
            raise ConnectionGone("the connection ended before the answer came") from None

    def _folder(self, folder: str) -> str:
        """Return the folder's path on the server, once it is sure that no link is on the way."""
        if folder not in self._known:
            path = posixpath.normpath(posixpath.join(self._base, folder))
            try:
                real = self._do(lambda: self._client.realpath(path))
                status = self._do(lambda: self._client.lstat(path))
            except FileMissing:
                raise PlaceAway(f"the server has no folder {folder}") from None
            if str(real) != path or status.type != 2:
                raise PlaceAway(f"the folder {folder} is none, or a link leads out of the root")
            self._known[folder] = path
        return self._known[folder]

    def _path(self, folder: str, name: str) -> str:
        return posixpath.join(self._folder(folder), name)

    def listing(self, folder: str) -> Listing:
        path = self._folder(folder)
        entries: list[Entry] = []
        others = 0
        for one in self._do(lambda: self._client.readdir(path)):
            name = one.filename if isinstance(one.filename, str) else one.filename.decode("utf-8", "surrogateescape")
            if name.startswith("."):
                continue
            if one.attrs.type != _REGULAR or unfit(name):
                others += 1
            else:
                entries.append(Entry(name, _stamp(one.attrs), one.attrs.mtime))
        return Listing(tuple(sorted(entries, key=lambda entry: entry.name)), others)

    def stamp(self, folder: str, name: str) -> Stamp | None:
        path = self._path(folder, name)
        try:
            status = self._do(lambda: self._client.lstat(path))
        except FileMissing:
            return None
        if status.type != _REGULAR:
            raise PlaceAway("it is no plain file")
        return _stamp(status)

    @contextmanager
    def opened(self, folder: str, name: str, most: int) -> Iterator[tuple[BinaryIO, Stamp]]:
        path = self._path(folder, name)
        before = self.stamp(folder, name)
        if before is None:
            raise FileMissing("there is no such file")
        if before.size > most:
            raise FileTooLarge(f"the file is larger than the {most} bytes that are allowed", limit=most)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
            stream = cast(BinaryIO, spooled)
            self._do(lambda: self._fetch(path, stream, before.size))
            if stream.tell() != before.size or self.stamp(folder, name) != before:
                raise FileChanged("the file was written by another meanwhile, or came incomplete")
            stream.seek(0)
            yield stream, before

    async def _fetch(self, path: str, stream: BinaryIO, size: int) -> None:
        file = await self._client.open(path, "rb")  # left to the connection's end on failure: closing it could wait
        while stream.tell() <= size and (part := await file.read(CHUNK, stream.tell())):
            stream.write(part)
        await file.close()

    def stage(self, folder: str, name: str, content: BinaryIO) -> None:
        path = self._path(folder, name)
        try:
            self._do(lambda: self._send(path, content))
        except FilesTrouble:
            with suppress(FilesTrouble):
                self.drop(folder, name)
            raise

    async def _send(self, path: str, content: BinaryIO) -> None:
        file = await self._client.open(path, "xb")
        offset = 0
        while part := content.read(CHUNK):
            await file.write(part, offset)
            offset += len(part)
        with suppress(self._ssh.SFTPOpUnsupported):
            await file.fsync()
        await file.close()

    def drop(self, folder: str, name: str) -> None:
        path = self._path(folder, name)
        with suppress(FileMissing):
            self._do(lambda: self._client.remove(path))

    def place(self, folder: str, temporary: str, name: str) -> None:
        self._rename(self._path(folder, temporary), folder, name)

    def replace(self, folder: str, temporary: str, name: str) -> None:
        old, new = self._path(folder, temporary), self._path(folder, name)
        self._do(lambda: self._client.posix_rename(old, new))

    def move(self, folder: str, name: str, target: str) -> None:
        self._rename(self._path(folder, name), target, name)

    def _rename(self, old: str, folder: str, name: str) -> None:
        """Rename as SFTP means it, which never overwrites."""
        new = self._path(folder, name)
        try:
            self._do(lambda: self._client.rename(old, new))
        except PlaceAway:
            if self.stamp(folder, name) is not None:
                raise FileExists("a file of this name is there already") from None
            raise


def _stamp(status: Any) -> Stamp:
    return Stamp(status.size or 0, f"{status.size or 0:x}-{int(status.mtime or 0):x}")

"""An SFTP server in a thread, its root a folder, and what it may do wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER = "house"
PASSWORD = "hidden-password"


@dataclass(slots=True)
class Server:
    """Where it listens and who it is. *fates* say what is done before an operation (`read`, `write`, `rename`, and
    `renamed`, which is after it): `lost` ends the connection, `silent` waits for ever, `slow` a moment, `full` refuses,
    `short` answers a read with the file's end.
    """

    port: int = 0
    host_key: str = ""
    client_key: str = ""
    fates: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)


@contextmanager
def sftp_server(root: Path) -> Iterator[Server]:
    """Serve *root* until the block ends."""
    server = Server()
    ready, stop = threading.Event(), threading.Event()

    def run() -> None:
        asyncio.run(_serve(root, server, ready, stop))

    thread = threading.Thread(target=run, name="sftp-server", daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield server
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def _door(server: Server, known: str, open_ones: list[asyncssh.SSHServerConnection]) -> type[asyncssh.SSHServer]:
    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            open_ones.append(conn)

        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == USER and key.export_public_key().decode().split()[1] == known.split()[1]

    return Door


async def _meet(server: Server, channel: Any, name: str) -> None:
    """Do what is to happen before the operation *name*."""
    server.calls.append(name)
    fate = server.fates.get(name)
    if fate == "lost":
        channel.get_connection().abort()
    if fate in {"lost", "silent"}:
        await asyncio.sleep(3600)
    if fate == "slow":
        await asyncio.sleep(0.1)
    if fate == "full":
        raise asyncssh.SFTPFailure("no space")


def _files(server: Server, root: Path) -> type[asyncssh.SFTPServer]:
    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(root).encode())

        async def read(self, file_obj: object, offset: int, size: int) -> bytes:
            await _meet(server, self.channel, "read")
            if server.fates.get("read") == "short" and offset > 0:
                return b""
            return super().read(file_obj, offset, size)  # type: ignore[return-value]  # not async there

        async def write(self, file_obj: object, offset: int, data: bytes) -> int:
            await _meet(server, self.channel, "write")
            return super().write(file_obj, offset, data)  # type: ignore[return-value]  # not async there

        async def rename(self, oldpath: bytes, newpath: bytes) -> None:
            await _meet(server, self.channel, "rename")
            super().rename(oldpath, newpath)
            await _meet(server, self.channel, "renamed")

        async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            await _meet(server, self.channel, "rename")
            super().posix_rename(oldpath, newpath)
            await _meet(server, self.channel, "renamed")

    return Files


async def _serve(root: Path, server: Server, ready: threading.Event, stop: threading.Event) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    client = asyncssh.generate_private_key("ssh-ed25519")
    server.host_key = key.export_public_key().decode().strip()
    server.client_key = client.export_private_key().decode()
    open_ones: list[asyncssh.SSHServerConnection] = []
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[key],
        server_factory=_door(server, client.export_public_key().decode(), open_ones),
        sftp_factory=_files(server, root),
        allow_scp=False,
    )
    server.port = listener.get_port()
    ready.set()
    while not stop.is_set():  # noqa: ASYNC110 - the event is another thread's
        await asyncio.sleep(0.02)
    listener.close()
    for one in open_ones:
        one.abort()
    await asyncio.sleep(0.05)  # what was aborted is closed in the loop's next rounds

"""An OpenID Connect issuer on this machine: it signs tokens and publishes its keys over HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_RSA = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
_SMALL = rsa.generate_private_key(65537, 1024)
_EC = ec.generate_private_key(ec.SECP256R1())


def plain(part: Any) -> str:
    """Return *part* as one piece of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


class LocalIssuer:
    """`rsa` and `ec` are published; `next` is not until `rotate`. `asked` counts requests for the keys."""

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {"rsa": _RSA[0], "ec": _EC}
        self.hidden: dict[str, PrivateKey] = {"next": _RSA[1], "small": _SMALL}
        self.body: bytes | None = None
        self.status = 200
        self.asked = 0
        self.url = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def fetch(self, url: str) -> bytes:
        """Get *url* over a real connection, as the product's own client would."""
        host, _, rest = url.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(f"GET /{rest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0] + b" ":
            raise ConnectionError("the issuer did not answer")
        return body

    def rotate(self) -> None:
        """Publish the next key in the place of the RSA one."""
        del self.keys["rsa"]
        self.keys["next"] = self.hidden["next"]

    def publish(self, **entries: dict[str, Any]) -> None:
        """Publish exactly these entries; each is completed from the key of that name."""
        known = {**self.keys, **self.hidden}
        self.body = json.dumps(
            {"keys": [{**_public(name, known[name]), **more} for name, more in entries.items()]}
        ).encode()

    def token(
        self,
        *,
        key: str = "rsa",
        alg: str = "RS256",
        kid: str | None = "",
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return a token signed by *key*; *kid* empty names that key, None leaves it out."""
        header = {**({} if kid is None else {"kid": kid or key}), **(headers or {})}
        private = {**self.keys, **self.hidden}[key]
        return jwt.encode(claims, private, algorithm=alg, headers=header)

    def unsigned(self, **claims: Any) -> str:
        """Return a token that says it needs no signature."""
        return f"{plain({'alg': 'none', 'kid': 'rsa'})}.{plain(claims)}."

    def signed_with_public_key(self, **claims: Any) -> str:
        """Return a token whose HMAC has the published RSA key as its secret."""
        public = self.keys["rsa"].public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        text = f"{plain({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{plain(claims)}"
        mark = hmac.new(pem, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = self.body
        if body is None:
            body = json.dumps({"keys": [_public(kid, key) for kid, key in self.keys.items()]}).encode()
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        writer.close()


def _public(kid: str, key: PrivateKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        entry = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        entry = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**entry, "kid": kid, "use": "sig"}

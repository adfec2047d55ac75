"""TLS to systems that speak gRPC: whom we trust, by which name, and who we are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from interlock.integration.systems import FAILED
from tests.integration.connectors.grpc.calling import connected, read, write
from tests.integration.connectors.grpc.shop import Shop, files, serving


def certificate(folder: Path, name: str, *, address: bool = False) -> tuple[bytes, bytes]:
    """Write `NAME.pem`, a certificate that signs itself, and return its key and it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    named = x509.IPAddress(IPv4Address(name)) if address else x509.DNSName(name)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    public = built.public_bytes(serialization.Encoding.PEM)
    (folder / f"{name}.pem").write_bytes(public)
    return private, public


@pytest.mark.parametrize(
    ("target", "name", "tls", "reached"),
    [
        ("localhost", "localhost", {"ca": "localhost.pem"}, True),
        ("127.0.0.1", "127.0.0.1", {"ca": "127.0.0.1.pem"}, True),
        ("localhost", "localhost", {}, False),
        ("localhost", "localhost", {"ca": "other.acme.example.pem"}, False),
        ("localhost", "shop.acme.example", {"ca": "shop.acme.example.pem"}, False),
        ("127.0.0.1", "shop.acme.example", {"ca": "shop.acme.example.pem"}, False),
        ("127.0.0.1", "shop.acme.example", {"ca": "shop.acme.example.pem", "name": "shop.acme.example"}, True),
        ("localhost", "localhost", "none", False),
    ],
)
async def test_a_certificate_is_trusted_by_its_authority_and_name(
    tmp_path: Path, target: str, name: str, tls: Any, reached: bool
) -> None:
    certificate(tmp_path, "other.acme.example")
    credentials = grpc.ssl_server_credentials([certificate(tmp_path, name, address=name[0].isdigit())])
    service = Shop(files(tmp_path))
    async with (
        serving(service, credentials=credentials) as port,
        connected(tmp_path, port, target=f"{target}:{port}", tls=tls) as connector,
    ):
        answer = await write(connector)
        assert answer.succeeded is reached, answer.problem
        assert service.effects == int(reached)
        if not reached:
            assert (answer.status, answer.sent) == (FAILED, False)
            assert answer.problem is not None
            assert answer.problem["code"] == "unreachable"
            assert not service.seen, "no credential went out"


async def test_a_server_without_tls_gets_no_credential(tmp_path: Path) -> None:
    certificate(tmp_path, "localhost")
    service = Shop(files(tmp_path))
    async with serving(service) as port, connected(tmp_path, port, tls={"ca": "localhost.pem"}) as connector:
        answer = await write(connector)
        assert (answer.status, answer.sent, service.seen) == (FAILED, False, {})
        assert answer.problem is not None
        assert "tls: none" in answer.problem["fix"]


async def test_we_prove_who_we_are_with_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, server = certificate(tmp_path, "us.acme.example"), certificate(tmp_path, "localhost")
    credentials = grpc.ssl_server_credentials([server], ours[1], require_client_auth=True)
    (tmp_path / "keys").mkdir()
    service = Shop(files(tmp_path))
    tls = {"ca": "localhost.pem"}
    proven = tls | {"certificate": "us.acme.example.pem", "key": "secret:ours"}
    async with serving(service, credentials=credentials) as port:
        async with connected(tmp_path, port, target=f"localhost:{port}", tls=tls) as connector:
            assert not (await read(connector)).succeeded
        async with connected(tmp_path, port, target=f"localhost:{port}", tls=proven) as connector:
            answer = await read(connector)
            assert (answer.status, answer.sent) == (FAILED, False), "the key is missing"
        secrets = {"ours": ours[0].decode()}
        async with connected(tmp_path, port, target=f"localhost:{port}", tls=proven, secrets=secrets) as connector:
            assert (await read(connector)).succeeded


async def test_a_file_of_authorities_that_goes_away_is_said(tmp_path: Path) -> None:
    certificate(tmp_path, "localhost")
    async with connected(tmp_path, 1, tls={"ca": "localhost.pem"}) as connector:
        (tmp_path / "localhost.pem").unlink()
        answer = await read(connector)
        assert (answer.sent, answer.transient) == (False, False)
        assert "No such file" in str(answer.problem)


async def test_the_machines_own_authorities_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = grpc.ssl_server_credentials([certificate(tmp_path, "localhost")])
    service = Shop(files(tmp_path))
    async with serving(service, credentials=credentials) as port:
        folder = tmp_path / "authorities"
        folder.mkdir()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(folder))
        async with connected(tmp_path, port, target=f"localhost:{port}", tls={}) as connector:
            answer = await read(connector)
            assert not answer.sent
            assert "no certificates of authorities" in str(answer.problem)
        (folder / "one.pem").write_bytes((tmp_path / "localhost.pem").read_bytes())
        async with connected(tmp_path, port, target=f"localhost:{port}", tls={}) as connector:
            assert (await read(connector)).succeeded
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
        monkeypatch.delenv("SSL_CERT_DIR")
        async with connected(tmp_path, port, target=f"localhost:{port}", tls={}) as connector:
            assert (await read(connector)).succeeded

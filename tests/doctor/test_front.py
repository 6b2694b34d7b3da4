"""Which protocol a server in front chooses, asked of real ones on this machine."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk.doctor.front import HTTP_1, HTTP_2, headers_at, protocol_at

LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=36_500)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `localhost`, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(LONG_AGO)
        .not_valid_after(FAR_AHEAD)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("front") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def speaking(certificate: Path, protocols: Sequence[str], answer: bytes = b"") -> Iterator[str]:
    """A server that makes one handshake, and gives one answer if there is one; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    with socket.create_server(("127.0.0.1", 0)) as door:

        def greet() -> None:
            plain, _ = door.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(4096)
                    secured.sendall(answer)
            except OSError:
                plain.close()

        thread = threading.Thread(target=greet)
        thread.start()
        yield f"https://localhost:{door.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(("protocols", "chosen"), [(["h2", "http/1.1"], HTTP_2), (["http/1.1"], HTTP_1), ([], HTTP_1)])
def test_the_protocol_that_the_server_chooses_is_told(certificate: Path, protocols: list[str], chosen: str) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    with speaking(certificate, protocols) as address:
        assert protocol_at(address, trust) == chosen


def test_a_certificate_that_is_not_trusted_tells_nothing(certificate: Path) -> None:
    with speaking(certificate, ["h2"]) as address:
        assert protocol_at(address) is None


def test_a_door_that_nobody_opens_tells_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    assert protocol_at(f"https://127.0.0.1:{port}") is None


def test_the_headers_that_arrive_are_told_by_their_names_in_lower_case(certificate: Path) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    answer = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=5\r\nContent-Length: 0\r\n\r\n"
    with speaking(certificate, ["http/1.1"], answer) as address:
        assert headers_at(address, trust) == {"strict-transport-security": "max-age=5", "content-length": "0"}


@pytest.mark.parametrize("answer", [b"", b"this is no page\r\n\r\n"])
def test_what_is_no_page_has_no_headers(certificate: Path, answer: bytes) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    with speaking(certificate, ["http/1.1"], answer) as address:
        assert headers_at(address, trust) is None


def test_a_page_behind_a_certificate_that_is_not_trusted_has_no_headers(certificate: Path) -> None:
    with speaking(certificate, ["http/1.1"]) as address:
        assert headers_at(address) is None

"""The base under every outside system, against real sockets: what happens when the other side misbehaves."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.upstream import wire
from kiosk.upstream.errors import NoAnswer, NotSent, UpstreamError
from kiosk.upstream.http import LARGEST_BODY, Answer, Http, TimeLimits
from kiosk.upstream.wire import DeadlineTransport, deadline

from .support import TOKEN, Script, assert_tells_nothing, hear, loopback, say

PATIENT = TimeLimits()
QUICK = TimeLimits(connect=0.3, write=0.3, read=0.3, pool=0.2, total=0.6)
PATH = f"/public-charging/sessions/{TOKEN}"


@contextlib.contextmanager
def client(url: str, limits: TimeLimits = PATIENT, transport: httpx.BaseTransport | None = None) -> Iterator[Http]:
    http = Http(url, limits=limits, transport=transport)
    try:
        yield http
    finally:
        http.close()


def answering(words: bytes) -> Script:
    """Hears one request, says `words` and closes."""

    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(words)

    return script


def ask(script: Script, limits: TimeLimits = PATIENT) -> Answer:
    with loopback(script) as server, client(server.url, limits) as http:
        return http.exchange("GET", PATH)


def no_answer(script: Script, limits: TimeLimits = PATIENT) -> NoAnswer:
    with pytest.raises(NoAnswer) as failed:
        ask(script, limits)
    assert_tells_nothing(failed.value)
    return failed.value


def test_a_json_answer_arrives_whole_and_exact() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 17\r\n\r\n{"kwh": 0.10} \r\n ')

    answer = ask(script)
    assert (answer.status, answer.body, answer.headers["x-a"]) == (200, {"kwh": Decimal("0.10")}, "b")


def test_what_is_sent_is_plain_and_carries_no_cookie() -> None:
    heard: list[bytes] = []

    def script(connection: socket.socket, _number: int) -> None:
        for _ in range(2):
            heard.append(hear(connection))
            connection.sendall(say({}, headers="Set-Cookie: visit=1; Path=/\r\n"))

    with loopback(script) as server, client(server.url) as http:
        http.exchange("POST", PATH, json_body={"email": "é"})
        http.exchange("GET", PATH, headers={"Authorization": "Bearer x"})
        assert server.accepted == 1
    first, second = heard
    assert first.startswith(f"POST /api/v3{PATH} HTTP/1.1\r\n".encode())
    assert first.endswith('{"email":"é"}'.encode())
    assert b"\r\nAccept: application/json\r\n" in first
    assert b"\r\nContent-Type: application/json\r\n" in first
    assert b"\r\nUser-Agent: charge-kiosk/" in first
    assert b"Content-Type" not in second
    assert b"cookie" not in second.lower()
    assert b"\r\nAuthorization: Bearer x\r\n" in second


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(answering(say({}))).status == 200


# Not sent


def not_sent(url: str, limits: TimeLimits = PATIENT, transport: httpx.BaseTransport | None = None) -> NotSent:
    with client(url, limits, transport) as http, pytest.raises(NotSent) as failed:
        http.exchange("POST", PATH)
    assert_tells_nothing(failed.value)
    return failed.value


def test_a_refused_connection_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert "ConnectError" in str(not_sent(f"http://127.0.0.1:{port}"))


def test_a_connection_that_is_never_taken_was_not_sent() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # fills the queue of a listener that never accepts
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        assert "ConnectTimeout" in str(not_sent(f"http://127.0.0.1:{full.getsockname()[1]}", QUICK))


def test_a_host_that_cannot_be_a_name_was_not_sent() -> None:
    assert "ConnectError" in str(not_sent(f"http://{'a' * 70}.invalid"))


def test_a_name_that_is_not_found_was_not_sent() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"[Errno -2] Name or service not known: {request.url}", request=request)

    not_sent("http://kiosk.invalid", transport=httpx.MockTransport(handler))


def test_without_a_free_connection_it_was_not_sent() -> None:
    busy = threading.Event()

    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        busy.set()
        server.done.wait(5)

    ends: list[UpstreamError] = []

    def hold(http: Http) -> None:
        with pytest.raises(NoAnswer) as failed:
            http.exchange("GET", PATH)
        ends.append(failed.value)

    limits = TimeLimits(pool=0.1)
    with loopback(script) as server, client(server.url, limits, DeadlineTransport(1)) as http:
        first = threading.Thread(target=hold, args=(http,))
        first.start()
        assert busy.wait(5)
        with pytest.raises(NotSent) as failed:
            http.exchange("POST", PATH)
        assert "PoolTimeout" in str(failed.value)
        assert_tells_nothing(failed.value)
        server.done.set()
        first.join(5)
    assert len(ends) == 1


def test_a_handshake_that_fails_was_not_sent() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with loopback(script) as server:
        assert "ConnectError" in str(not_sent(server.url.replace("http:", "https:"), QUICK))


def test_a_handshake_that_never_ends_was_not_sent() -> None:
    def script(_connection: socket.socket, _number: int) -> None:
        server.done.wait(5)

    with loopback(script) as server:
        assert "ConnectTimeout" in str(not_sent(server.url.replace("http:", "https:"), QUICK))


def test_a_call_without_any_time_left_was_not_sent() -> None:
    with loopback(lambda connection, _: connection.sendall(say({}))) as server:
        not_sent(server.url, TimeLimits(total=0))
        assert server.accepted == 0


def test_after_close_nothing_is_sent() -> None:
    http = Http("http://127.0.0.1:9")
    http.close()
    with pytest.raises(NotSent):
        http.exchange("GET", PATH)


# No answer


def test_a_connection_dropped_before_any_answer_is_unknown() -> None:
    no_answer(answering(b""))


def test_a_connection_reset_before_any_answer_is_unknown() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    no_answer(script)


def test_a_connection_dropped_within_the_headers_is_unknown() -> None:
    no_answer(answering(b"HTTP/1.1 200 OK\r\nContent-"))


@pytest.mark.parametrize("sent", [b"", b'{"data": {"status": "char'])
def test_a_connection_dropped_within_the_body_is_unknown(sent: bytes) -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n"
    no_answer(answering(head + sent))


def test_an_answer_that_is_not_http_is_unknown() -> None:
    no_answer(answering(b"SSH-2.0-OpenSSH\r\n\r\n"))


def test_an_endless_header_is_unknown() -> None:
    endless = b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000
    no_answer(answering(endless))


def test_a_silent_server_is_unknown_after_the_read_limit() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        server.done.wait(5)

    with loopback(script) as server, client(server.url, QUICK) as http:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="ReadTimeout") as failed:
            http.exchange("POST", PATH)
        assert time.monotonic() - began < 5
    assert_tells_nothing(failed.value)


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 200 OK\r\nX-Drip: ",  # never ends its headers
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",  # never ends its body
    ],
)
def test_a_dripping_server_cannot_hold_a_thread_beyond_the_total_limit(before: bytes) -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(before)
        while not server.done.wait(0.05):  # always sooner than the read limit
            connection.sendall(b"a")

    with loopback(script) as server, client(server.url, QUICK) as http:
        began = time.monotonic()
        with pytest.raises(NoAnswer) as failed:
            http.exchange("POST", PATH)
        assert 0.5 < time.monotonic() - began < 5
    assert_tells_nothing(failed.value)


def test_one_long_wait_ends_with_the_call_and_not_with_the_read_limit() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        server.done.wait(5)

    with loopback(script) as server, client(server.url, TimeLimits(read=4, total=0.3)) as http:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="ReadTimeout"):
            http.exchange("POST", PATH)
        assert time.monotonic() - began < 3


def test_a_transport_without_deadlines_is_still_stopped_between_two_pieces() -> None:
    class Slow(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(100):
                yield b" "
                time.sleep(0.05)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Slow()))
    with (
        client("http://127.0.0.1", TimeLimits(total=0.15), transport) as http,
        pytest.raises(NoAnswer, match="too long"),
    ):
        http.exchange("GET", PATH)


def test_an_answer_larger_than_the_limit_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sum(sent) < 64 * LARGEST_BODY:
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            sent.append(65536)

    error = no_answer(script)
    assert "too large" in str(error)
    assert sum(sent) < 32 * LARGEST_BODY


def test_an_answer_of_just_the_largest_size_is_read() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {LARGEST_BODY}\r\n\r\n".encode())
        connection.sendall(b"{}" + b" " * (LARGEST_BODY - 2))

    assert ask(script).body == {}


def test_a_compressed_answer_was_not_asked_for_and_is_not_unpacked() -> None:
    assert "encoding" in str(no_answer(answering(say({}, headers="Content-Encoding: gzip\r\n"))))


def test_a_redirect_is_not_followed() -> None:
    with loopback(answering(say({}, "302 Found", "Location: /elsewhere\r\n"))) as server:
        with client(server.url) as http:
            assert http.exchange("GET", PATH).status == 302
        assert server.accepted == 1


def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(say({}))

    with loopback(script) as server, client(server.url) as http:
        assert http.exchange("GET", PATH).status == 200
        assert server.closed.acquire(timeout=60)
        assert http.exchange("GET", PATH).status == 200
        assert server.accepted == 2


def test_many_threads_share_one_client() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        while heard := hear(connection):
            connection.sendall(say({"path": heard.split()[1].decode()}))

    right: list[bool] = []
    with loopback(script) as server, client(server.url) as http:

        def work(name: int) -> None:
            for turn in range(5):
                answer = http.exchange("GET", f"/{name}/{turn}")
                right.append(answer.body == {"path": f"/api/v3/{name}/{turn}"})

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        http.close()
    assert right == [True] * 40


def test_https_works_and_is_bounded_too(tmp_path: Path) -> None:
    server_side, client_side = certificates(tmp_path)

    def script(connection: socket.socket, number: int) -> None:
        hear(connection)
        if number == 0:
            connection.sendall(say({"a": 1}, headers="Connection: close\r\n"))
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not server.done.wait(0.05):
                connection.sendall(b"a")

    with (
        loopback(script, server_side) as server,
        client(server.url, TimeLimits(total=1.5), DeadlineTransport(2, client_side)) as http,
    ):
        assert http.exchange("GET", PATH).body == {"a": 1}
        with pytest.raises(NoAnswer):
            http.exchange("GET", PATH)


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    server_side, _ = certificates(tmp_path)
    with loopback(lambda connection, _: connection.sendall(say({})), server_side) as server:
        assert "ConnectError" in str(not_sent(server.url))


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server on 127.0.0.1 and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    return server_side, ssl.create_default_context(cafile=str(pem))


def test_a_wait_outside_of_a_call_has_only_its_own_limit() -> None:
    with loopback(answering(say({}))) as server:
        transport = DeadlineTransport(1)
        with httpx.Client(transport=transport, timeout=5) as plain:
            assert plain.get(server.url).status_code == 200


def test_the_time_left_runs_down() -> None:
    with deadline(5) as left:
        assert 4 < left() <= 5


def test_what_is_not_told_otherwise_checks_certificate_and_name() -> None:
    context = wire._trusted.__wrapped__()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname

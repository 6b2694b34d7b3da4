"""A server on a loopback socket that says exactly what a test tells it to, and a check that nothing secret escapes."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

TOKEN = "tok-4f9c2d1e8b7a6c5d4e3f2a1b"
EMAIL = "driver.private@example.com"
SECRET = "pi_3Qsecret_secret_VeryPrivate"

Script = Callable[[socket.socket, int], None]
"""Called once for each accepted connection with its number, from 0. The connection is closed when it returns."""


class Loopback:
    """Accepts connections until the test ends. `done` is set then, so that scripts can wait on it.

    `closed` has one more for each connection that was closed on this side.
    """

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.accepted = 0
        self.done = threading.Event()
        self.closed = threading.Semaphore(0)
        self._script = script
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}/api/v3"

    def close(self) -> None:
        self.done.set()
        for thread in self._threads:
            thread.join(5)
        self._socket.close()

    def _accept(self) -> None:
        while not self.done.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._socket.accept()
                number, self.accepted = self.accepted, self.accepted + 1
                thread = threading.Thread(target=self._serve, args=(connection, number))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
        with contextlib.suppress(OSError), connection:
            self._script(connection, number)
        self.closed.release()


@contextlib.contextmanager
def loopback(script: Script, context: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    server = Loopback(script, context)
    try:
        yield server
    finally:
        server.close()


def hear(connection: socket.socket) -> bytes:
    """One whole request, or what came before the other side closed."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        piece = connection.recv(65536)
        if not piece:
            return heard
        heard += piece
    head, _, body = heard.partition(b"\r\n\r\n")
    length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def say(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    """The bytes of a complete JSON answer."""
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n{headers}\r\n"
    return head.encode() + text


def assert_tells_nothing(error: BaseException, *secrets: str) -> None:
    """No text that belongs to `error` or to what it carries along contains a secret or a library's error."""
    seen: BaseException | None = error
    while seen is not None:
        # The traceback of a test shows the test's own source lines, so only the errors' own words are looked at.
        words = "".join(traceback.format_exception_only(seen)) + repr(seen) + repr(vars(seen))
        for secret in (TOKEN, EMAIL, SECRET, *secrets):
            assert secret.lower() not in words.lower()
        assert type(seen).__module__ == "kiosk.upstream.errors"
        seen = seen.__cause__ or seen.__context__


def session_body(**changes: Any) -> dict[str, Any]:
    """A session as the reference documents it, while charging."""
    data: dict[str, Any] = {
        "status": "charging",
        "failure_reason": None,
        "connector_id": 1,
        "connector_status": "Charging",
        "charger": {"public_code": "AB12CD", "name": "Main Office 1", "online": True},
        "pricing": {"currency": "eur", "price_per_kwh": 45, "start_fee": 100},
        "amount_authorized": 5000,
        "energy_kwh": "7.940",
        "cost_amount": 457,
        "amount_captured": None,
        "tax_amount": None,
        "driver_email": None,
        "created_at": "2026-01-10T01:14:32.000000Z",
        "authorized_at": "2026-01-10T01:15:02.000000Z",
        "charging_started_at": "2026-01-10T01:15:40.000000Z",
        "completed_at": None,
        "captured_at": None,
    }
    data.update(changes)
    return {"data": data, "payment": None}


def started_body(**changes: Any) -> dict[str, Any]:
    body = session_body(status="created", energy_kwh=None, cost_amount=None, amount_authorized=None)
    body["session_token"] = TOKEN
    body["payment"] = {"client_secret": SECRET, "publishable_key": "pk_test_1", "stripe_account_id": "acct_1"}
    body.update(changes)
    return body


def charger_body(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "public_code": "AB12CD",
        "name": "Main Office 1",
        "online": True,
        "connectors": [
            {
                "connector_id": 1,
                "status": "Available",
                "standard": "IEC 62196",
                "format": "Socket",
                "power_type": "AC_3_PHASE",
            },
            {"connector_id": 2, "status": None, "standard": None, "format": None, "power_type": None},
        ],
        "pricing": {"currency": "EUR", "price_per_kwh": 45, "start_fee": 0},
        "preauth_amount": 5000,
    }
    data.update(changes)
    return {"data": data}

"""An httpx transport whose every wait also ends at the deadline of the whole call.

httpx limits each single read; a server that sends one byte at a time could hold a thread for hours, in the headers as
well as in the body. So the sockets below ask how much of the call's time is left before every wait.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpcore
import httpx

_KEEPALIVE_SECONDS = 15.0
"""Shorter than what servers usually keep, so that a request seldom meets a connection that is being closed."""
_call = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[Callable[[], float]]:
    """Within, every wait of this thread on a DeadlineTransport ends after `seconds`. Gives the time left."""
    end = time.monotonic() + seconds
    _call.end = end
    try:
        yield lambda: end - time.monotonic()
    finally:
        _call.end = None


def _wait(timeout: float | None, late: type[Exception]) -> float | None:
    """The shorter of `timeout` and what is left of the call. Raises `late` when nothing is."""
    end: float | None = getattr(_call, "end", None)
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise late("the call took too long")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _wait(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _wait(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _wait(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _wait(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes], close: Callable[[], None]) -> None:
        self._stream = stream
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._close()


@cache
def _trusted() -> ssl.SSLContext:
    """Checks the other side's certificate and name. Made once: reading the authorities takes longer than a page."""
    return httpx.create_ssl_context(trust_env=False)


class DeadlineTransport(httpx.BaseTransport):
    """HTTP/1.1 over a shared pool. Before anything is sent, failures are httpx's; afterwards they may be httpcore's."""

    def __init__(self, most_connections: int, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or _trusted(),
            max_connections=most_connections,
            max_keepalive_connections=most_connections,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except (httpcore.ConnectError, UnicodeError) as error:  # UnicodeError: a host that cannot be a name
            raise httpx.ConnectError(str(error), request=request) from error
        except httpcore.ConnectTimeout as error:
            raise httpx.ConnectTimeout(str(error), request=request) from error
        except httpcore.PoolTimeout as error:
            raise httpx.PoolTimeout(str(error), request=request) from error
        stream: Any = response.stream
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(stream, response.close),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()

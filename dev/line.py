"""Between the kiosk's process and the world's: the kiosk's own calls, and what browsers ask of `/sandbox`.

A call names its line in a header, so that the world can play the faults of that line. A cut that no web app can play is
answered with the name of the error, which the line raises at the kiosk's end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpx

from kiosk.demo import MOUNT, Sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LINES = ("public", "operator", "pilot", "lab")
"""Those of `Transports` that have faults."""

_LINE, _RAISED = "X-Line", "X-Raised"
_PROBLEMS = {each.__name__: each for each in (httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError)}
_NOT_PASSED_ON = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})


class Line(httpx.BaseTransport):
    """Carries the calls of one client to the world that listens on `port`, whatever address they were meant for."""

    def __init__(self, port: int, name: str) -> None:
        self._port, self._name = port, name
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        headers = httpx.Headers(request.headers)  # with the host of the address that was meant
        headers[_LINE] = self._name
        sent = httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)
        answer = self._inner.handle_request(sent)
        raised = answer.headers.get(_RAISED)
        if raised is not None:
            answer.close()
            raise _PROBLEMS[raised](f"sandbox: {raised}", request=request)
        return answer

    def close(self) -> None:
        self._inner.close()


class Window:
    """In front of a kiosk: passes what is under `/sandbox` on to the world, everything else to the kiosk."""

    def __init__(self, inner: WSGIApplication, port: int) -> None:
        self._inner = inner
        self._world = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != MOUNT and not environ["PATH_INFO"].startswith(f"{MOUNT}/"):
            return self._inner(environ, start_response)
        request = self._world.build_request(
            environ["REQUEST_METHOD"], environ["REQUEST_URI"], headers=_headers(environ), content=_body(environ)
        )
        try:
            answer = self._world.send(request)
        except httpx.HTTPError:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "2")])
            return [b"The sandbox is starting again. Try in a moment.\n"]
        return _pass_on(answer, start_response)

    def close(self) -> None:
        self._world.close()


def world_end(sandbox: Sandbox) -> WSGIApplication:
    """The world's web apps, for browsers as they are, and for the kiosk's lines with their faults."""
    transports, apps = sandbox.transports(), sandbox.apps()
    lines: dict[str, httpx.BaseTransport] = {
        name: transport for name in LINES if (transport := getattr(transports, name)) is not None
    }

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        line = lines.get(environ.get("HTTP_X_LINE", ""))
        if line is None:
            return apps(environ, start_response)
        url = f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI']}"
        headers = _headers(environ)
        request = httpx.Request(environ["REQUEST_METHOD"], url, headers=headers, content=_body(environ))
        try:
            answer = line.handle_request(request)
            answer.read()
        except httpx.TransportError as problem:
            start_response("502 Bad Gateway", [(_RAISED, type(problem).__name__)])
            return []
        return _pass_on(answer, start_response)

    return serve


def _pass_on(answer: httpx.Response, start_response: StartResponse) -> Iterable[bytes]:
    headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _NOT_PASSED_ON]
    start_response(f"{answer.status_code} {answer.reason_phrase or 'Answer'}", headers)
    return [answer.content]


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in {"HTTP_CONNECTION", "HTTP_ACCEPT_ENCODING"}
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    return {**headers, "Accept-Encoding": "identity"}


def _body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    body: bytes = environ["wsgi.input"].read(int(length))
    return body

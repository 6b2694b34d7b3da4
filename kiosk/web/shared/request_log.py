"""A name and a line in the log for every request: route, status, duration. Never its address, which may be a secret."""

from __future__ import annotations

import re
import secrets
import time
from http import HTTPStatus
from typing import Literal, Protocol

import structlog
from flask import Flask, Response, g, request

from kiosk.config.settings import Settings

HEADER = "X-Request-ID"
_USABLE = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_UNREMARKABLE = frozenset({"/healthz", "/readyz"})

log = structlog.stdlib.get_logger(__name__)


class Record(Protocol):
    """Told of each request when its answer begins: see `kiosk.eyes.traces.Traces`."""

    def __call__(
        self, name: str, seconds: float, side: Literal["server"], *, failed: bool = False, **said: object
    ) -> None: ...


def init_request_log(app: Flask, settings: Settings, record: Record | None = None) -> None:
    def begin() -> None:
        given = request.headers.get(HEADER, "") if settings.trusted_proxies else ""
        g.request_id = given if _USABLE.fullmatch(given) else secrets.token_hex(8)
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def end(response: Response) -> Response:
        response.headers[HEADER] = g.request_id
        route = request.url_rule.rule if request.url_rule else None
        if route not in _UNREMARKABLE:
            if record is not None:
                record(
                    f"{request.method} {route or 'unknown'}",
                    time.perf_counter() - g.began,
                    "server",
                    failed=response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR,
                    route=route,
                    status=response.status_code,
                    request_id=g.request_id,
                )
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
            )
        return response

    def forget(error: BaseException | None) -> None:
        del error
        structlog.contextvars.clear_contextvars()

    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(forget)

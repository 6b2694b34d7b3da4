"""One line for each request: the route, never the address, which may be somebody's secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from kiosk.config.logs import QUIET, configure_logs
from tests.web.built import made_app

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log as JSON. Everything global is put back afterwards."""
    loggers = [logging.getLogger(name) for name in ("", *QUIET, "gunicorn.error", "gunicorn.access")]
    before = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    stream = io.StringIO()
    configure_logs("json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, level, handlers, propagate in before:
        logger.level, logger.handlers, logger.propagate = level, handlers, propagate
    structlog.reset_defaults()


def test_a_request_is_logged_by_its_route(tmp_path: Path, lines: Lines) -> None:
    client = made_app(tmp_path).test_client()
    address = "/s/qX7v2mLk0PzR?payment_intent_client_secret=pi_1_secret_2"
    answer = client.get(address, headers={"Referer": "https://bank.example/?card=4242", "Cookie": "driver=abc.def"})
    (line,) = [line for line in lines() if line["event"] == "request"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/s/<key>", 404)
    assert line["milliseconds"] > 0
    assert line["request_id"] == answer.headers["X-Request-ID"]
    for secret in ("qX7v", "pi_1", "bank.example", "abc.def", "127.0.0.1"):
        assert secret not in json.dumps(lines())


def test_an_unknown_address_is_not_repeated(tmp_path: Path, lines: Lines) -> None:
    made_app(tmp_path).test_client().get("/s/../../anna@mail.example")
    assert "anna" not in json.dumps(lines())


def test_health_checks_do_not_fill_the_log(tmp_path: Path, lines: Lines) -> None:
    client = made_app(tmp_path).test_client()
    client.get("/healthz")
    client.get("/readyz")
    assert [line for line in lines() if line["event"] == "request"] == []


def test_lines_written_on_the_way_carry_the_requests_name(tmp_path: Path, lines: Lines) -> None:
    app = made_app(tmp_path)

    @app.get("/test/log")
    def page() -> str:
        logging.getLogger("kiosk.engine").warning("noticed")
        return ""

    name = app.test_client().get("/test/log").headers["X-Request-ID"]
    logging.getLogger("kiosk.engine").warning("later")
    named = [(line["event"], line.get("request_id")) for line in lines() if line["logger"] != "kiosk.app"]
    assert named == [("noticed", name), ("request", name), ("later", None)]


@pytest.mark.parametrize(
    ("proxies", "given", "kept"),
    [
        (1, "abcdef12-3456", True),
        (0, "abcdef12-3456", False),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "a b c d e f", False),
    ],
)
def test_a_name_from_the_proxy_in_front_is_kept(tmp_path: Path, proxies: int, given: str, kept: bool) -> None:
    client = made_app(tmp_path, trusted_proxies=proxies).test_client()
    assert (client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given) is kept


def test_a_crash_is_logged_without_its_secret(tmp_path: Path, lines: Lines) -> None:
    app = made_app(tmp_path)
    app.testing = False

    @app.get("/test/crash")
    def crash() -> str:
        raise ValueError("the key is sk_live_abcdef")

    app.test_client().get("/test/crash")
    (line,) = [line for line in lines() if line["level"] == "error"]
    assert "ValueError: the key is sk_live_[removed]" in line["exception"]

"""What a log line holds, and above all what it never holds, whoever wrote it and however deep it lay."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from kiosk.config.logs import QUIET, configure_logs, redact_text, session_mark

Write = Callable[[Any], None]

SECRETS = {
    "a client secret": "pi_3Nabc_secret_XyZ123",
    "a live key": "sk_live_51Habcdef",
    "a restricted key": "rk_test_51Habcdef",
    "a publishable key": "pk_live_51Habcdef",
    "a webhook secret": "whsec_abcdef123456",
    "an e-mail address": "anna.driver+ev@mail.example.org",
    "an encoded e-mail address": "anna%40mail.example.org",
    "a bearer token": "Bearer 7|abcdefDEF123",
    "a cookie": "Cookie: driver=abc.def; lang=de",
    "a cookie that is set": "Set-Cookie: __Host-driver=abc.def; Path=/",
    "a query string": "/s/back?payment_intent_client_secret=pi_1_secret_2&redirect_status=succeeded",
    "an upstream token in an address": "/api/v3/public-charging/sessions/tok-AbC123/stop",
    "the address of a session": "GET /s/qX7v2mLk0PzR/events",
    "the address of a receipt": "https://charge.example/r/qX7v2mLk0PzR.json",
    "the address that takes a session over": "POST /t/QX7V2MLK3PZR4567",
    "any long random word": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
}
TELLTALES = {
    "a client secret": "XyZ123",
    "a live key": "51H",
    "a restricted key": "51H",
    "a publishable key": "51H",
    "a webhook secret": "abcdef",
    "an e-mail address": "anna",
    "an encoded e-mail address": "anna",
    "a bearer token": "DEF123",
    "a cookie": "abc.def",
    "a cookie that is set": "abc.def",
    "a query string": "redirect_status",
    "an upstream token in an address": "AbC123",
    "the address of a session": "qX7v",
    "the address of a receipt": "qX7v",
    "the address that takes a session over": "QX7V",
    "any long random word": "9f86",
}


class Odd:
    """An object that nobody expected in a log."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"<Odd {self._text}>"


def _raise(text: str) -> None:
    raise ValueError(text)


def _logged_exception(secret: str) -> None:
    try:
        _raise(secret)
    except ValueError:
        logging.getLogger("kiosk.test").exception("it failed")


def _chained_exception(secret: str) -> None:
    try:
        try:
            _raise(secret)
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        structlog.stdlib.get_logger("kiosk.test").exception("it failed")


WAYS: dict[str, Write] = {
    "message": lambda s: structlog.stdlib.get_logger("kiosk.test").info(s),
    "field": lambda s: structlog.stdlib.get_logger("kiosk.test").info("x", thing=s),
    "nested": lambda s: structlog.stdlib.get_logger("kiosk.test").info("x", thing={"a": [{"b": (s,)}]}),
    "name of a field": lambda s: structlog.stdlib.get_logger("kiosk.test").info("x", thing={s: 1}),
    "bytes": lambda s: structlog.stdlib.get_logger("kiosk.test").info("x", thing=s.encode()),
    "object": lambda s: structlog.stdlib.get_logger("kiosk.test").info("x", thing=Odd(s)),
    "exception as a field": lambda s: structlog.stdlib.get_logger("kiosk.test").info("x", thing=ValueError(s)),
    "bound": lambda s: structlog.stdlib.get_logger("kiosk.test").bind(thing=s).warning("x"),
    "standard message": lambda s: logging.getLogger("kiosk.test").warning(s),
    "standard argument": lambda s: logging.getLogger("kiosk.test").warning("x %s", s),
    "standard extra": lambda s: logging.getLogger("kiosk.test").warning("x", extra={"thing": {"a": [s]}}),
    "exception": _logged_exception,
    "chained exception": _chained_exception,
    "gunicorn": lambda s: logging.getLogger("gunicorn.error").error("Error handling request %s", s),
    "library": lambda s: logging.getLogger("stripe").error(s),
}


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The log as JSON from here on. Everything global is put back afterwards."""
    loggers = [logging.getLogger(name) for name in ("", *QUIET, "gunicorn.error", "gunicorn.access")]
    before = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    for name in ("gunicorn.error", "gunicorn.access"):  # as gunicorn leaves them
        logging.getLogger(name).propagate = False
        logging.getLogger(name).addHandler(logging.StreamHandler())
    stream = io.StringIO()
    configure_logs("json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, level, handlers, propagate in before:
        logger.level, logger.handlers, logger.propagate = level, handlers, propagate
    structlog.reset_defaults()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_gets_through(lines: Callable[[], list[dict[str, Any]]], kind: str, way: str) -> None:
    WAYS[way](SECRETS[kind])
    (line,) = lines()
    assert TELLTALES[kind] not in json.dumps(line)


@pytest.mark.parametrize(
    "name",
    ["token", "session_token", "client_secret", "password", "Cookie", "Authorization", "email", "e_mail", "api_key"],
)
def test_a_field_with_a_telling_name_is_removed_whatever_it_holds(
    lines: Callable[[], list[dict[str, Any]]], name: str
) -> None:
    structlog.stdlib.get_logger("kiosk.test").info("x", deep={"list": [{name: ["plain", 7]}]})
    assert lines()[0]["deep"] == {"list": [{name: "[removed]"}]}


def test_a_session_is_named_so_that_its_lines_can_be_found_but_not_opened(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    logging.getLogger("kiosk.test").warning("x", extra={"key": "qX7v2mLk0PzR"})
    assert lines()[0]["key"] == session_mark("qX7v2mLk0PzR")
    assert "qX7v" not in session_mark("qX7v2mLk0PzR")


@pytest.mark.parametrize(
    "text",
    [
        "the engine's round works again",
        "charger 7MK4T went offline at 14:03:12",
        "2026-11-20T13:03:12.123456+00:00",
        "kiosk.upstream.plugchoice.public._SESSION_LIMITS_THAT_ARE_RATHER_LONG_AND_HAVE_NO_FIGURE",
        "/opt/kiosk/.venv/lib/python3.11/site-packages/sqlalchemy/engine/base.py",
        "what now? try = again",
        "intent pi_3Nabc is captured",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redact_text(text) == text


def test_a_line_says_when_who_and_how_bad(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("kiosk.engine").warning("odd %s", "thing", extra={"code": "7MK4T"})
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"], line["code"]) == (
        "odd thing",
        "warning",
        "kiosk.engine",
        "7MK4T",
    )
    assert line["timestamp"].endswith("Z")


def test_an_extra_called_event_does_not_replace_the_message(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("kiosk.engine").warning("the figure fell", extra={"event": "energy_fell"})
    assert (lines()[0]["event"], lines()[0]["what"]) == ("the figure fell", "energy_fell")


def test_gunicorns_own_lines_come_out_once_and_redacted(
    lines: Callable[[], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("gunicorn.error").error("Error handling request %s", "/s/qX7v2mLk0PzR?a=b")
    assert [line["event"] for line in lines()] == ["Error handling request /s/[removed]?[removed]"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["httpx", "stripe", "werkzeug"])
def test_libraries_are_quiet_until_something_is_wrong(lines: Callable[[], list[dict[str, Any]]], name: str) -> None:
    logging.getLogger(name).info("HTTP Request: GET https://api.example/")
    assert lines() == []
    logging.getLogger(name).warning("retrying")
    assert lines()[0]["event"] == "retrying"


def test_the_text_form_is_redacted_too() -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    try:
        configure_logs("console", stream=stream)
        logging.getLogger("kiosk.test").warning("mail to anna@mail.example", extra={"token": "abc"})
    finally:
        root.handlers, root.level = before, level
        structlog.reset_defaults()
    assert "mail to [removed]" in stream.getvalue()
    assert "abc" not in stream.getvalue()


@pytest.mark.parametrize(
    "address", ["203.0.113.9", "2001:db8::7", "::1", "[2001:db8:0:1::7]:5123", "::ffff:203.0.113.9"]
)
def test_what_gunicorn_warns_of_names_no_client(lines: Callable[[], list[dict[str, Any]]], address: str) -> None:
    logging.getLogger("gunicorn.error").warning("Invalid request from ip=%s: Invalid HTTP method: 'GTE'", address)
    logging.getLogger("gunicorn.error").warning("Proxy request from %r not allowed", address)
    logging.getLogger("gunicorn.error").info("Listening at: http://127.0.0.1:8000 (7)")
    told = [line["event"] for line in lines()]
    assert address.removeprefix("[").partition("]")[0] not in " ".join(told[:2])
    assert "[removed]" in told[0]
    assert "Invalid HTTP method" in told[0]
    assert told[2] == "Listening at: http://127.0.0.1:8000 (7)"


def test_times_and_versions_are_no_addresses(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("gunicorn.error").warning("Worker (pid:71) of gunicorn 23.0.0 was sent SIGABRT at 12:30:05!")
    assert lines()[0]["event"] == "Worker (pid:71) of gunicorn 23.0.0 was sent SIGABRT at 12:30:05!"


class _Locked(Exception):
    log_reason = "the database: locked"


@pytest.mark.parametrize("again", [False, True], ids=["it itself", "what was made of it"])
def test_an_error_that_says_all_by_its_reason_is_one_line_without_a_traceback(
    lines: Callable[[], list[dict[str, Any]]], again: bool
) -> None:
    log = logging.getLogger("kiosk.test")
    try:
        try:
            raise _Locked
        except _Locked:
            if again:
                raise RuntimeError("a job could not be noted") from None
            raise
    except (_Locked, RuntimeError) as error:
        log.exception("it failed")
        log.error("it failed", exc_info=error)
        structlog.stdlib.get_logger("kiosk.test").exception("it failed")
    assert [(line["event"], line["reason"], "exception" in line) for line in lines()] == [
        ("it failed", "the database: locked", False)
    ] * 3


def test_any_other_error_keeps_its_traceback(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("kiosk.test").exception("it failed")
    (line,) = lines()
    assert "Traceback" in line["exception"]
    assert "reason" not in line

"""Faults, as a server that speaks like Sentry gets them: an envelope over HTTP, from the kiosk as it is wired."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
import structlog
from flask import Flask

from kiosk.app import running, stop
from kiosk.config.logs import configure_logs, session_mark
from kiosk.config.settings import SettingsError
from kiosk.eyes.faults import MOST_CAUSES, Faults, event_of, faults_of
from kiosk.store.errors import CannotWrite, Trouble
from tests.web.built import made_app, made_settings
from tests.worlds.hook_server import HookServer


class Received:
    """A server with one project."""

    def __init__(self) -> None:
        self.server = HookServer(200)
        self.dsn = self.server.address.removesuffix("/hook").replace("http://", "http://publickey@") + "/1"

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for taken in self.server.taken:
            assert taken.path == "/api/1/envelope/"
            sent = {name.lower(): value for name, value in taken.headers.items()}
            body = brotli.decompress(taken.body) if sent.get("content-encoding") == "br" else taken.body
            lines = [json.loads(line) for line in body.decode().splitlines() if line]
            found += [line for line in lines if "exception" in line or "message" in line]
        return found


@contextmanager
def received() -> Iterator[Received]:
    there = Received()
    try:
        yield there
    finally:
        there.server.close()


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Faults, Received]]:
    with received() as there:
        faults = faults_of(made_settings(folder, sentry_dsn=there.dsn))
        assert faults is not None
        try:
            yield faults, there
        finally:
            faults.close()


def broken_page(app: Flask) -> None:
    def breaks(key: str) -> str:
        token = "token-that-is-hidden-in-a-local-variable"
        raise RuntimeError(f"no {len(token)} driver@mail.example /s/{key} sk_live_0123456789")

    app.add_url_rule("/s/<key>/broken", "broken", breaks)
    app.testing = False


def test_an_error_of_a_request_arrives_with_its_marks_and_nothing_secret(tmp_path: Path) -> None:
    with received() as there:
        app = made_app(tmp_path, sentry_dsn=there.dsn)
        broken_page(app)
        sent = {"Cookie": "c=hidden-cookie", "Authorization": "Bearer hidden-bearer"}
        answer = app.test_client().get("/s/secret-session-key/broken?token=hidden-query", headers=sent)
        assert answer.status_code == 500
        stop(app)
        (event,) = there.events()
    assert event["tags"]["request_id"] == answer.headers["X-Request-ID"]
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["value"] == "no 40 [removed] /s/[removed] sk_live_[removed]"
    last = error["stacktrace"]["frames"][-1]
    assert (last["function"], Path(last["filename"]).name) == ("breaks", "test_faults.py")
    whole = json.dumps(event)
    forbidden = ("hidden", "secret-session-key", "driver@", "0123456789", "vars", "context_line")
    assert not [word for word in forbidden if word in whole]
    assert not {"request", "user", "server_name", "modules"} & {name for name, value in event.items() if value}


def test_an_error_of_the_engine_carries_the_mark_of_its_session(tmp_path: Path) -> None:
    with watched(tmp_path) as (faults, there):
        try:
            raise ValueError("an answer of driver@mail.example")
        except ValueError:
            logging.getLogger("kiosk.engine.post").exception(
                "a job of the engine failed", extra={"session": "secret-key", "code": "7MK4T", "duty": "proofs"}
            )
        faults.close()
        (event,) = there.events()
    assert event["tags"] == {"session": session_mark("secret-key"), "code": "7MK4T", "duty": "proofs"}
    assert event["message"] == "a job of the engine failed"
    assert event["logger"] == "kiosk.engine.post"
    assert "secret-key" not in json.dumps(event)
    assert "driver@" not in json.dumps(event)


def test_a_line_of_structlog_is_taken_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    configure_logs(stream=io.StringIO())
    try:
        with watched(tmp_path) as (faults, there):
            structlog.contextvars.bind_contextvars(request_id="r-1")
            log = structlog.stdlib.get_logger("kiosk.web")
            try:
                raise ValueError("no")
            except ValueError:
                log.exception("drawn wrong", session="secret-key", email="a@b.example", n=3)
            faults.close()
            (event,) = there.events()
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.reset_defaults()
    assert event["message"] == "drawn wrong"
    assert event["tags"] == {"session": session_mark("secret-key"), "request_id": "r-1"}
    assert event["extra"] == {"n": 3, "email": "[removed]"}
    assert event["exception"]["values"][0]["type"] == "ValueError"


def record(msg: object, *, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("kiosk.web", logging.ERROR, "x.py", 1, msg, (), info)


def test_what_structlog_hands_over_is_read_as_it_is() -> None:
    error = KeyError("x")
    event = event_of(record({"event": "drawn wrong", "session": "secret-key", "n": 3, "exc_info": error}))
    assert event["message"] == "drawn wrong"
    assert event["tags"] == {"session": session_mark("secret-key")}
    assert event["extra"] == {"n": 3}
    assert [one["type"] for one in event["exception"]["values"]] == ["KeyError"]


def test_what_is_nobodys_mistake_comes_as_a_reason_without_a_place() -> None:
    event = event_of(record("a duty failed", error=CannotWrite(Trouble.LOCKED)))
    assert "exception" not in event
    assert event["extra"] == {"reason": "the database: locked"}


def test_what_an_error_came_of_is_told_first_and_only_so_many() -> None:
    error: Exception = ValueError("0")
    for number in range(1, MOST_CAUSES + 3):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    told = [one["value"] for one in event_of(record("x", error=error))["exception"]["values"]]
    assert told == [str(number) for number in range(3, MOST_CAUSES + 3)]
    alone = RuntimeError("a new one")
    alone.__context__, alone.__suppress_context__ = ValueError("hidden on purpose"), True
    assert len(event_of(record("x", error=alone))["exception"]["values"]) == 1


def test_warnings_are_no_faults_and_after_the_end_nothing_leaves(tmp_path: Path) -> None:
    with watched(tmp_path) as (faults, there):
        logging.getLogger("kiosk.engine").warning("a start got no answer")
        faults.close()
        logging.getLogger("kiosk.engine").error("too late")
        assert there.events() == []


def test_a_fault_that_cannot_be_told_costs_nobody_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path) as (faults, there):

        def breaks(_event: object) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr(faults._client, "capture_event", breaks)
        logging.getLogger("kiosk.engine").error("something")
        faults.close()
        assert there.events() == []


def test_without_an_address_there_is_none(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    assert faults_of(made_settings(tmp_path)) is None
    assert logging.getLogger().handlers == before


def test_without_its_library_the_setting_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(SettingsError, match=r"^KIOSK_SENTRY_DSN needs .*charge-kiosk\[eyes\]"):
        faults_of(made_settings(tmp_path, sentry_dsn="https://key@faults.example/1"))


def test_an_address_that_is_none_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^KIOSK_SENTRY_DSN cannot be used") as refused:
        faults_of(made_settings(tmp_path, sentry_dsn="no-address-hidden"))
    assert "hidden" not in str(refused.value)


def test_a_stopped_kiosk_leaves_no_handler_behind(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    with received() as there:
        app = made_app(tmp_path, sentry_dsn=there.dsn)
        assert len(logging.getLogger().handlers) == len(before) + 1
        assert len(running(app).closers) == 1
        stop(app)
    assert logging.getLogger().handlers == before

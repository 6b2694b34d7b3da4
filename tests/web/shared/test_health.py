"""What machines ask: is it up, and can it work."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from kiosk.app import running, start, stop
from kiosk.clock import ManualClock, SystemClock
from kiosk.config.logs import session_mark
from kiosk.domain.ownership import ListProblem
from kiosk.store import Store
from kiosk.store.database import Database
from kiosk.store.errors import CannotWrite, Trouble, Unavailable
from tests.web.built import made_app
from tests.worlds.refusing import EVERY, Switch


def ready(app: Flask) -> tuple[int, object]:
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.json


def test_the_process_is_up_whatever_else_is(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"up": True})
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_is_not_ready_before_the_engine_goes_round(tmp_path: Path) -> None:
    assert ready(made_app(tmp_path)) == (503, {"store": True, "engine": False})


def test_it_is_ready_with_a_store_and_an_engine(tmp_path: Path) -> None:
    app = made_app(tmp_path, clock=SystemClock())
    start(app)
    try:
        give_up = time.monotonic() + 60
        while not running(app).engine.alive() and time.monotonic() < give_up:
            time.sleep(0.01)
        assert ready(app) == (200, {"store": True, "engine": True})
    finally:
        stop(app)


def test_it_is_not_ready_without_its_tables(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as database:
        database.execute("DROP TABLE sessions")
    assert ready(app) == (503, {"store": False, "engine": False, "trouble": "tables"})


def test_stopping_ends_the_streams_first(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    with running(app).news.subscribe("session:x") as subscription:
        stop(app)
        assert subscription.closing


def test_a_machine_is_told_the_state_of_every_duty(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    engine = running(app).engine
    engine.round()
    answer = app.test_client().get("/readyz?verbose", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    told: dict[str, Any] = answer.get_json()
    assert (answer.status_code, told["store"], told["engine"]) == (200, True, True)
    assert told["duties"] == engine.duties()
    assert told["aside"] == {"rows": 0, "sessions": []}
    assert told["own_chargers"] is None
    fields = {"name", "beat_seconds", "last_run", "next_run", "last_error", "last_error_at", "aside"}
    assert {"send", "guard", "receipts"} <= {each["name"] for each in told["duties"]}
    assert all(set(each) == fields and each["last_run"] is not None for each in told["duties"])


def test_another_machine_is_told_nothing_of_the_duties(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    running(app).engine.round()
    away = {"REMOTE_ADDR": "203.0.113.9"}
    assert app.test_client().get("/readyz?verbose", environ_overrides=away).status_code == 404
    assert app.test_client().get("/readyz", environ_overrides=away).json == {"store": True, "engine": True}


def test_a_machine_is_told_which_rows_were_put_aside_and_it_is_ready_all_the_same(tmp_path: Path) -> None:
    app = made_app(tmp_path)
    running(app).engine.round()
    values = "'secret-key', '7MK4T', 1, 'parked', '2026-01-05 10:00:00', 1, 0, '[]', 1, 0"
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as database, database:
        columns = "key, code, connector_id, phase, requested_at, version, email_known, trace, watch, unproven"
        database.execute(f"INSERT INTO sessions ({columns}) VALUES ({values})")  # noqa: S608
    answer = app.test_client().get("/readyz?verbose", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    assert (answer.status_code, answer.get_json()["aside"]) == (
        200,
        {"rows": 1, "sessions": [session_mark("secret-key")]},
    )
    assert "secret-key" not in answer.text


def test_it_is_not_ready_when_nobody_has_renewed_the_lease(tmp_path: Path) -> None:
    """The engine went round a moment ago; whoever leads could not write for longer than its lease lives."""
    app = made_app(tmp_path)
    running(app).engine.round()
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as database, database:
        database.execute("UPDATE leases SET until = '2020-01-01 00:00:00'")
    assert ready(app) == (503, {"store": True, "engine": False})


def test_it_says_that_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = made_app(tmp_path)
    running(app).engine.round()

    def away(_database: Database) -> object:
        raise Unavailable(Trouble.AWAY)

    monkeypatch.setattr(Database, "read", away)
    assert ready(app) == (503, {"store": False, "engine": False, "trouble": "away"})


def test_it_is_not_ready_while_a_turn_of_a_duty_does_not_come_and_says_whose(tmp_path: Path) -> None:
    clock = ManualClock()
    app = made_app(tmp_path, clock=clock)
    engine = running(app).engine
    engine.round()
    assert ready(app) == (200, {"store": True, "engine": True})
    clock.advance(120)  # longer than any duty rests that asks for less than two minutes, and than the lease lives
    status, told = ready(app)
    assert status == 503
    assert isinstance(told, dict)
    assert {"send", "guard", "read sessions"} <= set(told["duties_late"])
    assert "erase" not in told["duties_late"]  # once an hour


def test_a_machine_is_told_how_the_list_of_the_own_chargers_is_read(tmp_path: Path) -> None:
    app = made_app(tmp_path, plugchoice_token="operator")
    store, now = running(app).store, ManualClock().now()
    store.own_list_was_read(["uuid-1", "uuid-2"], now, whole=True)
    store.own_charger_told("uuid-1", "7MK4T", now)
    store.own_list_failed(ListProblem.TOKEN, now)
    answer = app.test_client().get("/readyz?verbose", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.get_json()["own_chargers"] == {
        "sold": 1,
        "listed": 2,
        "read_whole_at": now.isoformat(),
        "learnt_at": None,
        "problem": "token",
        "problem_since": now.isoformat(),
    }


@pytest.mark.parametrize(("word", "trouble"), EVERY.items(), ids=EVERY)
def test_it_is_not_ready_while_nothing_can_be_written_and_says_why(tmp_path: Path, word: str, trouble: Switch) -> None:
    app = made_app(tmp_path)
    running(app).engine.round()
    store = running(app).store
    with trouble(store):
        with pytest.raises(CannotWrite):
            store.try_write(SystemClock().now())
        status, told = ready(app)
        assert status == 503
        assert told == {"store": False, "engine": True, "trouble": word}
    store.try_write(SystemClock().now())
    assert ready(app) == (200, {"store": True, "engine": True})


@pytest.mark.parametrize("trouble", EVERY.values(), ids=EVERY)
def test_a_kiosk_begins_to_serve_on_a_disk_that_takes_nothing(
    tmp_path: Path, trouble: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Charges that run are still ended; nothing is put right that only a later leader needs."""
    made_app(tmp_path)
    with ExitStack() as while_it_lasts:

        def in_trouble(store: Store) -> bool:
            while_it_lasts.enter_context(trouble(store))
            return True

        monkeypatch.setattr(Store, "migrate", in_trouble)
        app = made_app(tmp_path)
        assert app.test_client().get("/healthz").status_code == 200

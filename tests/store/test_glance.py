"""What is kept of the last read is never older than the last commit, whoever made it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from kiosk.domain.asking import Lane
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.store import Store
from kiosk.store.rows import MOST_KNOWN
from kiosk.store.tables import commands
from tests.worlds.once import migrated_store

from .build import NOW, charging, later, opened, queued, seen, stored

ASKED: dict[str, Callable[[Store], object]] = {
    "the next command": lambda store: store.next_command_at(),
    "the next unused token": lambda store: store.next_unused_at(),
    "the starts that wait": lambda store: store.queue(),
    "the line": lambda store: [one.key for one in store.waiting_starts()],
    "what waits": lambda store: [one.id for one in store.waiting(later(1000))],
    "what was left": lambda store: [one.id for one in store.left_sent()],
    "hints": lambda store: store.hints(),
    "wishes": lambda store: [one.code for one in store.wanted_cards()],
    "full chargers": lambda store: store.full_chargers(NOW),
    "what is watched": lambda store: [(one.key, one.version) for one in store.sessions_to_watch()],
    "one session": lambda store: store.session("key-1"),
    "its commands": lambda store: store.commands("key-1"),
    "what was given up": lambda store: [one.key for one in store.given_up()],
    "what lacks a receipt": lambda store: [one.key for one in store.without_receipt()],
}
WRITES: list[Callable[[Store], object]] = [
    lambda store: stored(store),
    lambda store: store.want_card("ABC", NOW, Lane.DRIVER),
    lambda store: store.close_charger("ABC", NOW, timedelta(hours=1)),
    lambda store: store.claim(1, later(1)),
    lambda store: store.keep_token("key-1", "token-1", later(2)),
    lambda store: store.start_done(1, "token-1", seen("created", 2), later(3)),
    lambda store: store.hint("key-1", later(4)),
    lambda store: store.observe("key-1", charging(10), source="read"),
    lambda store: store.clear_hint("key-1", later(11)),
    lambda store: store.ask("key-1", Kind.STOP, AskedBy.DRIVER, later(12)),
    lambda store: store.claim(2, later(13)),
    lambda store: store.finish(2, CommandState.DONE, later(14)),
    lambda store: store.observe("key-1", seen("no_charge", 20), source="read"),
    lambda store: store.take_lease("engine", "another", later(50), timedelta(seconds=10)),
    lambda store: store.release_lease("engine", "another"),
    lambda store: store.forget_wishes(),
]


def answers(store: Store) -> dict[str, object]:
    return {name: ask(store) for name, ask in ASKED.items()}


@pytest.mark.parametrize("another", [False, True], ids=["this process", "another one"])
def test_every_write_is_seen_at_once_by_whoever_asked_before(path: Path, store: Store, another: bool) -> None:
    writer = migrated_store(path) if another else store
    for write in WRITES:
        answers(store)
        write(writer)
        fresh = migrated_store(path)
        assert answers(store) == answers(fresh)
        fresh.close()
    if another:
        writer.close()


def test_a_lease_that_another_process_takes_or_gives_back_is_seen_at_once(path: Path, store: Store) -> None:
    other, ttl = migrated_store(path), timedelta(seconds=10)
    assert other.take_lease("engine", "other", NOW, ttl)
    for second in (1, 2):
        assert store.take_lease("engine", "mine", later(second), ttl) is None
    other.release_lease("engine", "other")
    lease = store.take_lease("engine", "mine", later(3), ttl)
    assert lease is not None
    assert not lease.unbroken
    kept = store.take_lease("engine", "mine", later(6), ttl)
    assert kept is not None
    assert (kept.number, kept.unbroken) == (lease.number, True)
    assert other.take_lease("engine", "other", later(15.9), ttl) is None
    taken = other.take_lease("engine", "other", later(16), ttl)
    assert taken is not None
    assert taken.number == lease.number + 1
    assert store.take_lease("engine", "mine", later(17), ttl) is None
    other.close()


def test_a_program_that_is_not_the_kiosk_is_seen_too(path: Path, store: Store) -> None:
    key = opened(store)
    assert store.session(key) is not None
    assert store.hints() == {}
    script = (
        "import sqlite3, sys\n"
        "with sqlite3.connect(sys.argv[1]) as file:\n"
        "    file.execute('INSERT INTO hints (session_key, hinted_at) SELECT key, requested_at FROM sessions')\n"
        "    file.execute(\"UPDATE sessions SET charger_name = 'Another'\")\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)  # noqa: S603 - its own words
    session = store.session(key)
    assert session is not None
    assert session.charger_name == "Another"
    assert list(store.hints()) == [key]


def test_what_is_not_committed_yet_is_seen_by_nobody_and_then_by_all(path: Path, store: Store) -> None:
    key = opened(store)
    store.commands(key)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE commands SET detail = 'new'")
    assert store.commands(key)[0].detail is None
    other.execute("COMMIT")
    assert store.commands(key)[0].detail == "new"
    other.close()


def test_whoever_changes_what_they_got_changes_nobody_elses(store: Store) -> None:
    key = opened(store)
    store.hint(key, NOW)
    for ask in (store.sessions_to_watch, store.wanted_cards, lambda: store.commands(key)):
        found = ask()
        found.append(None)  # type: ignore[arg-type]
        assert ask() == found[:-1]
    store.hints().clear()
    assert list(store.hints()) == [key]


@pytest.mark.sqlite
def test_it_keeps_no_more_than_so_much(store: Store) -> None:
    for number in range(MOST_KNOWN + 5):
        store.session(f"nobody-{number}")
    assert len(store._as_read[1]) <= MOST_KNOWN


@pytest.mark.sqlite
def test_a_hint_that_is_not_there_is_not_forgotten_by_a_write(store: Store) -> None:
    key = opened(store)
    state = store._database.state()
    store.clear_hint(key, later(100))
    assert store._database.state() == state
    store.hint(key, later(50))
    store.clear_hint(key, later(40))
    assert list(store.hints()) == [key]
    store.clear_hint(key, later(50))
    assert store.hints() == {}


@pytest.mark.postgres
def test_on_a_server_each_is_asked_for_every_time(store: Store) -> None:
    assert store._database.state() is None
    stored(store)
    assert store.next_command_at() == NOW
    with store._database.write() as connection:
        connection.execute(update(commands).values(not_before=later(5)))
    assert store.next_command_at() == later(5)
    assert store._as_read == (0, {})


@pytest.mark.parametrize("when", [later(0), later(1)])
def test_what_waits_may_be_sent_from_its_time_on(store: Store, when: datetime) -> None:
    stored(store, queued())
    with store._database.write() as connection:
        connection.execute(update(commands).values(not_before=later(1)))
    assert [one.id for one in store.waiting(when)] == ([1] if when == later(1) else [])

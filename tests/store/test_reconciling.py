"""What a reconciliation reads: every session of its time once, and what a person said of a line, only ever added."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from kiosk.store import Store, reconciling
from kiosk.store.tables import sessions

from .build import NOW, charging, later, opened, queued, whole_end

DAY = timedelta(days=1)


def ended(store: Store, key: str, connector_id: int, at: float) -> None:
    opened(store, queued(key, connector_id=connector_id), token=f"token of {key}")
    store.observe(key, charging(20), source="read")
    store.observe(key, whole_end(at), source="read")


def over(store: Store, since: float, until: float) -> list[str]:
    return [session.key for session, _ in store.sessions_over(later(since), later(until))]


def test_sessions_that_ended_later_or_go_on_are_told_with_their_payment(store: Store) -> None:
    ended(store, "early", 1, 60)
    ended(store, "late", 2, 7200)
    opened(store, queued("running", connector_id=3), token="token-3")
    found = list(store.sessions_over(later(3600), later(9000)))
    assert [(session.key, intent) for session, intent in found] == [("late", "pi_3Abc"), ("running", "pi_3Abc")]
    assert over(store, -60, 9000) == ["early", "late", "running"]
    assert over(store, -60, 0) == []


def test_more_than_are_read_at_once_come_each_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "AT_ONCE", 2)
    monkeypatch.setattr(reconciling, "_OVER", reconciling._OVER.limit(2))
    for number in range(5):
        ended(store, f"key-{number}", number + 1, 60)
    assert over(store, -60, 9000) == [f"key-{number}" for number in range(5)]


def test_one_that_cannot_be_read_keeps_no_other_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "AT_ONCE", 2)
    monkeypatch.setattr(reconciling, "_OVER", reconciling._OVER.limit(2))
    for number in range(4):
        ended(store, f"key-{number}", number + 1, 60)
    with store._database.write() as connection:
        connection.execute(update(sessions).where(sessions.c.key == "key-1").values(tariff_currency="NOPE"))
    assert over(store, -60, 9000) == ["key-0", "key-2", "key-3"]


def test_a_line_that_is_set_aside_counts_again_when_that_is_undone_and_every_word_stays(store: Store) -> None:
    store.set_line_aside("t-7", "ada", "the electrician's test", NOW)
    store.set_line_aside("t-8", "ada", "another", NOW)
    assert {line: one.note for line, one in store.lines_aside().items()} == {
        "t-7": "the electrician's test",
        "t-8": "another",
    }
    store.set_line_aside("t-7", "bob", "", NOW + DAY, undone=True)
    assert set(store.lines_aside()) == {"t-8"}
    store.set_line_aside("t-7", "bob", "so it was", NOW + 2 * DAY)
    assert store.lines_aside()["t-7"].who == "bob"
    assert [(one.who, one.undone, one.at) for one in store.said_of_line("t-7")] == [
        ("ada", False, NOW),
        ("bob", True, NOW + DAY),
        ("bob", False, NOW + 2 * DAY),
    ]

"""A time of the last look comes to the sessions; nobody has looked yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_nothing_else_changes_and_an_old_session_may_be_looked_at(old: OldDatabase) -> None:
    old.upgrade("r0007")
    charge(old)
    rows = {name: old.rows(name) for name in KEPT}
    old.upgrade("r0008")
    after = old.rows("sessions")
    assert {row.pop("looked_at") for row in after} == {None}
    assert {name: after if name == "sessions" else old.rows(name) for name in KEPT} == rows
    with old.store() as store:
        now = datetime(2026, 2, 1, tzinfo=UTC)
        assert store.look_again("old-key", now, timedelta(hours=1))
        assert not store.look_again("old-key", now, timedelta(hours=1))

"""What the proof of an end needs comes; what was there stays as it was, to the letter, and means what it meant."""

from __future__ import annotations

import pytest

from .conftest import OldDatabase
from .rows import KEPT, SESSION, charge

AT = "2026-01-05 10:00:00.000000"
ADDED = {"last_known": "captured", "refunds": "[]", "later_tariff": None, "incomplete": 0, "energy_unsaid": 0}


def test_it_adds_its_table_and_columns_and_changes_nothing_else(old: OldDatabase) -> None:
    old.upgrade("r0005")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0006")
    assert old.tables() - tables == {"received_tokens"}
    assert old.rows("sessions") == [{**row, **ADDED} for row in rows.pop("sessions")]
    assert {name: old.rows(name) for name in rows} == rows
    assert all(rows.values()), "a table that the test does not fill proves nothing"


def test_a_word_that_was_strange_then_has_no_known_one_before_it(old: OldDatabase) -> None:
    old.upgrade("r0005")
    old.insert("sessions", **{**SESSION, "status": "recalibrating", "watch": 1})
    old.upgrade("r0006")
    assert [row["last_known"] for row in old.rows("sessions")] == [None]


def test_an_end_of_an_earlier_release_is_an_end_today_though_figures_are_missing(old: OldDatabase) -> None:
    old.upgrade("r0005")
    old.insert("sessions", **{**SESSION, "captured_minor": None, "energy_kwh": None})
    old.upgrade("r0006")
    with old.store() as store:
        session = store.session("old-key")
        assert session is not None
        assert (session.final, session.refunds, session.later_tariff) == (True, (), None)


def test_there_is_no_way_down(old: OldDatabase) -> None:
    old.upgrade("r0006")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("r0005")

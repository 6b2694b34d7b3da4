"""When the tables of a month were written last, and since when they are not."""

from __future__ import annotations

from datetime import date

from kiosk.domain.nightly import MonthWritten, NotWritten
from kiosk.store import Store

from .build import NOW, later

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def test_failures_are_counted_from_the_first_one_until_it_was_written(store: Store) -> None:
    store.nightly.note_failed("a", NOVEMBER, NotWritten.AWAY, NOW)
    store.nightly.note_failed("a", NOVEMBER, NotWritten.FULL, later(60))
    assert store.nightly.months("a") == [
        MonthWritten("a", NOVEMBER, None, later(60), 2, NotWritten.FULL, failing_since=NOW)
    ]
    store.nightly.note_written("a", NOVEMBER, later(120))
    assert store.nightly.months("a") == [MonthWritten("a", NOVEMBER, later(120), later(120))]
    store.nightly.note_failed("a", NOVEMBER, NotWritten.AWAY, later(180))
    (again,) = store.nightly.months("a")
    assert (again.written_at, again.tries, again.failing_since) == (later(120), 1, later(180))


def test_each_month_of_each_site_goes_by_itself_the_newest_first(store: Store) -> None:
    store.nightly.note_written("a", OCTOBER, NOW)
    store.nightly.note_written("b", NOVEMBER, NOW)
    store.nightly.note_written("a", NOVEMBER, NOW)
    store.nightly.note_failed("a", OCTOBER, NotWritten.DENIED, later(60))
    found = [(one.site_id, one.month, one.tries) for one in store.nightly.months()]
    assert found == [("a", NOVEMBER, 0), ("b", NOVEMBER, 0), ("a", OCTOBER, 1)]
    assert [one.month for one in store.nightly.months("a")] == [NOVEMBER, OCTOBER]

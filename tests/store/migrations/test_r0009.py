"""What is known of connectors and meters comes; what was there stays, and nothing is made up."""

from __future__ import annotations

import pytest

from .conftest import OldDatabase
from .rows import KEPT, charge

NEW = {"connector_since": None, "most_kw": None, "meter_seconds": None, "doubt": None}


def test_it_adds_columns_that_nobody_has_filled_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0008")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0009")
    assert old.tables() == tables
    rows["sessions"] = [{**row, **NEW} for row in rows["sessions"]]
    rows["chargers"] = [{**row, "pace": None} for row in rows["chargers"]]
    assert {name: old.rows(name) for name in KEPT} == rows


def test_of_a_charger_from_before_nobody_claims_how_often_it_reports(old: OldDatabase) -> None:
    old.upgrade("r0008")
    charge(old)
    with old.store() as store:
        session = store.session("old-key")
        assert session is not None
        assert (session.most_kw, session.meter_seconds, session.doubt) == (None, None, None)
        assert store.pace("7MK4T") is None
        assert store.card("7MK4T") is not None


def test_there_is_no_way_down(old: OldDatabase) -> None:
    old.upgrade("r0009")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("r0008")

"""The desk comes; a charge from before keeps all of its rows, and the log of the desk can only be added to."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from .conftest import OldDatabase
from .rows import AT, KEPT, charge

NEW = {"desk_users", "desk_recovery_codes", "desk_sessions", "desk_tries", "desk_log", "desk_notes"}


def test_it_adds_its_tables_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0019")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0020")
    assert old.tables() - tables == NEW
    assert {name: old.rows(name) for name in rows} == rows
    assert [old.rows(name) for name in sorted(NEW)] == [[]] * len(NEW)


@pytest.mark.parametrize("statement", ["UPDATE desk_log SET who = 'nobody'", "DELETE FROM desk_log"])
def test_no_row_of_the_log_is_changed_or_taken_away(old: OldDatabase, statement: str) -> None:
    old.upgrade("r0020")
    old.insert("desk_log", id=1, at=AT, who="kim", did="signed_in")
    with pytest.raises(IntegrityError, match="can only be added to"), old._writing() as connection:
        connection.exec_driver_sql(statement)
    assert [row["who"] for row in old.rows("desk_log")] == ["kim"]

"""What `kiosk doctor` says of a database server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.store import Store
from tests.worlds.postgres import drop_database, new_database

from .test_doctor import findings, said

pytestmark = pytest.mark.postgres


@pytest.fixture
def address() -> Iterator[str]:
    made = new_database()
    yield made
    drop_database(made)


def test_a_server_that_answers_is_fine(tmp_path: Path, address: str) -> None:
    found = findings(tmp_path, database_url=address)
    assert said(found, "The database answers, and can be written.") == "ok"
    assert said(found, "The books are in order") == "ok"
    assert not [each for each in found if "clock is" in each.text]


def test_a_server_that_does_not_answer_is_said_without_its_password(tmp_path: Path) -> None:
    found = findings(tmp_path, database_url="postgresql://kiosk:Sesame@127.0.0.1:1/charging")
    assert said(found, "The database charging at 127.0.0.1 does not answer") == "BAD"
    assert not [each for each in found if "Sesame" in each.text]


def test_a_database_without_tables_is_migrated_first(tmp_path: Path) -> None:
    empty = new_database(empty=True)
    assert said(findings(tmp_path, database_url=empty), "lacks its tables") == "BAD"
    drop_database(empty)


@pytest.mark.parametrize(("apart", "bad"), [(1.0, False), (7.5, True), (-3600.0, True)])
def test_clocks_that_are_apart_are_bad(
    tmp_path: Path, address: str, apart: float, bad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_time = Store.server_time

    def other(store: Store) -> datetime | None:
        now = server_time(store)
        return None if now is None else now - timedelta(seconds=apart)

    monkeypatch.setattr(Store, "server_time", other)
    found = [each.mark for each in findings(tmp_path, database_url=address) if "clock is" in each.text]
    assert found == (["BAD"] if bad else [])

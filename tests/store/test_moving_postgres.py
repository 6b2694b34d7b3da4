"""From a file to a server: all of it arrives as it was, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from kiosk.domain.commands import AskedBy, Kind
from kiosk.store import Cipher, Store
from kiosk.store.moving import CannotMove, move
from kiosk.store.tables import metadata
from tests.worlds.once import SECRET, migrated_store
from tests.worlds.postgres import drop_database, new_database
from tests.worlds.refusing import dsn_of

from .build import NOW, charging, later, opened, queued, whole_end

pytestmark = pytest.mark.postgres
KEYS = (SECRET,)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A charge that was taken, one that goes on, one that cannot be read, and what stands beside them."""
    store = migrated_store(tmp_path / "kiosk.db")
    key = opened(store, queued("ended"))
    store.observe(key, charging(20), source="read")
    store.observe(key, whole_end(60), source="read")
    store.issue_receipt(key, {"taken": 525, "name": "M\u00fcller \u26a1"}, later(70))
    store.add_buyer(key, {"name": "Depot"}, later(80))
    store.save_meter_stands({}, NOW)
    opened(store, queued("running", connector_id=2))
    store.ask("running", Kind.RECEIPT_EMAIL, AskedBy.DRIVER, NOW, email="sesame@example.org")
    opened(store, queued("strange", connector_id=3))
    with store._database.write() as connection:
        strange = "UPDATE sessions SET trace = 'nonsense', failure_reason = ? WHERE key = 'strange'"
        connection.exec_driver_sql(strange, ("a\0b",))
    store.pair(store.new_pairing("site", "door", NOW, later(60)), "key", NOW)
    store.note_call("start", NOW)
    yield store
    store.close()


@pytest.fixture
def new(request: pytest.FixtureRequest) -> Iterator[str]:
    made = new_database(empty=getattr(request, "param", True))
    yield made
    drop_database(made)


@pytest.mark.parametrize("new", [True, False], indirect=True, ids=["without tables", "with tables"])
def test_everything_arrives_and_goes_on_there(old: Store, new: str) -> None:
    moved = move(old._url, new, KEYS, later(3600))
    assert set(moved.rows) == set(metadata.tables)
    assert (moved.rows["sessions"], moved.rows["receipts"], moved.rows["receipt_revisions"]) == (3, 1, 1)
    there = Store(new, Cipher(KEYS))
    for key in ("ended", "running"):
        assert there.session(key) == old.session(key)
        assert there.commands(key) == old.commands(key)
        assert there.observations(key) == old.observations(key)
        assert there.token(key) == old.token(key) == "token-1"
        assert there.payment(key) == old.payment(key)
    assert there.receipt("ended") == old.receipt("ended")
    assert [one.row for one in there.unreadable()] == ["strange"]
    assert there.offences(later(3600)) == old.offences(later(3600))
    # What comes next has numbers of its own.
    asked = there.ask("running", Kind.STOP, AskedBy.DRIVER, later(4000))
    assert asked.id > max(one.id for one in old.commands("running"))
    opened(there, queued("next", connector_id=4))
    there.observe("next", whole_end(90), source="read")
    first = there.receipt("ended")
    assert first is not None
    assert there.issue_receipt("next", {}, later(100)) == f"{first.number[:-1]}2"
    there.close()


def test_a_store_that_is_used_is_not_filled_up(old: Store, new: str) -> None:
    there = Store(new, Cipher(KEYS))
    there.migrate()
    opened(there)
    with pytest.raises(CannotMove, match="not empty"):
        move(old._url, new, KEYS, later(3600))
    assert there.session("ended") is None
    there.close()


def test_what_was_moved_once_is_not_moved_again(old: Store, new: str) -> None:
    move(old._url, new, KEYS, later(3600))
    with pytest.raises(CannotMove, match="not empty"):
        move(old._url, new, KEYS, later(3600))


def test_a_store_that_a_kiosk_works_with_is_left_alone(old: Store, new: str) -> None:
    assert old.take_lease("engine", "a", NOW, timedelta(seconds=10)) is not None
    with pytest.raises(CannotMove, match="stop it"):
        move(old._url, new, KEYS, later(5))
    move(old._url, new, KEYS, later(11))


def test_a_store_of_an_older_version_is_migrated_first(tmp_path: Path, new: str) -> None:
    with pytest.raises(CannotMove, match="newest version"):
        move(f"sqlite:///{tmp_path / 'nothing.db'}", new, KEYS, NOW)


def test_a_row_that_arrives_otherwise_takes_all_of_it_back(old: Store, new: str) -> None:
    there = Store(new, Cipher(KEYS))
    there.migrate()
    with psycopg.connect(dsn_of(there), autocommit=True) as other:
        other.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.captured_minor = NEW.captured_minor + 1; RETURN NEW; END $$"
        )
        other.execute("CREATE TRIGGER spoil BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION spoil()")
    with pytest.raises(CannotMove, match="sessions is not what was there"):
        move(old._url, new, KEYS, later(3600))
    assert there.session("ended") is None
    assert there.calls_since(NOW) == []
    there.close()
    assert old.session("ended") is not None


def test_a_time_that_is_none_is_told_by_its_table(old: Store, new: str) -> None:
    with old._database.write() as connection:
        connection.exec_driver_sql("UPDATE calls SET called_at = 'yesterday'")
    with pytest.raises(CannotMove, match="calls"):
        move(old._url, new, KEYS, later(3600))

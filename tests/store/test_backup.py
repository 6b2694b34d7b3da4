"""A backup is made while others write, opens again, and as a database it sends nothing twice."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.domain.backup import name_of
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.mail import MailState
from kiosk.domain.session import Phase
from kiosk.store import Cipher, Store
from kiosk.store.backup import CLOSED_FOR, NoBackup, back_up, examined, newest_in, restore
from kiosk.store.checks import Promise
from kiosk.store.sealed_file import seal
from tests.worlds.once import SECRET

from .build import NOW, charging, later, opened, queued, stored

CIPHER = Cipher([SECRET])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "backups"


def made(path: Path, folder: Path, seconds: float = 100) -> Path:
    return back_up(path, folder, CIPHER, later(seconds), keep=10).file


@contextmanager
def gone_back(file: Path, path: Path, *, skip: int = 0, seconds: float = 500) -> Iterator[Store]:
    restore(file, path, CIPHER, later(seconds), doors=["start", "stop"], skip_receipts=skip)
    store = Store(f"sqlite:///{path}", CIPHER)
    try:
        yield store
        assert store.offences(later(seconds), [Promise.STORE]) == []
    finally:
        store.close()


def test_a_copy_holds_what_was_written_before_it_while_others_go_on_writing(
    store: Store, path: Path, folder: Path, tmp_path: Path
) -> None:
    key = opened(store)
    store.observe(key, charging(60), source="read")
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET charger_name = 'not committed'")
        file = made(path, folder)
    with gone_back(file, tmp_path / "new" / "kiosk.db") as again:
        session = again.session(key)
        assert session is not None
        assert session.energy_kwh == charging(60).energy_kwh
        assert session.charger_name != "not committed"
        assert again.token(key) == store.token(key)


def test_nothing_of_it_can_be_read_without_the_key(store: Store, path: Path, folder: Path) -> None:
    key = opened(store)
    file = made(path, folder)
    assert key.encode() not in file.read_bytes()
    assert (file.stat().st_mode & 0o077, folder.stat().st_mode & 0o077) == (0, 0)
    assert [one.name for one in folder.iterdir()] == [file.name]
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []
    with pytest.raises(NoBackup, match="KIOSK_SECRET_KEY"):
        examined(file, Cipher(["another secret that is long enough for it"]), path.parent)


def test_what_was_deleted_is_not_in_a_copy(store: Store, path: Path, folder: Path, tmp_path: Path) -> None:
    opened(store)
    with store._database.write() as connection:
        connection.exec_driver_sql("INSERT INTO hints VALUES ('key-1', '2026-11-20 13:00:00.000000')")
        connection.exec_driver_sql("INSERT INTO card_wishes VALUES ('FORGOTTEN', '2026-11-20 13:00:00.000000', 0, 0)")
    with store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM card_wishes")
    restore(made(path, folder), tmp_path / "kiosk.db", CIPHER, later(500), doors=[], skip_receipts=0)
    assert b"FORGOTTEN" not in (tmp_path / "kiosk.db").read_bytes()


def test_a_backup_is_looked_at_without_changing_anything(store: Store, path: Path, folder: Path) -> None:
    opened(store)
    file = made(path, folder)
    before = file.read_bytes()
    seen = examined(file, CIPHER, path.parent)
    assert (seen.made_at, seen.size, seen.rows > 3) == (later(100), len(before), True)
    assert file.read_bytes() == before
    assert newest_in(folder, later(200)) == later(100)
    assert newest_in(folder / "none", later(200)) is None


def test_a_file_of_another_name_is_of_its_last_change(store: Store, path: Path, folder: Path) -> None:
    opened(store)
    file = made(path, folder)
    renamed = file.rename(folder / "on-the-stick")
    assert abs(examined(renamed, CIPHER, path.parent).made_at.timestamp() - renamed.stat().st_mtime) < 1


def test_old_ones_go_when_a_new_one_is_there(store: Store, path: Path, folder: Path) -> None:
    opened(store)
    for hour in range(5):
        back_up(path, folder, CIPHER, later(hour * 3600), keep=2)
    assert sorted(one.name for one in folder.iterdir()) == [name_of(later(hour * 3600)) for hour in (3, 4)]


def test_no_old_one_goes_when_the_new_one_fails(store: Store, path: Path, folder: Path) -> None:
    opened(store)
    made(path, folder)
    path.with_name("damaged.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(NoBackup):
        back_up(path.with_name("damaged.db"), folder, CIPHER, later(200), keep=1)
    with pytest.raises(NoBackup, match="unable to open"):
        back_up(path.with_name("none.db"), folder, CIPHER, later(200), keep=1)
    assert [one.name for one in folder.iterdir()] == [name_of(later(100))]


def test_a_folder_that_cannot_be_made_is_said(store: Store, path: Path, tmp_path: Path) -> None:
    opened(store)
    (tmp_path / "a file").write_text("in the way")
    with pytest.raises(NoBackup, match="a file"):
        back_up(path, tmp_path / "a file" / "backups", CIPHER, NOW, keep=2)


def test_a_copy_that_does_not_hold_what_was_written_is_no_backup(
    store: Store, path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(store)

    def forgetful(source: Path, target: Path, cipher: Cipher) -> None:
        source.write_bytes(source.read_bytes() + b"\0")
        seal(source, target, cipher)
        source.write_bytes(source.read_bytes()[:-1])

    monkeypatch.setattr("kiosk.store.backup.seal", forgetful)
    with pytest.raises(NoBackup, match="does not hold"):
        made(path, folder)


def test_a_start_that_waited_is_not_sent_after_a_return(store: Store, path: Path, folder: Path) -> None:
    waiting = stored(store, queued("key-2", connector_id=2))
    file = made(path, folder)
    store.close()
    with gone_back(file, path) as again:
        command = again.command(waiting.id)
        session = again.session("key-2")
        assert session is not None
        assert (command.state, session.phase) == (CommandState.UNKNOWN, Phase.NO_ANSWER)
        assert again.queue() == []


def test_what_ends_a_charge_is_still_asked_for_after_a_return_and_mails_are_not(
    store: Store, path: Path, folder: Path
) -> None:
    key = opened(store)
    stop = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(50))
    mail = store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(51), email="ann@example.org")
    assert store.ask_mail(key, "ann@example.org", "Receipt", "https://kiosk.example/r/a", later(52))
    file = made(path, folder)
    store.close()
    with gone_back(file, path) as again:
        assert again.command(stop.id).state is CommandState.WAITING
        assert again.command(mail.id).state is CommandState.UNKNOWN
        own = again.newest_mail(key)
        assert own is not None
        assert own.state is MailState.UNKNOWN


def test_codes_that_work_once_do_not_work_a_second_time_after_a_return(store: Store, path: Path, folder: Path) -> None:
    key = opened(store)
    store.new_takeover(key, "take-over", later(3000))
    pairing = store.new_pairing("garage", "gate", later(1), later(3000))
    file = made(path, folder)
    assert store.use_takeover("take-over", "tablet", later(150)) == key
    store.close()
    with gone_back(file, path) as again:
        assert again.use_takeover("take-over", "stranger", later(600)) is None
        assert again.pair(pairing, "stranger", later(600)) is None


def test_for_a_minute_nothing_is_called_and_whoever_led_leads_no_more(store: Store, path: Path, folder: Path) -> None:
    assert store.take_lease("engine", "lost", later(99), timedelta(seconds=3600)) is not None
    file = made(path, folder)
    store.close()
    with gone_back(file, path) as again:
        until = later(500) + CLOSED_FOR
        assert again.closures(later(500)) == {"start": until, "stop": until}
        assert not again.lease_lives("engine", later(500))


def test_no_number_of_a_receipt_is_given_twice(store: Store, path: Path, folder: Path) -> None:
    for number in (1, 2, 3):
        opened(store, queued(f"key-{number}", connector_id=number), token=f"token-{number}")
    first = store.issue_receipt("key-1", {"taken": 1}, later(90))
    file = made(path, folder)
    lost = store.issue_receipt("key-2", {"taken": 2}, later(110))
    store.close()
    with gone_back(file, path, skip=50) as again:
        assert again.receipt("key-2") is None
        numbers = [again.issue_receipt(key, {"taken": 2}, later(600)) for key in ("key-2", "key-3")]
        assert (first, lost, numbers) == ("2026-000001", "2026-000002", ["2026-000052", "2026-000053"])


def test_a_year_that_begins_between_backup_and_return_has_a_gap_too(store: Store, path: Path, folder: Path) -> None:
    opened(store)
    store.issue_receipt("key-1", {"taken": 1}, later(90))
    file = made(path, folder)
    store.close()
    done = restore(file, path, CIPHER, later(60 * 86_400), doors=[], skip_receipts=10)
    assert done.skipped == {2026: (2, 11), 2027: (1, 10)}


def test_the_database_that_was_there_is_moved_aside_and_opens(store: Store, path: Path, folder: Path) -> None:
    key = opened(store)
    file = made(path, folder)
    store.observe(key, charging(120, "7.5"), source="read")
    done = restore(file, path, CIPHER, later(500), doors=[], skip_receipts=0)
    store.close()
    assert done.aside is not None
    assert done.aside.name == "kiosk.db.before-20261120T130820Z"
    lost = Store(f"sqlite:///{done.aside}", CIPHER)
    session = lost.session(key)
    lost.close()
    assert session is not None
    assert session.energy_kwh == charging(120, "7.5").energy_kwh


@pytest.mark.parametrize("content", [b"no backup", None])
def test_what_cannot_be_used_changes_nothing(store: Store, path: Path, tmp_path: Path, content: bytes | None) -> None:
    opened(store)
    file = tmp_path / "file.backup"
    if content is not None:
        file.write_bytes(content)
    before = sorted(one.name for one in path.parent.iterdir())
    with pytest.raises(NoBackup):
        restore(file, path, CIPHER, later(500), doors=[], skip_receipts=0)
    with pytest.raises(NoBackup):
        examined(file, CIPHER, path.parent)
    assert sorted(one.name for one in path.parent.iterdir()) == before
    assert store.session("key-1") is not None


def test_a_database_of_somebody_else_is_no_kiosks(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE songs (name)")
    other.commit()
    other.close()
    seal(tmp_path / "other.db", tmp_path / "other.backup", CIPHER)
    with pytest.raises(NoBackup, match="not a kiosk's"):
        examined(tmp_path / "other.backup", CIPHER, tmp_path)


def test_a_damaged_database_in_a_whole_backup_is_said(store: Store, path: Path, tmp_path: Path) -> None:
    opened(store)
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\x55" * 4096
    (tmp_path / "damaged.db").write_bytes(content)
    seal(tmp_path / "damaged.db", tmp_path / "damaged.backup", CIPHER)
    with pytest.raises(NoBackup):
        examined(tmp_path / "damaged.backup", CIPHER, tmp_path)


def test_what_a_kill_has_left_of_an_earlier_one_is_removed_and_what_is_under_way_is_not(
    store: Store, path: Path, folder: Path
) -> None:
    opened(store)
    made(path, folder)
    for name, hours in (("old", 25), ("new", 1)):
        left = [path.parent / f".backup-{name}" / "copy.db", folder / f".kiosk-{name}.backup.part"]
        for one in left:
            one.parent.mkdir(exist_ok=True)
            one.write_bytes(b"in clear")
        at = later(3600 * (30 - hours)).timestamp()
        for one in (left[0].parent, left[1]):
            os.utime(one, (at, at))
    made(path, folder, 30 * 3600)
    assert sorted(one.name for one in path.parent.glob(".backup-*")) == [".backup-new"]
    assert sorted(one.name for one in folder.glob(".*")) == [".kiosk-new.backup.part"]

"""Copies of the database: made while it is written to, encrypted, and believed only after they were opened again.

A copy is of one moment. What it becomes when somebody goes back to it is said by `gone_back`: between that moment and
the loss the kiosk has sent, mailed and numbered what the copy does not know.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from kiosk.domain.backup import made_at, name_of, newest, superfluous
from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.mail import MailState
from kiosk.store.cipher import Cipher
from kiosk.store.database import changed_one
from kiosk.store.errors import Damaged
from kiosk.store.sealed_file import PART, Unopenable, seal, unseal
from kiosk.store.store import Store
from kiosk.store.tables import commands, leases, mails, pairing_codes, receipt_gaps, receipt_years, takeovers
from kiosk.store.types import utc

CLOSED_FOR = timedelta(seconds=65)
"""Nobody knows what was called just before the loss, so every window of a minute is taken to be spent."""
LEFT_ALONE = timedelta(days=1)
"""No backup takes so long: what is unfinished and older was cut off by a kill."""
DETAIL = "lost between a backup and its return"
_WORKSHOP = ".backup-"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class NoBackup(Exception):
    """No backup could be made, or that file is none that can be used. The text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One that was made and opened again. `size`: bytes of the file. `rows`: of all tables together."""

    file: Path
    made_at: datetime
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class Returned:
    """What has become of the copy. `skipped`: by year, the first and last number that no receipt will have."""

    starts: int
    mails: int
    skipped: dict[int, tuple[int, int]]
    aside: Path | None


def back_up(database: Path, folder: Path, cipher: Cipher, now: datetime, *, keep: int) -> Backup:
    """Make one in `folder` and open it again; then delete those that are superfluous. Raises NoBackup.

    The copy in clear lies beside the database for a moment, never in `folder`, which may be another machine's.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(database.parent, folder, now)
        with _workshop(database.parent) as workshop:
            plain, again = workshop / "copy.db", workshop / "again.db"
            _copy(database, plain)
            target = folder / name_of(now)
            seal(plain, target, cipher)
            unseal(target, again, cipher)
            if not filecmp.cmp(again, plain, shallow=False):
                raise NoBackup("the backup does not hold what was written into it")
            rows = _rows(again)
        for name in superfluous(_names(folder), keep):
            (folder / name).unlink(missing_ok=True)
        return Backup(target, now, target.stat().st_size, rows)
    except (OSError, sqlite3.Error, Unopenable) as error:
        raise NoBackup(_why(error)) from error


def newest_in(folder: Path, now: datetime) -> datetime | None:
    """When the last backup there was made; None when there is none. Raises OSError when nobody can look."""
    return newest(_names(folder), now) if folder.exists() else None


def examined(file: Path, cipher: Cipher, workshop_in: Path) -> Backup:
    """Open a backup and look at all of it, without changing anything. Raises NoBackup."""
    try:
        with _workshop(workshop_in) as workshop:
            plain = workshop / "copy.db"
            unseal(file, plain, cipher)
            rows = _rows(plain)
        return Backup(file, _time_of(file), file.stat().st_size, rows)
    except (OSError, sqlite3.Error, Unopenable) as error:
        raise NoBackup(_why(error)) from error


def restore(
    file: Path, database: Path, cipher: Cipher, now: datetime, *, doors: Collection[str], skip_receipts: int
) -> Returned:
    """Put a backup where the database is, as it has to be after a loss. What is there is moved aside, never deleted.

    `doors` as in `gone_back`. Raises NoBackup, and then nothing has changed.
    """
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _workshop(database.parent) as workshop:
            plain = workshop / "kiosk.db"
            unseal(file, plain, cipher)
            _rows(plain)
            store = Store(f"sqlite:///{plain}", cipher)
            try:
                store.migrate()
                returned = gone_back(store, now, _time_of(file), doors=doors, skip_receipts=skip_receipts)
            finally:
                store.close()
            with plain.open("rb") as whole:
                os.fsync(whole.fileno())
            aside = _moved_aside(database, now)
            plain.replace(database)
        return Returned(returned.starts, returned.mails, returned.skipped, aside)
    except (OSError, sqlite3.Error, Unopenable, Damaged) as error:
        raise NoBackup(_why(error)) from error


def gone_back(store: Store, now: datetime, since: datetime, *, doors: Collection[str], skip_receipts: int) -> Returned:
    """Make of a copy of that time what it has to be after a loss. `doors` are the endpoints that upstream counts.

    A start that waited may have been sent since: it has no known end, and is not sent again. The same for mails. Codes
    that work once may have been used. Receipts that the copy does not know have numbers that nobody gets again.
    """
    starts = 0
    with store._database.read() as connection:
        waiting = select(commands.c.id, commands.c.kind).where(commands.c.state == CommandState.WAITING)
        once = [row for row in connection.execute(waiting) if row.kind in {Kind.START, Kind.RECEIPT_EMAIL}]
    for number, kind in once:
        store.claim(number, now)
        if kind is Kind.START:
            store.start_unanswered(number, now, DETAIL)
            starts += 1
        else:
            store.finish(number, CommandState.UNKNOWN, now, detail=DETAIL)
    for door in doors:
        store.note_closure(door, now + CLOSED_FOR)
    with store._database.write() as connection:
        unknown = {"state": MailState.UNKNOWN, "ended_at": utc(now), "sealed": None}
        open_ones = mails.c.state.in_((MailState.WAITING, MailState.SENDING))
        mailed = connection.execute(update(mails).where(open_ones).values(**unknown)).rowcount
        connection.execute(delete(takeovers).where(takeovers.c.used_at.is_(None)))
        connection.execute(delete(pairing_codes).where(pairing_codes.c.used_at.is_(None)))
        connection.execute(update(leases).values(holder="", until=_LONG_AGO))
        years = range(since.year, now.year + 1) if skip_receipts else ()
        skipped = {year: _skip(connection, year, skip_receipts, now) for year in years}
    return Returned(starts, mailed, skipped, None)


def _skip(connection: Connection, year: int, count: int, now: datetime) -> tuple[int, int]:
    """Leave out the next `count` numbers of that year. Returns the first and the last of them."""
    this = receipt_years.c.year == year
    before: int = connection.execute(select(receipt_years.c.last).where(this)).scalar_one_or_none() or 0
    if not changed_one(connection, update(receipt_years).where(this).values(last=before + count)):
        connection.execute(insert(receipt_years).values(year=year, last=count))
    connection.execute(insert(receipt_gaps).values(year=year, first=before + 1, last=before + count, noted_at=now))
    return before + 1, before + count


def _copy(database: Path, target: Path) -> None:
    """One consistent view, without what was deleted; nobody's write waits for it."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def _rows(file: Path) -> int:
    """How many there are. Raises NoBackup when the file is damaged, or no database of a kiosk."""
    with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise NoBackup(f"the database in it is damaged: {said}")
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if not {"sessions", "receipts"} <= set(tables):
            raise NoBackup("the database in it is not a kiosk's")
        return sum(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables)  # noqa: S608


def _moved_aside(database: Path, now: datetime) -> Path | None:
    """Under a name that says when. Its log goes along, so that it can still be opened."""
    if not database.exists():
        return None
    aside = database.with_name(f"{database.name}.before-{name_of(now).removesuffix('.backup').removeprefix('kiosk-')}")
    for end in ("-wal", "-shm", ""):
        one = database.with_name(database.name + end)
        if one.exists():
            one.replace(aside.with_name(aside.name + end))
    return aside


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder for this user alone, on the disk of the database, that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=_WORKSHOP, dir=folder) as name:
        yield Path(name)


def _time_of(file: Path) -> datetime:
    """By its name, or else by its last change: a copy of it may be called as its owner likes."""
    return made_at(file.name) or datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _sweep(home: Path, folder: Path, now: datetime) -> None:
    """What a kill has left of earlier ones: a copy in clear, and a half file."""
    for left in (*home.glob(f"{_WORKSHOP}*"), *folder.glob(f".*{PART}")):
        if now - datetime.fromtimestamp(left.stat().st_mtime, UTC) >= LEFT_ALONE:
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror}"
    return str(error)

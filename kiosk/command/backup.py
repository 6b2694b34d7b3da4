"""`kiosk backup` and `kiosk restore`: a copy that nobody else can read, and the way back to it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from kiosk.config.settings import Settings, SettingsError
from kiosk.store import Cipher, Store
from kiosk.store.backup import Backup, NoBackup, Returned, back_up, examined, gone_back, restore
from kiosk.upstream.plugchoice.budget import Endpoint


def make(settings: Settings, now: datetime, folder: Path | None) -> str:
    """One more backup, made while the kiosk runs. Raises SettingsError."""
    wanted = folder or settings.backup_folder
    if wanted is None:
        raise SettingsError("Say where to: kiosk backup --to FOLDER, or set KIOSK_BACKUP_FOLDER.")
    database = _database(settings)
    if not database.exists():
        raise SettingsError(f"There is no database at {database} yet, so there is nothing to copy.")
    try:
        made = back_up(database, wanted, Cipher(settings.secret_keys), now, keep=settings.backup_keep)
    except NoBackup as error:
        raise SettingsError(f"No backup was made: {error}.") from None
    return f"{_said(made)} It was opened again, and holds what was written into it."


def check(settings: Settings, file: Path) -> str:
    """Whether that backup can be used. Raises SettingsError."""
    try:
        return f"{_said(examined(file, Cipher(settings.secret_keys), _database(settings).parent))} It can be used."
    except NoBackup as error:
        raise SettingsError(f"{file} cannot be used: {error}.") from None


def bring_back(
    settings: Settings, now: datetime, file: Path | None, *, replace: bool, skip_receipts: int, engine: str
) -> Iterator[str]:
    """Put a backup where the database is. `engine`: the name of the lease that a running kiosk holds.

    Raises SettingsError when a kiosk runs, when there is a database and nobody said that it may go, or when the file
    cannot be used: then nothing has changed.
    """
    database, cipher = _database(settings), Cipher(settings.secret_keys)
    if file is None:
        raise SettingsError("Say which backup: kiosk restore FILE.")
    if database.exists():
        if _runs(settings, engine, now):
            raise SettingsError("A kiosk works with this database just now: stop it, wait ten seconds, then try again.")
        if not replace:
            raise SettingsError(
                f"There is a database at {database}. With --replace it is moved aside, and the backup takes its place."
            )
    try:
        doors = [each.value for each in Endpoint]
        done = restore(file, database, cipher, now, doors=doors, skip_receipts=skip_receipts)
    except NoBackup as error:
        raise SettingsError(f"Nothing was changed: {error}.") from None
    return _told(done, str(database))


def made_good(settings: Settings, now: datetime, dump_of: str, *, skip_receipts: int, engine: str) -> Iterator[str]:
    """A dump of that time was brought back by PostgreSQL's own tools: make of it what it has to be after a loss.

    Raises SettingsError when a kiosk runs, when nobody answers there, and for a time that is none or lies ahead.
    """
    try:
        since = datetime.fromisoformat(dump_of)
    except ValueError:
        since = None
    if since is None or since.tzinfo is None or since > now:
        raise SettingsError("--brought-back takes a time that has passed, with its zone, such as 2026-11-30T16:15Z.")
    if settings.sqlite:
        raise SettingsError("With SQLite the kiosk brings a backup back by itself: kiosk restore FILE.")
    if _runs(settings, engine, now):
        raise SettingsError("A kiosk works with this database just now: stop it, wait ten seconds, then try again.")
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        if not store.answers():
            raise SettingsError(f"{settings.database} does not answer, so nothing was changed.")
        store.migrate()
        doors = [each.value for each in Endpoint]
        done = gone_back(store, now, since, doors=doors, skip_receipts=skip_receipts)
    finally:
        store.close()
    return _told(done, settings.database)


def _told(done: Returned, database: str) -> Iterator[str]:
    yield f"{database} is what the backup says."
    if done.aside is not None:
        yield f"The database that was there is {done.aside}."
    if done.starts:
        yield f"Starts that waited: {done.starts}. They may have been sent since, so they are not sent again."
    if done.mails:
        yield f"Mails that waited: {done.mails}. They may have been sent since, so they are not sent again."
    for year, (first, last) in done.skipped.items():
        yield (
            f"Receipts {year}-{first:06d} to {year}-{last:06d} are left out: some of them may have been given out "
            "after the backup. Keep this line for your bookkeeping."
        )
    yield "Start the kiosk now. It asks nothing for a minute, then it reads every session again."
    yield "What began after the backup is not in it: see docs/backup.md for what to do about it."


def _said(backup: Backup) -> str:
    return f"{backup.file}: {backup.size:,} bytes, {backup.rows:,} rows, of {backup.made_at:%Y-%m-%d %H:%M:%S} UTC."


def _runs(settings: Settings, engine: str, now: datetime) -> bool:
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    try:
        return store.healthy() and store.lease_lives(engine, now)
    finally:
        store.close()


def _database(settings: Settings) -> Path:
    """Raises SettingsError where it is no file of ours."""
    if settings.database_file is None:
        raise SettingsError(
            "PostgreSQL is backed up by its own tools, such as pg_dump; docs/backup.md says what to do after a loss."
        )
    return settings.database_file

"""The store as the engine and the web see it: every part over one database. Safe to use from many threads."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from kiosk.store.access import Access
from kiosk.store.aside import Unreadable, each
from kiosk.store.chargers import Chargers
from kiosk.store.checks import Checks
from kiosk.store.cipher import Cipher
from kiosk.store.crosswalks import Crosswalks
from kiosk.store.database import PATIENCE_SECONDS, Database
from kiosk.store.deliveries import Deliveries
from kiosk.store.desk import Desk
from kiosk.store.errors import BayTaken, Damaged, TooNew, Trouble, Unavailable
from kiosk.store.exceptions import Exceptions
from kiosk.store.finding import Finding
from kiosk.store.handlings import Handlings
from kiosk.store.handoffs import Handoffs
from kiosk.store.hits import Hits
from kiosk.store.keys import Keys
from kiosk.store.machinery import Machinery
from kiosk.store.meter_stands import MeterStands
from kiosk.store.nightly import Nightly
from kiosk.store.origins import Origins
from kiosk.store.outbox import Outbox
from kiosk.store.own_chargers import OwnChargers
from kiosk.store.pictures import Pictures
from kiosk.store.plotting import Plotting
from kiosk.store.prices import Prices
from kiosk.store.progress import ProgressOfCharges
from kiosk.store.pull_back import PullBack
from kiosk.store.receipts import Receipts
from kiosk.store.reconciling import Reconciling
from kiosk.store.refunds import Refunds
from kiosk.store.retention import Retention
from kiosk.store.rows import SELECT_COMMAND, SELECT_SESSION, command_from, session_from
from kiosk.store.schema import is_newer, is_newest, upgrade
from kiosk.store.site_days import SiteDays
from kiosk.store.site_facts import SiteFacts
from kiosk.store.starts import Starts
from kiosk.store.tables import commands, sessions
from kiosk.store.tablets import Tablets
from kiosk.store.tokens import Tokens
from kiosk.store.unwritten import Unwritten

__all__ = ["BayTaken", "Cipher", "Store"]


class Store(
    Unwritten,
    Starts,
    Tokens,
    Origins,
    Keys,
    Chargers,
    OwnChargers,
    Prices,
    Receipts,
    MeterStands,
    ProgressOfCharges,
    Outbox,
    Retention,
    Tablets,
    Handoffs,
    SiteFacts,
    SiteDays,
    Pictures,
    Machinery,
    Hits,
    PullBack,
    Checks,
    Exceptions,
    Reconciling,
    Handlings,
    Deliveries,
    Refunds,
    Plotting,
):
    """`url` is an SQLAlchemy address such as `sqlite:////var/lib/kiosk/kiosk.db` or `postgresql://kiosk@db/kiosk`. Call
    `migrate` once before use.

    Every time that goes in must carry a zone (else NaiveTime); every time that comes out is UTC.
    """

    def __init__(self, url: str, cipher: Cipher, *, patience: float = PATIENCE_SECONDS) -> None:
        """`patience`: seconds that a write waits for another process before CannotWrite."""
        super().__init__(Database(url, patience=patience), cipher)
        self.desk = Desk(self._database, cipher)
        self.finding = Finding(self._database, cipher)
        self.access = Access(self._database, cipher)
        self.crosswalk = Crosswalks(self._database, cipher)
        self.nightly = Nightly(self._database, cipher)
        self._url = url

    def migrate(self) -> None:
        """Bring the tables to the newest version. Safe when several processes do it at once. Raises Damaged, and
        TooNew for those of a newer release: nothing is changed then.
        """
        try:
            if not is_newest(self._database):
                if is_newer(self._database):
                    raise TooNew("its tables are those of a newer release of the kiosk")
                upgrade(self._url)
        except (DatabaseError, sqlite3.DatabaseError) as error:
            # What is locked, or in the way, is an OperationalError: that is not the file's fault.
            if type(error) in {DatabaseError, sqlite3.DatabaseError}:
                raise Damaged("the file is no database, or it is damaged") from error
            raise

    def unreadable(self) -> tuple[Unreadable, ...]:
        """Every session and every command that this version cannot read, after a look at all of them. Slow."""
        with self._database.read() as connection:
            each(connection, SELECT_SESSION, sessions.c.key, session_from, self.aside)
            each(connection, SELECT_COMMAND, commands.c.id, command_from, self.aside)
        return self.aside.all()

    @property
    def trouble(self) -> Trouble | None:
        """Why the last write of this process failed; None as soon as one worked again."""
        return self._database.trouble

    @property
    def is_file(self) -> bool:
        """On this machine's disk; else a server's, to which other machines may write."""
        return not self._database.shared

    def server_time(self) -> datetime | None:
        """What time it is by a database server's clock; None for a file, which has none. Raises Unavailable."""
        return self._database.server_time()

    def answers(self) -> bool:
        """Something can be read, with tables or without."""
        try:
            with self._database.read() as connection:
                connection.execute(select(1))
        except (SQLAlchemyError, Unavailable):
            return False
        return True

    @property
    def doubts(self) -> int:
        """How many commits of this process got no answer, and may or may not have happened."""
        return self._database.doubts

    def healthy(self) -> bool:
        """The database answers and has its tables."""
        return self.ill() is None

    def ill(self) -> str | None:
        """Why it is not healthy, in a word: of `Trouble`, or `tables`. None: it is."""
        try:
            with self._database.read() as connection:
                connection.execute(select(sessions.c.id).limit(1))
        except Unavailable as error:
            return error.trouble.value
        except SQLAlchemyError:
            return "tables"
        return None

    def close(self) -> None:
        self.alone.close()
        self._database.close()

"""How far running charges are by the operator's view of their sites: estimates, kept while the charge runs. And how
often the figures of a charge are renewed here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from sqlalchemy import RowMapping, bindparam, delete, insert, select

from kiosk.domain.progress import Progress
from kiosk.domain.session import Session
from kiosk.domain.status import Group
from kiosk.store.rows import Part
from kiosk.store.tables import progress, rhythm

_COLUMNS = ("number", "energy_kwh", "asked_at", "rose_at", "agreed_at", "trace")
_ALL = select(progress.c.session_key, *(progress.c[name] for name in _COLUMNS))
_FORGET = delete(progress).where(progress.c.session_key == bindparam("of_key"))
_KEEP = insert(progress)


BESIDE = tuple(progress.c[name].label(f"progress_{name}") for name in _COLUMNS)
"""What a query of sessions selects, with `progress` joined to it, so that `progress_beside` finds it."""


def progress_beside(row: RowMapping, session: Session) -> Progress | None:
    """What that row of a session knows; None of one that does not run."""
    if session.facts.group is not Group.RUNNING or row["progress_number"] is None:
        return None
    return Progress(**{name: row[f"progress_{name}"] for name in _COLUMNS})


class ProgressOfCharges(Part):
    def all_progress(self) -> dict[str, Progress]:
        """By session key."""
        with self._database.read() as connection:
            return {row["session_key"]: _from(row) for row in connection.execute(_ALL).mappings()}

    def tell_rhythm(self, every: timedelta) -> None:
        """How often the figures of a charge that somebody watches are renewed here, from now on."""
        with self._database.write() as connection:
            connection.execute(delete(rhythm))
            connection.execute(insert(rhythm).values(id=1, every_seconds=round(every.total_seconds())))

    def save_progress(self, known: Mapping[str, Progress], over: Collection[str] = ()) -> None:
        """Keep what is known now of these sessions, and forget what is known of those that are over."""
        if not known and not over:
            return
        rows = [{"session_key": key, **{name: getattr(one, name) for name in _COLUMNS}} for key, one in known.items()]
        with self._database.write() as connection:
            connection.execute(_FORGET, [{"of_key": key} for key in {*known, *over}])
            if rows:
                connection.execute(_KEEP, rows)


def _from(row: RowMapping) -> Progress:
    return Progress(**{name: row[name] for name in _COLUMNS})

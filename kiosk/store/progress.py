"""How far running charges are by the operator's view of their sites: estimates, kept while the charge runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select

from kiosk.domain.progress import Progress
from kiosk.domain.session import Session
from kiosk.domain.status import Group
from kiosk.store.rows import Part
from kiosk.store.tables import progress

_COLUMNS = ("number", "energy_kwh", "asked_at", "rose_at", "agreed_at", "trace")
_ALL = select(progress.c.session_key, *(progress.c[name] for name in _COLUMNS))
_ONE = _ALL.where(progress.c.session_key == bindparam("key"))
_FORGET = delete(progress).where(progress.c.session_key == bindparam("of_key"))
_KEEP = insert(progress)


def progress_beside(connection: Connection, session: Session) -> Progress | None:
    """What is known of the session, in the same view; nobody asks for one that does not run."""
    if session.facts.group is not Group.RUNNING:
        return None
    row = connection.execute(_ONE, {"key": session.key}).mappings().one_or_none()
    return None if row is None else _from(row)


class ProgressOfCharges(Part):
    def all_progress(self) -> dict[str, Progress]:
        """By session key."""
        with self._database.read() as connection:
            return {row["session_key"]: _from(row) for row in connection.execute(_ALL).mappings()}

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

"""What the operator has handed out and kept at the desk: keys of the JSON interface, and views of the sessions list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, insert, or_, select, update

from kiosk.store.database import changed_one, insert_once
from kiosk.store.exceptions import number_of
from kiosk.store.rows import Part, digest
from kiosk.store.tables import api_keys, desk_views
from kiosk.store.types import utc


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`sites` None: all of them. What the key itself is stands nowhere: only its hash is stored."""

    id: int
    name: str
    scopes: frozenset[str]
    sites: frozenset[str] | None
    made_by: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class View:
    """Filters of the list under a name. `shared`: everybody sees it; only `who` has it in hand."""

    id: int
    who: str
    shared: bool
    name: str
    chosen: Mapping[str, str]


class Access(Part):
    # --- keys

    def add_key(
        self, name: str, key: str, scopes: Sequence[str], sites: Sequence[str] | None, by: str, now: datetime
    ) -> int:
        values = {
            "name": name,
            "key_hash": digest(key),
            "scopes": sorted(scopes),
            "sites": None if sites is None else sorted(sites),
            "made_by": by,
            "made_at": utc(now),
        }
        with self._database.write() as connection:
            return number_of(connection.execute(insert(api_keys).values(**values)))

    def all_keys(self) -> list[ApiKey]:
        """Those in use first, the newest first."""
        query = select(api_keys).order_by(api_keys.c.revoked_at.is_not(None), api_keys.c.id.desc())
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def key_behind(self, key: str) -> ApiKey | None:
        """None for one that was revoked, or never was."""
        query = select(api_keys).where(api_keys.c.key_hash == digest(key), api_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _key(row)

    def key_used(self, key_id: int, now: datetime) -> None:
        """Raises CannotWrite."""
        with self._database.write_soon() as connection:
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(used_at=utc(now)))

    def revoke_key(self, key_id: int, now: datetime) -> bool:
        """From now on it opens nothing. False: there is none of that number that does."""
        this = (api_keys.c.id == key_id) & api_keys.c.revoked_at.is_(None)
        with self._database.write() as connection:
            return changed_one(connection, update(api_keys).where(this).values(revoked_at=utc(now)))

    # --- views

    def keep_view(self, who: str, name: str, chosen: Mapping[str, str], *, shared: bool) -> bool:
        """False: they have one of that name."""
        values = {"who": who, "name": name, "chosen": dict(chosen), "shared": shared}
        with self._database.write() as connection:
            return insert_once(connection, desk_views, values)

    def views_of(self, who: str) -> list[View]:
        """Their own and those that others share, by name."""
        query = select(desk_views).where(or_(desk_views.c.who == who, desk_views.c.shared.is_(True)))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(desk_views.c.name, desk_views.c.id)).mappings()
            return [View(**row) for row in rows]

    def drop_view(self, view_id: int, who: str) -> bool:
        """False: they have none of that number."""
        with self._database.write() as connection:
            this = (desk_views.c.id == view_id) & (desk_views.c.who == who)
            return changed_one(connection, delete(desk_views).where(this))


def _key(row: RowMapping) -> ApiKey:
    sites = row["sites"]
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        sites=None if sites is None else frozenset(sites),
        made_by=row["made_by"],
        made_at=row["made_at"],
        used_at=row["used_at"],
        revoked_at=row["revoked_at"],
    )

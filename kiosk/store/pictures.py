"""Pictures of chargers, kept so that pages can show them from the kiosk's own address. Many chargers may share one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from kiosk.domain.picture import Picture
from kiosk.store.database import changed_one, insert_once
from kiosk.store.rows import Part, digest
from kiosk.store.tables import pictures


class Pictures(Part):
    def picture(self, url: str) -> Picture | None:
        """The picture that was fetched from there; None when there is none."""
        query = select(pictures.c.kind, pictures.c.body).where(pictures.c.url == url, pictures.c.body.is_not(None))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Picture(row.kind, row.body)

    def picture_stamp(self, url: str) -> str | None:
        """A short word that changes with the picture; None when there is none."""
        query = select(pictures.c.stamp).where(pictures.c.url == url)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def pictures_tried(self, urls: Sequence[str]) -> dict[str, tuple[datetime, bool]]:
        """When each was last asked for, and whether there is a picture; without those never asked for."""
        query = select(pictures.c.url, pictures.c.tried_at, pictures.c.stamp.is_not(None))
        with self._database.read() as connection:
            return {
                url: (at, bool(there)) for url, at, there in connection.execute(query.where(pictures.c.url.in_(urls)))
            }

    def save_picture(self, url: str, picture: Picture | None, at: datetime) -> None:
        """What came of asking. Without a new picture the last one stays."""
        values: dict[str, object] = {"tried_at": at}
        if picture is not None:
            stamp = digest(f"{picture.kind} {picture.body.hex()}")[:12]
            values |= {"kind": picture.kind, "body": picture.body, "stamp": stamp}
        with self._database.write() as connection:
            if not changed_one(connection, update(pictures).where(pictures.c.url == url).values(**values)):
                insert_once(connection, pictures, {"url": url, **values})

    def keep_pictures(self, urls: Sequence[str]) -> None:
        """Forget every other one."""
        with self._database.write() as connection:
            connection.execute(delete(pictures).where(pictures.c.url.not_in(urls)))

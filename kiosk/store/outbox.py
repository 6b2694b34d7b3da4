"""Mails of our own that wait to be sent. Address and text are encrypted, and gone as soon as the mail has an end."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import insert, select, update

from kiosk.domain.mail import MailState, OwnMail
from kiosk.store.database import changed_one
from kiosk.store.rows import Part, digest, lock_session
from kiosk.store.tables import mails
from kiosk.store.types import utc

MOST = 5
"""So many addresses may one receipt be sent to."""
_ROW = select(mails.c.id, mails.c.session_key, mails.c.state, mails.c.asked_at, mails.c.attempts, mails.c.next_at)


class Outbox(Part):
    def ask_mail(self, key: str, to: str, subject: str, text: str, now: datetime) -> bool:
        """Once for each address, again only after it was refused. False: enough were asked for. Raises Missing."""
        with self._database.write() as connection:
            lock_session(connection, key)
            rows = connection.execute(
                select(mails.c.address_hash, mails.c.state).where(mails.c.session_key == key)
            ).all()
            mark = digest(f"{key} {to.lower()}")
            if any(hashed == mark and state is not MailState.REFUSED for hashed, state in rows):
                return True
            if len(rows) >= MOST:
                return False
            sealed = self._cipher.encrypt(json.dumps({"to": to, "subject": subject, "text": text}))
            values = {"session_key": key, "address_hash": mark, "sealed": sealed, "state": MailState.WAITING}
            times = {"asked_at": utc(now), "attempts": 0, "next_at": utc(now)}
            connection.execute(insert(mails).values(**values, **times))
            return True

    def newest_mail(self, key: str) -> OwnMail | None:
        with self._database.read() as connection:
            query = _ROW.where(mails.c.session_key == key).order_by(mails.c.id.desc()).limit(1)
            row = connection.execute(query).one_or_none()
            return None if row is None else OwnMail(*row)

    def due_mails(self, now: datetime) -> list[OwnMail]:
        with self._database.read() as connection:
            query = _ROW.where(mails.c.state == MailState.WAITING, mails.c.next_at <= utc(now)).order_by(mails.c.id)
            return [OwnMail(*row) for row in connection.execute(query.limit(20))]

    def claim_mail(self, mail_id: int, now: datetime) -> dict[str, str] | None:
        """Its address, subject and text for whoever sends it now. None: somebody else did, or it cannot be opened,
        which ends it.
        """
        with self._database.write() as connection:
            sealed = connection.execute(select(mails.c.sealed).where(mails.c.id == mail_id)).scalar_one_or_none()
            text = self._cipher.decrypt(sealed) if sealed is not None else None
            over = {"state": MailState.REFUSED, "ended_at": utc(now), "sealed": None}
            values = {"state": MailState.SENDING} if text is not None else over
            waiting = (mails.c.id == mail_id) & (mails.c.state == MailState.WAITING)
            claimed = changed_one(
                connection, update(mails).where(waiting).values(**values, attempts=mails.c.attempts + 1)
            )
            said: dict[str, str] | None = json.loads(text) if claimed and text is not None else None
            return said

    def put_off_mail(self, mail_id: int, next_at: datetime) -> None:
        """It was not taken, and is tried again then, unless it was cut off meanwhile."""
        with self._database.write() as connection:
            values = {"state": MailState.WAITING, "next_at": utc(next_at)}
            sending = (mails.c.id == mail_id) & (mails.c.state == MailState.SENDING)
            connection.execute(update(mails).where(sending).values(**values))

    def end_mail(self, mail_id: int, state: MailState, now: datetime) -> None:
        """It has an end: what is personal in it goes."""
        with self._database.write() as connection:
            values = {"state": state, "ended_at": utc(now), "sealed": None}
            connection.execute(update(mails).where(mails.c.id == mail_id).values(**values))

    def cut_off_mails(self, now: datetime) -> int:
        """Those that an earlier leader was sending: nobody knows what became of them. Returns how many."""
        with self._database.write() as connection:
            values = {"state": MailState.UNKNOWN, "ended_at": utc(now), "sealed": None}
            sending = mails.c.state == MailState.SENDING
            return connection.execute(update(mails).where(sending).values(**values)).rowcount

"""Sends the mails of our own: each once, unless the server has said that it did not take it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from kiosk.domain.mail import MailState, OwnMail, next_try
from kiosk.engine.context import Context
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.news.news import session_topic
from kiosk.upstream.smtp.client import Mail, MailRefused, MailUnknown, NotTaken

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)


class SendMails(Duty):
    name = "own mails"
    beat = LOOK_EVERY

    def __init__(self, context: Context) -> None:
        self._context = context

    def take_over(self, now: datetime) -> None:
        cut_off = self._context.store.cut_off_mails(now)
        if cut_off:
            log.warning("mails were cut off", extra={"mails": cut_off})

    def jobs(self, now: datetime) -> Jobs:
        if self._context.mailer is None:
            return Jobs()
        due = self._context.store.due_mails(now)
        return Jobs(
            tuple(
                Job(f"mail:{one.id}", partial(self._send, one), pool=Pool.MAILS, about={"session": one.session_key})
                for one in due
            )
        )

    def _send(self, row: OwnMail) -> None:
        context = self._context
        now = context.clock.now()
        said = context.store.claim_mail(row.id, now)
        if said is None or context.mailer is None:
            return
        try:
            context.mailer.send(Mail(said["to"], said["subject"], said["text"], name_of(row), now))
        except NotTaken as error:
            self._not_taken(row, str(error))
        except MailRefused as error:
            self._end(row, MailState.REFUSED, str(error))
        except MailUnknown as error:
            self._end(row, MailState.UNKNOWN, str(error))
        except Exception as error:
            self._end(row, MailState.UNKNOWN, type(error).__name__)  # it must not stay "being sent"
            raise
        else:
            self._end(row, MailState.SENT, "")

    def _not_taken(self, row: OwnMail, reason: str) -> None:
        again = next_try(row, self._context.clock.now())
        if again is None:
            self._end(row, MailState.REFUSED, reason)
            return
        if row.attempts == 0:
            log.warning("the mail server does not take a mail", extra={"session": row.session_key, "reason": reason})
        self._context.store.put_off_mail(row.id, again)

    def _end(self, row: OwnMail, state: MailState, reason: str) -> None:
        self._context.store.end_mail(row.id, state, self._context.clock.now())
        log.info("a mail has an end", extra={"session": row.session_key, "state": state.value, "reason": reason})
        self._context.news.publish(session_topic(row.session_key))


def name_of(row: OwnMail) -> str:
    """What this mail is called at each attempt. Rows of two kiosks have the same numbers, sessions have not; and nobody
    comes from the name to the session."""
    return f"receipt.{sha256(f'{row.session_key} {row.id}'.encode()).hexdigest()[:32]}"

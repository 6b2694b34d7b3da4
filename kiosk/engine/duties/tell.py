"""Tells the operator's people of what needs them: at once, again when it grows older, or once a day.

What is to be told is written down first, then sent; what did not arrive is tried again for a day, less and less often.
Every receiver has its own job, so that one that hangs keeps no other waiting, and nothing else of the engine.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.attention import Level
from kiosk.domain.telling import (
    APART,
    DeliveryState,
    Open,
    Receiver,
    Why,
    digest_due,
    next_try,
    to_tell,
)
from kiosk.engine.context import Context, MakeNotice
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.store.deliveries import Delivery
from kiosk.store.exceptions import Listed
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.notice.client import NotAccepted
from kiosk.upstream.notice.ways import hand_over
from kiosk.upstream.smtp.client import MailRefused, MailUnknown, NotTaken

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)


class Tell(Duty):
    name = "notices"
    beat = EVERY

    def __init__(self, context: Context) -> None:
        self._context = context
        self._receivers = {one.name: one for one in context.receivers}

    def take_over(self, now: datetime) -> None:
        self._context.store.take_up_deliveries(now)

    def jobs(self, now: datetime) -> Jobs:
        notice = self._context.notice
        if not self._receivers or notice is None:
            return Jobs()
        make = Job("notices", partial(self._make, now), pool=Pool.NOTICES)
        due = self._context.store.due_deliveries(now)
        sends = (
            Job(
                f"notice:{one.receiver}",
                partial(self._send, one, notice),
                pool=Pool.NOTICES,
                about={"receiver": one.receiver},
            )
            for one in due
        )
        return Jobs((make, *sends), EVERY)

    # --- on a worker

    def _make(self, now: datetime) -> None:
        store = self._context.store
        rows = [_open(one) for one in store.every_open_exception()]
        for receiver in self._receivers.values():
            new = to_tell(rows, receiver, store.told_to(receiver.name), now)
            last = store.last_made(receiver.name, Why.AT_ONCE)
            if new and (last is None or now - last >= APART):
                store.tell(receiver.name, [(one.id, one.level) for one in new], now)
            waits = any(receiver.hears(one.matter) and one.handling.waits(now) for one in rows)
            if waits and digest_due(receiver, store.last_made(receiver.name, Why.DIGEST), now):
                store.tell_digest(receiver.name, now)

    def _send(self, delivery: Delivery, words: MakeNotice) -> None:
        context, receiver = self._context, self._receivers.get(delivery.receiver)
        now, store = context.clock.now(), context.store
        rows = self._rows(delivery, receiver, now)
        urgent = any(one.level is Level.ALARM for one in rows)
        if receiver is not None and rows and receiver.is_quiet(now) and not (urgent and receiver.alarms_at_night):
            return  # it did not arrive before the quiet hours, and waits for their end
        if not store.claim_delivery(delivery.id, now):
            return
        if receiver is None:
            self._end(delivery, DeliveryState.GIVEN_UP, "nobody of that name is in kiosk.toml any more")
            return
        if not rows:
            self._end(delivery, DeliveryState.NEEDLESS, "over before it could be sent")
            return
        try:
            notice = words(rows, delivery.why, now)
            hand_over(context.mailer, context.herald, receiver, notice, f"notice.{delivery.id}", now)
        except MailRefused as error:
            self._end(delivery, DeliveryState.GIVEN_UP, f"refused: {error}")
        except (NotTaken, MailUnknown, NotAccepted, UpstreamError) as error:
            self._again(delivery, str(error))
        except Exception as error:
            self._again(delivery, type(error).__name__)  # it must not stay "being sent"
            raise
        else:
            self._end(delivery, DeliveryState.SENT, "taken")

    def _rows(self, delivery: Delivery, receiver: Receiver | None, now: datetime) -> list[Listed]:
        """What the message tells now: what was over, set aside or seen to meanwhile is left out."""
        store = self._context.store
        found = store.open_exceptions() if delivery.why is Why.DIGEST else store.what_it_tells(delivery.id)
        return [
            one
            for one in found
            if one.closed_at is None
            and one.handling.waits(now)
            and (delivery.why is not Why.DIGEST or (receiver is not None and receiver.hears(one.matter)))
        ]

    def _again(self, delivery: Delivery, said: str) -> None:
        now = self._context.clock.now()
        again = next_try(delivery.asked_at, delivery.attempts + 1, now)
        if again is None:
            self._end(delivery, DeliveryState.GIVEN_UP, said)
            return
        if delivery.attempts == 0:
            log.warning("a message did not arrive; it is tried again", extra=_about(delivery, said))
        self._context.store.put_off_delivery(delivery.id, again, said)

    def _end(self, delivery: Delivery, state: DeliveryState, said: str) -> None:
        self._context.store.end_delivery(delivery.id, state, self._context.clock.now(), said)
        level = logging.ERROR if state is DeliveryState.GIVEN_UP else logging.INFO
        log.log(level, "a message has an end", extra={**_about(delivery, said), "state": state.value})


def _open(row: Listed) -> Open:
    return Open(row.id, row.matter, row.level, row.handling)


def _about(delivery: Delivery, said: str) -> dict[str, object]:
    return {"receiver": delivery.receiver, "delivery": delivery.id, "reason": said}

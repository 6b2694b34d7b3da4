"""Whose start is sent next: a fair line, without those that nobody waits for any more."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.line import Turn, Waiting, fair_line
from kiosk.domain.unpaid import COUNTS, debts
from kiosk.engine.context import Context
from kiosk.engine.observing import tell
from kiosk.engine.onlookers import Onlookers
from kiosk.store.aside import UNREADABLE
from kiosk.store.rows import slot_of

log = logging.getLogger(__name__)

LATE = timedelta(minutes=3)
"""A start that has waited for longer is sent only while somebody has its page open."""
ABSENT = timedelta(seconds=60)
"""So long after somebody had it open last, nobody has it open: a phone may lose its connection for a moment."""


class Line:
    def __init__(self, context: Context, onlookers: Onlookers) -> None:
        self._context = context
        self._onlookers = onlookers

    def turns(self, now: datetime) -> list[Turn]:
        """The starts that may be sent now, in turn. What is late and has no onlooker is put aside, or waits for one."""
        store = self._context.store
        waiting = store.waiting_starts()
        here = [one for one in waiting if not self._late(one, now)]
        closed = store.full_chargers(now)
        owed = debts(store.origins(now - COUNTS), now) if here else {}
        kept = self._kept_bays(here, now)
        return [
            turn
            for turn in fair_line(here, owed)
            if turn.waiting.not_before <= now and turn.waiting.code not in closed and turn.waiting.bay not in kept
        ]

    def _kept_bays(self, waiting: list[Waiting], now: datetime) -> set[str]:
        """Bays that upstream still keeps for a driver who cancelled: that must be over before anybody else starts."""
        wanted = {one.bay for one in waiting}
        kept = set()
        for session in self._context.store.given_up():
            bay = slot_of(session.code, session.connector_id)
            if bay not in wanted:
                continue
            kept.add(bay)
            if session.wish is None:  # else it is pursued already
                self._context.store.ask(session.key, Kind.CANCEL, AskedBy.DRIVER, now)
        return kept

    def _late(self, one: Waiting, now: datetime) -> bool:
        """It is not sent: nobody waits for it. A driver who comes back finds it put aside, and takes it up again."""
        seen_at = self._onlookers.last_seen(one.key, now)
        if now - one.asked_at <= LATE or self._onlookers.here(one.key):
            return False
        if now - seen_at > ABSENT:
            try:
                session = self._context.store.put_aside(one.command_id, now, Refusal.NOBODY_WATCHED)
            except UNREADABLE:  # its row names itself where rows are read; here it keeps nobody else waiting
                return True
            if session is not None:
                log.info("a start that nobody waited for was put aside", extra={"session": one.key, "code": one.code})
                tell(self._context, session)
        return True

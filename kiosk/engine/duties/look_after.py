"""Every hold ends: looks at everything that should have ended and has not, has it read and proven once more, and keeps
the list of what a person should look at.

It sends nothing by itself: the guard and the others pursue what they know of. This notices when that had no effect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from kiosk.domain.attention import (
    OF_REFUND,
    REFUSED_IN_A_ROW,
    Attention,
    Level,
    Matter,
    broken_prices,
    matters,
    refund_matter,
    refused_starts,
    unwritten_tables,
)
from kiosk.domain.session import Session
from kiosk.engine.context import Context
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.open_sessions import OpenSessions
from kiosk.news.news import session_topic
from kiosk.store.errors import CannotWrite
from kiosk.store.exceptions import LISTED_FOR, Listed

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
ALL_EVERY = timedelta(hours=1)
"""How often everything that ended lately is looked at; in between only what is open, listed, or has just ended."""
ONCE_MORE_AFTER, ONCE_MORE_AT_LAST = timedelta(minutes=10), timedelta(hours=12)
"""A session that waits is read once more at once, after ten minutes, and then less and less, besides its schedule."""
REFUSED_WITHIN = timedelta(hours=1)
STARTS_LOOKED_AT = 4 * REFUSED_IN_A_ROW
"""So many of a charger's newest starts are read: some of them may be undecided."""
_AFTER_THE_END = timedelta(minutes=5)
_READ_AGAIN = frozenset(
    {
        Attention.HOLD_OVERDUE,
        Attention.PAID_UNSEEN,
        Attention.COMMAND_UNKNOWN,
        Attention.HELD_FOR_NOTHING,
        Attention.LOST,
        Attention.AMOUNT_UNKNOWN,
    }
)


class LookAfter(Duty):
    """`prove_again` has the payment provider asked about a session, whatever was known of it."""

    name = "exceptions"
    beat = EVERY

    def __init__(self, context: Context, sessions: OpenSessions, prove_again: Callable[[str], None]) -> None:
        self._context = context
        self._sessions = sessions
        self._prove_again = prove_again
        self._all_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._again_at: dict[str, tuple[datetime, timedelta]] = {}

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self._all_at = None

    def jobs(self, now: datetime) -> Jobs:
        return Jobs((Job("exceptions", lambda: self._look(now), pool=Pool.PROOFS),), EVERY)

    # --- on a worker

    def _look(self, now: datetime) -> None:
        store = self._context.store
        listed = store.every_open_exception()
        looked_at = self._to_look_at(listed, now)
        known: dict[str, set[Attention]] = {}
        for one in listed:
            known.setdefault(one.matter.subject, set()).add(one.matter.kind)
        unanswered = store.unanswered_of(looked_at.keys())
        found = matters(looked_at.values(), unanswered, now, self._context.policy, known)
        refusing = {
            *store.refusing_chargers(now - REFUSED_WITHIN),
            *(one.matter.subject for one in listed if one.matter.kind is Attention.STARTS_REFUSED),
        }
        for code in sorted(refusing):
            refused = refused_starts(code, store.latest_at(code, STARTS_LOOKED_AT))
            found += [refused] if refused is not None else []
        told = self._context.breaks_price_rule()
        prices, priced = broken_prices(told, now)
        found += prices
        priced |= {
            one.matter.subject
            for one in listed
            if one.matter.kind is Attention.PRICE_BREAKS_RULE and one.matter.subject not in told  # sold no more
        }
        places = {(Attention.STARTS_REFUSED, code) for code in refusing}
        places |= {(Attention.PRICE_BREAKS_RULE, code) for code in priced}
        tables, of_sites = self._tables(listed, now)
        found += tables
        places |= of_sites
        sent_back, of_refunds = self._refunds(listed, now)
        found += sent_back
        places |= of_refunds
        changes = store.keep_exceptions(found, looked_at, now, places)
        for one in (*changes.opened, *changes.louder):
            _tell(one)
        for one in changes.closed:
            log.info("what a person should have looked at is over", extra=_about(one.matter))
        for one in (*changes.opened, *changes.louder, *changes.closed):
            if not one.matter.of_charger:
                self._context.news.publish(session_topic(one.matter.subject))
        self._once_more(found, now)

    def _tables(self, listed: list[Listed], now: datetime) -> tuple[list[Matter], set[tuple[Attention, str]]]:
        """Of which sites nobody could write the tables for a day; without a place for them there are none."""
        kind, context = Attention.TABLES_NOT_WRITTEN, self._context
        known = {(kind, one.matter.subject) for one in listed if one.matter.kind is kind}
        if context.nightly is None:
            return [], known
        codes = {site.id: site.codes for site in context.sites}
        found = unwritten_tables(codes, context.store.nightly.months(), now)
        return found, known | {(kind, one.subject) for one in found}

    def _refunds(self, listed: list[Listed], now: datetime) -> tuple[list[Matter], set[tuple[Attention, str]]]:
        """What is to be looked at of refunds from the desk, and of which sessions all is known of them."""
        known = {one.matter.subject for one in listed if one.matter.kind in OF_REFUND}
        newest = self._context.store.newest_refunds(now - LISTED_FOR, known)
        found = [matter for code, wish in newest if (matter := refund_matter(code, wish, now)) is not None]
        keys = known | {wish.session_key for _code, wish in newest}
        return found, {(kind, key) for kind in OF_REFUND for key in keys}

    def _to_look_at(self, listed: list[Listed], now: datetime) -> dict[str, Session]:
        store = self._context.store
        if self._all_at is None or now - self._all_at >= ALL_EVERY:
            found = store.of_late(now - LISTED_FOR)
            self._all_at = now
        else:
            found = [*store.of_late((self._looked_at or now) - _AFTER_THE_END)]
            keys = {one.key for one in found}
            found += store.readable([one.matter.subject for one in listed if one.matter.subject not in keys])
        self._looked_at = now
        return {one.key: one for one in found}

    def _once_more(self, found: list[Matter], now: datetime) -> None:
        """What waits is read and proven once more: not often, and never in the way of what still runs."""
        wanted = {one.subject for one in found if one.kind in _READ_AGAIN}
        self._again_at = {key: known for key, known in self._again_at.items() if key in wanted}
        for key in sorted(wanted):
            at, wait = self._again_at.get(key, (now, ONCE_MORE_AFTER))
            if now < at:
                continue
            self._again_at[key] = now + wait, min(2 * wait, ONCE_MORE_AT_LAST)
            self._prove_again(key)
            with suppress(CannotWrite):
                self._context.store.hint(key, now)


def _tell(one: Listed) -> None:
    level = {Level.NOTED: logging.INFO, Level.LOUD: logging.WARNING, Level.ALARM: logging.ERROR}[one.level]
    log.log(level, "a person should look at this", extra={**_about(one.matter), "level": one.level.value})


def _about(matter: Matter) -> dict[str, str]:
    whose = {"code": matter.code} if matter.of_charger else {"session": matter.subject, "code": matter.code}
    return {**whose, "kind": matter.kind.value}

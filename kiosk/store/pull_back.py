"""A start with an earlier clock: somebody set the wall clock back while the kiosk was down, and stored times lie ahead.

While it runs the kiosk's clock never goes back (`kiosk.clock.SystemClock`), so this is the only way in which a stored
time can be later than now. It is put right here, once, before anything reads those times; nothing else asks whether
one lies ahead. `RULES` says what becomes of every time that the store keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from kiosk.domain.handling import LONGEST_ASIDE
from kiosk.domain.session import moved_back
from kiosk.store.aside import Aside, each
from kiosk.store.rows import SELECT_SESSION, Part, count_settled, session_from, session_values
from kiosk.store.tables import (
    calls,
    card_wishes,
    chargers,
    closures,
    commands,
    desk_sessions,
    exceptions,
    full_chargers,
    handoffs,
    hints,
    metadata,
    months_written,
    own_asks,
    own_list,
    pairing_codes,
    pictures,
    progress,
    sessions,
    site_days,
    site_trees,
    takeovers,
)
from kiosk.store.types import utc

LEEWAY = timedelta(seconds=5)
"""Another process on this machine may have read the same clock a moment later. What lies ahead by less is not ahead."""
LONGEST_PAUSE = timedelta(seconds=90)
"""A command that waits for longer than this waits for a time of another clock."""
LONGEST_TAKEOVER = timedelta(hours=1)
LONGEST_PAIRING = timedelta(days=100)
"""No code is made to live longer; the longest-lived are a demo's, whose clock runs faster."""
LONGEST_CLOSURE = timedelta(hours=2)
LONGEST_FULL = timedelta(hours=1)
"""A charger that takes no more starts is left in peace for at most that."""
LONG_OVER = timedelta(hours=3)
"""So old that no hand-off and no claim of one counts any more."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Rule(StrEnum):
    """What becomes of a time that lies ahead."""

    MOVED = "moved"  # with the other times of its session, so that their distances stay: as if the clock had gone on
    NOW = "now"  # something was done, or is wanted, since then: since now
    FORGOTTEN = "forgotten"  # it said how fresh something is. Its age is not known, so it is asked for anew
    OVER = "over"  # it said how long something may live: it has ended
    KEPT = "kept"  # nothing is decided by it, or it is not a time of our clock


RULES: dict[str, Rule] = {
    "sessions.requested_at": Rule.MOVED,
    "sessions.status_since": Rule.MOVED,
    "sessions.held_seen_at": Rule.MOVED,
    "sessions.connector_since": Rule.MOVED,
    "sessions.asked_at": Rule.MOVED,
    "sessions.observed_at": Rule.MOVED,
    "sessions.fresh_at": Rule.MOVED,
    "sessions.gone_at": Rule.MOVED,
    "sessions.back_at": Rule.MOVED,
    "sessions.payment_shown_at": Rule.MOVED,
    "sessions.retry_at": Rule.MOVED,
    "sessions.ended_at": Rule.MOVED,
    "sessions.given_up_at": Rule.MOVED,
    "sessions.created_at": Rule.KEPT,  # these five are of upstream's clock
    "sessions.authorized_at": Rule.KEPT,
    "sessions.charging_started_at": Rule.KEPT,
    "sessions.completed_at": Rule.KEPT,
    "sessions.captured_at": Rule.KEPT,
    "sessions.bank_return_at": Rule.KEPT,  # that it is set is what counts
    "sessions.looked_at": Rule.NOW,
    "commands.asked_at": Rule.NOW,
    "commands.sent_at": Rule.NOW,
    "commands.ended_at": Rule.NOW,
    "commands.not_before": Rule.NOW,  # when it is further ahead than any pause
    "hints.hinted_at": Rule.NOW,
    "grants.granted_at": Rule.NOW,
    "taken_back.granted_at": Rule.KEPT,
    "taken_back.taken_at": Rule.KEPT,
    "mails.asked_at": Rule.NOW,
    "mails.next_at": Rule.NOW,
    "mails.ended_at": Rule.KEPT,
    "meter_stands.started_at": Rule.KEPT,  # these two are of the charger's clock
    "meter_stands.stopped_at": Rule.KEPT,
    "meter_stands.seen_at": Rule.KEPT,
    "progress.asked_at": Rule.FORGOTTEN,
    "progress.rose_at": Rule.FORGOTTEN,
    "progress.agreed_at": Rule.FORGOTTEN,
    "exceptions.since": Rule.NOW,
    "exceptions.noticed_at": Rule.NOW,
    "exceptions.level_at": Rule.NOW,
    "exceptions.closed_at": Rule.KEPT,
    "exceptions.aside_until": Rule.OVER,  # when it is further ahead than anything can be set aside
    "exceptions.done_at": Rule.KEPT,
    "handlings.at": Rule.KEPT,
    "handlings.until": Rule.KEPT,
    "handlings.was_aside_until": Rule.KEPT,
    "handlings.was_done_at": Rule.KEPT,
    "deliveries.asked_at": Rule.NOW,
    "deliveries.next_at": Rule.NOW,
    "deliveries.tried_at": Rule.KEPT,
    "deliveries.ended_at": Rule.KEPT,
    "receipt_gaps.noted_at": Rule.NOW,
    "origins.asked_at": Rule.NOW,
    "full_chargers.until": Rule.OVER,
    "takeovers.expires_at": Rule.OVER,
    "takeovers.used_at": Rule.KEPT,
    "chargers.card": Rule.FORGOTTEN,
    "chargers.problem_at": Rule.FORGOTTEN,
    "card_wishes.wanted_at": Rule.OVER,
    "own_chargers.asked_at": Rule.NOW,
    "own_chargers.missing_since": Rule.NOW,
    "own_list.whole_at": Rule.NOW,
    "own_list.learnt_at": Rule.FORGOTTEN,  # then it is asked again before a charger is called another's
    "own_list.problem_since": Rule.NOW,
    "own_asks.asked_at": Rule.OVER,
    "site_trees.seen_at": Rule.FORGOTTEN,
    "lab_facts.seen_at": Rule.NOW,
    "pictures.tried_at": Rule.FORGOTTEN,  # the attempt, not the picture
    "receipts.issued_at": Rule.KEPT,  # documents are never changed afterwards
    "receipts.revised_at": Rule.KEPT,
    "receipt_revisions.replaced_at": Rule.KEPT,
    "received_tokens.received_at": Rule.NOW,
    "received_tokens.next_at": Rule.NOW,  # given back at once
    "leases.until": Rule.KEPT,  # `take_lease` knows how long one can be held
    "calls.called_at": Rule.NOW,  # they were made, so they count against the budgets
    "closures.until": Rule.OVER,  # as much earlier as calls lie ahead; and when it is further ahead than any closure
    "hits.until": Rule.KEPT,  # some asker waits for longer, at most
    "webhooks.received_at": Rule.KEPT,
    "pairing_codes.expires_at": Rule.OVER,
    "pairing_codes.used_at": Rule.KEPT,
    "tablets.paired_at": Rule.NOW,
    "tablets.last_seen_at": Rule.NOW,
    "tablets.unpaired_at": Rule.KEPT,
    "handoffs.made_at": Rule.OVER,
    "handoffs.claimed_at": Rule.OVER,
    "handoffs.closed_at": Rule.KEPT,
    "desk_users.made_at": Rule.KEPT,
    "desk_sessions.started_at": Rule.OVER,  # everybody signs in again
    "desk_sessions.seen_at": Rule.OVER,
    "desk_sessions.confirmed_at": Rule.OVER,
    "desk_tries.last_at": Rule.NOW,
    "desk_log.at": Rule.KEPT,  # nothing of it is ever changed
    "desk_notes.at": Rule.KEPT,
    "api_keys.made_at": Rule.KEPT,
    "api_keys.used_at": Rule.NOW,  # else nobody would see for long that it is used
    "api_keys.revoked_at": Rule.KEPT,
    "refunds.asked_at": Rule.NOW,
    "refunds.next_at": Rule.NOW,
    "refunds.sent_at": Rule.NOW,  # what is at Stripe is asked for before anything is sent again
    "refunds.ended_at": Rule.NOW,  # the payment's record is older than that, so what it does not say is counted
    "crosswalk.proposed_at": Rule.KEPT,  # nothing hangs on these two but what a person reads
    "crosswalk.decided_at": Rule.KEPT,
    "months_written.written_at": Rule.FORGOTTEN,  # then it is written once more
    "months_written.tried_at": Rule.FORGOTTEN,
    "months_written.failing_since": Rule.NOW,
    "prices.since": Rule.KEPT,  # a history: it says when the clock said what
    "prices.before_at": Rule.KEPT,
    "lines_aside.at": Rule.KEPT,  # what a person did is never changed afterwards
    "line_owners.at": Rule.KEPT,
    "site_transactions.started_at": Rule.KEPT,  # these three are of the charger's clock
    "site_transactions.stopped_at": Rule.KEPT,
    "site_transactions.at": Rule.KEPT,
    "site_transactions.seen_at": Rule.KEPT,
    "site_days.read_at": Rule.NOW,
    "site_days.next_at": Rule.KEPT,  # it lies ahead by right; when the day comes it is read
    "site_days.asked_at": Rule.NOW,
    "site_days.tried_at": Rule.FORGOTTEN,  # then what somebody asked for is tried again
}
"""Every time that the store keeps; a test looks for new ones."""

_FACTS = (chargers.c.card, chargers.c.problem_at, chargers.c.pace)
"""A row of a charger without any of these says nothing."""
_OWN_RULE = frozenset({"commands.not_before"})

Mending = tuple[Executable, Mapping[str, timedelta]]
"""A statement, and how long after now each moment lies that it is given. All are written out once, when this is read:
an engine takes over within milliseconds, and finds nothing to mend as good as always.
"""


def _of(name: str) -> Column[Any]:
    table, _, column = name.partition(".")
    return metadata.tables[table].c[column]


def _is_ahead(at: Column[Any]) -> ColumnElement[bool]:
    return at > bindparam("ahead", type_=at.type)


def _set(at: Column[Any], ahead: timedelta = LEEWAY, then: timedelta = timedelta(0)) -> Mending:
    """Times that lie ahead by more than `ahead` become now, or as long after it as `then`."""
    late = update(at.table).where(_is_ahead(at)).values({at: bindparam("then", type_=at.type)})
    return late, {"ahead": ahead, "then": then}


def _empty(at: Column[Any], **values: object) -> Mending:
    """Rows whose time lies ahead get these values."""
    return update(at.table).where(_is_ahead(at)).values(**values), {"ahead": LEEWAY}


def _drop(*times: Column[Any], ahead: timedelta = LEEWAY) -> Mending:
    """Rows of which any of these times lies ahead by more than that are deleted."""
    return delete(times[0].table).where(or_(*map(_is_ahead, times))), {"ahead": ahead}


_SINCE_NOW: tuple[Mending, ...] = (
    _set(commands.c.not_before, LONGEST_PAUSE),
    *(_set(_of(name)) for name, rule in RULES.items() if rule is Rule.NOW and name not in _OWN_RULE),
)
_FORGET: tuple[Mending, ...] = (
    _empty(chargers.c.problem_at, problem=None, problem_at=None, problems=0),
    (delete(chargers).where(*(each.is_(None) for each in _FACTS)), {}),
    _drop(progress.c.asked_at, progress.c.agreed_at),
    _drop(site_trees.c.seen_at),
    _empty(own_list.c.learnt_at, learnt_at=None),
    _empty(pictures.c.tried_at, tried_at=_NEVER),
    _empty(site_days.c.tried_at, tried_at=None),
    _empty(months_written.c.written_at, written_at=None),
    _empty(months_written.c.tried_at, tried_at=None),
)
_END: tuple[Mending, ...] = (
    _set(takeovers.c.expires_at, LONGEST_TAKEOVER),
    _set(pairing_codes.c.expires_at, LONGEST_PAIRING),
    _drop(closures.c.until, ahead=LONGEST_CLOSURE),
    _drop(card_wishes.c.wanted_at),
    _drop(own_asks.c.asked_at),
    _set(full_chargers.c.until, LONGEST_FULL),
    _set(exceptions.c.aside_until, LONGEST_ASIDE),
    _set(handoffs.c.made_at, then=-LONG_OVER),
    _set(handoffs.c.claimed_at, then=-LONG_OVER),
    _drop(desk_sessions.c.started_at, desk_sessions.c.seen_at, desk_sessions.c.confirmed_at),
)
_SESSIONS_AHEAD = SELECT_SESSION.add_columns(sessions.c.ended_at, sessions.c.watch).where(
    or_(*(_is_ahead(_of(name)) for name, rule in RULES.items() if rule is Rule.MOVED and name != "sessions.retry_at"))
)
_CARDS = select(chargers.c.code, chargers.c.card).where(chargers.c.card.is_not(None))


_NEWEST_CALL = select(func.max(calls.c.called_at))
_CLOSED = select(closures.c.door, closures.c.until).where(
    closures.c.until > bindparam("now", type_=closures.c.until.type)
)


class PullBack(Part):
    def pull_back(self, now: datetime) -> None:
        """Put every stored time right that lies ahead of `now`: when a process opens the store, and begins to lead."""
        now = utc(now)
        with self._database.write() as connection:
            _open_doors_in_time(connection, now)
            _move_sessions(connection, now, self.aside)
            _mend(connection, now, _SINCE_NOW)
            _forget_cards(connection, now)
            _mend(connection, now, _FORGET)
            _mend(connection, now, _END)


def _open_doors_in_time(connection: Connection, now: datetime) -> None:
    """A door was closed for a length of time, and what stands there is its end by the other clock. The newest call was
    made by that clock too: so far at least was it set back, and so much earlier the door opens, never too early.
    """
    newest = connection.execute(_NEWEST_CALL).scalar_one()
    if newest is None or newest <= now + LEEWAY:
        return
    for door, until in connection.execute(_CLOSED, {"now": now}).all():
        connection.execute(update(closures).where(closures.c.door == door).values(until=until - (newest - now)))


def _mend(connection: Connection, now: datetime, all_of_them: Iterable[Mending]) -> None:
    for statement, moments in all_of_them:
        connection.execute(statement, {name: now + after for name, after in moments.items()})


def _move_sessions(connection: Connection, now: datetime, aside: Aside) -> None:
    """Those that may still change are read anew at once: nobody knows for how long the kiosk was down."""
    read = each(
        connection,
        _SESSIONS_AHEAD,
        sessions.c.key,
        lambda row: (session_from(row), row),
        aside,
        ahead=now + LEEWAY,
    )
    for before, row in read:
        ended_at = row["ended_at"]
        by = max(before.newest_at, ended_at or before.newest_at) - now
        after = moved_back(before, by)
        values = {**session_values(after), "version": before.version + 1}
        values["ended_at"] = None if ended_at is None else ended_at - by
        connection.execute(update(sessions).where(sessions.c.key == before.key).values(**values))
        for one in (before, after):
            count_settled(connection, one)
        if row["watch"]:
            connection.execute(delete(hints).where(hints.c.session_key == before.key))
            connection.execute(insert(hints).values(session_key=before.key, hinted_at=now))


def _forget_cards(connection: Connection, now: datetime) -> None:
    for code, card in connection.execute(_CARDS):
        if card is None or max(card.seen_at, card.priced_at or card.seen_at) > now + LEEWAY:
            connection.execute(update(chargers).where(chargers.c.code == code).values(card=None))

"""A start with an earlier clock: somebody set the wall clock back while the kiosk was down, and stored times lie ahead.

While it runs the kiosk's clock never goes back (`kiosk.clock.SystemClock`), so this is the only way in which a stored
time can be later than now. It is put right here, once, before anything reads those times; nothing else asks whether
one lies ahead. `RULES` says what becomes of every time that the store keeps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, or_, select, update

from kiosk.domain.session import moved_back
from kiosk.store.aside import Aside, each
from kiosk.store.rows import SELECT_SESSION, Part, session_from, session_values
from kiosk.store.tables import (
    card_wishes,
    chargers,
    closures,
    commands,
    full_chargers,
    handoffs,
    hints,
    metadata,
    own_asks,
    own_list,
    pairing_codes,
    pictures,
    progress,
    sessions,
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
    "closures.until": Rule.OVER,  # when it is further ahead than any closure
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
}
"""Every time that the store keeps; a test looks for new ones."""

_FACTS = (chargers.c.card, chargers.c.problem_at, chargers.c.pace)
"""A row of a charger without any of these says nothing."""
_OWN_RULE = frozenset({"commands.not_before"})


class PullBack(Part):
    def pull_back(self, now: datetime) -> None:
        """Put every stored time right that lies ahead of `now`: when a process opens the store, and begins to lead."""
        now = utc(now)
        with self._database.write() as connection:
            _move_sessions(connection, now, self.aside)
            too_long = commands.c.not_before > now + LONGEST_PAUSE
            connection.execute(update(commands).where(too_long).values(not_before=now))
            for name, rule in RULES.items():
                if rule is Rule.NOW and name not in _OWN_RULE:
                    table, _, column = name.partition(".")
                    at = metadata.tables[table].c[column]
                    connection.execute(update(at.table).where(at > now + LEEWAY).values({at: now}))
            _forget(connection, now)
            _end(connection, now)


def _move_sessions(connection: Connection, now: datetime, aside: Aside) -> None:
    """Those that may still change are read anew at once: nobody knows for how long the kiosk was down."""
    own = [sessions.c[name.partition(".")[2]] for name, rule in RULES.items() if rule is Rule.MOVED]
    ahead = or_(*(at > now + LEEWAY for at in own if at is not sessions.c.retry_at))
    query = SELECT_SESSION.add_columns(sessions.c.ended_at, sessions.c.watch).where(ahead)
    for before, row in each(connection, query, sessions.c.key, lambda row: (session_from(row), row), aside):
        ended_at = row["ended_at"]
        by = max(before.newest_at, ended_at or before.newest_at) - now
        after = moved_back(before, by)
        values = {**session_values(after), "version": before.version + 1}
        values["ended_at"] = None if ended_at is None else ended_at - by
        connection.execute(update(sessions).where(sessions.c.key == before.key).values(**values))
        if row["watch"]:
            connection.execute(delete(hints).where(hints.c.session_key == before.key))
            connection.execute(insert(hints).values(session_key=before.key, hinted_at=now))


def _forget(connection: Connection, now: datetime) -> None:
    ahead = now + LEEWAY
    for code, card in connection.execute(select(chargers.c.code, chargers.c.card).where(chargers.c.card.is_not(None))):
        if card is None or max(card.seen_at, card.priced_at or card.seen_at) > ahead:
            connection.execute(update(chargers).where(chargers.c.code == code).values(card=None))
    no_problem = {"problem": None, "problem_at": None, "problems": 0}
    connection.execute(update(chargers).where(chargers.c.problem_at > ahead).values(**no_problem))
    connection.execute(delete(chargers).where(*(each.is_(None) for each in _FACTS)))
    connection.execute(delete(progress).where(or_(progress.c.asked_at > ahead, progress.c.agreed_at > ahead)))
    connection.execute(delete(site_trees).where(site_trees.c.seen_at > ahead))
    connection.execute(update(own_list).where(own_list.c.learnt_at > ahead).values(learnt_at=None))
    connection.execute(update(pictures).where(pictures.c.tried_at > ahead).values(tried_at=_NEVER))


def _end(connection: Connection, now: datetime) -> None:
    for codes, longest in ((takeovers, LONGEST_TAKEOVER), (pairing_codes, LONGEST_PAIRING)):
        too_long = codes.c.expires_at > now + longest
        connection.execute(update(codes).where(too_long).values(expires_at=now))
    connection.execute(delete(closures).where(closures.c.until > now + LONGEST_CLOSURE))
    connection.execute(delete(card_wishes).where(card_wishes.c.wanted_at > now + LEEWAY))
    connection.execute(delete(own_asks).where(own_asks.c.asked_at > now + LEEWAY))
    for_ever = full_chargers.c.until > now + LONGEST_FULL
    connection.execute(update(full_chargers).where(for_ever).values(until=now))
    for at in (handoffs.c.made_at, handoffs.c.claimed_at):
        connection.execute(update(handoffs).where(at > now + LEEWAY).values({at: now - LONG_OVER}))

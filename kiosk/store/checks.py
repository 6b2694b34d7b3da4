"""The invariants of the money, in one list: what must be true of the stored rows whatever happened, and which rows
break it.

Each check is a read and gives its offences in words. `Promise.STORE` holds after every single write; `Promise.ENGINE`
holds once the engine has had GRACE to do its part. The habit is Liberapay's `check_db`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal, or_, select, union_all

from kiosk.domain.attention import OF_CHARGER
from kiosk.domain.commands import PEOPLE, Command, CommandState, Kind
from kiosk.domain.refunding import OPEN_STATES, RefundState
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import ENDED_WITHOUT_PAYMENT, FINAL, Group, Status
from kiosk.store.aside import Aside, each
from kiosk.store.pull_back import LEEWAY, RULES, Rule
from kiosk.store.rows import SELECT_COMMAND, SELECT_SESSION, Part, command_from, session_from, session_values, slot_of
from kiosk.store.tables import (
    commands,
    exceptions,
    mails,
    metadata,
    observations,
    receipt_gaps,
    receipt_years,
    receipts,
    refunds,
    sessions,
)
from kiosk.store.types import UtcTime, utc

GRACE = timedelta(minutes=2)
"""What the engine needs at most to write a receipt, or to act after a deadline."""
CUT_OFF = timedelta(minutes=5)
"""No call lives for so long: a command that was sent before then has an end."""
LOOKED_AT = timedelta(hours=1)
"""By then a session with an unknown command has been read again, also after a long outage of upstream."""
LONGEST_DEADLINE = timedelta(hours=1)
"""The most that KIOSK_START_DEADLINE_SECONDS may be."""
HOLD_LIVES = timedelta(days=7)
"""Most cards give a hold back by themselves after that (rule CH-06)."""
CHARGE_LIVES = timedelta(days=6)
"""By then the kiosk has stopped a charge, so that its hold can still be taken."""
FAR_AHEAD = timedelta(hours=2)
"""No time of the kiosk's own clock lies further ahead: the longest wait that upstream can ask for is an hour."""
MOST_ROWS = 20_000
"""The newest rows that are read into memory, so that a check of a large store ends."""

_SEALED = "gAAAA"
"""What every text that `Cipher` made begins with: the version of Fernet, in base64."""
_CLEAR = re.compile(r"_secret_[A-Za-z0-9]|[\w.+-]+@[\w-]+\.\w|\b(?:sk|rk)_(?:live|test)_|\bbearer\s+\S", re.I)
_FREE = frozenset({*ENDED_WITHOUT_PAYMENT, Status.WRITTEN_OFF})
_MAY_BE_AHEAD = frozenset({("pairing_codes", "expires_at"), ("exceptions", "aside_until")})


class Promise(StrEnum):
    """Who sees to it."""

    STORE = "store"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Offence:
    """A row that breaks a check. `key` is its session, when it has one; the text names no session and no secret."""

    check: str
    text: str
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Facts:
    """The newest sessions and their commands, and the connection for everything else."""

    connection: Connection
    now: datetime
    sessions: Sequence[Session]
    commands: dict[str, list[Command]]


Found = Iterator[tuple[str | None, str]]
"""Key of the session, or None, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is the invariant as a sentence. `grave`: money, a hold or a secret may be lost."""

    name: str
    promise: Promise
    grave: bool
    find: Callable[[Facts], Found]


class Checks(Part):
    def offences(self, now: datetime, promises: Sequence[Promise] = tuple(Promise)) -> list[Offence]:
        """Every row that breaks one of CHECKS at `now`, in the order of that list. Only reads, in one view."""
        with self._database.read() as connection:
            facts = _facts(connection, utc(now), self.aside)
            return [
                Offence(check.name, text, key)
                for check in CHECKS
                if check.promise in promises
                for key, text in check.find(facts)
            ]


def _facts(connection: Connection, now: datetime, aside: Aside) -> Facts:
    """Rows that cannot be read are left out: `unreadable` names them."""
    found = each(
        connection, SELECT_SESSION.order_by(sessions.c.id.desc()).limit(MOST_ROWS), sessions.c.key, session_from, aside
    )
    asked: dict[str, list[Command]] = defaultdict(list)
    newest = SELECT_COMMAND.order_by(commands.c.id.desc()).limit(2 * MOST_ROWS)
    for command in each(connection, newest, commands.c.id, command_from, aside):
        asked[command.session_key].insert(0, command)
    return Facts(connection, now, found, asked)


def _ended_without_receipt(facts: Facts) -> Found:
    written = select(receipts.c.session_key)
    query = select(sessions.c.key, sessions.c.status, sessions.c.ended_at).where(
        sessions.c.status.in_(FINAL),
        sessions.c.watch.is_(False),
        sessions.c.tariff_currency.is_not(None),
        sessions.c.ended_at < facts.now - GRACE,
        sessions.c.key.not_in(written),
    )
    for key, status, ended_at in facts.connection.execute(query):
        yield key, f"it is {status} since {ended_at:%Y-%m-%d %H:%M} UTC and has no receipt"


def _receipt_says_what_was_captured(facts: Facts) -> Found:
    documents = _documents(facts)
    for session in facts.sessions:
        document = documents.get(session.key)
        if document is None or session.known_status not in FINAL or _just_read(session, facts.now):
            continue
        captured = session.captured_minor
        expected = 0 if captured is None and session.known_status in _FREE else captured
        shown = _minor(document.get("taken"))
        if shown != expected:
            yield session.key, f"the receipt says {_said(shown)} was taken, the session says {_said(expected)}"


def _receipt_adds_up(facts: Facts) -> Found:
    for key, document in _documents(facts).items():
        held, taken, back = (_minor(document.get(name)) for name in ("held", "taken", "given_back"))
        if held is not None and taken is not None and back is not None and held - taken != back:
            yield key, f"the receipt says that {held} was held, {taken} taken and {back} given back"


def _captured_at_most_held(facts: Facts) -> Found:
    for session in facts.sessions:
        captured, held = session.captured_minor, session.authorized_minor
        marked = session.known_status is Status.REQUIRES_REVIEW
        if captured is not None and held is not None and captured > held and not marked:
            yield session.key, f"{captured} was taken of a hold of {held}, and it is not under review"


def _received_is_captured(facts: Facts) -> Found:
    for session in facts.sessions:
        proof, captured = session.proof, session.captured_minor
        if proof is None or not proof.ended or captured is None or session.known_status is not Status.CAPTURED:
            continue
        if proof.received_minor != captured:
            yield session.key, f"the payment provider received {proof.received_minor}, the session says {captured}"


def _one_live_session_a_bay(facts: Facts) -> Found:
    live = [session for session in facts.sessions if session.occupies]
    bays = Counter((session.code, session.connector_id) for session in live)
    for session in live:
        if bays[session.code, session.connector_id] > 1:
            yield session.key, f"bay {slot_of(session.code, session.connector_id)} has another live session"


def _slot_fits(facts: Facts) -> Found:
    query = select(sessions.c.key, sessions.c.slot).where(sessions.c.slot.is_not(None))
    slots: dict[str, str] = dict(facts.connection.execute(query).all())
    taken = set(slots.values())
    for session in facts.sessions:
        slot, bay = slots.get(session.key), slot_of(session.code, session.connector_id)
        if slot is not None and not session.occupies:
            yield session.key, f"it keeps bay {slot} although it is over"
        elif slot is not None and slot != bay:
            yield session.key, f"it keeps bay {slot} and stands at {bay}"
        elif slot is None and session.occupies and bay not in taken:
            yield session.key, f"it is live, and bay {bay} is open to other drivers"


def _flags_follow(facts: Facts) -> Found:
    query = select(sessions.c.key, sessions.c.watch, sessions.c.unproven)
    flags = {key: (watch, unproven) for key, watch, unproven in facts.connection.execute(query)}
    for session in facts.sessions:
        values = session_values(session)
        if flags[session.key] != (values["watch"], values["unproven"]):
            yield session.key, "it is not marked as what it is, so it may never be read or proven again"


def _token_is_kept(facts: Facts) -> Found:
    bare = select(sessions.c.key).where(sessions.c.watch.is_(True), sessions.c.token.is_(None))
    for key in facts.connection.execute(bare).scalars():
        yield key, "it is live, and there is no token to read or stop it with"


def _unknown_has_a_next_step(facts: Facts) -> Found:
    for session in facts.sessions:
        for command in facts.commands[session.key]:
            if command.state is not CommandState.UNKNOWN:
                continue
            if command.kind is Kind.START:
                lost = session.phase is not Phase.NO_ANSWER
            else:
                lost = not session.final and not _read_since(session, command, facts.now)
            if lost:
                yield session.key, f"nobody knows what became of its {command.kind}, and nobody has looked since"


def _read_since(session: Session, command: Command, now: datetime) -> bool:
    """The session was read after the command ended unknown, or there is still time for that."""
    ended, asked = command.ended_at, session.asked_at
    return ended is None or now - ended < LOOKED_AT or (asked is not None and asked > ended)


def _sent_has_an_end(facts: Facts) -> Found:
    late = (commands.c.state == CommandState.SENT) & (commands.c.sent_at < facts.now - CUT_OFF)
    for key, kind in facts.connection.execute(select(commands.c.session_key, commands.c.kind).where(late)):
        yield key, f"its {kind} was sent minutes ago and has no end"


def _hold_is_being_ended(facts: Facts) -> Found:
    for session in facts.sessions:
        held = session.held_seen_at
        if held is None or session.final or not session.watchable:
            continue
        kinds = {command.kind for command in facts.commands[session.key]}
        age, group = facts.now - held, session.facts.group
        if age > HOLD_LIVES:
            yield session.key, f"its hold is {age.days} days old and has no end"
        elif group is Group.PREPARING and age > LONGEST_DEADLINE + GRACE and Kind.CANCEL not in kinds:
            yield session.key, "it was paid long ago, does not charge, and nobody cancels it"
        elif session.known_status is Status.CHARGING and age > CHARGE_LIVES + GRACE and Kind.STOP not in kinds:
            yield session.key, f"it charges since {age.days} days, and nobody stops it"


def _listed_once(facts: Facts) -> Found:
    query = select(exceptions.c.kind, exceptions.c.subject).where(exceptions.c.closed_at.is_(None))
    query = query.group_by(exceptions.c.kind, exceptions.c.subject).having(func.count() > 1)
    for kind, subject in facts.connection.execute(query):
        yield None if kind in OF_CHARGER else subject, f"{kind} is listed more than once"


def _start_is_sent_once(facts: Facts) -> Found:
    for session in facts.sessions:
        starts = [command for command in facts.commands[session.key] if command.kind is Kind.START]
        sent = sum(command.attempts for command in starts)
        if len(starts) != 1 or sent > 1:
            yield session.key, f"it has {len(starts)} starts, which were sent {sent} times"


def _state_fits_the_times(facts: Facts) -> Found:
    for key, asked in facts.commands.items():
        for command in asked:
            wrong = _wrong_times(command)
            if wrong is not None:
                yield key, f"its {command.kind} is {command.state} and {wrong}"


def _wrong_times(command: Command) -> str | None:
    state, sent, ended = command.state, command.sent_at, command.ended_at
    is_open = state in {CommandState.WAITING, CommandState.SENT}
    if (sent is None) != (command.attempts == 0):
        return f"was sent {command.attempts} times" + (", at no time" if sent is None else "")
    if sent is None and state in {CommandState.SENT, CommandState.DONE, CommandState.UNKNOWN}:
        return "was never sent"
    if is_open and ended is not None:
        return "has an end"
    if not is_open and ended is None:
        return "has no end"
    if state is CommandState.REFUSED and command.refusal is None:
        return "has no reason"
    if state is CommandState.WITHDRAWN:
        return _wrongly_withdrawn(command)
    return None


def _wrongly_withdrawn(command: Command) -> str | None:
    """A start must not have left. Of the rest the kiosk takes back only what it had decided itself."""
    if command.kind is Kind.START:
        return "may have been sent" if command.attempts else None
    return "is a person's" if command.asked_by in PEOPLE else None


def _ends_after_it_was_sent(facts: Facts) -> Found:
    for key, asked in facts.commands.items():
        for command in asked:
            times = [at for at in (command.asked_at, command.sent_at, command.ended_at) if at is not None]
            if any(later < earlier - LEEWAY for earlier, later in pairwise(times)):
                yield key, f"its {command.kind} ended before it was sent, or was sent before it was asked for"


def _numbers_have_no_gap(facts: Facts) -> Found:
    counted: dict[int, int] = dict(facts.connection.execute(select(receipt_years.c.year, receipt_years.c.last)).all())
    given: dict[int, set[int]] = defaultdict(set)
    for number in facts.connection.execute(select(receipts.c.number)).scalars():
        form = re.fullmatch(r"(\d{4})-(\d{6,})", number)
        if form is None:
            yield None, f"receipt {number} has no number of the form 2026-000001"
        else:
            given[int(form[1])].add(int(form[2]))
    left_out: dict[int, set[int]] = defaultdict(set)
    for gap in facts.connection.execute(select(receipt_gaps.c.year, receipt_gaps.c.first, receipt_gaps.c.last)):
        left_out[gap.year] |= set(range(gap.first, gap.last + 1))
    for year in sorted(counted.keys() | given.keys()):
        last = counted.get(year, 0)
        missing = sorted(set(range(1, last + 1)) - given[year] - left_out[year])
        if missing:
            yield None, f"of {year} the receipts {', '.join(map(str, missing[:5]))} are missing, {len(missing)} in all"
        beyond = sorted(number for number in given[year] if number > last)
        if beyond:
            yield None, f"of {year} receipt {beyond[0]} was given out and {last} were counted"


def _secrets_are_sealed(facts: Facts) -> Found:
    clear = or_(
        sessions.c.token.is_not(None) & ~sessions.c.token.startswith(_SEALED),
        sessions.c.payment.is_not(None) & ~sessions.c.payment.startswith(_SEALED),
    )
    for key in facts.connection.execute(select(sessions.c.key).where(clear)).scalars():
        yield key, "its token or payment secret is stored in clear"
    mailed_by_us = mails.c.sealed.is_not(None) & ~mails.c.sealed.startswith(_SEALED)
    for key in facts.connection.execute(select(mails.c.session_key).where(mailed_by_us)).scalars():
        yield key, "a mail is stored in the clear"
    mailed = commands.c.email.is_not(None) & ~commands.c.email.startswith(_SEALED)
    for key in facts.connection.execute(select(commands.c.session_key).where(mailed)).scalars():
        yield key, "an e-mail address is stored in clear"


def _texts_hold_no_secret(facts: Facts) -> Found:
    for session in facts.sessions:
        if session.failure_reason is not None and _CLEAR.search(session.failure_reason):
            yield session.key, "the reason that upstream gave holds a secret or an e-mail address"
    for key, asked in facts.commands.items():
        if any(command.detail is not None and _CLEAR.search(command.detail) for command in asked):
            yield key, "the detail of a command holds a secret or an e-mail address"


def _answer_follows_its_question(facts: Facts) -> Found:
    """The order of two readings proves nothing: they are evidence, so a start with an earlier clock leaves them be."""
    columns = (observations.c.session_key, observations.c.seen)
    newest = select(*columns).order_by(observations.c.id.desc()).limit(MOST_ROWS)
    for key, seen in facts.connection.execute(newest):
        if seen.asked_at > seen.seen_at:
            yield key, "an answer is older than its question"


def _no_time_is_far_ahead(facts: Facts) -> Found:
    """Only times that `pull_back` would put right: those that it keeps on purpose accuse nobody."""
    for name, count in facts.connection.execute(_FAR_AHEAD, {"ahead": facts.now + FAR_AHEAD}):
        if count:
            yield None, f"{count} of {name} lie ahead: the clock was set back, or is wrong"


def _documents(facts: Facts) -> dict[str, dict[str, Any]]:
    newest = select(receipts.c.session_key, receipts.c.document).order_by(receipts.c.issued_at.desc()).limit(MOST_ROWS)
    return dict(facts.connection.execute(newest).all())


def _refunds_are_within_what_was_taken(facts: Facts) -> Found:
    """Counting those that may have been carried out. Where nobody has said what was taken, Stripe's own cap counts."""
    asked = func.sum(refunds.c.amount_minor)
    query = (
        select(refunds.c.session_key, asked, sessions.c.captured_minor)
        .join(sessions, sessions.c.key == refunds.c.session_key)
        .where(refunds.c.state != RefundState.REFUSED, sessions.c.captured_minor > 0)
        .group_by(refunds.c.session_key, sessions.c.captured_minor)
        .having(asked > sessions.c.captured_minor)
    )
    for key, total, taken in facts.connection.execute(query):
        yield key, f"refunds of {total} of the {taken} that were taken"


def _refunds_fit_their_state(facts: Facts) -> Found:
    """One that has not ended keeps others from being asked for; one that is done names what Stripe made of it."""
    for row in facts.connection.execute(select(refunds).order_by(refunds.c.id.desc()).limit(MOST_ROWS)):
        is_open = row.state in OPEN_STATES
        fits = (row.open_of == row.session_key) if is_open else row.open_of is None
        fits = fits and is_open == (row.ended_at is None)
        fits = fits and (row.sent_at is None) <= (row.state not in {RefundState.SENT})
        if not fits or (row.state is RefundState.DONE and row.refund_id is None):
            yield row.session_key, f"refund {row.id} is {row.state.value}, and its row says otherwise"


def _just_read(session: Session, now: datetime) -> bool:
    """The receipt is revised right after a reading or a proof was stored."""
    times = [at for at in (session.observed_at, session.proof.checked_at if session.proof else None) if at is not None]
    return bool(times) and now - max(times) < GRACE


def _minor(amount: Any) -> int | None:
    return amount["minor"] if isinstance(amount, dict) else None


def _said(minor: int | None) -> str:
    return "nothing known" if minor is None else str(minor)


_FAR_AHEAD = union_all(
    *(
        select(literal(f"{at.table.name}.{at.name}"), func.count()).where(at > bindparam("ahead", type_=at.type))
        for table in metadata.sorted_tables
        for at in table.columns
        if isinstance(at.type, UtcTime)
        and RULES.get(f"{table.name}.{at.name}") is not Rule.KEPT
        and (table.name, at.name) not in _MAY_BE_AHEAD
    )
)
"""How many times of each column lie ahead, asked at once."""

CHECKS: tuple[Check, ...] = (
    Check("Every ended session has a receipt", Promise.ENGINE, True, _ended_without_receipt),
    Check("A receipt says what was captured", Promise.ENGINE, True, _receipt_says_what_was_captured),
    Check("What was held is what was taken and given back", Promise.STORE, True, _receipt_adds_up),
    Check("No more is captured than was held", Promise.STORE, True, _captured_at_most_held),
    Check("The payment provider received what was captured", Promise.STORE, True, _received_is_captured),
    Check("A bay has one live session", Promise.STORE, True, _one_live_session_a_bay),
    Check("A live session keeps its bay, and no other does", Promise.STORE, False, _slot_fits),
    Check("What can still change is watched", Promise.STORE, True, _flags_follow),
    Check("A live session has its token", Promise.STORE, True, _token_is_kept),
    Check("Every unknown command has a next step", Promise.ENGINE, True, _unknown_has_a_next_step),
    Check("Every command that was sent gets an end", Promise.ENGINE, True, _sent_has_an_end),
    Check("A hold older than its deadline is being ended", Promise.ENGINE, True, _hold_is_being_ended),
    Check("What a person should look at is listed once", Promise.STORE, False, _listed_once),
    Check("No more is refunded than was taken", Promise.STORE, True, _refunds_are_within_what_was_taken),
    Check("The state of a refund fits its row", Promise.STORE, True, _refunds_fit_their_state),
    Check("A start is sent once", Promise.STORE, True, _start_is_sent_once),
    Check("The state of a command fits its times", Promise.STORE, False, _state_fits_the_times),
    Check("A command ends after it was sent", Promise.STORE, False, _ends_after_it_was_sent),
    Check("Receipts are numbered without a gap", Promise.STORE, True, _numbers_have_no_gap),
    Check("Secrets are stored encrypted", Promise.STORE, True, _secrets_are_sealed),
    Check("No free text holds a secret", Promise.STORE, True, _texts_hold_no_secret),
    Check("An answer follows its question", Promise.STORE, False, _answer_follows_its_question),
    Check("No time lies far ahead", Promise.STORE, False, _no_time_is_far_ahead),
)
"""Every invariant, the money first."""

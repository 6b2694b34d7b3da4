"""What one session looks like to a reader, as facts without words: which screen, which figures, steps and actions.

Pure: the session, its commands and the time come in. Page, stream and JSON are all made from this one view, so that
they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.actions import (
    Action,
    EmailState,
    actions_of,
    asked_first,
    effective,
    email_state,
    end_asked,
    limits_of,
    newest,
)
from kiosk.domain.commands import UNUSABLE, AskedBy, Command, CommandState, Kind, Refusal
from kiosk.domain.flow import NO_POWER, Flow, flow_of
from kiosk.domain.freshness import OLD_AFTER, Freshness, freshness_of, lost_after, old_after
from kiosk.domain.hold import Hold, HoldState, figures_of, hold_of
from kiosk.domain.limits import (
    ROUGH_AFTER,
    Policy,
    charger_must_answer_by,
    last_reading_adds,
    limit_reached_about,
    power_must_flow_by,
    rough_by,
    waits_until,
)
from kiosk.domain.line import LinePlace
from kiosk.domain.money import Money
from kiosk.domain.pursuit import STOP_TAKES, Tried, end_needed, payment_checked, says_held, tried
from kiosk.domain.receipt import Receipt, receipt_of
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group, Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.terms import Terms, asks_consent, read_terms, terms_now
from kiosk.service.power_kept import Ceiling, beside_measured
from kiosk.web.session.drawings import Bar, Spark, bar_of, spark_of
from kiosk.web.session.screen_names import (
    BANK_NO_MARK,
    BY_RECORD_MARK,
    FLOW_MARKS,
    MARKS,
    REFUSED_MARKS,
    Notice,
    Screen,
)
from kiosk.web.session.steps import Step, end_steps, failed_steps, no_answer_steps, start_steps
from kiosk.web.shared.where import Where


@dataclass(frozen=True, slots=True)
class SessionView:
    """Facts for one reader (`owner`: may act) at one time. Amounts are Money, energy Decimal kWh, times aware UTC.

    `day` is that of the charge. `beside` is a moment of the day that goes without saying: of now, or of the charge
    where the page of its end names that day. Every time of another day carries its own. `may_run`: a charge may go on,
    as far as anybody has said. `was_taken`: something was taken, in whatever currency.
    `by_record`: the page would wait for an end, and the payment's own record has ended the hold already.
    `number` is that of the receipt once it is written: before that what stands here is none.
    `unusable`: the start was answered with what cannot be used.
    `estimated`: the live figures are those of the operator's list of the site, not of the session.
    `old_after`: from that age on they are old. `every`: how often they are renewed here, when that is not often.
    `listed_at`: since when it has been on the operator's list, because its money waits for longer than it should.
    `read` are the terms that the driver has read, `asked` those that they must agree to; None unless they differ.
    """

    key: str
    version: int
    screen: Screen
    tone: str
    icon: str
    owner: bool
    others: int
    final: bool
    code: str
    connector_id: int
    where: Where
    tariff: Tariff | None
    hold: Hold
    shown_hold: Money | None
    limit: Money | None
    energy_kwh: Decimal | None
    cost: Money | None
    power_kw: Decimal | None
    fresh_at: datetime | None
    freshness: Freshness | None
    offline: bool
    since: datetime | None
    ended_at: datetime | None
    day: datetime
    beside: datetime
    limit_about: datetime | None
    start_by: datetime | None
    no_power_by: datetime | None
    waits_until: datetime | None
    slow_meter: timedelta | None
    first_report_by: datetime | None
    rough: Money | None
    last_adds: Money | None
    may_run: bool
    was_taken: bool
    by_record: bool
    gone_at: datetime | None
    email: EmailState | None
    ended_by: AskedBy | None
    ended_kind: Kind | None
    flow: Flow | None
    bank_said_no: bool
    reason: str | None
    refusal: Refusal | None
    retry_at: datetime | None
    queue: LinePlace | None
    bar: Bar | None
    spark: Spark | None
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]
    actions: frozenset[Action]
    limits: tuple[Money, ...]
    receipt: Receipt | None
    number: str | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    ceiling: Ceiling | None = None
    tried: Tried | None = None
    ending_by: AskedBy | None = None
    read: Terms | None = None
    asked: Terms | None = None
    estimated: bool = False
    unusable: bool = False
    old_after: timedelta = OLD_AFTER
    every: timedelta | None = None
    listed_at: datetime | None = None


def session_view(
    session: Session,
    commands: Sequence[Command],
    now: datetime,
    *,
    where: Where,
    policy: Policy,
    owner: bool,
    queue: LinePlace | None = None,
    receipt: Receipt | None = None,
    ceiling: Ceiling | None = None,
    others: int = 0,
    unwritten: bool = False,
    number: str | None = None,
    estimated: bool = False,
    every: timedelta | None = None,
    listed_at: datetime | None = None,
) -> SessionView:
    """The view of `session` at `now`. `receipt` is the stored one, which may know more than the session alone.
    `others`: how many rights of other devices the reader may take back. `unwritten`: some of it is only in memory yet.
    `estimated`: the figures of `session` are those of the operator's list. `every`: how often figures are renewed here.
    """
    receipt = receipt or receipt_of(session)
    freshness = freshness_of(session, now, every)
    screen = _screen(session, freshness)
    energy_kwh, cost = figures_of(session)
    checked = payment_checked(session, commands)
    hold = hold_of(session, receipt, checking=checked is False)
    limit = session.money(session.limit_minor)
    running = _is_running(screen)
    if running and session.energy_is_old:
        energy_kwh = None
    flow = flow_of(session) if running else None
    power = session.power_kw if running else None
    if flow in NO_POWER and power:
        power = None  # of before the newest word
    slow = session.meter_interval if running else None
    slow = slow if slow is not None and slow > ROUGH_AFTER else None
    ended = end_asked(session, commands)
    bank_said_no = screen is Screen.CREATED and checked is True and _refused_by_bank(session)
    by_record = session.by_record and screen in _WAITS
    tone, icon = BY_RECORD_MARK if by_record else _mark(screen, session, flow, bank_said_no=bank_said_no)
    day = session.completed_at or session.charging_started_at or session.authorized_at or session.requested_at
    view = SessionView(
        key=session.key,
        version=session.version,
        screen=screen,
        tone=tone,
        icon=icon,
        owner=owner,
        others=others,
        final=session.final,
        code=session.code,
        connector_id=session.connector_id,
        where=where,
        tariff=session.tariff,
        hold=hold,
        shown_hold=session.money(session.hold_minor),
        limit=limit,
        energy_kwh=energy_kwh,
        cost=cost,
        power_kw=power,
        fresh_at=session.fresh_at if running else None,
        freshness=freshness if running else None,
        offline=session.charger_online is False,
        since=session.charging_started_at,
        ended_at=session.completed_at,
        day=day,
        beside=day if names_its_day(session.final, hold) else now,
        limit_about=limit_reached_about(session, now)
        if running and freshness is Freshness.FRESH and flow not in NO_POWER
        else None,
        start_by=_still_to_come(charger_must_answer_by(session, policy), now),
        no_power_by=_still_to_come(power_must_flow_by(session, policy), now),
        waits_until=_still_to_come(waits_until(session, policy), now),
        slow_meter=slow,
        first_report_by=_still_to_come(_first_report_by(session, slow), now),
        rough=rough_by(session.tariff, power or session.most_kw, slow),
        last_adds=_last_adds(session, screen, hold, now),
        by_record=by_record,
        was_taken=bool(session.taken_minor),
        may_run=session.end is None and session.facts.group in {Group.PREPARING, Group.RUNNING},
        gone_at=session.gone_at,
        email=email_state(session, commands),
        ended_by=ended.asked_by if ended is not None else None,
        ended_kind=ended.kind if ended is not None else None,
        flow=flow,
        bank_said_no=bank_said_no,
        reason=session.failure_reason,
        refusal=session.refusal,
        retry_at=_still_to_come(session.retry_at, now),
        queue=queue if screen is Screen.QUEUED else None,
        bar=bar_of(
            hold.amount,
            hold.taken,
            limit if screen in {Screen.CHARGING, Screen.STALE} else None,
            hold.state is HoldState.GIVEN_BACK,
            hold.all_sent_back,
        )
        if screen not in {Screen.QUEUED, Screen.REFUSED, Screen.LEFT, Screen.NO_ANSWER}
        else None,
        spark=spark_of(session.trace, lost=freshness is Freshness.LOST) if running else None,
        steps=(),
        notices=(
            *_notices(session, screen, commands, now, flow, unwritten=unwritten),
            *([Notice.LISTED] if listed_at is not None and screen in _LISTED and not by_record else []),
        ),
        actions=actions_of(session, commands, now) if owner else frozenset(),
        limits=limits_of(session, now),
        receipt=receipt if by_record or screen in _WITH_RECEIPT else None,
        number=number,
        card_brand=session.proof.card_brand if session.proof else None,
        card_last4=session.proof.card_last4 if session.proof else None,
        ceiling=beside_measured(ceiling, power) if screen is Screen.CHARGING and flow not in NO_POWER else None,
        tried=tried(session, commands),
        ending_by=_ending_by(session, commands),
        read=read_terms(session.agreed) if asks_consent(session) else None,
        asked=terms_now(session) if asks_consent(session) else None,
        unusable=screen is Screen.NO_ANSWER and _unusable(newest(commands, Kind.START)),
        estimated=estimated,
        old_after=old_after(session, every),
        listed_at=listed_at,
        every=every if running and every is not None and every > OLD_AFTER else None,
    )
    return replace(view, steps=_steps(view, session, commands, policy))


def _still_to_come(deadline: datetime | None, now: datetime) -> datetime | None:
    """After it has passed, what the kiosk does then is told by a notice."""
    return deadline if deadline is not None and deadline > now else None


def _last_adds(session: Session, screen: Screen, hold: Hold, now: datetime) -> Money | None:
    """What the last reading can add, never more than the hold has left."""
    adds = last_reading_adds(session, now) if screen in {Screen.STOPPING, Screen.SETTLING} else None
    return min(adds, hold.rest, key=lambda one: one.minor) if adds is not None and hold.rest is not None else adds


def names_its_day(final: bool, hold: Hold) -> bool:
    """The page of that end names the day of the charge below its heading."""
    return final and hold.state is not HoldState.NONE


_WITH_RECEIPT = frozenset(
    {
        Screen.CAPTURED,
        Screen.NO_CHARGE,
        Screen.EXPIRED,
        Screen.FAILED,
        Screen.ABANDONED,
        Screen.REFUNDED,
        Screen.WRITTEN_OFF,
        Screen.GONE,
    }
)


def next_change(session: Session, now: datetime, every: timedelta | None = None) -> timedelta | None:
    """When the view will differ by the passing of time alone; None when it will not."""
    if session.phase is Phase.QUEUED:
        return timedelta(seconds=2)
    freshness = freshness_of(session, now, every)
    if session.fresh_at is None or freshness is Freshness.LOST or not _is_running(_screen(session, freshness)):
        return None
    edge = old_after(session, every) if freshness is Freshness.FRESH else lost_after(session, every)
    return max(timedelta(0), edge - (now - session.fresh_at)) + timedelta(milliseconds=100)


def _first_report_by(session: Session, slow: timedelta | None) -> datetime | None:
    """When the first figures of a meter that reports rarely come at the latest; None once there are some."""
    begun = session.trace.points[0].at if session.trace.points else None
    if slow is None or begun is None or session.energy_kwh != 0 or session.connector_status != "Charging":
        return None
    return begun + slow


def _is_running(screen: Screen) -> bool:
    """It shows figures that may change from reading to reading."""
    return screen in {Screen.CHARGING, Screen.STALE, Screen.STOPPING}


def _screen(session: Session, freshness: Freshness) -> Screen:
    match session.phase:
        case Phase.QUEUED:
            return Screen.QUEUED
        case Phase.REFUSED:
            return Screen.REFUSED
        case Phase.NO_ANSWER:
            return Screen.NO_ANSWER
        case Phase.LEFT:
            return Screen.LEFT
        case Phase.GONE if not session.facts.final:
            return Screen.GONE
    status = session.known_status
    if status is None and session.facts.group is Group.RUNNING:
        status = session.standing  # a strange word changes nothing that is known: limit and stop go on, and are offered
    if status is None:
        told = session.end if not session.by_record else None  # by its amounts: then its word does not matter
        return Screen.STRANGE if told is None else Screen(told.value)
    if session.given_up:
        return Screen.ABANDONED
    if status is Status.CHARGING and freshness is Freshness.LOST:
        return Screen.STALE
    return Screen(status.value)


def _notices(
    session: Session,
    screen: Screen,
    commands: Sequence[Command],
    now: datetime,
    flow: Flow | None,
    *,
    unwritten: bool,
) -> tuple[Notice, ...]:
    rows: list[Notice] = []
    ending = _ending(session, screen, commands, now)
    if unwritten and session.wish is not None and end_needed(session) is not None:
        rows.append(Notice.UNWRITTEN)
    if ending is not None:
        rows.append(ending)
    if screen in {Screen.AUTHORIZED, Screen.STARTING}:
        rows += [_BEFORE_THE_START[word] for word in [session.connector_status or ""] if word in _BEFORE_THE_START]
    if screen is Screen.CHARGING and flow in _WHILE_CHARGING and not rows:
        rows.append(_WHILE_CHARGING[flow])
    both_known = session.hold_minor is not None and session.authorized_minor is not None
    if screen in _BEFORE_THE_END and both_known and session.hold_minor != session.authorized_minor:
        rows.append(Notice.HOLD_CHANGED)
    if screen in _BEFORE_THE_END and session.later_tariff is not None:
        rows.append(Notice.PRICE_CHANGED)
    return tuple(rows)


_WAITS = frozenset({Screen.SETTLING, Screen.CAPTURE_FAILED, Screen.REQUIRES_REVIEW, Screen.STRANGE})
"""Screens that wait for what becomes of the money."""
_LISTED = _WAITS | {Screen.GONE}
_BEFORE_THE_START = {
    "Available": Notice.NOT_PLUGGED_IN,
    "Faulted": Notice.CHARGER_FAULT,
    "Unavailable": Notice.CHARGER_FAULT,
    "Reserved": Notice.CHARGER_RESERVED,
}
"""By the connector's word (OCPP 1.6) while a paid start waits for its charger."""
_WHILE_CHARGING = {
    Flow.CAR_WAITS: Notice.CAR_TAKES_NOTHING,
    Flow.PAUSED: Notice.CHARGER_PAUSES,
    Flow.STILL: Notice.METER_STANDS_STILL,
    Flow.FAULT: Notice.CHARGER_FAULT,
    Flow.OVER: Notice.CHARGE_OVER,
}


def _mark(screen: Screen, session: Session, flow: Flow | None, *, bank_said_no: bool) -> tuple[str, str]:
    """Tone and icon of the band."""
    if screen is Screen.REFUSED and session.refusal in REFUSED_MARKS:
        return REFUSED_MARKS[session.refusal]
    if screen is Screen.CHARGING and flow in FLOW_MARKS:
        return FLOW_MARKS[flow]
    return BANK_NO_MARK if bank_said_no else MARKS[screen]


def _ending(session: Session, screen: Screen, commands: Sequence[Command], now: datetime) -> Notice | None:
    """Where the end stands that somebody wants: asked for, or tried without effect and asked for again."""
    kind = end_needed(session)
    before = tried(session, commands)
    if kind is None or screen is Screen.GONE:
        return None
    last = newest(commands, kind)
    if screen is Screen.STOPPING:
        return Notice.STOP_TRIED if before is not None and before.times > 1 else None
    if before is not None and (before.outcome is not CommandState.DONE or now - before.last_at >= STOP_TAKES):
        return Notice.STOP_TRIED if kind is Kind.STOP else Notice.CANCEL_TRIED
    if session.wish is not None and session.wish.kind is Kind.CANCEL and kind is Kind.STOP:
        return Notice.CANCEL_TOO_LATE
    if last is not None:
        return Notice.STOP_ASKED if kind is Kind.STOP else Notice.CANCEL_ASKED
    return None


def _ending_by(session: Session, commands: Sequence[Command]) -> AskedBy | None:
    """Who wants the end; None when nobody at this kiosk does."""
    kind = end_needed(session)
    last = newest(commands, kind) if kind is not None else None
    if session.wish is not None:
        return session.wish.asked_by
    return last.asked_by if last is not None else None


def _refused_by_bank(session: Session) -> bool:
    """The payment provider's own word: it was tried, and is to be tried with another way of paying."""
    proof = session.proof
    return proof is not None and proof.intent_status == "requires_payment_method" and not says_held(session)


def _unusable(start: Command | None) -> bool:
    return start is not None and (start.detail or "").startswith(UNUSABLE)


_BEFORE_THE_END = frozenset(
    {Screen.CREATED, Screen.AUTHORIZED, Screen.STARTING, Screen.CHARGING, Screen.STALE, Screen.STOPPING}
)


def _steps(view: SessionView, session: Session, commands: Sequence[Command], policy: Policy) -> tuple[Step, ...]:
    match view.screen:
        case Screen.AUTHORIZED | Screen.STARTING:
            return start_steps(session, policy)
        case Screen.STOPPING | Screen.SETTLING:
            stop = effective(commands, Kind.STOP)
            return end_steps(session, stop, asked_first(session, commands, stop) if stop is not None else None)
        case Screen.FAILED:
            return failed_steps(session, view.hold)
        case Screen.NO_ANSWER:
            return no_answer_steps(session, newest(commands, Kind.START), unusable=view.unusable)
    return ()

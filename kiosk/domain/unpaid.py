"""Starts that nobody has paid: how many one device and one network may have, and how long each is kept.

A start costs nothing until it is paid, so it is what a stranger can ask for all day. A network may be one flat or a
whole carrier with thousands of drivers: its share grows with the site, with what is paid from it, and whoever stands in
front of the site's screen is not counted by it at all. Nothing here is for ever: what is over slows down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeGuard

from kiosk.domain.commands import Kind
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group, Status

COUNTS = timedelta(hours=1)
"""So long a start that was never paid counts against whoever asked for it."""
FREE_TRIES = 3
"""Starts in an hour that a device, or a network at a small site, may leave unpaid before it has to wait."""
FIRST_PAUSE = timedelta(minutes=5)
"""The wait after the last free try; it doubles with each further one."""
LONGEST_FOR_MANY = timedelta(minutes=15)
"""A network's wait never grows beyond: it may be a whole carrier, and most of its drivers have left nothing unpaid."""
A_MOMENT = timedelta(minutes=2)
"""When somebody of a crowded network may try again: by then an unpaid start that nobody watches has been given up."""
TIRED_CHARGER = 5
"""So many starts in an hour that were never paid wear a charger out: upstream's limit is about ten of all starts. Then
only who has left none unpaid can start there.
"""

UNSEEN_LIVES = timedelta(minutes=2)
"""An unpaid start whose payment form was never asked for, and whose page nobody has open."""
FORMLESS_LIVES = timedelta(minutes=5)
"""One whose payment form was never asked for, with its page open all the time: new terms want to be read, a slow line
needs its time, and whoever only looks does not pay.
"""
KEPT_LIVES = timedelta(minutes=3)
"""One that its driver cancelled is kept at upstream for so long: if they change their mind, it is theirs again."""
HIDDEN_LIVES = timedelta(minutes=10)
"""One whose form was handed out: its driver may be in the bank's app, with the page hidden."""
LONGEST_UNPAID = timedelta(minutes=15)
"""Nobody keeps a bay for longer without paying, also with the page open."""


class Life(StrEnum):
    """What became of a start, as far as it counts against a stranger."""

    WAITS = "waits"  # it stands in the line
    OPEN = "open"  # upstream made it, and it is not paid yet
    PAID = "paid"
    WASTED = "wasted"  # upstream made it, and it ended without a payment
    NEVER = "never"  # nothing was made: refused, unanswered, or left in the line


UNPAID = frozenset({Life.WAITS, Life.OPEN})
"""It keeps a bay, and nobody has paid it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a start: marks of a device and of its network (None: not known), which name nobody.

    `on_site`: they came by a fresh code of the site's screen, or stood at it.
    """

    key: str
    code: str
    device: str
    network: str | None
    on_site: bool
    asked_at: datetime
    life: Life


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who wants to start, by the same marks."""

    device: str
    network: str | None
    on_site: bool = False


class Paying(StrEnum):
    """Whether somebody is paying an unpaid start just now, by the payment provider's word."""

    NOBODY = "nobody"
    UNDER_WAY = "under_way"  # its driver is in the bank's app, or the bank has not answered
    DONE = "done"  # the money is set aside or taken, and upstream has not seen it yet
    UNKNOWN = "unknown"  # no answer, or none that is understood


class Wait(StrEnum):
    """Why somebody cannot start just now."""

    OWN_UNPAID = "own_unpaid"  # this device has another start that it has not paid
    CROWDED = "crowded"  # several starts of this network wait to be paid
    TOO_OFTEN = "too_often"  # this device or network has left several starts unpaid
    TIRED_CHARGER = "tired_charger"  # many starts were left unpaid at this charger, some by this device or network


@dataclass(frozen=True, slots=True)
class NotYet:
    """Why not, and when to try again. `key` is the device's own unpaid session, for OWN_UNPAID."""

    why: Wait
    again_at: datetime
    key: str | None = None


def life_of(session: Session) -> Life:
    """What became of the start of this session."""
    if session.ever_held or session.facts.group in {Group.PREPARING, Group.RUNNING, Group.SETTLING, Group.OPERATOR}:
        return Life.PAID
    if session.phase is Phase.QUEUED:
        return Life.WAITS
    if session.phase in {Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT}:
        return Life.NEVER
    if session.phase is Phase.OPEN and session.known_status is Status.CREATED and not session.given_up:
        return Life.OPEN
    return Life.WASTED


def not_yet(
    who: Applicant, code: str, origins: Sequence[Origin], now: datetime, *, codes: frozenset[str], bays: int
) -> NotYet | None:
    """Why `who` cannot start at charger `code` now; None when they can.

    `origins` are the starts of the last hour, anywhere. `codes` and `bays` are the chargers of the site and the number
    of its bays. Whoever stands at the site's screen, or has paid a start of theirs, answers for themselves alone: what
    others of their network do shuts them out of nothing.
    """
    recent = [one for one in origins if now - one.asked_at < COUNTS]
    own = [one for one in recent if one.device == who.device]
    unpaid = next((one for one in own if one.life in UNPAID), None)
    if unpaid is not None:
        return NotYet(Wait.OWN_UNPAID, now, unpaid.key)
    if _ahead(again_at := _pause_ends(own, FREE_TRIES, COUNTS), now):
        return NotYet(Wait.TOO_OFTEN, again_at)
    if who.on_site or any(one.life is Life.PAID for one in own):
        return None
    near = [one for one in recent if one.code in codes and _same_network(one, who) and _counts(one)]
    if _ahead(again_at := _pause_ends(near, FREE_TRIES + bays // 5, LONGEST_FOR_MANY), now):
        return NotYet(Wait.TOO_OFTEN, again_at)
    left = _wasted(recent)
    if sum(one.code == code for one in left) >= TIRED_CHARGER and _ahead(again_at := _rested_at(left, who), now):
        return NotYet(Wait.TIRED_CHARGER, again_at)
    waiting = [one for one in near if one.life in UNPAID]
    taken = sum(one.code in codes and one.life in UNPAID for one in recent)
    if len(waiting) >= most_unpaid(bays, taken):
        return NotYet(Wait.CROWDED, now + A_MOMENT)
    return None


def most_unpaid(bays: int, taken: int) -> int:
    """How many unpaid starts one network may have at a site of so many bays, `taken` of which are unpaid by anybody.

    A fifth of the bays, at least two. When half of the site is taken without being paid, one.
    """
    return 1 if bays > 2 and 2 * taken >= bays else max(2, bays // 5)


def debts(origins: Iterable[Origin], now: datetime) -> Counter[str]:
    """By the mark of a network: how many more starts of the last hour it has not paid than it has, of those that were
    made. What waits in the line counts there.
    """
    found: Counter[str] = Counter()
    for one in origins:
        if now - one.asked_at < COUNTS and _counts(one):
            found[one.network or one.device] += {Life.WASTED: 1, Life.OPEN: 1, Life.PAID: -1}.get(one.life, 0)
    return +found


def unpaid_ends(session: Session, seen_at: datetime) -> datetime | None:
    """When the kiosk gives up this unpaid session; None when it is not one.

    `seen_at` is the last moment, of the kiosk's clock, at which somebody had its page open.
    """
    if life_of(session) is not Life.OPEN or session.phase is not Phase.OPEN:
        return None
    made_at = session.status_since or session.requested_at
    lives = UNSEEN_LIVES if session.payment_shown_at is None else HIDDEN_LIVES
    unseen = max(made_at, seen_at, session.payment_shown_at or made_at) + lives
    last = made_at + (FORMLESS_LIVES if session.payment_shown_at is None else LONGEST_UNPAID)
    return min(unseen, last)


def paying_by(intent_status: str | None) -> Paying:
    """What the status of a payment says. A word that is missing or strange says nothing.

    https://docs.stripe.com/payments/paymentintents/lifecycle
    """
    match intent_status:
        case "requires_payment_method" | "requires_confirmation" | "canceled":
            return Paying.NOBODY
        case "requires_action" | "processing":
            return Paying.UNDER_WAY
        case "requires_capture" | "succeeded":
            return Paying.DONE
    return Paying.UNKNOWN


def after_its_time(session: Session, paying: Paying, now: datetime) -> Kind | None:
    """What is asked of upstream when the time of an unpaid start (`unpaid_ends`) is over; None: it is kept.

    Silence is no evidence: who may be paying keeps the bay, up to the longest time. What is paid is never given up.
    """
    if paying is Paying.DONE:
        return Kind.CONFIRM
    last = free_again_by(session)
    return Kind.CANCEL if paying is Paying.NOBODY or (last is not None and now >= last) else None


def wanted_end(session: Session, now: datetime) -> Kind | None:
    """What must be asked of upstream for a session that its driver gave up before paying; None while it may be kept.

    When it was paid all the same, perhaps on another page that was still open, its driver has not changed their mind.
    Once the end is wanted it is pursued (`kiosk.domain.pursuit`), and nothing is due here.
    """
    if session.given_up_at is None or session.phase is not Phase.OPEN or session.wish is not None:
        return None
    if session.given_up:
        return Kind.CANCEL if now - session.given_up_at >= KEPT_LIVES else None
    if session.can_cancel():
        return Kind.CANCEL
    return Kind.STOP if session.can_stop() else None


def free_again_by(session: Session) -> datetime | None:
    """When at the latest a bay that somebody is about to pay is free again; None for any other session."""
    if session.phase is not Phase.OPEN or life_of(session) is not Life.OPEN:
        return None
    return (session.status_since or session.requested_at) + LONGEST_UNPAID


def _wasted(origins: Iterable[Origin]) -> list[Origin]:
    return [one for one in origins if one.life is Life.WASTED]


def _counts(one: Origin) -> bool:
    """For its network: what was asked for at the site's screen speaks for it when it was paid, and never against it."""
    return one.life is Life.PAID or not one.on_site


def _ahead(at: datetime | None, now: datetime) -> TypeGuard[datetime]:
    return at is not None and at > now


def _pause_ends(origins: Sequence[Origin], free: int, longest: timedelta) -> datetime | None:
    """When somebody with these starts may try again, if they have to wait: 5 minutes after the last free try, then 10,
    20. What was paid makes up for what was not.
    """
    left = _wasted(origins)
    over = len(left) - sum(one.life is Life.PAID for one in origins) - free
    if over < 0:
        return None
    pause: timedelta = FIRST_PAUSE * 2 ** min(over, 8)
    return max(one.asked_at for one in left) + min(pause, longest)


def _rested_at(left: Sequence[Origin], who: Applicant) -> datetime | None:
    """When who has left some of these unpaid may start at a worn charger: an hour later; their network sooner."""
    own = [one.asked_at + COUNTS for one in left if one.device == who.device]
    others = [one.asked_at + LONGEST_FOR_MANY for one in left if _same_network(one, who)]
    return max([*own, *others], default=None)


def _same_network(one: Origin, who: Applicant) -> bool:
    return one.network is not None and one.network == who.network

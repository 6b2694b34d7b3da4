"""What stands of a driver's hold, and which figures of energy and cost count now: decided once, for every page.

A release is called so only when it is proven with its time; what nobody has told us is unknown, never "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.money import Money
from kiosk.domain.receipt import Receipt, SentBack, still_held
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import ENDED_WITHOUT_PAYMENT, Group, Status


class HoldState(StrEnum):
    """GIVEN_BACK needs a proven release with its time; until then the rest "goes back". NONE: never placed.

    UNKNOWN: the payment was shown and perhaps made, and nobody has told us yet whether the hold was placed.
    """

    NONE = "none"
    SHOWN = "shown"
    UNKNOWN = "unknown"
    HELD = "held"
    GOES_BACK = "goes_back"
    GIVEN_BACK = "given_back"


@dataclass(frozen=True, slots=True)
class Hold:
    """Held = taken + rest. `taken` is what is owed so far, or what was captured once `taken_at` is set.

    `over` is what was taken beyond the hold: then nothing is left to go back. `sent_back` came later, out of `taken`.
    """

    state: HoldState
    amount: Money | None = None
    at: datetime | None = None
    taken: Money | None = None
    taken_at: datetime | None = None
    rest: Money | None = None
    given_back_at: datetime | None = None
    over: Money | None = None
    sent_back: tuple[SentBack, ...] = ()

    @property
    def all_sent_back(self) -> Money | None:
        """None when nothing was."""
        amounts = [one.amount for one in self.sent_back]
        return sum(amounts[1:], amounts[0]) if amounts else None

    @property
    def kept(self) -> Money | None:
        """What the driver paid in the end: taken and not sent back. None when nobody has said what was taken."""
        if self.taken is None:
            return None
        back = self.all_sent_back
        return Money(max(0, self.taken.minor - (back.minor if back is not None else 0)), self.taken.currency)


_NOT_STARTED = frozenset({Phase.QUEUED, Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT})
_HELD_GROUPS = frozenset({Group.PREPARING, Group.RUNNING, Group.SETTLING, Group.OPERATOR})
_HELD_ENDS = frozenset({Status.CAPTURED, Status.REFUNDED, Status.WRITTEN_OFF})


def hold_of(session: Session, receipt: Receipt | None, *, checking: bool) -> Hold:
    """The hold as it stands. `checking`: somebody said that it was paid, and the back office was asked to look."""
    shown = session.money(session.held_minor)
    status = _current_status(session)
    if session.given_up:
        return Hold(HoldState.NONE)
    if status is Status.CREATED and checking:
        return Hold(HoldState.UNKNOWN, shown)
    if session.phase is Phase.QUEUED or status is Status.CREATED:
        return Hold(HoldState.SHOWN, shown)
    if not was_held(session):
        not_told = session.phase not in _NOT_STARTED and status is None
        return Hold(HoldState.UNKNOWN if not_told else HoldState.NONE)
    if still_held(session):
        return Hold(HoldState.HELD, session.money(session.proof.capturable_minor) if session.proof else shown)
    if receipt is not None:
        given_back = receipt.given_back_at is not None
        return Hold(
            HoldState.GIVEN_BACK if given_back else HoldState.GOES_BACK,
            receipt.held or shown,
            receipt.held_at,
            receipt.taken,
            receipt.taken_at,
            receipt.given_back if receipt.held is not None or receipt.taken is None else _rest(shown, receipt.taken),
            receipt.given_back_at,
            receipt.over,
            receipt.sent_back,
        )
    ended = session.known_status in ENDED_WITHOUT_PAYMENT or status is Status.WRITTEN_OFF
    used = None if ended or session.end is not None else figures_of(session)[1]
    return Hold(
        HoldState.GOES_BACK if ended else HoldState.HELD,
        shown,
        session.authorized_at,
        used,
        None,
        shown if ended else _rest(shown, used),
    )


def figures_of(session: Session) -> tuple[Decimal | None, Money | None]:
    """Energy (kWh) and cost, the same ones wherever they are shown. Until the bill is made: of the running charge."""
    live = session.last_live
    if _current_status(session) is not Status.SETTLING or live is None or live.cost_minor is None:
        return session.energy_kwh, session.money(session.cost_minor)
    return live.energy_kwh, session.money(live.cost_minor)


def was_held(session: Session) -> bool:
    """Upstream said so, or gave a status to which nothing but a hold leads: amount and time of it may be missing."""
    return session.ever_held or session.facts.group in _HELD_GROUPS or session.standing in _HELD_ENDS


def _current_status(session: Session) -> Status | None:
    """Upstream's word while it counts: None before the start, for a lost session, and for a word that is unknown."""
    lost = session.phase is Phase.GONE and not session.facts.final
    if session.known_status is None and session.standing is not Status.CREATED:
        return None if lost or session.phase in _NOT_STARTED else session.standing
    return None if lost or session.phase in _NOT_STARTED else session.known_status


def _rest(held: Money | None, used: Money | None) -> Money | None:
    """What is left of a hold; None when either is not known or more was used than held."""
    return held - used if held is not None and used is not None and used <= held else None

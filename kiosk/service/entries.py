"""What a session's timeline is made of: one frozen value for each kind of thing that can happen to a session.

Money is in minor units with its currency, energy in kWh, times are aware UTC. None is unknown, which is never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.attention import Act, Attention
from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.handling import Did
from kiosk.domain.money import Money
from kiosk.domain.session import Event, Session
from kiosk.domain.tariff import Tariff

Value = str | bool | int | Decimal | Money | Tariff | datetime | None


class Reason(StrEnum):
    """Why a command was given, or why a session ended."""

    DRIVER = "driver"
    OPERATOR = "operator"
    START_DEADLINE = "start_deadline"
    POWER_DEADLINE = "power_deadline"
    LIMIT = "limit"
    HOLD = "hold"
    HOLD_AGE = "hold_age"
    PROVIDER = "provider"
    WAITED = "waited"
    UNPAID = "unpaid"
    KIOSK = "kiosk"


class Outcome(StrEnum):
    """How the session ended, as far as this kiosk knows."""

    GOES_ON = "goes_on"
    ASKED = "asked"  # a stop or a cancel that this kiosk sent came before the end
    NOT_ASKED = "not_asked"  # no stop of this kiosk came before it: the cable, the car, the charger, the back office
    NEVER_PAID = "never_paid"  # it ended by itself before any hold was seen: nothing was charged
    START_REFUSED = "start_refused"
    START_NOT_ANSWERED = "start_not_answered"
    LEFT = "left"  # the driver left the line
    LOST = "lost"  # upstream no longer knows the session, and had not said that it ended


@dataclass(frozen=True, slots=True)
class Ending:
    """The answer to "why was this session stopped?".

    `command` is the one that ended it, or else the last one that should have. `seen_at` is when a reading first said
    that charging was over. `said` is upstream's own reason, redacted.
    """

    outcome: Outcome
    command: Asked | None = None
    seen_at: datetime | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One fact before and after; None is unknown, which is never zero."""

    what: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Requested:
    """A driver asked for the bay. `hold` is the amount that was shown; `limit` is not told, because it can change."""

    at: datetime
    code: str
    connector_id: int
    hold: Money | None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A tablet handed the bay to the phone that then asked for it."""

    at: datetime
    tablet: str
    shown_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """One command. `said` is the reason that was kept with its end, upstream's own words among them, redacted."""

    at: datetime
    kind: Kind
    reason: Reason
    state: CommandState
    attempts: int
    sent_at: datetime | None
    ended_at: datetime | None
    refusal: Refusal | None
    said: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """An observation that changed something. `energy_kwh` and `cost` are the figures as they then stood."""

    at: datetime
    source: str
    status: str | None
    changes: tuple[Change, ...]
    events: tuple[Event, ...]
    energy_kwh: Decimal | None
    cost: Money | None


@dataclass(frozen=True, slots=True)
class Metered:
    """Readings one after another, from `since` to `at`, in which only energy and cost moved."""

    at: datetime
    since: datetime
    readings: int
    energy_before: Decimal | None
    energy_kwh: Decimal | None
    cost_before: Money | None
    cost: Money | None


@dataclass(frozen=True, slots=True)
class NotFound:
    """Upstream answered 404 to the session's token; `lost` when it did so more than once."""

    at: datetime
    lost: bool


@dataclass(frozen=True, slots=True)
class Issued:
    """The receipt as it was first issued."""

    at: datetime
    number: str
    status: str | None
    held: Money | None
    taken: Money | None
    given_back: Money | None
    given_back_at: datetime | None


@dataclass(frozen=True, slots=True)
class Revised:
    """The receipt was replaced; `changes` are the fields that differ, by their path in the document."""

    at: datetime
    number: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Proven:
    """What the payment provider itself said of the hold when it was asked last."""

    at: datetime
    intent_status: str
    capturable: Money | None
    received: Money | None
    canceled_at: datetime | None
    ended: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What the charger's own meter said, by the transaction that belongs to the session. `at`: when that stopped."""

    at: datetime
    number: int
    started_at: datetime
    start_wh: int
    stop_wh: int
    stop_reason: str | None


@dataclass(frozen=True, slots=True)
class Hinted:
    """Something outside said that it changed: a webhook of that type, or (None) a hint that still waits for a read."""

    at: datetime
    webhook: str | None


@dataclass(frozen=True, slots=True)
class Owned:
    """One more device may act on it. `how` is a word of `kiosk.domain.rights.How`."""

    at: datetime
    how: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A device that had become an owner, `how` as in `Owned`, lost its right: an earlier owner took it back."""

    at: datetime
    how: str


@dataclass(frozen=True, slots=True)
class TakeOverLapsed:
    """A one-use take-over code was shown and nobody used it in time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """`who` of the operator asked at the desk that so much be sent back."""

    at: datetime
    amount: Money
    who: str


@dataclass(frozen=True, slots=True)
class RefundSent:
    """That refund was sent to the payment provider for the first time; it may or may not have arrived."""

    at: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class RefundEnded:
    """It is `done`, by the payment's own record, or it came to nothing; `said` is why, redacted."""

    at: datetime
    amount: Money
    done: bool
    said: str | None


@dataclass(frozen=True, slots=True)
class Noticed:
    """Since then a person should look at it, `why`; `act` is the one safe thing to do, `amount` what is at stake."""

    at: datetime
    why: Attention
    act: Act
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The reason `why` is gone, and nobody need look because of it any more."""

    at: datetime
    why: Attention


@dataclass(frozen=True, slots=True)
class SeenTo:
    """Somebody of the operator did something about the reason `why`: a word of `kiosk.domain.handling.Did`.

    `until` is of what was set aside, `said` their note, redacted.
    """

    at: datetime
    why: Attention
    who: str
    did: Did
    until: datetime | None
    said: str | None


Entry = (
    Requested
    | HandedOver
    | Asked
    | Changed
    | Metered
    | NotFound
    | Issued
    | Revised
    | Proven
    | Measured
    | Hinted
    | Owned
    | TakenBack
    | TakeOverLapsed
    | RefundAsked
    | RefundSent
    | RefundEnded
    | Noticed
    | Settled
    | SeenTo
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """`entries` are in time order. `limit` is the driver's limit as it stands: earlier ones are not kept.

    `readings` counts all observations, also those that changed nothing. `intent_id` names the payment at the payment
    provider and opens nothing.
    """

    mark: str
    session: Session
    ended_at: datetime | None
    intent_id: str | None
    limit: Money | None
    receipt_number: str | None
    readings: int
    ending: Ending
    entries: tuple[Entry, ...]
